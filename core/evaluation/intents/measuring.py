"""Messages judged by a router that never learned from them, and what comes of it, each figure with its interval."""

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import numpy as np

from core.assistant import Assistant
from core.dialog.routing import Router
from core.dialog.routing.labelled import Labelled
from core.evaluation import intervals
from core.evaluation.intervals import Figure
from core.evaluation.kept import Kept
from core.memory import Conversation
from core.records import Record

FOLDS = 5
OWN, FILE = "own examples", "messages"


class Judged(Record, frozen=True):
    """A message, the intent people gave it ("" out of scope), and what the router said: the intent it takes for the likeliest
    also where it declined or asked back. `scope` as in a Decision; `part` is where the message comes from, `line` its place
    there."""

    text: str
    intent: str
    said: str
    kind: str
    confidence: float
    part: str
    line: int = 0
    ms: float = 0.0
    scope: float = 1.0

    @property
    def declined(self) -> bool:
        return self.kind == "out_of_scope"

    @property
    def right(self) -> bool:
        return self.said == self.intent

    @property
    def answered(self) -> bool:
        return self.kind == "intent"


class Run(Kept, frozen=True, kw_only=True):
    """`promise` says what became of a stated risk, "" where none is."""

    judged: tuple[Judged, ...]
    promise: str = ""


class Change(Record, frozen=True):
    part: str
    measure: str
    by: Figure
    worse: bool


def judge(
    assistant: Assistant, lines: dict[tuple[int, int], int], messages: Sequence[Labelled], tell: Callable[[int, int], None]
) -> tuple[list[Judged], Router]:
    """`lines` are those of the examples in their file, by intent and place."""
    found: list[Judged] = []
    for fold in range(FOLDS):
        tell(fold, FOLDS + 1)
        router = Router(_without(assistant, fold))
        found += [_judged(router, one, OWN) for one in _held(assistant, lines, fold)]
    tell(FOLDS, FOLDS + 1)
    router = Router(assistant)
    return found + [_judged(router, one, FILE) for one in messages], router


def _held(assistant: Assistant, lines: dict[tuple[int, int], int], fold: int) -> Iterator[Labelled]:
    """Every fifth example, with its line; an intent's only one is never held out."""
    for number, intent in enumerate(assistant.intents):
        if len(intent.examples) > 1:
            for place in range(fold, len(intent.examples), FOLDS):
                yield Labelled(intent.examples[place], intent.name, lines.get((number, place), 0))


def _without(assistant: Assistant, fold: int) -> Assistant:
    """The assistant without every fifth example; an intent's only one stays."""
    intents = tuple(
        one.model_copy(update={"examples": tuple(e for n, e in enumerate(one.examples) if n % FOLDS != fold) or one.examples})
        for one in assistant.intents
    )
    return assistant.model_copy(update={"intents": intents})


def _judged(router: Router, one: Labelled, part: str) -> Judged:
    started = time.perf_counter()
    said = router.decide(one.text, Conversation(lane=""))
    ms = (time.perf_counter() - started) * 1000
    return Judged(one.text, one.intent, said.intent, said.kind, said.confidence, part, one.line, round(ms, 3), said.scope)


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
    points = [(0.0, 0.0), *((through, kept) for _, kept, through in scopes(judged))]
    return sum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in pairwise(points))


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
