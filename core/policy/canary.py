"""The canary's watch: turns of both sides go in, and out comes whether a constraint is breached or the share may grow.

Five things may not be worse for canaries than for the others: turns that nobody could serve or that were given up, turns that
the route's first track passed on, thumbs down, late answers, dear answers. Each is a yes or no a turn, with a tolerance, and
has an equal part of the one error rate. It knows no clock but the turns' own, so every core that reads the log finds the same.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from core.policy.sequential import Evidence, coin, ratio

ALPHA = 0.01
APART = 900.0  # seconds: of a conversation's turns one counts in so long, for they share their luck
PAST = 400
KEPT = 50_000  # turns and conversations remembered, so that a long roll-out does not fill the memory
ENOUGH_PAST = 20


@dataclass(frozen=True, slots=True)
class Limits:
    """How much worse canaries may be: in shares of turns (`unserved`, `passed_on`, `down`, `beyond`: the share that may lie
    beyond the limits of time and cost), and of the others' 95th percentile for time and tokens. `promised_…`: what the
    measurement led one to expect of the new route, as factors of the others' (1: no more than they)."""

    unserved: float = 0.02
    passed_on: float = 0.05
    down: float = 0.10
    beyond: float = 0.05
    slower: float = 1.25
    seconds: float = 0.5
    dearer: float = 1.5
    promised_seconds: float = 1.0
    promised_cost: float = 1.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How a share grows: after `turns` counted turns of canaries and `seconds` at one step, if no evidence stands above
    `calm`."""

    steps: tuple[float, ...] = (0.05, 0.25, 0.5, 1.0)
    turns: int = 100
    seconds: float = 3600.0
    calm: float = 5.0

    def after(self, share: float) -> float:
        return next((step for step in self.steps if step > share + 1e-9), 1.0)


@dataclass(frozen=True, slots=True)
class Case:
    """A turn as the watch sees it. `at` in Unix seconds; `tokens` are its cost."""

    id: str
    lane: str
    canary: bool
    at: float
    unserved: bool = False
    passed_on: bool = False
    seconds: float = 0.0
    tokens: int = 0


Bad = Callable[[Case], bool]
K = TypeVar("K")
V = TypeVar("V")


@dataclass
class _Side:
    """Cases of either side that wait to be put beside each other."""

    canaries: deque[Case] = field(default_factory=lambda: deque(maxlen=PAST))
    others: deque[Case] = field(default_factory=lambda: deque(maxlen=PAST))

    def add(self, case: Case) -> None:
        (self.canaries if case.canary else self.others).append(case)

    def block(self, size: int) -> tuple[Case, list[Case]] | None:
        if not self.canaries or len(self.others) < size:
            return None
        return self.canaries.popleft(), [self.others.popleft() for _ in range(size)]


MEASURES = ("unserved", "passed_on", "down", "late", "dear")
WORDS = {
    "unserved": "of the canaries' turns nobody could serve",
    "passed_on": "of the canaries' turns the route's first track passed on",
    "down": "of the thumbs from canaries point down:",
    "late": "of the canaries' answers are later than allowed",
    "dear": "of the canaries' answers take more tokens than allowed",
}


@dataclass
class Canary:
    """The state of one roll-out. `share` decides with how many of the others a canary's turn is compared."""

    share: float
    limits: Limits = Limits()
    alpha: float = ALPHA
    evidence: dict[str, Evidence] = field(default_factory=lambda: {name: Evidence() for name in MEASURES})
    _turns: _Side = field(default_factory=_Side)
    _thumbs: _Side = field(default_factory=_Side)
    _past: deque[Case] = field(default_factory=lambda: deque(maxlen=PAST))
    _counted: dict[tuple[str, bool], float] = field(default_factory=dict)
    _sides: dict[str, bool] = field(default_factory=dict)

    def see(self, case: Case) -> bool:
        """Take in a turn; whether it counts (its conversation had none that counts for a while)."""
        _keep(self._sides, case.id, case.canary)
        if not self._counts(case.lane, case.at, thumb=False):
            return False
        self._turns.add(case)
        while block := self._turns.block(ratio(self.share)):
            self._judge(*block)
        return True

    def thumb(self, lane: str, turn: str, *, down: bool, at: float) -> None:
        """Take in a thumb about a turn; a conversation's thumbs count as seldom as its turns."""
        canary = self._sides.get(turn)
        if canary is None or not self._counts(lane, at, thumb=True):
            return
        self._thumbs.add(Case(turn, lane, canary, at, unserved=down))
        while block := self._thumbs.block(ratio(self.share)):
            self._compare("down", block, self.limits.down, lambda thumb: thumb.unserved)

    @property
    def breach(self) -> str:
        """The constraint that is breached, in words; "" while none is."""
        broken = [name for name in MEASURES if self.evidence[name].value >= len(MEASURES) / self.alpha]
        return "; ".join(map(self._told, broken))

    @property
    def worst(self) -> float:
        """The strongest evidence against the canaries; 1 is none."""
        return max(evidence.value for evidence in self.evidence.values())

    def _counts(self, lane: str, at: float, *, thumb: bool) -> bool:
        if at - self._counted.get((lane, thumb), -APART) < APART:
            return False
        self._counted.pop((lane, thumb), None)
        _keep(self._counted, (lane, thumb), at)
        return True

    def _judge(self, canary: Case, others: Sequence[Case]) -> None:
        block = canary, list(others)
        self._compare("unserved", block, self.limits.unserved, lambda case: case.unserved)
        self._compare("passed_on", block, self.limits.passed_on, lambda case: case.passed_on)
        if len(self._past) >= ENOUGH_PAST:
            for name, bad in self._beyond().items():
                self._compare(name, block, self.limits.beyond, bad)
        self._past.extend(others)

    def _beyond(self) -> Mapping[str, Bad]:
        """What is late, and what is dear: by what the others needed before."""
        limits = self.limits
        usual = float(np.quantile([case.seconds for case in self._past], 0.95)) * limits.promised_seconds
        late = max(usual * limits.slower, usual + limits.seconds)
        tokens = float(np.quantile([case.tokens for case in self._past], 0.95)) * limits.promised_cost
        found: dict[str, Bad] = {"late": lambda case: case.seconds > late}
        if tokens:  # beside answers that cost nothing everything is dear: then the measurement has decided, not this
            found["dear"] = lambda case: case.tokens > tokens * limits.dearer
        return found

    def _compare(self, name: str, block: tuple[Case, list[Case]], tolerance: float, bad: Bad) -> None:
        canary, others = block
        free = [coin(f"{name}:{case.id}", tolerance) for case in others]
        self.evidence[name].see(bad(canary), [bad(case) for case in others], allowed=free)

    def _told(self, name: str) -> str:
        seen = self.evidence[name]
        canaries, others = f"{seen.worse} of {seen.of}", f"{seen.others_worse} of {seen.others_of}"
        return f"{canaries} {WORDS[name]} (others: {others})"


def _keep(known: dict[K, V], key: K, value: V) -> None:
    if len(known) >= KEPT:
        del known[next(iter(known))]
    known[key] = value
