"""What comes of messages that were judged, each figure with its interval."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from core.evaluation import intervals
from core.evaluation.intents.judged import FILE, OWN, Judged
from core.evaluation.intents.stated import Stated
from core.evaluation.intervals import Figure
from core.evaluation.kept import Kept
from core.records import Record

NEAR = "near out of scope, not answered"


class Run(Kept, frozen=True, kw_only=True):
    """`promises` are what is stated of the risk, none where nothing is."""

    judged: tuple[Judged, ...]
    promises: tuple[Stated, ...] = ()


class Change(Record, frozen=True):
    part: str
    measure: str
    by: Figure
    worse: bool


def figures(judged: Sequence[Judged]) -> dict[str, Figure]:
    """Of one part. A message counts for itself."""
    return {name: _mean(values) for name, values in measures(judged).items() if values}


def measures(judged: Sequence[Judged]) -> dict[str, dict[str, float]]:
    """Each measure's marks by the message they are of."""
    inside = [one for one in judged if one.intent]
    return {
        "right intent": {one.text: float(one.right) for one in inside},
        "in scope, not declined": {one.text: float(not one.declined) for one in inside},
        "out of scope, not answered": {one.text: float(not one.answered) for one in judged if not one.intent},
        NEAR: {one.text: float(not one.answered) for one in judged if one.near},
        "answered rightly": {one.text: float(one.right) for one in judged if one.answered},
    }


def _mean(values: dict[str, float]) -> Figure:
    return intervals.mean([*values.values()], [*values])


def by_intent(judged: Sequence[Judged]) -> Iterator[tuple[str, Figure | None, Figure | None, float]]:
    """(intent, precision, recall, F1) of each; None where nothing was there to count. What is declined is taken for nothing."""
    for name in sorted({one.intent for one in judged if one.intent}):
        said = {f"{n}": float(one.right) for n, one in enumerate(judged) if one.said == name and not one.declined}
        meant = {f"{n}": float(one.right and not one.declined) for n, one in enumerate(judged) if one.intent == name}
        hits = sum(meant.values())
        yield name, _mean(said) if said else None, _mean(meant) if meant else None, 2 * hits / max(1, len(said) + len(meant))


def scopes(judged: Sequence[Judged]) -> list[tuple[float, float, float]]:
    """The limit of scope moved from strict to lax: (limit, share of what is in scope kept, share of the rest let through)."""
    inside, outside = ([one.scope for one in judged if bool(one.intent) is wanted] for wanted in (True, False))
    if not inside or not outside:
        return []
    limits = sorted({*inside, *outside}, reverse=True)
    kept, through = (1 - np.searchsorted(np.sort(scopes), limits) / len(scopes) for scopes in (inside, outside))
    return [*zip(limits, kept.tolist(), through.tolist(), strict=True)]


def auroc(judged: Sequence[Judged]) -> float:
    """How often a message in scope looks less strange than one out of scope; ties count half."""
    return area(*(np.array([one.scope for one in judged if bool(one.intent) is wanted]) for wanted in (True, False)))


def area(inside: npt.NDArray[np.floating], outside: npt.NDArray[np.floating]) -> float:
    """AUROC: how often a value of `inside` is higher than one of `outside`; ties count half."""
    below = (np.searchsorted(np.sort(outside), inside, side).mean() for side in ("left", "right"))
    return float(sum(below) / 2 / len(outside))


def compare(before: Run, now: Run, tolerance: float) -> list[Change]:
    """On the messages that both runs have, with the same intent."""
    changes = []
    for part in (OWN, FILE):
        was, new = (measures([one for one in run.judged if one.part == part]) for run in (before, now))
        for name, marks in new.items():
            both = [text for text in marks if text in was.get(name, {})]
            if len(both) >= 10:
                by = intervals.difference([marks[text] - was[name][text] for text in both], both)
                changes.append(Change(part, name, by, by.high < 0 and by.value < -tolerance))
    return changes
