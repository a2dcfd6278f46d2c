"""The stores against each other: memory against the log, and sends whose receipt is missing."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from core.memory import Conversation
from core.records import Receipt, Turn

Wrong = tuple[str, str, str, str]
"""Channel, lane, "" and what is wrong."""


def differing(turns: Sequence[tuple[int, Turn]], memories: Iterable[Conversation]) -> Iterator[Wrong]:
    """Where a lane's log is no line, answers an event twice, or where memory is not what the log says up to its place. Memory may
    lag behind the log (it is completed before it is used), and may have let go of the oldest."""
    lanes: dict[str, list[tuple[int, Turn]]] = defaultdict(list)
    for at, turn in turns:
        lanes[turn.lane].append((at, turn))
    for lane, line in lanes.items():
        yield from ((line[0][1].channel, lane, "", wrong) for wrong in _broken(line))
    for memory in memories:
        line = [(at, turn) for at, turn in lanes[memory.lane] if at <= memory.at]
        yield from ((line[-1][1].channel if line else "", memory.lane, "", wrong) for wrong in _unlike(line, memory))


def _broken(line: Sequence[tuple[int, Turn]]) -> Iterator[str]:
    """What is wrong with the log of one lane."""
    before, upto, seen = 0, 0, set[str]()
    for at, turn in line:
        if turn.prev != before:
            yield f"the turn at {at} follows {turn.prev} instead of {before}"
        if turn.upto <= upto:
            yield f"the turn at {at} stands at event {turn.upto}, the one before at {upto}"
        if twice := seen & set(turn.events):
            yield f"the turn at {at} answers again {', '.join(sorted(twice))}"
        before, upto = at, turn.upto
        seen.update(turn.events)


def _unlike(line: Sequence[tuple[int, Turn]], memory: Conversation) -> Iterator[str]:
    """What memory holds that the log of its lane does not say."""
    if not line or line[-1][0] != memory.at:
        yield f"memory stands at {memory.at}, where the log has no turn of this lane"
        return
    told = [turn for _, turn in line if turn.outcome in ("answered", "clarify")]
    kept = [(exchange.turn, exchange.asked, exchange.answered) for exchange in memory.exchanges]
    if kept != [(turn.id, turn.asked, turn.text) for turn in told[len(told) - len(kept) :]]:
        yield f"memory holds {[turn for turn, _, _ in kept]}, the log {[turn.id for turn in told][-len(kept) :]}"
    if not kept and line[-1][1] in told:
        yield "memory does not hold the last turn"
    events = [event for _, turn in line for event in turn.events]
    if list(memory.seen) != events[len(events) - len(memory.seen) :]:
        yield f"memory has seen {memory.seen[-3:]} last, the log {events[-3:]}"


def open_sends(receipts: Iterable[tuple[str, str, Receipt]]) -> Iterator[Wrong]:
    """Lanes whose last record is an intent, or stops in the middle of a turn."""
    last = {(channel, lane): receipt for channel, lane, receipt in receipts}
    for (channel, lane), receipt in last.items():
        if receipt.state not in ("done", "dropped"):
            yield channel, lane, "", f"message {receipt.part} of turn {receipt.turn} is left at {receipt.state!r}"
