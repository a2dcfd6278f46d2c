"""The questions of an evaluation: JSON lines or CSV, and what is wrong with them, line by line."""

import csv
import difflib
import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec

from core.errors import TurnoutError
from core.knowledge import SearchRequest
from core.records import Record

TOLD = 10
SEPARATOR = "|"
TRUE, FALSE = ("true", "yes", "1"), ("false", "no", "0")


class BadQuestions(TurnoutError):
    """The questions cannot be used."""


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
            return SearchRequest(query=query, k=k, audiences=self.audience)
        return SearchRequest(
            query=query, k=k, audiences=self.audience, product=self.product, version=self.version, language=self.language
        )


FIELDS = Question.__struct_fields__
LISTS = ("before", "sources", "passages", "quotes", "audience")


def read(path: Path) -> list[Question]:
    """Raises BadQuestions, naming file, line and what is wrong; other fields than a question's are left alone."""
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadQuestions(f"{path}: not UTF-8 at byte {error.start}") from None
    except OSError as error:
        raise BadQuestions(f"{path}: {error.strerror}") from None
    rows = _csv(path, text) if path.suffix.lower() in (".csv", ".tsv") else _lines(text)
    found, wrong, seen = [], [], dict[str, int]()
    for line, raw in rows:
        try:
            question = _question(raw)
            if (first := seen.setdefault(question.id, line)) != line:
                raise ValueError(f"the same id as line {first} ({question.id}), or the same question twice")
            found.append(question)
        except ValueError as error:
            wrong.append(f"{path}:{line}: {error}")
    if wrong:
        more = [f"… and {len(wrong) - TOLD} more lines"] if len(wrong) > TOLD else []
        raise BadQuestions("\n".join([*wrong[:TOLD], *more]))
    if not found:
        raise BadQuestions(f"{path}: no question in it; write one line for each: {EXAMPLE}")
    return found


EXAMPLE = '{"question": "How long may I return a bike?", "sources": ["returns.md"], "quotes": ["30 days"]}'


def write(path: Path, questions: Iterable[Question]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(msgspec.json.encode(question) + b"\n" for question in questions))


def name_of(question: str, more: Iterable[str] = ()) -> str:
    """The id of a question that has none: the same question has the same in every run."""
    return hashlib.sha256("\x1f".join((question, *more)).encode()).hexdigest()[:10]


def _lines(text: str) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield number, line


def _csv(path: Path, text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Lists are separated by |; the line is that of a row's end, as quoted cells may hold several."""
    reader = csv.DictReader(text.splitlines(keepends=True), delimiter="\t" if path.suffix.lower() == ".tsv" else ",")
    if "question" not in (reader.fieldnames or ()):
        raise BadQuestions(f"{path}:1: the first line must name the columns, and one of them `question`")
    for row in reader:
        yield reader.line_num, row


def _question(raw: Any) -> Question:
    """Raises ValueError in words for whoever wrote the line."""
    fields = _fields(raw) if isinstance(raw, str) else _cells(raw)
    for name in fields.keys() - {*FIELDS}:
        if meant := difflib.get_close_matches(str(name), FIELDS, n=1, cutoff=0.8):
            raise ValueError(f"no field is called {name!r}: did you mean {meant[0]!r}?")
    known: dict[str, Any] = {name: value for name, value in fields.items() if name in FIELDS}
    for name in LISTS:
        if isinstance(known.get(name), str):
            known[name] = [known[name]]
    try:
        question = msgspec.convert(known, Question)
    except msgspec.ValidationError as error:
        raise ValueError(str(error).replace("Object missing required field", "there is no")) from None
    return _complete(question)


def _fields(line: str) -> dict[str, Any]:
    try:
        fields = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"no JSON ({error.msg} at column {error.colno})") from None
    if not isinstance(fields, dict):
        raise ValueError(f"a line must be an object, like {EXAMPLE}")
    return fields


def _cells(row: dict[str | None, Any]) -> dict[str, Any]:
    if None in row:
        raise ValueError("more cells than columns: put cells with commas in double quotes")
    fields: dict[str, Any] = {str(name): value.strip() for name, value in row.items() if value and value.strip()}
    for name in LISTS:
        if name in fields:
            fields[name] = [part.strip() for part in fields[name].split(SEPARATOR) if part.strip()]
    if (said := fields.get("answerable")) is not None:
        if said.lower() not in TRUE + FALSE:
            raise ValueError(f"`answerable` must be true or false, not {said!r}")
        fields["answerable"] = said.lower() in TRUE
    return fields


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
