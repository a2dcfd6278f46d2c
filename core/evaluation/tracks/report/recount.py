"""The figures once more, by another way than they were made: plain means over pairs, and errors by the textbook's formula for
clusters instead of resampling. Who forgets to pair, or to count conversations, gets other intervals, and shows here."""

import math
from collections.abc import Iterator, Sequence
from statistics import NormalDist, median
from typing import Any

import msgspec
import numpy as np

from core.evaluation.intervals import LEVEL
from core.evaluation.tracks.deciding import STALENESS, conclude, in_force
from core.evaluation.tracks.figures import Groups, grouped
from core.evaluation.tracks.records import Answered, Case, Decision, Run
from core.evaluation.tracks.report.words import some

NARROW, WIDE = 0.8, 1.2
"""How an interval may differ from the recounted one, at the median: resampled ones are lopsided, and a single one wobbles
(`python -m tests.evaluation.recounting` tells how much)."""

FEW, UNLIKE = 10, 0.05
"""Clusters that have an answer unlike the usual one, below which neither way is exact enough to be held against the other."""

Pairs = Sequence[tuple[Case, Answered, Answered]]


def follows(run: Run) -> str:
    known = {case.id for case in run.cases}
    if any(one.case not in known for one in run.answered):
        return "there are answers to questions that are not there"
    anew = conclude(run)
    sides = {(side.intent, side.track): side for side in run.sides}
    again = {(side.intent, side.track): side for side in anew.sides}
    wrong = [" of ".join(reversed(key)) for key in sorted({*sides, *again}) if not _same(sides.get(key), again.get(key))]
    if wrong:
        return f"the figures of {some(wrong, 'track')} are not what their answers make"
    told = {decision.intent: decision for decision in run.decisions}
    made = {decision.intent: decision for decision in anew.decisions}
    wrong = [name or "no intent" for name in sorted({*told, *made}) if not _same(told.get(name), made.get(name))]
    return f"the decisions on {some(wrong, 'intent')} are not what the rule says of these answers" if wrong else ""


def paired(run: Run) -> str:
    groups = _grouped(run)
    for decision in run.decisions:
        if not decision.verdict.challenger:
            continue
        verdict, pairs = decision.verdict, _pairs(run, groups, decision)
        worth = _worth(run, decision, pairs)
        who = f"{decision.intent or 'no intent'}, {verdict.challenger} against {in_force(run, decision)}"
        if verdict.cases != len(pairs):
            return f"{who}: {verdict.cases} questions are said to be compared, and both were asked {len(pairs)}"
        if pairs and not math.isclose(float(np.mean(worth)), verdict.difference, abs_tol=1e-6):
            return f"{who}: the difference is {np.mean(worth):+.4f} and said to be {verdict.difference:+.4f}"
    if (ratios := _of_differences(run)) and median(ratios) > WIDE:
        return f"intervals of differences are {median(ratios):.2f} times as wide as pairs of answers make them"
    return ""


def clustered(run: Run) -> str:
    for what, ratios in (("figures", _of_figures(run)), ("differences", _of_differences(run))):
        if ratios and not NARROW <= median(ratios) <= WIDE:
            return f"intervals of {what} are {median(ratios):.2f} times as wide as conversations and documents make them"
    return ""


def _of_figures(run: Run) -> list[float]:
    sides = {(side.intent, side.track): side for side in run.sides}
    ratios: list[float] = []
    for key, pairs in _grouped(run).items():
        quality = sides[key].figures.get("quality") if key in sides else None
        if quality and quality.low > 0 and quality.high < 1:
            marks, cases = [one.grades.quality for _, one in pairs], [case for case, _ in pairs]
            ratios += breadth(marks, cases, (quality.low, quality.high), level=LEVEL)
    return ratios


def _of_differences(run: Run) -> list[float]:
    groups, ratios = _grouped(run), list[float]()
    for decision in run.decisions:
        pairs, verdict = _pairs(run, groups, decision), decision.verdict
        worth, cases = _worth(run, decision, pairs), [case for case, _, _ in pairs]
        ratios += breadth(worth, cases, (verdict.low, verdict.high), level=1 - 2 * run.rules.alpha)
    return ratios


def _grouped(run: Run) -> Groups:
    known = {case.id for case in run.cases}
    return grouped(run.cases, [one for one in run.answered if one.case in known])


def _pairs(run: Run, groups: Groups, decision: Decision) -> Pairs:
    """The cases that the challenger and the track in force were both asked."""
    default = {one.case: one for _, one in groups.get((decision.intent, in_force(run, decision)), ())}
    own = groups.get((decision.intent, decision.verdict.challenger), ())
    return [(case, one, default[case.id]) for case, one in own if case.id in default]


def _worth(run: Run, decision: Decision, pairs: Pairs) -> list[float]:
    """How much more the challenger's answer is worth, in points of quality."""
    weights, staleness = run.rules.weights, STALENESS[decision.stakes.volatility]

    def utility(one: Answered) -> float:
        lost = weights.cost * one.cost + weights.second * one.total / 1000 + weights.stale * staleness * bool(one.stale)
        return one.grades.quality - lost

    return [utility(one) - utility(other) for _, one, other in pairs]


def breadth(values: Sequence[float], cases: Sequence[Case], ends: tuple[float, float], *, level: float) -> Iterator[float]:
    """How wide an interval is beside the one that clusters make; nothing where that cannot be told."""
    sums: dict[str, float] = {}
    usual, mean = (median(values), math.fsum(values) / len(values)) if values else (0.0, 0.0)
    for value, case in zip(values, cases, strict=True):
        sums[case.cluster] = sums.get(case.cluster, 0.0) + value - mean
    unlike = {case.cluster for value, case in zip(values, cases, strict=True) if abs(value - usual) > UNLIKE}
    if len(unlike) < FEW:
        return
    count = len(sums)
    error = math.sqrt(math.fsum(one**2 for one in sums.values()) * count / (count - 1)) / len(values)
    yield (ends[1] - ends[0]) / (2 * NormalDist().inv_cdf((1 + level) / 2) * error)


def _same(one: Any, other: Any) -> bool:
    """Whether two records say the same; the last digits of numbers are another machine's."""
    return _alike(msgspec.to_builtins(one), msgspec.to_builtins(other))


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_alike(one[key], other[key]) for key in one)
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-6)
    return bool(one == other)
