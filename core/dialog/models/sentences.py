"""A passage cut into what can be quoted on its own: sentences, list items and table rows, with what they stand under.

Works on plain text and Markdown, in scripts with and without spaces. Offsets are into the passage's text, so that
`text[unit.start:unit.end]` is always verbatim.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from core.knowledge import STEP

_HEADING = re.compile(r"\s{0,3}(#{1,6}\s+\S.*|\*\*[^*]+\*\*:?\s*$)")
_ITEM = re.compile(r"\s*(?:[-*+•‣–]|\(?\d{1,3}[.)])\s+\S")
_NAMED = r"(?:[^:;]|:(?! ))"
_ROW = re.compile(rf"\s*\||(?:[-*] )?(?!\s)(?:[^:;]{{1,40}}; )?{_NAMED}{{1,40}}: [^;]*; {_NAMED}{{1,40}}: ")
_RULE = frozenset(" \t\r\n:|=-")
_RULED = re.compile(r"[ \t\r]*\n(?=[^\n]*-)[ \t\r:|=-]*+(?:\n|$)")
_BAR = re.compile(r"(?<!\\)\|")
_CELL = re.compile(rf"(?:({_NAMED}+): ([^;]*)|^([^:;]+))(?:; |$)")
_END = re.compile(r"(?<![.!?…؟।])[.!?…؟।]++[\"'”’»)\]*_]*+(?=\s)|[。！？]++[”’」』）]*+")
_SHORT = re.compile(
    r"(?:\b(?:[A-Za-z]|\d{1,2}|e\.g|i\.e|mrs?|ms|dr|prof|no|nr|vs|st|approx|incl|excl|max|min|fig|etc|z\.\s?b|d\.\s?h|u\.\s?a|ca|bzw|inkl|art|p\.\s?ej|sr|sra|ee|uu)\.)$",
    re.IGNORECASE,
)

Kind = Literal["sentence", "item", "row", "heading", "lead"]


@dataclass(frozen=True, slots=True)
class Unit:
    """`block` numbers the paragraph or list it is part of; `under` is the heading, question or lead-in it stands under;
    `columns` are what the table's first row calls the cells of a row between bars."""

    start: int
    end: int
    kind: Kind
    block: int
    under: str = ""
    columns: tuple[str, ...] = ()


def units(text: str, above: str = "") -> list[Unit]:
    """Every unit of a passage, in order. `above` is the heading it stands under, which ends in the columns between bars where
    the passage begins among a table's rows."""
    found: list[Unit] = []
    heading = lead = ""
    columns = tuple(_between_bars(above.rpartition(STEP)[2])) if "|" in above else ()
    for start, end, kind, block in _lines(text):
        words = text[start:end].strip()
        columns = columns if kind == "row" else ()
        if kind == "heading":
            heading, lead = words, ""
        elif kind == "row" and words.startswith("|") and _RULED.match(text, end):
            kind, columns = "lead", tuple(_between_bars(words))
        elif kind == "sentence" and words.endswith(("?", "？", "؟", ":", "：")):
            heading = heading if words.endswith((":", "：")) else ""
            kind, lead = "lead", words
        found.append(Unit(start, end, kind, block, f"{heading} {lead}".strip(), columns if kind == "row" else ()))
    return found


def cells(row: str, columns: Sequence[str] = ()) -> list[tuple[str, str]]:
    """(column, value) of a row's cells, of a table between bars and of "column: value; column: value" alike. A column is ""
    where a row has more or fewer cells than there are columns."""
    if not row.startswith("|"):
        return [(column, value or name) for column, value, name in _CELL.findall(row[2:] if row[:2] in ("- ", "* ") else row)]
    values = _between_bars(row)
    return list(zip(columns if len(columns) == len(values) else [""] * len(values), values, strict=True))


def told(row: Iterable[tuple[str, str]]) -> str:
    """A row as a sentence says it: "column: value; column: value"."""
    return "; ".join(f"{column}: {value}" if column else value for column, value in row if value)


def _between_bars(row: str) -> list[str]:
    return [cell.strip() for cell in _BAR.split(row.strip().removeprefix("|").removesuffix("|"))]


def _lines(text: str) -> Iterator[tuple[int, int, Kind, int]]:
    """(start, end, kind, block) of every heading, item, row and sentence."""
    block = 0
    before = ("", False)
    for start, end, kind in _blocks(text):
        alike = (kind, text[start].isdigit())
        if alike != before or kind == "sentence":
            block += 1
        before = alike
        if kind != "sentence":
            yield start, end, kind, block
            continue
        for first, last in _sentences(text, start, end):
            yield first, last, kind, block


def _blocks(text: str) -> Iterator[tuple[int, int, Kind]]:
    """Lines that stand for themselves, and runs of other lines as one block each; an item takes its indented lines along."""
    open_: tuple[int, int, Kind] | None = None
    at = 0
    for line in text.splitlines(keepends=True):
        start, at = at, at + len(line)
        end = start + len(line.rstrip())
        kind = _kind(line)
        if open_ and kind == "sentence" and (open_[2] == "sentence" or line[:1].isspace()):
            open_ = (open_[0], end, open_[2])
            continue
        if open_:
            yield open_
            open_ = None
        if kind:
            open_ = (start + len(line) - len(line.lstrip()), end, kind)
    if open_:
        yield open_


def _kind(line: str) -> Kind | None:
    if _RULE.issuperset(line):
        return None
    if _HEADING.match(line):
        return "heading"
    if _ROW.match(line):
        return "row"
    return "item" if _ITEM.match(line) else "sentence"


def _sentences(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    first = start
    for stop in _END.finditer(text, start, end):
        if stop[0] == "." and _SHORT.search(text, max(first, stop.start() - 12), stop.end()):
            continue
        yield first, stop.end()
        first = stop.end()
        while first < end and text[first].isspace():
            first += 1
    if first < end:
        yield first, end
