"""The mathematics of the measured policy: paired, clustered, corrected, and honest about small samples.

Differences are challenger minus default on the same case. Cases of one conversation or document are no independent evidence:
they share a *cluster*, and clusters are what is counted and resampled.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
RESAMPLES = 1000
SPREADS = np.geomspace(0.003, 0.6, 40)  # between intents, in points of utility
LIKELY_SPREAD = 0.1
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Effect:
    """A mean difference over `clusters` independent groups of `cases`, with its standard error."""

    mean: float
    error: float
    clusters: int
    cases: int


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
    sums = np.bincount(groups, weights=values - mean)
    error = math.sqrt(float((sums**2).sum()) * count / (count - 1)) / len(values)
    return Effect(mean, error, count, len(values))


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


@dataclass(frozen=True, slots=True)
class Posterior:
    """What is believed of one true effect: its mean, and P(it > 0)."""

    mean: float
    positive: float


def shrink(effects: Sequence[Effect]) -> list[Posterior]:
    """What is believed of each true effect, given all: what one intent shows is pulled towards what such intents show, the more
    the fewer its cases. The normal hierarchical model, its common mean and the spread between intents integrated out (Gelman et
    al., Bayesian Data Analysis, 5.4): with a spread that is merely estimated, and comes out as none, every intent would be
    believed to be alike."""
    known = [one for one in effects if math.isfinite(one.error)]
    if not known:
        return [Posterior(0.0, 0.0)] * len(effects)
    means, variances = np.array([one.mean for one in known]), np.array([max(one.error, 1e-6) ** 2 for one in known])
    spreads = SPREADS[:, None] ** 2
    weights = 1 / (variances + spreads)
    precision = weights.sum(axis=1)
    common = (weights * means).sum(axis=1) / precision
    misfit = (weights * (means - common[:, None]) ** 2).sum(axis=1)
    log = (np.log(weights).sum(axis=1) - np.log(precision) - misfit) / 2 - (SPREADS / LIKELY_SPREAD) ** 2 / 2 + np.log(SPREADS)
    belief = np.exp(log - log.max())
    belief /= belief.sum()
    return [_posterior(one, belief, common, precision) for one in effects]


def _posterior(one: Effect, belief: Floats, common: Floats, precision: Floats) -> Posterior:
    spreads = SPREADS**2
    keep = spreads / (spreads + max(one.error, 1e-6) ** 2) if math.isfinite(one.error) else np.zeros_like(spreads)
    means = common + keep * (one.mean - common)
    deviations = np.sqrt((1 - keep) * spreads + (1 - keep) ** 2 / precision)
    positive = [_NORMAL.cdf(mean / deviation) for mean, deviation in zip(means, deviations, strict=True)]
    return Posterior(float(belief @ means), float(belief @ np.array(positive)))


def cases_needed(effect: float, *, deviation: float, alpha: float = 0.05, power: float = 0.8) -> int:
    """How many independent paired cases show a difference of this size, one-sided, with this power."""
    return math.ceil(((_NORMAL.inv_cdf(1 - alpha) + _NORMAL.inv_cdf(power)) * deviation / effect) ** 2)


def _groups(clusters: Sequence[object]) -> NDArray[np.int64]:
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(cluster, len(numbers)) for cluster in clusters], np.int64)
