"""A file of questions, JSON lines or CSV, as records; and what is wrong with it, line by line."""

import csv
import difflib
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from core.errors import TurnoutError

TOLD = 10
SEPARATOR, ALTERNATIVE = "|", " / "
TRUE, FALSE = ("true", "yes", "1"), ("false", "no", "0")


class BadQuestions(TurnoutError):
    """The questions cannot be used."""


class Named(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=Named)


@dataclass(frozen=True, slots=True)
class Form(Generic[T]):
    """What a line becomes. `complete` says what no type can, by a ValueError in words for whoever wrote the line, and gives the
    record its id. `lists` may hold a single word in place of a list, `flags` are true or false in a table, which has one
    of the `columns`; `more` are fields known to `prepare` only, which has the line's fields before they are a `kind`. A
    column `a.b` is the field b of a."""

    kind: type[T]
    complete: Callable[[T], T]
    example: str
    lists: tuple[str, ...] = ()
    prepare: Callable[[dict[str, Any]], dict[str, Any]] = dict
    more: tuple[str, ...] = ()
    flags: tuple[str, ...] = ("answerable",)
    columns: tuple[str, ...] = ("question",)

    @property
    def fields(self) -> tuple[str, ...]:
        names: tuple[str, ...] = self.kind.__struct_fields__  # type: ignore[attr-defined]
        return names


def read(path: Path, form: Form[T]) -> list[T]:
    """Raises BadQuestions, naming file, line and what is wrong; fields that nobody knows are left alone."""
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadQuestions(f"{path}: not UTF-8 at byte {error.start}") from None
    except OSError as error:
        raise BadQuestions(f"{path}: {error.strerror}") from None
    rows = _csv(path, text, form.columns) if path.suffix.lower() in (".csv", ".tsv") else _lines(text)
    found, wrong, seen = [], [], dict[str, int]()
    for line, raw in rows:
        try:
            record = _record(raw, form)
            if (first := seen.setdefault(record.id, line)) != line:
                raise ValueError(f"the same id as line {first} ({record.id}), or the same question twice")
            found.append(record)
        except ValueError as error:
            wrong.append(f"{path}:{line}: {error}")
    if wrong:
        more = [f"… and {len(wrong) - TOLD} more lines"] if len(wrong) > TOLD else []
        raise BadQuestions("\n".join([*wrong[:TOLD], *more]))
    if not found:
        raise BadQuestions(f"{path}: no question in it; write one line for each: {form.example}")
    return found


def name_of(question: str, more: Iterable[str] = ()) -> str:
    """The id of a question that has none: the same question has the same in every run."""
    return hashlib.sha256("\x1f".join((question, *more)).encode()).hexdigest()[:10]


def _lines(text: str) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield number, line


def _csv(path: Path, text: str, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Lists are separated by |; the line is that of a row's end, as quoted cells may hold several."""
    reader = csv.DictReader(text.splitlines(keepends=True), delimiter="\t" if path.suffix.lower() == ".tsv" else ",")
    if not {*columns} & {*(reader.fieldnames or ())}:
        named = " or ".join(f"`{column}`" for column in columns)
        raise BadQuestions(f"{path}:1: the first line must name the columns, and one of them {named}")
    for row in reader:
        yield reader.line_num, row


def _record(raw: Any, form: Form[T]) -> T:
    fields = _fields(raw, form.example) if isinstance(raw, str) else _cells(raw, form)
    names = (*form.fields, *form.more)
    for name in fields.keys() - {*names}:
        if meant := difflib.get_close_matches(str(name), names, n=1, cutoff=0.8):
            raise ValueError(f"no field is called {name!r}: did you mean {meant[0]!r}?")
    known = {name: [value] if name in form.lists and isinstance(value, str) else value for name, value in fields.items()}
    prepared = {name: value for name, value in form.prepare(known).items() if name in form.fields}
    try:
        record = msgspec.convert(prepared, form.kind, strict=isinstance(raw, str))
    except msgspec.ValidationError as error:
        raise ValueError(str(error).replace("Object missing required field", "there is no")) from None
    return form.complete(record)


def _fields(line: str, example: str) -> dict[str, Any]:
    try:
        fields = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"no JSON ({error.msg} at column {error.colno})") from None
    if not isinstance(fields, dict):
        raise ValueError(f"a line must be an object, like {example}")
    return fields


def _cells(row: dict[str | None, Any], form: Form[T]) -> dict[str, Any]:
    if None in row:
        raise ValueError("more cells than columns: put cells with commas in double quotes")
    fields: dict[str, Any] = {}
    for name, value in ((str(name), value.strip()) for name, value in row.items() if value and value.strip()):
        outer, _, inner = name.partition(".")
        if inner:
            fields.setdefault(outer, {})[inner] = value
        elif name in form.lists:
            fields[name] = [part.strip() for part in value.split(SEPARATOR) if part.strip()]
        else:
            fields[name] = value
    for name in form.flags:
        if (said := fields.get(name)) is None:
            continue
        if said.lower() not in TRUE + FALSE:
            raise ValueError(f"`{name}` must be true or false, not {said!r}")
        fields[name] = said.lower() in TRUE
    return fields
