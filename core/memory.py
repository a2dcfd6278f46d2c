"""Memory: what a lane's conversation looks like to a track. Always rebuildable from the log.

A `Conversation` is one value per lane: the recent exchanges, a running summary of what came before them, and the log
sequence it stands at. The functions here are pure; `MemoryStore` keeps the value (`core.redis_store.RedisMemory`, and
`LocalMemory`, its in-memory twin).
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Protocol

from msgspec.structs import replace

from core.records import Ground, Record, Turn, Versioned

SEEN = 200


class Exchange(Record, frozen=True):
    """One committed turn as memory keeps it; `tokens` counts both texts, so a budget never needs the tokenizer twice.
    `grounds`: what the answer rests on."""

    turn: str
    asked: str
    answered: str
    tokens: int
    intent: str = ""
    outcome: str = "answered"
    grounds: tuple[Ground, ...] = ()


class Conversation(Versioned, frozen=True):
    """`at` is the log sequence of the last turn, 0 for a conversation that has not begun, `told` its time. `seen` holds the
    ids of its last events, answered or not: the second line against duplicates, behind the streams' own window.
    `summed` are the grounds of the summary."""

    lane: str
    at: int = 0
    told: float = 0.0
    exchanges: tuple[Exchange, ...] = ()
    summary: str = ""
    seen: tuple[str, ...] = ()
    summed: tuple[Ground, ...] = ()

    @property
    def grounds(self) -> tuple[Ground, ...]:
        """All that this conversation rests on."""
        return together(self.summed, *(exchange.grounds for exchange in self.exchanges))

    @property
    def intent(self) -> str:
        """The intent of the last exchange, "" before the first."""
        return self.exchanges[-1].intent if self.exchanges else ""


class Budget(Record, frozen=True):
    """How much a conversation keeps word for word: at most `turns` exchanges of at most `tokens` tokens together."""

    turns: int = 20
    tokens: int = 2000


class MemoryStore(Protocol):
    """Both methods raise StoreUnavailable when the store does not answer."""

    async def load(self, lane: str) -> Conversation | None: ...

    async def save(self, conversation: Conversation, *, ttl: float) -> None:
        """Keep it for `ttl` seconds, unless what is kept stands at the same or a later log sequence."""


class LocalMemory:
    """The in-memory twin; forgets nothing before the process ends."""

    def __init__(self) -> None:
        self._kept: dict[str, Conversation] = {}

    async def load(self, lane: str) -> Conversation | None:
        return self._kept.get(lane)

    async def save(self, conversation: Conversation, *, ttl: float) -> None:
        kept = self._kept.get(conversation.lane)
        if kept is None or kept.at < conversation.at:
            self._kept[conversation.lane] = conversation


def remember(conversation: Conversation, turn: Turn, at: int, tokens: int) -> Conversation:
    """The conversation after a committed turn. Remembering the same turn again changes nothing; a turn that answered
    nothing (`noted`, `dead`) only leaves its event ids."""
    if at <= conversation.at:
        return conversation
    exchanges = conversation.exchanges
    if turn.outcome in ("answered", "clarify"):
        exchanges = (
            *exchanges,
            Exchange(
                turn=turn.id,
                asked=turn.asked,
                answered=turn.text,
                tokens=tokens,
                intent=turn.intent,
                outcome=turn.outcome,
                grounds=turn.grounds,
            ),
        )
    known = turn.summary in ("", conversation.summary)
    return Conversation(
        lane=conversation.lane,
        at=at,
        told=turn.at,
        exchanges=exchanges,
        summary=turn.summary or conversation.summary,
        seen=(*conversation.seen, *turn.events)[-SEEN:],
        summed=conversation.summed if known else turn.grounds,
    )


def only(conversation: Conversation, may_read: Callable[[Ground], bool]) -> Conversation:
    """The conversation without what rests on words that may not be read (any more)."""
    kept = tuple(one for one in conversation.exchanges if all(map(may_read, one.grounds)))
    if all(map(may_read, conversation.summed)):
        return conversation if len(kept) == len(conversation.exchanges) else replace(conversation, exchanges=kept)
    return replace(conversation, exchanges=kept, summary="", summed=())


def together(*grounds: Iterable[Ground]) -> tuple[Ground, ...]:
    """Each of them once."""
    return tuple({(ground.origin, ground.audience): ground for ground in chain.from_iterable(grounds)}.values())


def overflow(exchanges: Sequence[Exchange], budget: Budget) -> int:
    """How many of the oldest exchanges do not fit the budget. The last one always stays."""
    kept, tokens = 0, 0
    for exchange in reversed(exchanges):
        tokens += exchange.tokens
        if kept == budget.turns or (kept and tokens > budget.tokens):
            break
        kept += 1
    return len(exchanges) - kept
