"""What is believed of true effects, given all that was measured: of an intent little, where its cases are few; of challengers
that were measured against one default no more than its luck allows.

What one intent shows is pulled towards what such intents show, the more the fewer its cases. The normal hierarchical model, its
common mean and the spread between intents integrated out (Gelman et al., Bayesian Data Analysis, 5.4): with a spread that is
merely estimated, and comes out as none, every intent would be believed to be alike.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from core.policy.statistics import Effect, Floats

SPREADS = np.geomspace(0.003, 0.6, 40)  # between intents, in points of utility
LIKELY_SPREAD = 0.1
TINY = 1e-12
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Prior:
    """What a challenger's intents have in common: for each of SPREADS how likely it is, and with it the `common` mean and how
    exactly that is known (1 / variance)."""

    belief: Floats
    common: Floats
    precision: Floats

    @property
    def mean(self) -> float:
        return float(self.belief @ self.common)

    @property
    def variance(self) -> float:
        """Of one true effect, all spreads together."""
        return float(self.belief @ (SPREADS**2 + 1 / self.precision + self.common**2)) - self.mean**2


@dataclass(frozen=True, slots=True)
class Posterior:
    """What is believed of one true effect: its mean, and P(it > 0)."""

    mean: float
    positive: float


NOTHING = Posterior(0.0, 0.0)


def prior(effects: Sequence[Effect]) -> Prior | None:
    """From one challenger's effects, an intent each; None where none of them can be told at all."""
    known = [one for one in effects if math.isfinite(one.error)]
    if not known:
        return None
    means, variances = np.array([one.mean for one in known]), np.array([max(one.error, 1e-6) ** 2 for one in known])
    weights = 1 / (variances + SPREADS[:, None] ** 2)
    precision = weights.sum(axis=1)
    common = (weights * means).sum(axis=1) / precision
    misfit = (weights * (means - common[:, None]) ** 2).sum(axis=1)
    log = (np.log(weights).sum(axis=1) - np.log(precision) - misfit) / 2 - (SPREADS / LIKELY_SPREAD) ** 2 / 2 + np.log(SPREADS)
    belief = np.exp(log - log.max())
    return Prior(belief / belief.sum(), common, precision)


def shrink(effects: Sequence[Effect]) -> list[Posterior]:
    """What is believed of each of one challenger's intents."""
    shared = prior(effects)
    return [rivals([one], [shared])[0] for one in effects]


def rivals(effects: Sequence[Effect], priors: Sequence[Prior | None]) -> list[Posterior]:
    """What is believed of challengers that were measured against one default on one intent's cases. Where all of them look
    better, the default was unlucky: what their measurements share is taken out of each."""
    known = [place for place, one in enumerate(effects) if priors[place] and math.isfinite(one.error)]
    shared = _shared([effects[place] for place in known])
    told = [one for place in known if (one := priors[place])]
    found = {place: _posterior([effects[one] for one in known], told, shared, n) for n, place in enumerate(known)}
    return [found.get(place) or _unmeasured(priors[place]) for place in range(len(effects))]


def _shared(effects: Sequence[Effect]) -> Floats:
    """The covariance of the measurements, by clusters."""
    clusters = {cluster: n for n, cluster in enumerate(dict.fromkeys(key for one in effects for key in one.parts))}
    parts = np.zeros((len(effects), len(clusters)))
    for row, one in enumerate(effects):
        for cluster, part in one.parts.items():
            parts[row, clusters[cluster]] = part
    covariance: Floats = parts @ parts.T
    np.fill_diagonal(covariance, [max(one.error, 1e-6) ** 2 for one in effects])
    return covariance


def _posterior(effects: Sequence[Effect], priors: Sequence[Prior], shared: Floats, which: int) -> Posterior:
    """Of one of the challengers: its own spread integrated out, of the others what is believed on the whole."""
    own, seen = priors[which], np.array([one.mean for one in effects])
    centres = np.tile([one.mean for one in priors], (len(SPREADS), 1))
    spreads = np.tile([one.variance for one in priors], (len(SPREADS), 1))
    centres[:, which], spreads[:, which] = own.common, SPREADS**2
    keep = spreads[:, which, None] * np.linalg.inv(shared + spreads[:, :, None] * np.eye(len(effects)))[:, which, :]
    means = own.common + (keep * (seen - centres)).sum(axis=1)
    kept = keep[:, which]
    deviations = np.sqrt(np.maximum((1 - kept) * SPREADS**2 + (1 - kept) ** 2 / own.precision, TINY))
    return _told(own, means, deviations)


def _unmeasured(shared: Prior | None) -> Posterior:
    return _told(shared, shared.common, np.sqrt(SPREADS**2 + 1 / shared.precision)) if shared else NOTHING


def _told(shared: Prior, means: Floats, deviations: Floats) -> Posterior:
    positive = [_NORMAL.cdf(mean / deviation) for mean, deviation in zip(means, deviations, strict=True)]
    return Posterior(float(shared.belief @ means), float(shared.belief @ np.array(positive)))
