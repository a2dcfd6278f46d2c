"""The tables of a PDF's page: which cell each letter stands in. A letter belongs to the cell that its middle lies in."""

from collections import Counter
from collections.abc import Iterator
from ctypes import byref, c_double
from dataclasses import dataclass, field

import pypdfium2.raw as raw
from pypdfium2 import PdfPage

from retrieval.readers.pdf_grids import Grid, grids
from retrieval.readers.pdf_rules import Point, Ruler, upright

MOST = 50
"""Boxes of a page that are looked at as tables; more are a form or a drawing."""


@dataclass(slots=True)
class Drawn:
    """A table as it is read, letter by letter: `cells` says which letters of the page's text stand in which cell."""

    grid: Grid
    cells: dict[int, int]
    _texts: dict[int, str] = field(default_factory=dict)
    _cell: int = 0

    @property
    def begun(self) -> bool:
        return bool(self._texts)

    @property
    def samples(self) -> list[tuple[int, int, bool]]:
        """Of each cell a letter, how many it has, and whether it is of the first row, which names the columns."""
        first = {cell: place for place, cell in reversed(self.cells.items())}
        top = max(map(self.grid.line, first))
        return [(first[cell], count, self.grid.line(cell) == top) for cell, count in Counter(self.cells.values()).items()]

    def put(self, letters: str, place: int) -> None:
        """A blank belongs to the cell of the letter before it."""
        self._cell = self.cells.get(place, self._cell)
        self._texts[self._cell] = self._texts.get(self._cell, "") + letters

    def rows(self) -> list[list[str]]:
        return self.grid.rows(self._texts)


def tables(page: PdfPage, text: "raw.FPDF_TEXTPAGE", ruler: Ruler) -> dict[int, Drawn]:
    """For each letter that stands in a table, which one that is."""
    drawn = sorted(grids(*ruler.rules(page)), key=lambda grid: grid.area)[:MOST]  # a table in a frame comes before the frame
    if not drawn:
        return {}
    cells: list[dict[int, int]] = [{} for _ in drawn]
    for place, point in _middles(text, raw.FPDFPage_GetRotation(page.raw)):
        for grid, own in zip(drawn, cells, strict=True):
            if (cell := grid.cell(point)) is not None:
                own[place] = cell
                break
    found = [Drawn(grid, own) for grid, own in zip(drawn, cells, strict=True) if grid.holds_table(own.values())]
    return {place: table for table in found for place in table.cells}


def _middles(text: "raw.FPDF_TEXTPAGE", turned: int) -> Iterator[tuple[int, Point]]:
    """The letters that are not blank, and where their middles are."""
    left, right, low, high = c_double(), c_double(), c_double(), c_double()
    for place in range(raw.FPDFText_CountChars(text)):
        if chr(raw.FPDFText_GetUnicode(text, place)).strip():
            raw.FPDFText_GetCharBox(text, place, byref(left), byref(right), byref(low), byref(high))
            yield place, upright(turned, ((left.value + right.value) / 2, (low.value + high.value) / 2))
