"""What people ask for, counted from the log: before a measurement and lately."""

from collections import Counter

from core import keys
from core.bus import Bus, Stored
from core.errors import RecordError
from core.policy.drift import Drift, drift
from core.records import Turn, decode

BEFORE, LATELY = 30 * 86400.0, 7 * 86400.0


async def drifted(bus: Bus, *, measured: float, now: float) -> Drift:
    """How what people ask for has changed between the month before a measurement and the last week."""
    return drift(await counts(bus, measured - BEFORE, measured), await counts(bus, max(measured, now - LATELY), now))


async def counts(bus: Bus, start: float, end: float) -> Counter[str]:
    """How many conversations were about each intent between two times; one that was about several counts for each."""
    found: set[tuple[str, str]] = set()
    newest = await bus.last("LOG", "log.>")
    seq = await first_since(bus, start) if newest else 0
    if newest is None or seq > newest.seq:
        return Counter()
    async with bus.follow("LOG", "log.>", seq - 1) as messages:
        async for message in messages:
            turn = _turn(message)
            if turn and turn.at >= end:
                break
            if turn and turn.intent and turn.outcome == "answered" and turn.channel != keys.EVALUATION:
                found.add((turn.lane, turn.intent))
            if message.seq >= newest.seq:
                break
    return Counter(intent for _, intent in found)


async def first_since(bus: Bus, at: float) -> int:
    """The first sequence of the log whose turn is not older than a time: one past the end where all are."""
    newest = await bus.last("LOG", "log.>")
    low, high = 1, newest.seq + 1 if newest else 1
    while low < high:
        middle = (low + high) // 2
        seq, turn = await _from(bus, middle)
        if turn is not None and turn.at < at:
            low = seq + 1
        else:
            high = middle
    return low


async def _from(bus: Bus, seq: int) -> tuple[int, Turn | None]:
    """The first turn there is from a sequence on: some are gone."""
    async with bus.follow("LOG", "log.>", seq - 1) as messages:
        message = await anext(messages)
        return message.seq, _turn(message)


def _turn(message: Stored) -> Turn | None:
    try:
        return decode(Turn, message.data)
    except RecordError:
        return None
