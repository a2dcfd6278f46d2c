"""Splitting: a document becomes passages of 120 to 200 words that never run over a heading and know where they stand.

LangChain's recursive splitter cuts each section at paragraphs, then lines, then sentences. A row of a table and a block of code
stay whole unless they alone are twice as long as a passage. Rows that stand in another passage than their header have its
columns at the end of their heading, between bars. For every passage `document.text[passage.start:passage.end] ==
passage.text` holds exactly.
"""

import hashlib
import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from langchain_text_splitters import RecursiveCharacterTextSplitter

from core.knowledge import STEP
from retrieval.readers.contract import LoadedDocument, Table

WORDS = 180
LETTERS_A_WORD = 7
SEPARATORS = ["\n\n", "\n", ". ", "? ", "! ", "。", "！", "？", "; ", ", ", " ", ""]
Span = tuple[int, int]
_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})(.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Piece:
    """A passage of a document. `id` stays the same for as long as its document's name and its words do."""

    id: str
    text: str
    heading: str
    start: int
    end: int
    page: int


def words(text: str) -> int:
    """Length in words; text without spaces (Chinese, a long token) counts by its letters."""
    return max(len(text.split()), -(-len(text) // LETTERS_A_WORD))


def split(document: LoadedDocument, size: int = WORDS) -> list[Piece]:
    """The passages of a document in reading order, of `size` words at most. A table's passages name the page it is on."""
    seen: Counter[str] = Counter()
    pieces = []
    tables = sorted(document.tables, key=lambda table: table.start)
    for start, end, heading in _sections(document):
        inside = [table for table in tables[bisect_left(tables, start, key=_start) :] if table.end <= end]
        units = _units(document.text, (start, end), inside, size)
        pages = {
            table.start: document.pages[bisect_right(document.pages, table.start) - 1] for table in inside if document.pages
        }
        for begin, stop in _packed(document.text, units, size, pages):
            text = document.text[begin:stop]
            seen[text] += 1
            page = bisect_right(document.pages, begin)
            named = _below(heading, inside, begin)
            pieces.append(Piece(_id(document.source, text, seen[text]), text, named, begin, stop, page))
    return pieces


def _id(source: str, text: str, nth: int) -> str:
    return hashlib.sha256(f"{source}\x1f{nth}\x1f{text}".encode()).hexdigest()[:24]


def _sections(document: LoadedDocument) -> Iterator[tuple[int, int, str]]:
    """(start, end, heading path) of each stretch of text between two headings; the whole text if it is nothing but headings."""
    headings = document.headings
    ends = [*(heading.start for heading in headings), len(document.text)]
    sections = [(0, ends[0], "")]
    path: list[tuple[int, str]] = []
    for heading, end in zip(headings, ends[1:], strict=True):
        path = [step for step in path if step[0] < heading.level] + [(heading.level, heading.title)]
        names = [title for _, title in path if title not in ("", document.title)]
        sections.append((heading.end, end, STEP.join(names)))
    filled = [section for section in sections if document.text[section[0] : section[1]].strip()]
    yield from filled or [(0, len(document.text), "")]


def _units(text: str, section: Span, tables: list[Table], size: int) -> Iterator[Span]:
    """What a section is cut into at the finest: paragraphs, rows (the first with its header), blocks of code."""
    start, end = section
    first = {table.places[0]: table.start for table in tables if table.places}
    whole = [(first.get(place, place[0]), place[1]) for table in tables for place in table.places]
    at = start
    for begin, stop in sorted((*whole, *_fences(text, start, end))):
        if begin < at:
            continue  # what looks like a table inside code
        yield from _cut(text, at, begin, size)
        yield from [(begin, stop)] if words(text[begin:stop]) <= 2 * size else _cut(text, begin, stop, size)
        at = stop
    yield from _cut(text, at, end, size)


def _packed(text: str, units: Iterator[Span], size: int, pages: Mapping[int, int]) -> Iterator[Span]:
    """Neighbours put together while they make one passage. `pages`: for what begins here, where its page does; it stands in no
    passage that begins before."""
    begin, stop = next(units, (0, 0))
    for start, end in units:
        if words(text[begin:end]) > size or begin < pages.get(start, 0):
            yield begin, stop
            begin = start
        stop = end
    if stop > begin:
        yield begin, stop


def _fences(text: str, start: int, end: int) -> Iterator[Span]:
    """Blocks of code; one that is never closed ends with its section."""
    opened: re.Match[str] | None = None
    for fence in _FENCE.finditer(text, start, end):
        if opened is None:
            opened = fence
        elif fence[1].startswith(opened[1]) and not fence[2].strip():
            yield opened.start(), fence.end()
            opened = None
    if opened is not None:
        yield opened.start(), end


def _below(heading: str, tables: list[Table], begin: int) -> str:
    """The heading of a passage: with the columns, where it begins among the rows of a table whose header stands before it."""
    table = next((table for table in tables if table.places and table.places[0][0] <= begin < table.end), None)
    if table is None or table.places[0][0] == table.start:
        return heading
    return STEP.join(filter(None, (heading, f"| {' | '.join(table.header)} |")))


def _cut(text: str, start: int, end: int, size: int) -> Iterator[Span]:
    """Passages of running text. Offsets are found again from the end of the passage before, so that words which repeat are
    never taken for each other."""
    for chunk in _splitter(size).split_text(text[start:end]):
        place = text.index(chunk, start)
        start = place + len(chunk)
        yield place, start


def _start(table: Table) -> int:
    return table.start


@cache
def _splitter(size: int) -> RecursiveCharacterTextSplitter:
    return RecursiveCharacterTextSplitter(
        separators=SEPARATORS, chunk_size=size, chunk_overlap=0, length_function=words, keep_separator="end"
    )
