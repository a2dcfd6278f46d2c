"""What a reader returns, and the errors that say why a file cannot be read.

Unreadable
├── Unsupported    no reader for this kind of file
├── Empty          nothing in it
├── Binary         a text file that holds none
├── WrongEncoding  text that is not UTF-8
├── Encrypted      a password is needed
├── Corrupt        not what its name says, or broken
├── TooLarge       more than a reader takes
└── TooSlow        the reader did not end in time, or died
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import accumulate

from core.errors import TurnoutError
from retrieval.readers.hidden import Hidden

LONGEST = 20_000_000
_TOO_LONG = f"more than {LONGEST:,} characters of text: split the file"


class Unreadable(TurnoutError):
    """This file cannot be read."""


class Unsupported(Unreadable):
    """There is no reader for this kind of file."""


class Empty(Unreadable):
    """The file holds no text."""


class Binary(Unreadable):
    """The file is binary, not text."""


class WrongEncoding(Unreadable):
    """The file is not UTF-8: save it as UTF-8."""


class Encrypted(Unreadable):
    """The file is encrypted: remove its password."""


class Corrupt(Unreadable):
    """The file is broken."""


class TooLarge(Unreadable):
    """The file is larger than a reader takes."""


class TooSlow(Unreadable):
    """Reading the file took too long or too much memory."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading in a document's text: `start` to `end` is where it stands, its section's body begins at `end`.
    One without a title is a boundary that no passage runs over."""

    level: int
    title: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a document: its rows as they stand, for exact look-ups. `start` to `end` is where it stands in the text, and
    `places[i]` where row i does; `header` names the columns."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    places: tuple[tuple[int, int], ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Extract:
    """What a reader makes of a file: one text, in which headings, pages and tables are found by character offsets.

    `pages[i]` is the offset at which page i + 1 starts; empty where the format has no pages. `flags` tell the owner what the
    document hides or could not give, in a few words each: "hidden text (3 places)".
    """

    text: str
    title: str = ""
    headings: tuple[Heading, ...] = ()
    pages: tuple[int, ...] = ()
    tables: tuple[Table, ...] = ()
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LoadedDocument:
    """A document ready to be split. `source` is its stable name, the one that citations show; `url` where it can be opened."""

    source: str
    title: str
    text: str
    headings: tuple[Heading, ...] = ()
    pages: tuple[int, ...] = ()
    url: str = ""
    tables: tuple[Table, ...] = ()
    flags: tuple[str, ...] = ()


class Writer:
    """Puts an Extract together block by block; blocks are separated by an empty line."""

    def __init__(self) -> None:
        self.hidden = Hidden()
        self._blocks: list[str] = []
        self._length = 0
        self._headings: list[Heading] = []
        self._pages: list[int] = []
        self._tables: list[Table] = []
        self._flags: list[str] = []

    def block(self, text: str) -> None:
        if text := self.hidden.strip(text).strip():
            self._add(text)

    def code(self, text: str) -> None:
        """Text whose line breaks and blanks mean something; splitting keeps it whole."""
        if text := self.hidden.strip(text).strip("\n"):
            fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`{3,}", text)), default=0))
            self._add(f"{fence}\n{text}\n{fence}")

    def heading(self, level: int, title: str) -> None:
        if title := " ".join(self.hidden.strip(title).split()):
            start = self._length
            self._add(f"{'#' * level} {title}")
            self._headings.append(Heading(level, title, start, self._length))

    def page(self) -> None:
        """What follows stands on a new page."""
        self._pages.append(self._length)

    def table(self, rows: list[list[str]], title: str = "") -> None:
        """A table whose first row names its columns. One of a single cell is a block."""
        if self._length + sum(len(cell) for cells in rows for cell in cells) > LONGEST:
            raise TooLarge(_TOO_LONG)
        rows = [[" ".join(self.hidden.strip(cell).split()) for cell in cells] for cells in rows]
        rows = [cells for cells in rows if any(cells)]
        width = max((len(cells) for cells in rows), default=0)
        if width * len(rows) <= 1:
            self.block(rows[0][0] if rows else "")
            return
        header, *body = (tuple(cells + [""] * (width - len(cells))) for cells in rows)
        lines = [_line(header), _line(("-",) * width), *map(_line, body)]
        start = self._length
        starts = list(accumulate((len(line) + 1 for line in lines), initial=start))[2:]
        places = tuple((place, place + len(line)) for place, line in zip(starts, lines[2:], strict=False))
        self._add("\n".join(lines))
        above = self._headings[-1].title if self._headings else ""
        self._tables.append(Table(title or above, header, tuple(body), places, start, self._length - 2))

    def append(self, part: Extract, deeper: int = 0) -> None:
        """Another document's text after this one's, its headings `deeper` levels down."""
        at, text = self._length, part.text.rstrip()
        self._add(text)
        self._headings += [
            replace(one, level=min(one.level + deeper, 6), start=at + one.start, end=min(at + one.end, self._length))
            for one in part.headings
        ]
        for table in part.tables:
            places = tuple((at + start, at + end) for start, end in table.places)
            self._tables.append(replace(table, places=places, start=at + table.start, end=at + table.end))
        self._flags += part.flags

    def flag(self, words: str) -> None:
        """Something its owner should know."""
        self._flags.append(" ".join(words.split()))

    def extract(self, title: str = "") -> Extract:
        top = next((heading.title for heading in self._headings), "")
        title = " ".join(self.hidden.strip(title).split())
        text = "".join(self._blocks).rstrip()
        headings = tuple(replace(one, end=min(one.end, len(text))) for one in self._headings)
        flags = tuple(dict.fromkeys((*self.hidden.flags(), *self._flags)))
        return Extract(text, title or top, headings, tuple(self._pages), tuple(self._tables), flags)

    def _add(self, text: str) -> None:
        self._blocks.append(text + "\n\n")
        self._length += len(text) + 2
        if self._length > LONGEST:
            raise TooLarge(_TOO_LONG)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def row(header: list[str], cells: list[str]) -> str:
    """A table's row as a sentence that keeps its column names: `Model: Path 2; Price: € 899.`"""
    named = (f"{name}: {cell}" if name else cell for name, cell in zip(header, cells, strict=False) if cell)
    rest = (cell for cell in cells[len(header) :] if cell)
    return "; ".join((*named, *rest))
