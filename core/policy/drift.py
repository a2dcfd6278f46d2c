"""Whether people ask for other things than they did when it was measured."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

FAR = 0.10
ALPHA = 0.01
LEAST = 100  # conversations on either side: with fewer nothing is said


@dataclass(frozen=True, slots=True)
class Drift:
    """`distance`: the share of conversations that are about something else now (total variation); `chance` of so much by luck.
    `most`: the intents that grew or shrank most, with by how much."""

    distance: float
    chance: float
    most: tuple[tuple[str, float], ...] = ()

    @property
    def real(self) -> bool:
        """Too far to be luck, and far enough to matter."""
        return self.distance >= FAR and self.chance < ALPHA


def drift(before: Mapping[str, int], after: Mapping[str, int]) -> Drift:
    """From counts by intent then and now; a chi-square test that both are one distribution, by the cube-root approximation
    (Wilson & Hilferty 1931). Counts must be of independent things: conversations, not turns."""
    first, second = sum(before.values()), sum(after.values())
    names = sorted({name for name in (*before, *after) if before.get(name, 0) + after.get(name, 0)})
    if min(first, second) < LEAST or len(names) < 2:
        return Drift(0.0, 1.0)
    square, moved = 0.0, {}
    for name in names:
        was, now = before.get(name, 0), after.get(name, 0)
        expected = (was + now) * first / (first + second)
        square += (was - expected) ** 2 * (1 / expected + 1 / (was + now - expected))
        moved[name] = now / second - was / first
    free = len(names) - 1
    z = ((square / free) ** (1 / 3) - (1 - 2 / (9 * free))) / math.sqrt(2 / (9 * free))
    most = sorted(moved.items(), key=lambda pair: -abs(pair[1]))[:3]
    return Drift(sum(map(abs, moved.values())) / 2, 1 - NormalDist().cdf(z), tuple(most))
