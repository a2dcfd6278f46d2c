"""Whether a judge may decide: it agrees with people, whatever comes first and however long an answer is."""

import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from msgspec.structs import replace

from core.evaluation import lines
from core.evaluation.judging.model import Opinion
from core.evaluation.lines import Form, name_of
from core.evaluation.tracks.records import Judge
from core.records import Record

LEAST, KAPPA = 200, 0.6
FLIPS, BIAS = 0.10, 0.10
"""The most that may turn with the order, and that length may add to a yes beyond what people see in it."""

EXAMPLE = '{"question": "How long?", "claim": "30 days", "answer": "You have a month.", "stated": true}'


class Label(Record, frozen=True):
    """What a person said: whether an `answer` to a question states a `claim` (wordings that are as good as one another)."""

    question: str
    claim: tuple[str, ...]
    answer: str
    stated: bool
    id: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    label: Label
    opinion: Opinion


States = Callable[[str, Sequence[str], str], Awaitable[Opinion]]


def read(path: Path) -> list[Label]:
    """Raises BadQuestions, naming file, line and what is wrong."""
    return lines.read(path, Form(Label, _complete, EXAMPLE, lists=("claim",), flags=("stated",)))


def _complete(label: Label) -> Label:
    if not label.answer.strip() or not label.question.strip():
        raise ValueError("the question or the answer has no words")
    if not label.claim or any(not wording.strip() for wording in label.claim):
        raise ValueError("its `claim` is empty")
    return label if label.id else replace(label, id=name_of(label.question, (*label.claim, label.answer)))


def measured(model: str, judged: Sequence[Judged], others: Iterable[str]) -> Judge:
    """What the judge is worth. `others`: the models that it would judge."""
    judge = Judge(
        model=model,
        labels=len(judged),
        kappa=round(kappa([(one.label.stated, one.opinion.stated) for one in judged]), 4),
        flips=round(sum(one.opinion.flipped for one in judged) / max(1, len(judged)), 4),
        length_bias=round(length_bias(judged), 4),
    )
    why = "; ".join(_against(judge, others))
    return replace(judge, decides=not why, why=why)


def _against(judge: Judge, others: Iterable[str]) -> Iterable[str]:
    if judge.labels < LEAST:
        yield f"{judge.labels} labels, at least {LEAST} are needed"
    if judge.kappa < KAPPA:
        yield f"κ {judge.kappa:.2f}, at least {KAPPA:.2f} is needed"
    if judge.flips > FLIPS:
        yield f"{judge.flips:.0%} of its opinions turn with the order"
    if abs(judge.length_bias) > BIAS:
        yield f"length adds {judge.length_bias:+.2f} to a yes"
    if kin := sorted(other for other in {*others} if family(other) == family(judge.model)):
        yield f"it is of the family of {', '.join(kin)}, which it would judge"


def kappa(pairs: Sequence[tuple[bool, bool]]) -> float:
    """Agreement beyond chance (Cohen 1960); 0 where there is none to be had."""
    if not pairs:
        return 0.0
    share = sum(one == other for one, other in pairs) / len(pairs)
    one, other = (sum(pair[side] for pair in pairs) / len(pairs) for side in (0, 1))
    chance = one * other + (1 - one) * (1 - other)
    return (share - chance) / (1 - chance) if chance < 1 else 0.0


def length_bias(judged: Sequence[Judged]) -> float:
    """How much oftener than people the judge says yes to the longer half of the answers, beyond what it does to the shorter."""
    if len(judged) < 2:
        return 0.0
    middle = median(len(one.label.answer) for one in judged)

    def beyond(some: Sequence[Judged]) -> float:
        return sum(one.opinion.stated - one.label.stated for one in some) / len(some) if some else 0.0

    long = [one for one in judged if len(one.label.answer) > middle]
    return beyond(long) - beyond([one for one in judged if len(one.label.answer) <= middle])


def family(model: str) -> str:
    """Who made a model, as far as its name tells: gpt-4.1-mini is a gpt."""
    found = re.match(r"[A-Za-z]+", model.rpartition("/")[2])
    return found[0].lower() if found else model
