"""Abstention with a promise: from which confidence on to answer, so that of what is answered at most a stated share is wrong.

`promise` tests confidences from the strictest down, each by the exact binomial bound, and stops at the first that fails: so the
chance that the promise is broken stays under 1 - level however many are tried (fixed-sequence testing; Angelopoulos et al.,
Learn then Test, 2021).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from core.policy.statistics import binomial_tail

LEVEL = 0.9
STEPS = 20


@dataclass(frozen=True, slots=True)
class Promise:
    """Answer from the confidence `threshold` on; None: nothing can be promised. It rests on `answered` of `of` judged messages,
    `wrong` of them wrong. `more`: how many judged messages more would probably allow a promise, or, where there is one, 0;
    None: no number would, for the surest are wrong too often."""

    risk: float
    level: float
    threshold: float | None
    answered: int
    wrong: int
    of: int
    more: int | None

    def __str__(self) -> str:
        stated = f"at most {self.risk:.1%} of the answered wrong, with {self.level:.0%} confidence"
        if self.threshold is not None:
            share = self.answered / self.of
            return (
                f"{stated}: from a confidence of {self.threshold:.2f} on, which {share:.0%} of {self.of} judged messages have"
            )
        if self.more is None:
            return (
                f"{stated} cannot be promised: the surest of {self.of} judged messages are wrong too often; look at those first"
            )
        return f"{stated} cannot be promised from {self.of} judged messages: about {self.more} more are needed"


def promise(judged: Sequence[tuple[float, bool]], risk: float, *, level: float = LEVEL) -> Promise:
    """`judged`: the confidence in each message of a calibration set, not learned from, and whether it is right."""
    ranked = sorted(judged, reverse=True)
    ends = [n for n in range(1, len(ranked) + 1) if n == len(ranked) or ranked[n][0] < ranked[n - 1][0]]  # ties go together
    wrong = [0]
    for _, right in ranked:
        wrong.append(wrong[-1] + (not right))
    least = least_answered(risk, level)
    kept = 0
    for n in _steps(ends, least, len(ranked)):
        if not holds(n, wrong[n], risk, level):
            break
        kept = n
    threshold = ranked[kept - 1][0] if kept else None
    more = 0 if kept else _more(ends, wrong, risk, level)
    return Promise(risk, level, threshold, kept, wrong[kept], len(ranked), more)


def holds(answered: int, wrong: int, risk: float, level: float) -> bool:
    """Whether so few wrong would be this unlikely if more than the share `risk` were wrong."""
    return 1 - binomial_tail(wrong + 1, answered, risk) <= 1 - level


def least_answered(risk: float, level: float) -> int:
    """Answers that must be seen to be right, all of them, before anything can be promised."""
    return math.ceil(math.log(1 - level) / math.log1p(-risk))


def _steps(ends: Sequence[int], least: int, of: int) -> list[int]:
    """How many of the surest to try, by nothing but their confidences. It begins where a few wrong ones are forgiven, if there
    are so many, for one unlucky message at the top must not end it."""
    possible = [n for n in ends if n >= least]
    first = max((n for n in possible if n <= 2 * least), default=0)
    apart = max(1, (of - first) // STEPS)
    chosen: list[int] = []
    for n in possible:
        if n >= first and (not chosen or n - chosen[-1] >= apart or n == of):
            chosen.append(n)
    return chosen


def _more(ends: Sequence[int], wrong: Sequence[int], risk: float, level: float) -> int | None:
    """Judged messages that are missing, if more of them are answered and wrong as often as those at hand (normal estimate)."""
    of, least = len(wrong) - 1, least_answered(risk, level)
    if not of:
        return least
    z = NormalDist().inv_cdf(level)
    spread = z * math.sqrt(risk * (1 - risk))
    rates = [
        (n, (wrong[n] + 1) / n)  # one more than seen, for those at hand did not do
        for n in ends
        if n >= least or n == of
    ]
    found = [max(least, (spread / (risk - rate)) ** 2) * of / n - of for n, rate in rates if rate < risk]
    if not found:
        return None if of >= 2 * least else 2 * least - of
    return max(1, math.ceil(min(found)))
