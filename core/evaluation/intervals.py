"""How sure a figure is: intervals by cluster, because questions about one document are no independent evidence."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.policy.statistics import bootstrap, cases_needed, effect

RESAMPLES = 2000
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Figure:
    """A value, the ends of its interval, and how many questions it is of."""

    value: float
    low: float
    high: float
    n: int


def mean(values: Sequence[float], clusters: Sequence[str]) -> Figure:
    """The mean of marks between 0 and 1. Where all are alike a resample shows no doubt; the exact bound for as many clusters
    without an exception does."""
    value, count = float(np.mean(values)), len({*clusters})
    if np.ptp(values) == 0 or count == 1:
        doubt = 1 - ((1 - LEVEL) / 2) ** (1 / count)
        return Figure(value, max(0.0, value - doubt), min(1.0, value + doubt), len(values))
    low, high = bootstrap(values, clusters, level=LEVEL)
    return Figure(value, max(0.0, low), min(1.0, high), len(values))


def average(values: Sequence[float]) -> Figure:
    """The mean of independent values of any size, as costs are."""
    value, drawn = (
        float(np.mean(values)),
        np.random.default_rng(0).choice(np.asarray(values, np.float64), (RESAMPLES, len(values))),
    )
    low, high = np.quantile(drawn.mean(axis=1), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Figure(value, float(low), float(high), len(values))


def difference(values: Sequence[float], clusters: Sequence[str], *, level: float = LEVEL) -> Figure:
    """The mean of paired differences. Fewer than two clusters say nothing: the interval is everything."""
    low, high = bootstrap(values, clusters, level=level)
    return Figure(float(np.mean(values)) if len(values) else 0.0, low, high, len(values))


def quantile(values: Sequence[float], share: float) -> Figure:
    """A percentile of independent values, as latencies are."""
    drawn = np.random.default_rng(0).choice(np.asarray(values, np.float64), (RESAMPLES, len(values)))
    low, high = np.quantile(np.quantile(drawn, share, axis=1), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Figure(float(np.quantile(values, share)), float(low), float(high), len(values))


def needed(values: Sequence[float], clusters: Sequence[str]) -> int:
    """How many questions more would show this mean difference, if it is real, in four tries of five; 0: none would."""
    seen = effect(values, clusters)
    if not seen.mean or not math.isfinite(seen.error):
        return 0
    deviation = seen.error * math.sqrt(seen.cases)  # of one question's share in the mean, its cluster counted
    return max(1, cases_needed(abs(seen.mean), deviation=deviation, alpha=(1 - LEVEL) / 2) - seen.cases)
