"""Whether canaries fare worse than the others, asked after every case and still wrong at most as often as promised.

Each canary's case is put beside some of the others' (a *block*). Where nothing is worse, each case of a block is as likely as
any other to be the bad one, so of j bad ones among n the canary's is one with chance j / n: known exactly, however often
things go wrong at all and however uneven the traffic. If canaries go wrong with odds r times as high, the chance is
r j / (r j + n - j). The ratio of the two, multiplied over the blocks and averaged over several r, is the *evidence*: with
nothing worse it reaches 1 / alpha with a chance of at most alpha, whenever one stops to look (Ville 1939; an e-process, see
Ramdas et al. 2023).
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

ODDS = (1.5, 2.0, 4.0, 8.0, 16.0, 64.0)


@dataclass(slots=True)
class Evidence:
    """The evidence that canaries go wrong more often, and what it rests on: how many went wrong `of` all, on either side."""

    worse: int = 0
    of: int = 0
    others_worse: int = 0
    others_of: int = 0
    _logs: list[float] = field(default_factory=lambda: [0.0] * len(ODDS))

    def see(self, bad: bool, others: Sequence[bool], *, allowed: Sequence[bool] = ()) -> None:
        """Take in a block: whether the canary's case went wrong, and which of the others'. `allowed` marks cases of the others
        that are counted as gone wrong besides, which is how much worse the canaries may be."""
        self.worse, self.of = self.worse + bad, self.of + 1
        self.others_worse, self.others_of = self.others_worse + sum(others), self.others_of + len(others)
        beside = [other or free for other, free in zip(others, allowed or [False] * len(others), strict=True)]
        count, size = bad + sum(beside), 1 + len(others)
        if 0 < count < size:
            for place, odds in enumerate(ODDS):
                chance = odds * count / (odds * count + size - count)
                self._logs[place] += math.log(chance * size / count if bad else (1 - chance) * size / (size - count))

    @property
    def value(self) -> float:
        return math.fsum(math.exp(min(log, 700.0)) for log in self._logs) / len(ODDS)


def coin(name: str, chance: float) -> bool:
    """A coin that falls the same way each time for the same name."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) < chance * 2**64


def ratio(share: float) -> int:
    """How many of the others a canary's case is put beside, where a share of conversations are canaries: so many as are there,
    nine at most."""
    return max(1, min(9, math.floor(0.75 * (1 - share) / share))) if share > 0 else 9
