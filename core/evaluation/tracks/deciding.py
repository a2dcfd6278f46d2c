"""From a run's answers to what is to be done: trials for the rule, its verdicts, and routes that carry their evidence."""

import math
from collections.abc import Container, Mapping, Sequence
from dataclasses import replace as instead

from msgspec.structs import replace

from core.evaluation.tracks.figures import Groups, figures, grouped, measured
from core.evaluation.tracks.records import COULD_NOT, Answered, Case, Decision, Limits, Run, Side, Stakes, Volatility
from core.policy.decision import Risk, Score, Trial, Verdict, decide
from core.policy.routes import Evidence, Route, Routes

STALENESS: Mapping[Volatility, float] = {"minutes": 1.0, "days": 0.7, "months": 0.3, "years": 0.1}
"""How much an outdated answer weighs where the truth changes within so long; the soonest first."""

DAYS: Mapping[Volatility, int] = {"minutes": 30, "days": 60, "months": 120, "years": 365}
"""How long evidence is good for: where the truth changes sooner, so do the questions that people ask."""

RISKS: tuple[Risk, ...] = ("low", "medium", "high")

NONE = ""
"""The intent of what belongs to none: measured, never routed by a proposal."""


def conclude(run: Run) -> Run:
    """The run with its sides and decisions, made from its answers and nothing else: done twice, it is the same."""
    groups = grouped(run.cases, run.answered)
    sides = [_side(key, some, run.limits) for key, some in sorted(groups.items())]
    stakes = {intent: _stakes(run, intent, groups) for intent in sorted({intent for intent, _ in groups})}
    routable = {key: some for key, some in groups.items() if key[1] not in filed(run)}
    trials = {intent: _trial(intent, at_stake, routable, sides) for intent, at_stake in stakes.items()}
    verdicts = decide(trials, run.rules)
    found = [Decision(intent=intent, stakes=stakes[intent], verdict=_finite(verdict)) for intent, verdict in verdicts.items()]
    return replace(run, sides=tuple(sides), decisions=tuple(found))


def filed(run: Run) -> frozenset[str]:
    """Tracks whose answers were read from a file: measured, and never routed to."""
    return frozenset(track.name for track in run.tracks if track.filed)


def _side(key: tuple[str, str], some: Sequence[tuple[Case, Answered]], limits: Limits) -> Side:
    side = Side(intent=key[0], track=key[1], figures=figures(some))
    return replace(side, breach=breach(side, [one for _, one in some], limits))


def breach(side: Side, some: Sequence[Answered], limits: Limits) -> str:
    """The first constraint that a track breaks, in words; "": none."""
    values = {name: figure.value for name, figure in side.figures.items()}
    cost, late = values.get("cost", 0.0), values.get("total_p95", 0.0) / 1000
    banned = sum(bool(one.grades.banned) for one in some)
    missed = sum(one.outcome in COULD_NOT for one in some)
    told = [
        (missed > limits.could_not * len(some), f"could not serve {missed} of {len(some)} questions"),
        (banned > limits.banned, f"said what is forbidden in {banned} of {len(some)} answers"),
        (0 < limits.cost < cost, f"{cost:.4f} a turn, at most {limits.cost:.4f} is allowed"),
        (0 < limits.p95 < late, f"{late:.1f} s at the 95th percentile, at most {limits.p95:.1f} s are allowed"),
    ]
    for name, least in (("citations", limits.citations), ("support", limits.support)):
        value = values.get(name, 1.0)
        told.append((value < least, f"{name} {value:.2f}, at least {least:.2f} is required"))
    return next((words for broken, words in told if broken), "")


def _stakes(run: Run, intent: str, groups: Groups) -> Stakes:
    """As the assistant file says; a case that risks more, or changes sooner, counts for its intent."""
    cases = [case for (name, _), some in groups.items() if name == intent for case, _ in some]
    known = run.stakes.get(intent) or run.stakes[NONE]
    risk = max([known.risk, *(case.risk for case in cases if case.risk)], key=RISKS.index)
    soonest = min([known.volatility, *(case.volatility for case in cases if case.volatility)], key=[*DAYS].index)
    return replace(known, risk=risk, volatility=soonest)


def _trial(intent: str, stakes: Stakes, groups: Groups, sides: Sequence[Side]) -> Trial:
    scores = {track: [_score(*pair) for pair in some] for (name, track), some in groups.items() if name == intent}
    breaches = {side.track: side.breach for side in sides if side.intent == intent and side.breach}
    return Trial(stakes.risk, default_of(stakes, scores), scores, breaches, STALENESS[stakes.volatility])


def default_of(stakes: Stakes, measured: Container[str]) -> str:
    """The track that answers now: the first of the route that could be asked at all."""
    return next((track for track in stakes.route if track in measured), stakes.route[0])


def in_force(run: Run, decision: Decision) -> str:
    """The track that the decision is about to keep or to replace."""
    return default_of(decision.stakes, {side.track for side in run.sides if side.intent == decision.intent})


def _score(case: Case, one: Answered) -> Score:
    return Score(
        case.id,
        one.grades.quality,
        cost=one.cost,
        seconds=one.total / 1000,
        stale=float(bool(one.stale)),
        cluster=case.cluster,
        real=case.real,
    )


def _finite(verdict: Verdict) -> Verdict:
    """JSON knows no infinity: an interval that says nothing is from all lost to all won."""
    low, high = (end if math.isfinite(end) else math.copysign(1.0, end) for end in (verdict.low, verdict.high))
    return instead(verdict, low=low, high=high)


def proposal(run: Run, by: str = "turnout eval tracks") -> Routes:
    """Every measured intent's route with its evidence, as version 0: nothing is in force before it is applied. A track that
    takes an intent over goes first, the route's others stay behind it for when it cannot serve."""
    found = [_route(run, decision) for decision in run.decisions if decision.intent != NONE]
    return Routes(number=0, routes=tuple(found), at=run.ended, by=by, note=f"run {run.id}")


def _route(run: Run, decision: Decision) -> Route:
    verdict, now = decision.verdict, decision.stakes.route
    sides = {side.track: side for side in run.sides if side.intent == decision.intent}
    default = default_of(decision.stakes, sides)
    evidence = Evidence(
        run=run.id,
        at=run.ended,
        kind=verdict.kind,
        default=default,
        challenger=verdict.challenger,
        cases=verdict.cases,
        difference=round(verdict.difference, 6),
        low=round(verdict.low, 6),
        high=round(verdict.high, 6),
        why=verdict.why,
        more=verdict.more if verdict.kind == "cannot_tell" else None,
        tracks={track: measured(side.figures) for track, side in sides.items()},
        made_with=_made_with(run, decision.intent),
    )
    expires = run.ended + 86400 * DAYS[decision.stakes.volatility]
    tracks = now if verdict.track == default else tuple(dict.fromkeys((verdict.track, *now)))
    return Route(intent=decision.intent, tracks=tracks, evidence=evidence, expires=expires)


def _made_with(run: Run, intent: str) -> dict[str, str]:
    """The fingerprints that an intent's evidence rests on: of documents those that its cases name or its answers cite, and all
    together only where neither does."""
    pairs = [pair for (name, _), some in grouped(run.cases, run.answered).items() if name == intent for pair in some]
    named = {source for case, _ in pairs for source in case.sources}
    cited = {citation.source for _, one in pairs for citation in one.citations}

    def concerns(name: str) -> bool:
        kind, _, source = name.partition(":")
        if kind == "source":
            return source in cited or any(source == end or source.endswith(f"/{end}") for end in named)
        return kind != "documents" or not (named or cited)

    return {name: value for name, value in run.made_with.items() if concerns(name)}
