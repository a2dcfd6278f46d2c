"""PDF, page by page, read by pdfium; its outline gives the headings where it has one, else how its letters are set."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from pypdfium2 import PdfDocument, PdfiumError

from retrieval.readers import pdf_styles
from retrieval.readers.contract import Corrupt, Encrypted, Extract, TooLarge, Writer
from retrieval.readers.glyphs import shown
from retrieval.readers.pdf_rules import Ruler
from retrieval.readers.pdf_styles import Block, Line, Style
from retrieval.readers.text import clean

PAGES = 10_000
_SPACES = re.compile(r"[ \t\u00a0]+")
_LIGATURES = re.compile("[\ufb00-\ufb06\ufb50-\ufdff\ufe70-\ufefc]")
_SCRIPTS = re.compile(r"(?<=[A-Za-z0-9])(?=[\u0620-\u064a])|(?<=[\u0620-\u064a])(?=[A-Za-z0-9])")
_MARK = re.compile(r" ([\u064b-\u0652])(\w)")  # an Arabic vowel mark drawn before its letter
_NUMBER = re.compile(r"^\d{1,5}\b|\b\d{1,5}$")
_EDGE = 2
_REPEATED = 3
SAME = 2.0
"""Points by which columns of one table may be apart on two pages."""


def read(data: bytes) -> Extract:
    if not data.lstrip()[:5] == b"%PDF-":
        raise Corrupt("not a PDF: it does not start with %PDF-")
    try:
        pdf = PdfDocument(data)
    except PdfiumError as error:
        if "password" in str(error).lower() or "security" in str(error).lower():
            raise Encrypted("the PDF needs a password: save it without one") from None
        raise Corrupt(f"a broken PDF: {error}") from None
    try:
        return _pages(pdf)
    except PdfiumError as error:
        raise Corrupt(f"a broken PDF: {error}") from None
    finally:
        pdf.close()


def _pages(pdf: PdfDocument) -> Extract:
    if len(pdf) > PAGES:
        raise TooLarge(f"{len(pdf):,} pages: split the file")
    writer = Writer()
    outline, ruler = _outline(pdf), Ruler()
    pages = _without_furniture([_tidy(shown(pdf, number, writer.hidden, ruler)) for number in range(len(pdf))])
    pages = _headed(pages)
    if ruler.spent:
        writer.flag(f"tables are running text from page {ruler.spent} on (too much is drawn)")
    styles = {} if outline else pdf_styles.levels(pages)
    for number, lines in enumerate(pages):
        writer.page()
        told = _with_headings(lines, outline.get(number, [])) if outline else pdf_styles.blocks(lines, styles)
        for block in told:
            if isinstance(block, str):
                writer.block(block)
            elif isinstance(block, Line):
                writer.table([[*cells] for cells in block.rows])
            else:
                writer.heading(*block)
    return writer.extract(clean(pdf.get_metadata_value("Title") or ""))


def _tidy(lines: list[Line]) -> list[Line]:
    """With ligatures as letters and runs of blanks made one, heights in half points."""
    tidy = []
    for line in lines:
        rows = tuple(tuple(" ".join(_tidied(cell).split()) for cell in cells) for cells in line.rows)
        text = " ".join(cell for cells in rows for cell in cells) or _tidied(line.text)
        cells: Counter[Style] = Counter()
        for style, letters in line.cells:
            cells[_rounded(style)] += letters
        tidy.append(replace(line, text=text, style=_rounded(line.style), rows=rows, cells=tuple(cells.items())))
    return tidy


def _headed(pages: list[list[Line]]) -> list[list[Line]]:
    """A table that goes on at the top of the next page gets its header there, too."""
    for before, after in pairwise(pages):
        last = next((line for line in reversed(before) if line.rows), None)
        place, line = next(((n, line) for n, line in enumerate(after) if line.rows), (0, None))
        if last and line and last.headed and not line.headed and _alike(last.columns, line.columns):
            after[place] = replace(line, rows=(last.rows[0], *line.rows), headed=True)
    return pages


def _alike(one: Sequence[float], other: Sequence[float]) -> bool:
    return len(one) == len(other) and all(abs(a - b) <= SAME for a, b in zip(one, other, strict=True))


def _rounded(style: Style) -> Style:
    return round(2 * style[0]) / 2, style[1]


def _tidied(text: str) -> str:
    text = _LIGATURES.sub(lambda found: unicodedata.normalize("NFKC", found.group()), clean(text))
    return _SPACES.sub(" ", _SCRIPTS.sub(" ", _MARK.sub(r"\2\1", text))).strip()


def _without_furniture(pages: list[list[Line]]) -> list[list[Line]]:
    """Pages without the lines that stand at the edge of many, but for page numbers the same: headers and footers. The first
    of each stays."""
    edges = [_edge(lines, page) for page, lines in enumerate(pages)]
    counts = Counter(key for keys in edges for key in set(keys.values()))
    seen: set[str] = set()
    kept = []
    for lines, keys in zip(pages, edges, strict=True):
        gone = {n for n, key in keys.items() if counts[key] >= _REPEATED and key in seen}
        seen |= set(keys.values())
        kept.append([line for n, line in enumerate(lines) if n not in gone])
    return kept


def _edge(lines: list[Line], page: int) -> dict[int, str]:
    """The first and last lines of a page; a number that counts with the pages is the same on each, a price is not."""
    filled = [n for n, line in enumerate(lines) if line.text]
    places = (*filled[:_EDGE], *filled[-_EDGE:])
    return {n: _NUMBER.sub(lambda found: f"#{int(found.group()) - page}", lines[n].text) for n in places}


def _outline(pdf: PdfDocument) -> dict[int, list[tuple[int, str]]]:
    """Page index → (level, title) of the outline's entries there; empty where the outline is missing or broken."""
    found: dict[int, list[tuple[int, str]]] = {}
    try:
        for entry in pdf.get_toc(max_depth=6):
            place = entry.get_dest()
            page = place.get_index() if place is not None else None
            if page is not None:
                found.setdefault(page, []).append((min(entry.level + 1, 6), " ".join(clean(entry.get_title()).split())))
    except (PdfiumError, AttributeError, ValueError):
        return {}
    return found


def _with_headings(lines: list[Line], headings: list[tuple[int, str]]) -> Iterator[Block]:
    """The page's text cut where a line is one of its outline titles, or a table."""
    wanted = {title.casefold(): (level, title) for level, title in headings if title}
    block: list[str] = []
    for line in lines:
        found = line if line.rows else wanted.pop(" ".join(line.text.split()).casefold(), None)
        if found:
            yield "\n".join(block)
            block = []
            yield found
        else:
            block.append(line.text)
    yield "\n".join(block)
