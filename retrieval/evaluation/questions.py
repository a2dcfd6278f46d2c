"""The questions of an evaluation: JSON lines or CSV, and what is wrong with them, line by line."""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import msgspec

from core.evaluation import lines
from core.evaluation.lines import Form, name_of
from core.knowledge import SearchRequest
from core.records import Record


class Question(Record, frozen=True):
    """One question and what answers it: documents (`sources`; the end of a name is enough), `passages` by id, or `quotes`,
    words that stand in the right passages. `before` is what the same person said before, oldest first. Not `answerable`:
    nothing in the documents answers it. `slice` is a name of the owner's for questions of a kind; `group` names the
    conversation it is from: questions of one group or document are never on both sides of a split, and count as one when
    intervals are made."""

    question: str
    id: str = ""
    before: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    passages: tuple[str, ...] = ()
    quotes: tuple[str, ...] = ()
    answerable: bool = True
    language: str = ""
    product: str = ""
    version: str = ""
    audience: tuple[str, ...] = ()
    kind: Literal["written", "generated", "log"] = "written"
    slice: str = ""
    group: str = ""

    @property
    def filtered(self) -> bool:
        return bool(self.product or self.version or self.language)

    @property
    def cluster(self) -> str:
        """What it shares chance with: its conversation, else the first document that answers it."""
        return self.group or (self.sources[0] if self.sources else self.id)

    def request(self, k: int, *, narrowed: bool = True) -> SearchRequest:
        """What a dialog asks: the last two things said where this one carries on."""
        query = "\n".join((*self.before[-1:], self.question))
        if not narrowed:
            return SearchRequest(query=query, k=k, audiences=self.audience, once=True)
        return SearchRequest(
            query=query,
            k=k,
            audiences=self.audience,
            product=self.product,
            version=self.version,
            language=self.language,
            once=True,
        )


LISTS = ("before", "sources", "passages", "quotes", "audience")

EXAMPLE = '{"question": "How long may I return a bike?", "sources": ["returns.md"], "quotes": ["30 days"]}'


def read(path: Path) -> list[Question]:
    """Raises BadQuestions, naming file, line and what is wrong; other fields than a question's are left alone."""
    return lines.read(path, Form(Question, _complete, EXAMPLE, lists=LISTS))


def write(path: Path, questions: Iterable[Question]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(msgspec.json.encode(question) + b"\n" for question in questions))


def _complete(question: Question) -> Question:
    if not question.question.strip():
        raise ValueError("the question has no words")
    right = question.sources or question.passages or question.quotes
    if question.answerable and not right:
        raise ValueError("nothing says what answers it: give `sources`, `quotes` or `passages`, or set `answerable` to false")
    if not question.answerable and right:
        raise ValueError("`answerable` is false, yet something is named that answers it")
    if any(not part.strip() for part in (*question.sources, *question.passages, *question.quotes)):
        raise ValueError("one of its `sources`, `quotes` or `passages` is empty")
    return question if question.id else msgspec.structs.replace(question, id=name_of(question.question, question.before))
