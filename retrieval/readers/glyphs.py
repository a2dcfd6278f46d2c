"""The characters of a PDF's page as they show: what is invisible on the drawn page is left out and counted.

A scan's recognised text is invisible too, but the picture above it shows ink: only what stands where the drawn page is one flat
colour, or what is too small to read, counts as hidden.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from ctypes import addressof, c_double, c_int, c_uint, create_string_buffer

import numpy as np
import pypdfium2.raw as raw
from numpy.typing import NDArray
from pypdfium2 import PdfDocument, PdfPage

from retrieval.readers.hidden import Hidden
from retrieval.readers.pdf_rules import Ruler
from retrieval.readers.pdf_styles import Line, Style
from retrieval.readers.pdf_tables import Drawn, tables

_INVISIBLE = {3, 7}  # text render modes that draw nothing
_PALE = 232
_CLEAR = 16
_TINY = 2.0  # points
_FLAT = 16
_WIDEST = 1500
_BREAKS = ("\r", "\n", "\f")
_LAM, _ALEFS = "ل", "اأإآ"


def shown(pdf: PdfDocument, number: int, hidden: Hidden, ruler: Ruler) -> list[Line]:
    """The lines and tables of a page, and how their letters are set, as far as those at both ends of a line agree."""
    page = pdf[number]
    text = page.get_textpage()
    try:
        drawn = tables(page, text.raw, ruler)
        found = [*_lines(_characters(page, text.raw, hidden), text.raw, drawn)]
        return [one if isinstance(one, Line) else _table(one, text.raw) for one in found]
    finally:
        text.close()
        page.close()


def _lines(
    characters: Iterator[tuple[str, int]], text: "raw.FPDF_TEXTPAGE", tables: Mapping[int, Drawn]
) -> Iterator[Line | Drawn]:
    """A table comes where its first letter does, and is filled by the time that all have come."""
    line, returned = "", False
    ends: list[int] = []
    table: Drawn | None = None
    for letters, place in characters:
        table = tables.get(place, None if letters.strip() else table)
        if table is not None:
            if line.strip():
                yield Line(line, _style(text, ends))
            if not table.begun:
                yield table
            table.put(letters, place)
            line, ends = "", []
        elif letters in _BREAKS:
            if not (letters == "\n" and returned):  # a return and a new line are one end
                yield Line(line, _style(text, ends))
                line, ends = "", []
        else:
            line += letters
            ends = [*ends[:1], place] if letters.strip() else ends
        returned = letters == "\r"
    yield Line(line, _style(text, ends))


def _table(table: Drawn, text: "raw.FPDF_TEXTPAGE") -> Line:
    """`headed` where the first row is bold and not all of the rest."""
    styles: Counter[Style] = Counter()
    bold: dict[bool, list[bool]] = {True: [], False: []}
    for place, count, heads in table.samples:
        style = _style(text, [place])
        styles[style] += count
        bold[heads].append(style[1])
    headed = all(bold[True]) and not all(bold[False])
    rows = tuple(map(tuple, table.rows()))
    return Line("", rows=rows, columns=tuple(table.grid.columns), headed=headed, cells=tuple(styles.items()))


def _style(text: "raw.FPDF_TEXTPAGE", ends: list[int]) -> Style:
    heights = [_height(text, end) for end in ends]
    return min(heights, default=0.0), bool(ends) and all(_bold(text, end) for end in ends)


def _height(text: "raw.FPDF_TEXTPAGE", place: int) -> float:
    box = raw.FS_RECTF()
    raw.FPDFText_GetLooseCharBox(text, place, box)
    return float(max(abs(box.top - box.bottom), abs(box.right - box.left)))


def _bold(text: "raw.FPDF_TEXTPAGE", place: int) -> bool:
    name, flags = create_string_buffer(256), c_int()
    raw.FPDFText_GetFontInfo(text, place, name, len(name), flags)
    return b"bold" in name.value.lower()


def _characters(page: PdfPage, text: "raw.FPDF_TEXTPAGE", hidden: Hidden) -> Iterator[tuple[str, int]]:
    """The letters that show, and where each stands in the page's text."""
    suspects, look = _Suspects(text), _Look(page, text)
    gone, joined, held = False, False, ""
    for place in range(raw.FPDFText_CountChars(text)):
        letter = chr(raw.FPDFText_GetUnicode(text, place))
        if joined and letter in "\r\n":
            continue
        joined = letter == "\x02" and raw.FPDFText_IsHyphen(text, place) == 1  # a word goes on in the next line
        if joined:
            continue
        if letter.strip() and suspects(place) and (suspects.tiny(place) or look.flat(place)):
            hidden.add(places=not gone)
            gone = True
            continue
        gone = gone and not letter.strip()
        if held and letter == _LAM and _together(text, place):
            letter, held = letter + held, ""  # one glyph for two letters, told in the wrong order
        if held:
            yield held, place - 1
        held, letter = (letter, "") if letter in _ALEFS else ("", letter)
        if letter:
            yield letter, place
    if held:
        yield held, place


def _together(text: "raw.FPDF_TEXTPAGE", place: int) -> bool:
    """Whether a character is drawn by the same glyph as the one before it."""
    return _origin(text, place) == _origin(text, place - 1)


def _origin(text: "raw.FPDF_TEXTPAGE", place: int) -> tuple[float, float]:
    x, y = c_double(), c_double()
    raw.FPDFText_GetCharOrigin(text, place, x, y)
    return x.value, y.value


class _Suspects:
    """Which characters may not show: by their object's colour and mode, asked once for each object."""

    def __init__(self, text: "raw.FPDF_TEXTPAGE") -> None:
        self._text = text
        self._known: dict[int, tuple[bool, bool]] = {}

    def __call__(self, place: int) -> bool:
        return any(self._judged(place))

    def tiny(self, place: int) -> bool:
        return self._judged(place)[1]

    def _judged(self, place: int) -> tuple[bool, bool]:
        """(pale or invisible, too small to read)"""
        drawn = raw.FPDFText_GetTextObject(self._text, place)
        if not drawn:
            return False, False
        key = addressof(drawn.contents)
        if key not in self._known:
            self._known[key] = (self._faint(drawn), _height(self._text, place) < _TINY)
        return self._known[key]

    def _faint(self, drawn: "raw.FPDF_PAGEOBJECT") -> bool:
        red, green, blue, alpha = c_uint(), c_uint(), c_uint(), c_uint()
        raw.FPDFPageObj_GetFillColor(drawn, red, green, blue, alpha)
        pale = min(red.value, green.value, blue.value) >= _PALE or alpha.value <= _CLEAR
        return pale or raw.FPDFTextObj_GetTextRenderMode(drawn) in _INVISIBLE


class _Look:
    """The page as it is drawn, on which a character's place is flat where nothing shows. Drawn when first asked."""

    def __init__(self, page: PdfPage, text: "raw.FPDF_TEXTPAGE") -> None:
        self._page, self._text = page, text
        self._pixels: NDArray[np.uint8] | None = None

    def flat(self, place: int) -> bool:
        if self._pixels is None:
            scale = min(2.0, _WIDEST / max(self._page.get_width(), self._page.get_height(), 1))
            self._pixels = self._page.render(scale=scale, grayscale=True).to_numpy().squeeze()
        box = raw.FS_RECTF()
        raw.FPDFText_GetLooseCharBox(self._text, place, box)
        (left, top), (right, bottom) = (self._device(x, y) for x, y in ((box.left, box.top), (box.right, box.bottom)))
        rows, columns = slice(*_ordered(top, bottom)), slice(*_ordered(left, right))
        area = self._pixels[rows, columns]
        return area.size == 0 or int(area.max()) - int(area.min()) < _FLAT

    def _device(self, x: float, y: float) -> tuple[int, int]:
        assert self._pixels is not None
        height, width = self._pixels.shape
        across, down = c_int(), c_int()
        raw.FPDF_PageToDevice(self._page.raw, 0, 0, width, height, 0, x, y, across, down)
        return across.value, down.value


def _ordered(one: int, other: int) -> tuple[int, int]:
    return max(min(one, other), 0), max(one, other, 0) + 1
