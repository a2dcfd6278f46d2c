"""The decision: may a challenger take an intent over from its default?

Constraints come first: who breaches one is out, however good, and a default that does gives way. Then, on the cases both were
asked:

- **better**: its utility is higher. Low and medium risk: the difference, shrunk towards what the other intents show and rid of
  the luck that the default lends to all challengers, is above zero with P > .95, or a little more where there are several, for
  of those one easily looks better by luck. High risk: each intent by itself, exact where answers are right or wrong, corrected
  over all (Holm).
- **not worse and cheaper**: the lower bound of its quality is at most `margin` under the default's, and it costs, or takes at
  the 95th percentile, at least a fifth less.
- **cannot tell**: which is better is not known, and either so many more cases would tell, or none are worth asking, for the
  challenger is not better by as much as is worth knowing, whichever it is.
- **keep**: the challenger is worse, or breaks a constraint.

The highest mean is never the rule: it moves intents for nothing, or for worse.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import NormalDist
from typing import Literal

import numpy as np

from core.policy.believing import prior, rivals
from core.policy.statistics import Effect, bootstrap, cases_needed, effect, holm, mcnemar

Kind = Literal["better", "cheaper", "forced", "keep", "cannot_tell", "infeasible"]
Risk = Literal["low", "medium", "high"]


@dataclass(frozen=True, slots=True)
class Score:
    """One answer, measured. `quality` in [0, 1]; `cost` in money, all-in; `seconds` until it was whole; `stale` 1 where it said
    what is no longer true. `cluster`: the conversation or document the case comes from. `real`: people asked it; synthetic
    cases count, but never alone."""

    case: str
    quality: float
    cost: float = 0.0
    seconds: float = 0.0
    stale: float = 0.0
    cluster: str = ""
    real: bool = True


@dataclass(frozen=True, slots=True)
class Weights:
    """What a unit of each costs in points of quality: the owner's opinion, shown beside every verdict."""

    cost: float = 0.0
    second: float = 0.0
    stale: float = 0.5

    def utility(self, score: Score, staleness: float) -> float:
        return score.quality - self.cost * score.cost - self.second * score.seconds - self.stale * staleness * score.stale


@dataclass(frozen=True, slots=True)
class Rules:
    """`margin`: how much worse still counts as not worse. `cheaper`: the share of cost or of the 95th percentile of time to be
    saved. `least`: the smallest difference worth knowing. `cases`: the fewest real ones an intent is judged on."""

    alpha: float = 0.05
    margin: float = 0.04
    cheaper: float = 0.20
    least: float = 0.05
    cases: int = 50
    weights: Weights = Weights()


DEFAULT = Rules()


@dataclass(frozen=True, slots=True)
class Trial:
    """One intent: its default track, and every track's scores. `breaches`: the hard constraint a track breaks, by its name.
    `staleness`: how much an outdated answer weighs here, 0 where the truth does not change."""

    risk: Risk
    default: str
    scores: Mapping[str, Sequence[Score]]
    breaches: Mapping[str, str] = field(default_factory=dict)
    staleness: float = 1.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be done with an intent, and why. `track` is the one to take; `difference` in utility of the challenger named,
    with its interval; `more` cases are needed where it cannot be told (0: none are worth asking, `why` says the reason)."""

    kind: Kind
    track: str
    challenger: str
    difference: float = 0.0
    low: float = 0.0
    high: float = 0.0
    chance: float = 0.0
    cases: int = 0
    more: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True)
class _Duel:
    """A challenger against the default on the cases both were asked."""

    intent: str
    challenger: str
    utility: tuple[float, ...]
    quality: tuple[float, ...]
    clusters: tuple[str, ...]
    real: int
    saved: str

    @property
    def key(self) -> tuple[str, str]:
        return self.intent, self.challenger

    @property
    def effect(self) -> Effect:
        return effect(self.utility, self.clusters)

    @property
    def deviation(self) -> float:
        return float(np.std(self.utility)) if len(self.utility) > 1 else 0.5


def decide(trials: Mapping[str, Trial], rules: Rules = DEFAULT) -> dict[str, Verdict]:
    """A verdict for each intent; all at once, because they borrow strength from each other and share one error rate."""
    duels = [duel for intent, trial in trials.items() for duel in _duels(intent, trial, rules)]
    chances = _chances(duels, trials)
    better = _better([duel for duel in duels if duel.real >= rules.cases], trials, chances, rules)
    found: dict[str, list[Verdict]] = {intent: [] for intent in trials}
    for duel in duels:
        verdict = _judged(duel, trials[duel.intent], rules, chance=chances[duel.key], better=duel.key in better)
        found[duel.intent].append(verdict)
    return {intent: _best(trial, found[intent], rules) for intent, trial in trials.items()}


def _duels(intent: str, trial: Trial, rules: Rules) -> list[_Duel]:
    default = {score.case: score for score in trial.scores.get(trial.default, ())}
    duels = []
    for track, scores in trial.scores.items():
        pairs = [(score, default[score.case]) for score in scores if score.case in default]
        if track == trial.default or track in trial.breaches:
            continue
        worth = [rules.weights.utility(a, trial.staleness) - rules.weights.utility(b, trial.staleness) for a, b in pairs]
        duels.append(
            _Duel(
                intent,
                track,
                tuple(worth),
                tuple(a.quality - b.quality for a, b in pairs),
                tuple(a.cluster or a.case for a, _ in pairs),
                sum(a.real for a, _ in pairs),
                _saved([a for a, _ in pairs], [b for _, b in pairs], rules.cheaper),
            )
        )
    return duels


def _chances(duels: Sequence[_Duel], trials: Mapping[str, Trial]) -> dict[tuple[str, str], float]:
    """P(better): each challenger's intents believed together with those that have the same default, and an intent's challengers
    together, for they share its default's luck."""
    families: dict[tuple[str, str], list[_Duel]] = {}
    for duel in duels:
        families.setdefault((duel.challenger, trials[duel.intent].default), []).append(duel)
    priors = {key: prior([duel.effect for duel in family]) for key, family in families.items()}
    found = {}
    for intent, trial in trials.items():
        some = [duel for duel in duels if duel.intent == intent]
        believed = rivals([duel.effect for duel in some], [priors[duel.challenger, trial.default] for duel in some])
        found.update({duel.key: one.positive for duel, one in zip(some, believed, strict=True)})
    return found


def _better(
    duels: Sequence[_Duel], trials: Mapping[str, Trial], chances: Mapping[tuple[str, str], float], rules: Rules
) -> set[tuple[str, str]]:
    """Which challengers are better. High-risk intents each by their own cases, at one error rate for all of them; in any other
    intent those that stand against one default share one."""
    high = [duel for duel in duels if trials[duel.intent].risk == "high"]
    proved = holm([_p_value(duel) for duel in high], rules.alpha)
    rivals = Counter(duel.intent for duel in duels)
    return {duel.key for duel, better in zip(high, proved, strict=True) if better} | {
        duel.key
        for duel in duels
        if trials[duel.intent].risk != "high" and chances[duel.key] > sure(rivals[duel.intent], rules.alpha)
    }


def sure(rivals: int, alpha: float) -> float:
    """The P(better) from which one of so many challengers is taken for better. Half of their luck is their common default's, so
    they count as the root of their number (the Dubey and Armitage-Parmar correction with a correlation of one half)."""
    return math.exp(math.log1p(-alpha) / math.sqrt(rivals))


def _p_value(duel: _Duel) -> float:
    """Exact where every case stands for itself and is won, lost or tied by the same amount; else by clusters."""
    sizes = {round(abs(value), 9) for value in duel.utility if value}
    if len(sizes) == 1 and len(set(duel.clusters)) == len(duel.clusters):
        return mcnemar(sum(value > 0 for value in duel.utility), sum(value < 0 for value in duel.utility))
    seen = duel.effect
    return 1 - NormalDist().cdf(seen.mean / seen.error) if seen.error > 0 else float(seen.mean <= 0)


def _judged(duel: _Duel, trial: Trial, rules: Rules, *, chance: float, better: bool) -> Verdict:
    seen, level = duel.effect, 1 - 2 * rules.alpha
    low, high = bootstrap(duel.utility, duel.clusters, level=level)
    verdict = Verdict("keep", trial.default, duel.challenger, seen.mean, low, high, chance, seen.cases)
    told = f"{seen.mean:+.3f} utility on {seen.cases} cases ({level:.0%} interval {low:+.3f} to {high:+.3f})"
    if duel.real < rules.cases:
        more = rules.cases - duel.real
        return replace(
            verdict, kind="cannot_tell", why=f"real cases: {duel.real}, at least {rules.cases} are needed", more=more
        )
    if better:
        return replace(verdict, kind="better", why=f"better: {told}, P(better) {chance:.2f}", track=duel.challenger)
    if duel.saved and _not_worse(duel, rules):
        return replace(
            verdict, kind="cheaper", why=f"not worse by more than {rules.margin:.2f}, and {duel.saved}", track=duel.challenger
        )
    if high < 0:
        return replace(verdict, kind="keep", why=f"worse: {told}")
    if high < rules.least:
        why = f"{told}: whichever is better, it is not better by {rules.least:.2f}, so more cases are not worth asking"
        return replace(verdict, kind="cannot_tell", why=why)
    needed = cases_needed(rules.least, deviation=max(duel.deviation, 0.05), alpha=rules.alpha)
    more = max(needed - seen.clusters, seen.clusters // 2, 1)
    return replace(
        verdict,
        kind="cannot_tell",
        why=f"{told}: about {more} more cases would tell a difference of {rules.least:.2f}",
        more=more,
    )


def _not_worse(duel: _Duel, rules: Rules) -> bool:
    low, _ = bootstrap(duel.quality, duel.clusters, level=1 - 2 * rules.alpha)
    return low > -rules.margin


def _saved(challenger: Sequence[Score], default: Sequence[Score], share: float) -> str:
    """What it saves, in words; "" when that is too little."""
    if not default:
        return ""
    cost, before = (sum(score.cost for score in scores) for scores in (challenger, default))
    if before > 0 and cost <= (1 - share) * before:
        return f"{1 - cost / before:.0%} cheaper"
    late, was = (float(np.quantile([score.seconds for score in scores], 0.95)) for scores in (challenger, default))
    return f"{1 - late / was:.0%} faster at the 95th percentile" if was > 0 and late <= (1 - share) * was else ""


def _best(trial: Trial, verdicts: Sequence[Verdict], rules: Rules) -> Verdict:
    """Of several that may take over the one with the highest lower bound; else first what more cases would tell."""
    broken = "; ".join(f"{track}: {breach}" for track, breach in sorted(trial.breaches.items()))
    if trial.default in trial.breaches and verdicts:
        return _forced(trial, verdicts, broken, rules)
    for kind in ("better", "cheaper", "cannot_tell", "keep"):
        if some := [verdict for verdict in verdicts if verdict.kind == kind]:
            best = max(some, key=lambda verdict: (verdict.more > 0, verdict.low))
            return replace(best, why=f"{best.why}; out: {broken}") if broken else best
    if broken:
        allowed = trial.default not in trial.breaches
        why = f"no other track is allowed: {broken}" if allowed else f"no track is allowed: {broken}"
        return Verdict("keep" if allowed else "infeasible", trial.default, "", why=why)
    return Verdict("keep", trial.default, "", why="no other track was measured")


def _forced(trial: Trial, verdicts: Sequence[Verdict], broken: str, rules: Rules) -> Verdict:
    """The default breaks a constraint: the best of those that were asked enough to be trusted with it takes over."""
    real = {verdict.challenger: sum(score.real for score in trial.scores[verdict.challenger]) for verdict in verdicts}
    if enough := [verdict for verdict in verdicts if real[verdict.challenger] >= rules.cases]:
        best = max(enough, key=lambda verdict: verdict.low)
        return replace(best, kind="forced", track=best.challenger, why=f"the default is out: {broken}")
    most = max(verdicts, key=lambda verdict: real[verdict.challenger])
    known = real[most.challenger]
    why = f"the default is out: {broken}; but of real cases of the others there are {known}, at least {rules.cases} are needed"
    return replace(most, kind="cannot_tell", track=trial.default, more=rules.cases - known, why=why)
