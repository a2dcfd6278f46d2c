"""Recall: a lane's conversation, from memory where it stands at the same place as the log, else rebuilt from the log."""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog
from msgspec.structs import replace

from core.bus import Bus
from core.errors import RecordError, StoreUnavailable
from core.lane import Lane
from core.memory import Budget, Conversation, Exchange, MemoryStore, overflow, remember, together
from core.records import Turn, decode
from core.tokens import Tokens

REBUILD_TURNS = 60
REPEATS = 48 * 3600.0  # seconds in which a platform may send an event again: it is known, also where words are forgotten sooner
NEAR = 1000

log = structlog.get_logger()

Summarise = Callable[[str, tuple[Exchange, ...]], Awaitable[str]]
"""The summary that takes in older exchanges: (summary so far, what leaves the window) → summary."""


@dataclass(slots=True)
class Recall:
    """Memory and the log behind it. What this process remembered last of a lane is asked first: a conversation that stands at
    the log's place cannot be out of date, wherever it is kept."""

    bus: Bus
    store: MemoryStore
    tokens: Tokens
    _near: OrderedDict[str, Conversation] = field(default_factory=OrderedDict)

    async def load(self, lane: Lane, *, ttl: float) -> tuple[Conversation, str]:
        """The conversation as the log has it, its turns older than `ttl` seconds forgotten; and where it came from: `memory`,
        `log` or `new`."""
        if lane.at == 0:
            return Conversation(lane=lane.id), "new"
        kept = self._near.get(lane.id)
        if kept is None or kept.at != lane.at:
            kept = await self._stored(lane)
        if kept is not None and kept.at == lane.at:
            if kept.told > time.time() - ttl:
                return kept, "memory"
            return Conversation(lane=lane.id, at=lane.at, seen=kept.seen), "new"
        return await self._rebuild(lane, kept, since=time.time() - ttl), "log"

    async def _stored(self, lane: Lane) -> Conversation | None:
        try:
            return await self.store.load(lane.id)
        except StoreUnavailable as error:
            log.warning("memory away, rebuilding from the log", lane=lane.id, error=str(error))
            return None

    async def _rebuild(self, lane: Lane, kept: Conversation | None, *, since: float) -> Conversation:
        """Walk the lane's turns back from the last, then remember them forward: of those told before `since` which events they
        answered, and no word."""
        turns: list[tuple[int, Turn]] = []
        at, oldest = lane.at, min(since, time.time() - REPEATS)
        while at and len(turns) < REBUILD_TURNS and not (kept and kept.at == at):
            turn = await self._turn(lane, at)
            if turn is None or turn.at < oldest:
                break
            turns.append((at, turn if turn.at >= since else replace(turn, outcome="noted", summary="")))
            at = turn.prev
        conversation = kept if kept and kept.at == at else Conversation(lane=lane.id)
        for place, turn in reversed(turns):
            conversation = self.after(conversation, turn, place)
        return replace(conversation, at=lane.at)

    async def _turn(self, lane: Lane, at: int) -> Turn | None:
        """A committed turn; None where it is gone, or written by a newer program than this."""
        stored = await self.bus.read(lane.line.sink, at)
        try:
            return decode(Turn, stored.data) if stored else None
        except RecordError as error:
            log.error("memory ends at a turn that cannot be read", lane=lane.id, seq=at, reason=str(error))
            return None

    def after(self, conversation: Conversation, turn: Turn, at: int) -> Conversation:
        """The conversation once a turn is committed at a log sequence."""
        return remember(conversation, turn, at, self.tokens.count(turn.asked) + self.tokens.count(turn.text))

    async def save(self, conversation: Conversation, *, budget: Budget, ttl: float, summarise: Summarise) -> None:
        """Keep it, after what no longer fits the budget has gone into the summary."""
        if overflow(conversation.exchanges, budget):
            half = Budget(turns=max(1, budget.turns // 2), tokens=budget.tokens // 2)
            gone = overflow(conversation.exchanges, half)
            summary = await summarise(conversation.summary, conversation.exchanges[:gone])
            summed = together(conversation.summed, *(exchange.grounds for exchange in conversation.exchanges[:gone]))
            conversation = replace(conversation, exchanges=conversation.exchanges[gone:], summary=summary, summed=summed)
        self._near[conversation.lane] = conversation
        self._near.move_to_end(conversation.lane)
        if len(self._near) > NEAR:
            self._near.popitem(last=False)
        try:
            await self.store.save(conversation, ttl=ttl)
        except StoreUnavailable as error:
            log.warning("memory away, turn kept in the log only", lane=conversation.lane, error=str(error))
