"""What people ask for, counted from the log: before a measurement and lately."""

from collections import Counter
from contextlib import aclosing

from core import keys
from core.bus import Bus
from core.policy.drift import Drift, drift
from core.records import Turn
from core.routes import history

BEFORE, LATELY = 30 * 86400.0, 7 * 86400.0


async def drifted(bus: Bus, *, measured: float, now: float) -> Drift:
    """How what people ask for has changed between the month before a measurement and the last week."""
    return drift(await counts(bus, measured - BEFORE, measured), await counts(bus, max(measured, now - LATELY), now))


async def counts(bus: Bus, start: float, end: float) -> Counter[str]:
    """How many conversations were about each intent between two times; one that was about several counts for each."""
    found: set[tuple[str, str]] = set()
    async with aclosing(history.turns(bus, await first_since(bus, start) - 1)) as turns:
        async for turn in turns:
            if turn.at >= end:
                break
            if turn.intent and turn.outcome == "answered" and turn.channel != keys.EVALUATION:
                found.add((turn.lane, turn.intent))
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
        return message.seq, history.read(message.data)
