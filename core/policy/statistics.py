"""The mathematics of the measured policy: paired, clustered, corrected, and honest about small samples.

Differences are challenger minus default on the same case. Cases of one conversation or document are no independent evidence:
they share a *cluster*, and clusters are what is counted and resampled.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
RESAMPLES = 1000
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Effect:
    """A mean difference over `clusters` independent groups of `cases`, with its standard error. `parts`: what each cluster adds
    to the luck of the mean; their squares make the error, and products with another's what both share."""

    mean: float
    error: float
    clusters: int
    cases: int
    parts: Mapping[object, float] = field(default_factory=dict, repr=False)


def effect(differences: Sequence[float], clusters: Sequence[object]) -> Effect:
    """The mean over cases; its error by clusters (the sandwich estimate for a mean, with the small-sample factor g / (g - 1);
    Cameron & Miller 2015). Infinite with fewer than two clusters."""
    values = np.asarray(differences, np.float64)
    if not len(values):
        return Effect(0.0, math.inf, 0, 0)
    groups = _groups(clusters)
    count, mean = int(groups.max()) + 1, float(values.mean())
    if count < 2:
        return Effect(mean, math.inf, count, len(values))
    parts = np.bincount(groups, weights=values - mean) * math.sqrt(count / (count - 1)) / len(values)
    error = math.sqrt(float((parts**2).sum()))
    return Effect(mean, error, count, len(values), dict(zip(dict.fromkeys(clusters), parts.tolist(), strict=True)))


def bootstrap(
    differences: Sequence[float], clusters: Sequence[object], *, level: float, seed: int = 0, resamples: int = RESAMPLES
) -> tuple[float, float]:
    """A BCa interval of the mean difference (Efron 1987), clusters resampled whole. `level` is two-sided: .90 gives two
    one-sided bounds of .95."""
    values, groups = np.asarray(differences, np.float64), _groups(clusters)
    count = int(groups.max()) + 1 if len(groups) else 0
    if count < 2:
        return -math.inf, math.inf
    sums, sizes = np.bincount(groups, weights=values), np.bincount(groups).astype(np.float64)
    mean = float(sums.sum() / sizes.sum())
    drawn = np.random.default_rng(seed).integers(count, size=(resamples, count))
    means = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    below = float((means < mean).mean() + (means == mean).mean() / 2)
    if not 0 < below < 1:
        return mean, mean
    bias = _NORMAL.inv_cdf(below)
    without = (sums.sum() - sums) / (sizes.sum() - sizes)
    spread = without.mean() - without
    scale = float((spread**2).sum()) ** 1.5
    skew = float((spread**3).sum()) / (6 * scale) if scale else 0.0
    ends = []
    for share in ((1 - level) / 2, (1 + level) / 2):
        z = bias + _NORMAL.inv_cdf(share)
        ends.append(_NORMAL.cdf(bias + z / (1 - skew * z)))
    low, high = np.quantile(means, ends)
    return float(low), float(high)


def mcnemar(wins: int, losses: int) -> float:
    """The exact one-sided p-value of a challenger with so many wins and losses, ties left out (McNemar 1947)."""
    return binomial_tail(wins, wins + losses, 0.5)


def binomial_tail(least: int, of: int, chance: float) -> float:
    """P(at least so many of `of` happen, each with this chance)."""
    if least <= 0:
        return 1.0
    if chance <= 0 or least > of:
        return 0.0
    if chance >= 1:
        return 1.0
    log, other = math.log(chance), math.log1p(-chance)
    terms = (
        math.lgamma(of + 1) - math.lgamma(k + 1) - math.lgamma(of - k + 1) + k * log + (of - k) * other
        for k in range(least, of + 1)
    )
    return min(1.0, math.fsum(map(math.exp, terms)))


def holm(p_values: Sequence[float], alpha: float) -> list[bool]:
    """Which hypotheses are rejected with a family-wise error of `alpha` (Holm 1979)."""
    rejected = [False] * len(p_values)
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        if p_values[place] > alpha / (len(p_values) - rank):
            break
        rejected[place] = True
    return rejected


def cases_needed(effect: float, *, deviation: float, alpha: float = 0.05, power: float = 0.8) -> int:
    """How many independent paired cases show a difference of this size, one-sided, with this power."""
    return math.ceil(((_NORMAL.inv_cdf(1 - alpha) + _NORMAL.inv_cdf(power)) * deviation / effect) ** 2)


def _groups(clusters: Sequence[object]) -> NDArray[np.int64]:
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(cluster, len(numbers)) for cluster in clusters], np.int64)
