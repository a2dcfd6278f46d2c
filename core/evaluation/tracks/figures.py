"""The figures of a run: what each track did on each intent's cases, every one with its interval."""

from collections.abc import Iterable, Mapping, Sequence

from core.evaluation import intervals
from core.evaluation.intervals import Figure
from core.evaluation.tracks.records import COULD_NOT, Answered, Case
from core.policy.routes import Measured

MARKS = ("claims", "support", "citations", "format", "language", "abstention")


Groups = Mapping[tuple[str, str], Sequence[tuple[Case, Answered]]]
"""Answers with their cases, by (intent, track)."""


def grouped(cases: Iterable[Case], answered: Iterable[Answered]) -> Groups:
    """The answers with their cases, by (intent, track). A case whose intent only the router tells goes by what it said of it
    first, so that every track is judged on the same cases."""
    known = {case.id: case for case in cases}
    intents: dict[str, str] = {}
    found: dict[tuple[str, str], list[tuple[Case, Answered]]] = {}
    for one in answered:
        case = known[one.case]
        intent = intents.setdefault(case.id, "" if case.out_of_scope else case.intent or one.intent)
        found.setdefault((intent, one.track), []).append((case, one))
    return found


def figures(some: Sequence[tuple[Case, Answered]]) -> dict[str, Figure]:
    """Every figure that applies to these answers of one track; names as in `Side`."""
    clusters = [case.cluster for case, _ in some]
    found = {
        "quality": intervals.mean([one.grades.quality for _, one in some], clusters),
        "served": intervals.mean([float(one.outcome not in COULD_NOT) for _, one in some], clusters),
        "clean": intervals.mean([one.grades.clean for _, one in some], clusters),
    }
    marks: Mapping[str, list[tuple[float, str]]] = {
        **{
            name: [(mark, case.cluster) for case, one in some if (mark := getattr(one.grades, name)) is not None]
            for name in MARKS
        },
        "stale": [(float(one.stale), case.cluster) for case, one in some if one.stale is not None],
    }
    found |= {name: intervals.mean(*zip(*values, strict=True)) for name, values in marks.items() if values}
    whole = [one for _, one in some if one.outcome not in COULD_NOT]
    if whole:
        found["cost"] = intervals.average([one.cost for one in whole])
        found |= _times("first", [one.first for one in whole if one.first]) | _times("total", [one.total for one in whole])
    return found


def measured(figures: Mapping[str, Figure]) -> Measured:
    """The same as a route's evidence keeps it, times in seconds."""

    def value(name: str, per: float = 1.0) -> float:
        return round(figures[name].value / per, 6) if name in figures else 0.0

    quality = figures["quality"]
    return Measured(
        quality=round(quality.value, 6),
        low=round(quality.low, 6),
        high=round(quality.high, 6),
        cases=quality.n,
        cost=value("cost"),
        first_p50=value("first_p50", 1000),
        first_p95=value("first_p95", 1000),
        seconds_p50=value("total_p50", 1000),
        seconds_p95=value("total_p95", 1000),
        stale=value("stale"),
    )


def _times(name: str, values: Sequence[float]) -> dict[str, Figure]:
    if not values:
        return {}
    return {f"{name}_p{share:.0%}".rstrip("%"): intervals.quantile(values, share) for share in (0.5, 0.95)}
