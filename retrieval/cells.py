"""Exact answers from tables: a question that names a row and a column gets the cell, word for word.

A row is named where the whole of one of its cells stands in the question ("What does the *Path 2* cost?"), a column where the
words of its heading do. The row that covers most of the question is meant; what fits two rows or columns equally well is not
answered from here, and neither is a name that goes on ("Path 2 *Max*"): a passage may still say it.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from core.knowledge import Cell, Passage
from retrieval.readers.contract import Table

LONGEST_NAME = 8
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W_]+")
_AMOUNT = re.compile(r"\W*(?:\d[\d.,:\s–-]*[^\W\d]{0,3}\W*)?")
_UNIT = re.compile(r"[(\[][^)\]]*[)\]]")
_MEANS = {
    "price": ("price", "cost", "preis", "preise", "kosten", "kostet", "precio", "cuesta", "cuestan", "prix", "coûte", "prezzo"),
    "limit": ("limit", "maximum", "max", "grenze", "höchstwert", "límite", "máximo", "limite", "massimo"),
}
_CANONICAL = {word: meaning for meaning, words in _MEANS.items() for word in words}
_FILLING = frozenset(("in", "per", "the", "of", "a", "eur", "euro", "usd", "gbp", "chf"))
_HOW_MUCH = re.compile(r"\b(how much|wie ?viel|wieviel|was kostet|cuánto|combien|quanto)\b", re.IGNORECASE)

Name = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table, and what stands there in its document."""

    passage: Passage
    table: str
    header: tuple[str, ...]
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """A question's words in their order, and after which of them a name would go on: a capital or a number follows."""

    words: Name
    goes_on: frozenset[int]
    how_much: bool

    def phrases(self) -> Iterator[Name]:
        for size in range(1, LONGEST_NAME + 1):
            yield from (self.words[start : start + size] for start in range(len(self.words) - size + 1))

    def places(self, name: Name) -> Iterator[range]:
        for start in range(len(self.words) - len(name) + 1):
            if self.words[start : start + len(name)] == name:
                yield range(start, start + len(name))


def words(text: str) -> Name:
    """Words as names are compared: without case, plural s, and with one word for each of "cost", "price", "Preis"…"""
    return tuple(map(_plain, _WORD.findall(text)))


def question(text: str) -> Question:
    found = list(_WORD.finditer(text))
    following = {
        number
        for number, (one, other) in enumerate(pairwise(found))
        if (other[0][0].isupper() or other[0][0].isdigit()) and not text[one.end() : other.start()].strip(" \t-–/")
    }
    return Question(words(text), frozenset(following), bool(_HOW_MUCH.search(text)))


def names(header: Sequence[str], cells: Sequence[str]) -> Iterator[Name]:
    """What a row may be named by: its first cell, and every other one that is more than an amount."""
    for number, cell in enumerate(cells[: len(header)]):
        name = words(cell)
        if 0 < len(name) <= LONGEST_NAME and _names(number, cell):
            yield name


def rows(table: Table) -> Iterator[tuple[tuple[str, ...], tuple[int, int]]]:
    """The rows of a table that can be looked up, with their places."""
    if len(table.header) > 1 and any(table.header):
        yield from zip(table.rows, table.places, strict=False)


def answers(asked: Question, candidates: Iterable[Row]) -> list[Cell]:
    """The cells that the question names, each source's at most once, what is to be believed first. Of one source that gives
    two values, and of sources about different products or versions, nobody knows which one is meant: none."""
    fits: dict[tuple[int, int], list[Cell]] = {}
    for row in candidates:
        covered, taken = _covered(asked, row)
        if covered:
            for weight, column in _columns(asked, row, taken):
                fits.setdefault((len(covered), weight), []).append(_cell(row, column, taken))
    if not fits:
        return []
    best = fits[max(fits)]
    by_source: dict[str, list[Cell]] = {}
    for cell in best:
        by_source.setdefault(cell.passage.source, []).append(cell)
    chosen = [_only(asked, same) for same in by_source.values()]
    if None in chosen:
        return []
    cells = sorted((cell for cell in chosen if cell and cell.value), key=believed)
    return [] if apart(cells) else cells


def believed(said: Cell) -> tuple[int, float, str]:
    """The order in which sources are right: higher priority, then newer."""
    tags = said.passage.tags
    return -tags.priority, -tags.at, said.passage.source


def apart(cells: Sequence[Cell]) -> bool:
    """Whether these say different things because they are about different products or versions."""
    kinds = {(cell.passage.tags.product, cell.passage.tags.version) for cell in cells}
    return len(kinds) > 1 and len({same(cell.value) for cell in cells}) > 1


def same(value: str) -> str:
    return " ".join(value.casefold().split())


def _plain(word: str) -> str:
    word = word.casefold()
    short = word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
    return _CANONICAL.get(word) or _CANONICAL.get(short, short)


def _covered(asked: Question, row: Row) -> tuple[set[int], dict[int, Name]]:
    """Places of the question that this row's cells name, and which columns they stand in."""
    covered: set[int] = set()
    taken: dict[int, Name] = {}
    for number, cell in enumerate(row.cells[: len(row.header)]):
        name = words(cell)
        if not name or not (number == 0 or any(map(str.isalpha, cell))):
            continue
        for place in asked.places(name):
            covered |= {*place}
            taken[number] = name
    ends = {place for place in covered if place + 1 not in covered}
    headings = {word for column in row.header for word in _heading(column)}
    if not any(_names(number, row.cells[number]) for number in taken):
        return set(), {}
    if any(end in asked.goes_on and asked.words[end + 1] not in headings for end in ends):
        return set(), {}
    return covered, taken


def _names(number: int, cell: str) -> bool:
    """Whether a cell can name its row by itself. "54 cm" can only tell rows of one name apart."""
    return number == 0 or not _AMOUNT.fullmatch(cell)


def _columns(asked: Question, row: Row, taken: dict[int, Name]) -> list[tuple[int, int]]:
    """(how many words name it, column) of the one column that is asked for; none where that is not plain."""
    headings = {n: _heading(name) for n, name in enumerate(row.header[: len(row.cells)]) if n not in taken and name}
    named = {n: {*name} for n, name in headings.items() if {*asked.words} >= {*name}}
    if not named and asked.how_much:
        named = {n: {*name} for n, name in headings.items() if name == ("price",)}
    fullest = [n for n, name in named.items() if all(name >= other for other in named.values())]
    return [(len(named[n]), n) for n in fullest] if len(fullest) == 1 else []


def _heading(column: str) -> Name:
    name = words(_UNIT.sub(" ", column))
    return tuple(word for word in name if word not in _FILLING) or name


def _cell(row: Row, column: int, taken: dict[int, Name]) -> Cell:
    label = ", ".join(row.cells[number] for number in sorted(taken))
    return Cell(value=row.cells[column], column=row.header[column], row=label, table=row.table, passage=row.passage)


def _only(asked: Question, cells: list[Cell]) -> Cell | None:
    """The one value of a source; where its tables differ, that of the table whose title the question names."""
    if len({same(cell.value) for cell in cells}) > 1:
        said = set(asked.words)
        named = [cell for cell in cells if cell.table and said >= {*_heading(cell.table)}]
        return named[0] if named and len({same(cell.value) for cell in named}) == 1 else None
    return cells[0]
