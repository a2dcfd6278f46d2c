"""PDF, page by page, read by pdfium; its outline gives the headings where it has one, else how its letters are set."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator

from pypdfium2 import PdfDocument, PdfiumError

from retrieval.readers import pdf_styles
from retrieval.readers.contract import Corrupt, Encrypted, Extract, TooLarge, Writer
from retrieval.readers.glyphs import shown
from retrieval.readers.pdf_styles import Line, Style
from retrieval.readers.text import clean

PAGES = 10_000
_SPACES = re.compile(r"[ \t\u00a0]+")
_LIGATURES = re.compile("[\ufb00-\ufb06\ufb50-\ufdff\ufe70-\ufefc]")
_SCRIPTS = re.compile(r"(?<=[A-Za-z0-9])(?=[\u0620-\u064a])|(?<=[\u0620-\u064a])(?=[A-Za-z0-9])")
_MARK = re.compile(r" ([\u064b-\u0652])(\w)")  # an Arabic vowel mark drawn before its letter
_NUMBER = re.compile(r"^\d{1,5}\b|\b\d{1,5}$")
_EDGE = 2
_REPEATED = 3


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
    outline = _outline(pdf)
    pages = _without_furniture([_tidy(shown(pdf, number, writer.hidden)) for number in range(len(pdf))])
    styles = {} if outline else pdf_styles.levels(pages)
    for number, lines in enumerate(pages):
        writer.page()
        told = _with_headings(lines, outline.get(number, [])) if outline else pdf_styles.blocks(lines, styles)
        for block in told:
            if isinstance(block, str):
                writer.block(block)
            else:
                writer.heading(*block)
    return writer.extract(clean(pdf.get_metadata_value("Title") or ""))


def _tidy(lines: list[tuple[str, Style]]) -> list[Line]:
    """With ligatures as letters and runs of blanks made one, heights in half points."""
    return [Line(_tidied(text), (round(2 * height) / 2, bold)) for text, (height, bold) in lines]


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


def _with_headings(lines: list[Line], headings: list[tuple[int, str]]) -> Iterator[str | tuple[int, str]]:
    """The page's text cut where a line is one of its outline titles."""
    wanted = {title.casefold(): (level, title) for level, title in headings if title}
    block: list[str] = []
    for line in lines:
        found = wanted.pop(" ".join(line.text.split()).casefold(), None)
        if found:
            yield "\n".join(block)
            block = []
            yield found
        else:
            block.append(line.text)
    yield "\n".join(block)
