"""A run: every figure with its interval, slice by slice; compared with the last one question by question."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from core.evaluation import intervals
from core.evaluation.intervals import Figure
from core.evaluation.kept import Kept
from core.records import Record
from retrieval.evaluation.asking import Asked
from retrieval.evaluation.judging import MARKS
from retrieval.evaluation.noise import KINDS

ALL = "all"
FEW = 10
"""Fewer questions in common than these are not compared: chance alone would decide."""


class Slice(Record, frozen=True):
    name: str
    questions: int
    figures: dict[str, Figure]


class Searched(Record, frozen=True):
    """What was asked: a difference between two runs may be one of these."""

    documents: int = 0
    passages: int = 0
    waiting: int = 0
    embedder: str = ""
    language: str = ""


class Run(Kept, frozen=True, kw_only=True):
    """One evaluation. `pace`: of its fifths, as `retrieval.evaluation.pace` tells them."""

    k: int
    seed: int
    searched: Searched
    slices: tuple[Slice, ...]
    asked: tuple[Asked, ...]
    pace: tuple[float, ...] = ()


class Change(Record, frozen=True):
    """What became of a figure since the last run: `by` is the mean paired difference over `by.n` questions both have."""

    slice: str
    measure: str
    before: float
    after: float
    by: Figure
    worse: bool


Value = Callable[[Asked], float | None]


def measures(k: int) -> dict[str, Value]:
    """Every measure of a question, by name; None where it does not apply."""

    def marked(name: str) -> Value:
        return lambda asked: getattr(asked.marks, name) if asked.marks else None

    def noisy(name: str) -> Value:
        return lambda asked: asked.noisy.get(name)

    shown = {"recall": f"recall@{k}", "ndcg": "nDCG@10", "mrr": "MRR", "precision": f"precision@{k}"}
    return {
        **{shown[name]: marked(name) for name in MARKS},
        "answered": lambda asked: float(asked.returned) if asked.question.answerable else None,
        "declined": lambda asked: None if asked.question.answerable else float(not asked.returned),
        "kept inside": lambda asked: float(not asked.outside) if asked.question.filtered or asked.question.audience else None,
        "recall without filter": lambda asked: asked.narrowing.unfiltered if asked.narrowing else None,
        "recall, filtered by hand": lambda asked: asked.narrowing.oracle if asked.narrowing else None,
        **{f"recall, {name}": noisy(name) for name in KINDS},
    }


def guarded(k: int) -> tuple[str, ...]:
    """The measures that may not get worse."""
    return (f"recall@{k}", "nDCG@10", "MRR", f"precision@{k}", "answered", "declined", "kept inside")


def make(questions: str, asked: Sequence[Asked], *, k: int, seed: int, searched: Searched) -> Run:
    slices = (Slice(name=name, questions=len(some), figures=_figures(some, k)) for name, some in slices_of(asked))
    return Run(questions=questions, at=time.time(), k=k, seed=seed, searched=searched, slices=tuple(slices), asked=tuple(asked))


def slices_of(asked: Sequence[Asked]) -> Iterator[tuple[str, list[Asked]]]:
    """Everything, then whatever has more than one value: the owner's slices, kind, language, product, version, audience."""
    yield ALL, list(asked)
    for name in ("slice", "kind", "language", "product", "version", "audience"):
        found: dict[str, list[Asked]] = {}
        for one in asked:
            value = getattr(one.question, name)
            found.setdefault(", ".join(value) if isinstance(value, tuple) else value, []).append(one)
        if len(found) > 1:
            yield from ((f"{name}: {value or '(none)'}", some) for value, some in sorted(found.items()))


def _figures(asked: Sequence[Asked], k: int) -> dict[str, Figure]:
    figures = {}
    for name, value in measures(k).items():
        found = [(mark, one.question.cluster) for one in asked if (mark := value(one)) is not None]
        if found:
            figures[name] = intervals.mean(*zip(*found, strict=True))
    for name, share in (("p50 ms", 0.5), ("p95 ms", 0.95)):
        figures[name] = intervals.quantile([one.ms for one in asked], share)
    return figures


def compare(before: Run, now: Run, *, tolerance: float) -> list[Change]:
    """What changed, on the questions that both runs have. `worse` is what is lower by more than `tolerance`, and by so much
    that chance does not explain it; over the slices together chance may say so once in forty runs."""
    known = {one.question.id: one for one in before.asked if before.k == now.k}
    slices = [(name, pairs) for name, some in slices_of(now.asked) if len(pairs := _paired(some, known)) >= FEW]
    changes = []
    for name, pairs in slices:
        level = intervals.LEVEL if name == ALL else 1 - (1 - intervals.LEVEL) / (len(slices) - 1)
        for measure in guarded(now.k):
            if change := _change(name, measure, pairs, level=level, k=now.k, tolerance=tolerance):
                changes.append(change)
    return changes


def _paired(asked: Sequence[Asked], known: dict[str, Asked]) -> list[tuple[Asked, Asked]]:
    return [(was, one) for one in asked if (was := known.get(one.question.id)) and was.question == one.question]


def _change(name: str, measure: str, pairs: Sequence[tuple[Asked, Asked]], **how: Any) -> Change | None:
    value = measures(how["k"])[measure]
    found = [
        (was, new, one.question.cluster)
        for old, one in pairs
        if (was := value(old)) is not None and (new := value(one)) is not None
    ]
    if len(found) < FEW:
        return None
    by = intervals.difference([new - was for was, new, _ in found], [cluster for _, _, cluster in found], level=how["level"])
    return Change(
        slice=name,
        measure=measure,
        before=sum(was for was, _, _ in found) / len(found),
        after=sum(new for _, new, _ in found) / len(found),
        by=by,
        worse=by.high < 0 and by.value < -how["tolerance"],
    )
