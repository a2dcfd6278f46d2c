"""What a search result is worth for a question: marks between 0 and 1.

Recall and precision look at the k passages the answer is made of, at the finest thing the question names: quoted words and
passages, else documents. nDCG@10 and MRR look at the order: of documents where the question names some, else of passages.
"""

import math
import re
from collections.abc import Iterator, Sequence
from itertools import islice

from core.knowledge import Passage
from core.records import Record
from retrieval.evaluation.questions import Question

DEPTH = 10
MARKS = ("recall", "ndcg", "mrr", "precision")
_MARKUP = re.compile(r"[*_`|\\]+")


class Marks(Record, frozen=True):
    """`rank`: that of the first right thing, from 1; 0: it is not there."""

    recall: float
    ndcg: float
    mrr: float
    precision: float
    rank: int = 0


def judge(question: Question, shown: Sequence[Passage], ranking: Sequence[Passage]) -> Marks:
    """Marks of an answerable question; `shown` are its k passages, `ranking` is a longer list in the same order."""
    right = [bool(_covered(question, passage)) for passage in shown]
    covered = set[str]().union(*(_covered(question, passage) for passage in shown))
    gains = list(islice(_gains(question, ranking), DEPTH))
    rank = next((place for place, gain in enumerate(gains, 1) if gain), 0)
    ideal = sum(_discount(place) for place in range(1, min(DEPTH, len(_ordered(question))) + 1))
    return Marks(
        recall=len(covered) / len(_named(question)),
        ndcg=min(1.0, sum(gain * _discount(place) for place, gain in enumerate(gains, 1)) / ideal),
        mrr=1 / rank if rank else 0.0,
        precision=sum(right) / len(right) if right else 0.0,
        rank=rank,
    )


def fits(question: Question, passage: Passage) -> bool:
    """Whether a passage may be shown to who asks this, by its tags: those it does not have fit everything."""
    tags = passage.tags
    asked = ((question.product, tags.product), (question.version, tags.version), (question.language, tags.language))
    narrowed = all(not wanted or not has or wanted == has for wanted, has in asked)
    return narrowed and (not tags.audience or bool({*tags.audience} & {*question.audience}))


def from_source(source: str, named: str) -> bool:
    """Whether a document is the one that is named; the end of its name is enough."""
    return source == named or source.endswith(f"/{named}")


def _named(question: Question) -> tuple[str, ...]:
    return question.quotes + question.passages or question.sources


def _ordered(question: Question) -> tuple[str, ...]:
    return question.sources or _named(question)


def _covered(question: Question, passage: Passage) -> set[str]:
    """What a passage holds of what the question names."""
    documents = {named for named in question.sources if from_source(passage.source, named)}
    if not question.quotes and not question.passages:
        return documents
    if question.sources and not documents:
        return set()
    text = _plain(passage.text)
    return {quote for quote in question.quotes if _plain(quote) in text} | ({passage.id} & {*question.passages})


def _gains(question: Question, ranking: Sequence[Passage]) -> Iterator[int]:
    """How much of what is named comes new at each place: of documents, each counted at its first passage, or of passages."""
    seen: set[str] = set()
    documents: set[str] = set()
    for passage in ranking:
        if question.sources:
            if passage.source in documents:
                continue
            documents.add(passage.source)
            holds = {named for named in question.sources if from_source(passage.source, named)}
        else:
            holds = _covered(question, passage)
        yield len(holds - seen)
        seen |= holds


def _plain(text: str) -> str:
    """Words as people read them: without marks of emphasis, in one case, with single blanks."""
    return " ".join(_MARKUP.sub(" ", text).casefold().split())


def _discount(place: int) -> float:
    return 1 / math.log2(place + 1)
