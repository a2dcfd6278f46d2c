"""How fast a channel may speak: native calls over all lanes, and messages within one."""

import asyncio
from collections.abc import Awaitable, Callable

from bots.kit.contract import Limits

BURST = 5  # messages a lane may send at once before `lane_every` counts
SPARE = 0.2  # seconds of `per_second` that may be used at once
KEPT = 10_000


class Pace:
    """Two throttles of the same kind: a due time that each call pushes on, and a slack it may run ahead."""

    def __init__(
        self,
        limits: Limits,
        clock: Callable[[], float] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._every, self._lane_every = 1.0 / limits.per_second, limits.lane_every
        self._clock, self._sleep = clock or asyncio.get_running_loop().time, sleep
        self._due = 0.0
        self._lanes: dict[str, float] = {}

    async def turn(self, lane: str) -> None:
        """Wait until a message of this lane may be sent."""
        now = self._clock()
        due = max(self._lanes.pop(lane, 0.0), now - self._lane_every * BURST) + self._lane_every
        self._lanes[lane] = due
        if len(self._lanes) > KEPT:
            del self._lanes[next(iter(self._lanes))]
        if (wait := max(self._take(now), due) - now) > 0:
            await self._sleep(wait)

    def spare(self) -> bool:
        """Whether a call may be made now without keeping anyone waiting; takes it if so."""
        now = self._clock()
        if max(self._due, now - SPARE) + self._every > now:
            return False
        self._take(now)
        return True

    def _take(self, now: float) -> float:
        self._due = max(self._due, now - SPARE) + self._every
        return self._due
