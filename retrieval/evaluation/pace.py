"""Pace: how long a search takes, told in multiples of an idle request to the same service at the same moment.

Milliseconds of two runs do not compare: the machine was busier in one. What else runs slows an idle request alike, so their
ratio stays. It still varies, so a run is cut into fifths, in the order of asking: slower is only a run all of whose fifths are
above all of the last one's, by a margin, twice. Were nothing slower, chance would order ten fifths so once in 252 times, and
twice in a row once in 60,000, the margin not counted.
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from statistics import median
from typing import TypeVar

from core.knowledge import SearchRequest
from retrieval.evaluation.asking import Search

Idle = Callable[[], Awaitable[object]]
Answer = TypeVar("Answer")

FIFTHS = 5
FEWEST = 10
"""Requests a fifth; questions are asked again until there are so many."""

MARGIN = 1.25


async def measure(search: Search, idle: Idle, requests: Sequence[SearchRequest]) -> tuple[float, ...]:
    """The median search of each fifth, in medians of its idle requests; empty without requests."""
    if not requests:
        return ()
    wanted = max(len(requests), FIFTHS * FEWEST)
    asked = [requests[number % len(requests)] for number in range(wanted)]
    times = [(await _took(search(request)), await _took(idle())) for request in asked]
    cuts = [times[wanted * part // FIFTHS : wanted * (part + 1) // FIFTHS] for part in range(FIFTHS)]
    return tuple(round(median(ms for ms, _ in part) / median(ms for _, ms in part), 3) for part in cuts)


def slower(before: Sequence[float], now: Sequence[float]) -> bool:
    """Whether these fifths are all above those, by the margin."""
    return bool(before and now) and min(now) > MARGIN * max(before)


async def _took(answer: Awaitable[Answer]) -> float:
    started = time.perf_counter()
    await answer
    return time.perf_counter() - started
