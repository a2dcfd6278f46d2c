"""A token bucket per key: a burst at once, then a steady rate. In this process's memory, forgotten when full again."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Buckets:
    """`burst` at once, then `per_second`; at most `keys` keys are remembered, the longest unused go first."""

    burst: float
    per_second: float
    keys: int = 20_000
    clock: Callable[[], float] = time.monotonic
    _levels: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)

    def take(self, key: str) -> float:
        """Take one: 0 when it was there, else the seconds until it will be."""
        now = self.clock()
        level, since = self._levels.pop(key, (self.burst, now))
        level = min(self.burst, level + (now - since) * self.per_second)
        wait = 0.0 if level >= 1 else (1 - level) / self.per_second
        self._levels[key] = (level if wait else level - 1, now)
        if len(self._levels) > self.keys:
            self._levels.popitem(last=False)
        return wait
