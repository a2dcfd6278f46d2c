"""The rules of a PDF's pages: straight lines drawn across or down, as strokes or as thin rectangles.

All lengths are in points, as the page is read: turned pages are turned upright first.
"""

from collections.abc import Callable, Iterator
from ctypes import byref, c_float, c_int
from dataclasses import dataclass
from itertools import pairwise

import pypdfium2.raw as raw
from pypdfium2 import PdfPage

MOST = 500_000
"""Pieces of drawn lines that are looked at in a document; drawings have millions."""

DEEPEST = 4
SLACK, THIN = 1.0, 4.0

Point = tuple[float, float]
Matrix = tuple[float, float, float, float, float, float]
_SAME: Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Rule:
    """Where it is, and from where to where it goes."""

    at: float
    start: float
    end: float


def upright(turned: int, point: Point) -> Point:
    """A point of a page that is shown so many quarters clockwise."""
    x, y = point
    return ((x, y), (y, -x), (-x, -y), (-y, x))[turned % 4]


class Ruler:
    """Finds the rules of a document's pages, one after the other. `spent`: the page from which too much is drawn, 0: none."""

    def __init__(self) -> None:
        self._left, self._page, self.spent = MOST, 0, 0

    def rules(self, page: PdfPage) -> tuple[list[Rule], list[Rule]]:
        """(across, down); none from where too much is drawn."""
        self._page += 1
        if self.spent:
            return [], []
        across: list[Rule] = []
        down: list[Rule] = []
        turned = raw.FPDFPage_GetRotation(page.raw)
        count = raw.FPDFPage_CountObjects(page.raw)
        for path, matrix in _paths(count, lambda n: raw.FPDFPage_GetObject(page.raw, n), _SAME, DEEPEST):
            pieces = raw.FPDFPath_CountSegments(path)
            self._left -= max(pieces, 1)
            if self._left < 0:
                self.spent = self._page
                return [], []
            for one, other in _lines(path, pieces):
                (a, b), (c, d) = (upright(turned, _moved(matrix, point)) for point in (one, other))
                if abs(b - d) <= SLACK < abs(a - c):
                    across.append(Rule((b + d) / 2, min(a, c), max(a, c)))
                elif abs(a - c) <= SLACK < abs(b - d):
                    down.append(Rule((a + c) / 2, min(b, d), max(b, d)))
        return across, down


def _paths(
    count: int, get: Callable[[int], "raw.FPDF_PAGEOBJECT"], matrix: Matrix, deeper: int
) -> Iterator[tuple[object, Matrix]]:
    """What is drawn by lines, and how it is moved, also within forms."""
    for number in range(count):
        drawn = get(number)
        kind = raw.FPDFPageObj_GetType(drawn)
        if kind == raw.FPDF_PAGEOBJ_PATH:
            yield drawn, _times(_matrix(drawn), matrix)
        elif kind == raw.FPDF_PAGEOBJ_FORM and deeper:
            inside = lambda n, form=drawn: raw.FPDFFormObj_GetObject(form, n)  # noqa: E731
            yield from _paths(raw.FPDFFormObj_CountObjects(drawn), inside, _times(_matrix(drawn), matrix), deeper - 1)


def _lines(path: object, pieces: int) -> Iterator[tuple[Point, Point]]:
    """The lines that a path shows: those it strokes, and the middles of thin rectangles that it fills."""
    fills, strokes, width = c_int(), c_int(), c_float()
    raw.FPDFPath_GetDrawMode(path, byref(fills), byref(strokes))
    raw.FPDFPageObj_GetStrokeWidth(path, byref(width))
    for outline in _outlines(path, pieces) if strokes.value or fills.value else ():
        if strokes.value and width.value <= THIN:
            yield from pairwise(outline)
        elif fills.value and not strokes.value:
            yield from _middle(outline)


def _outlines(path: object, pieces: int) -> Iterator[list[Point]]:
    """The straight stretches of a path; a closed one ends where it began."""
    found: list[Point] = []
    x, y = c_float(), c_float()
    for number in range(pieces):
        piece = raw.FPDFPath_GetPathSegment(path, number)
        raw.FPDFPathSegment_GetPoint(piece, byref(x), byref(y))
        if raw.FPDFPathSegment_GetType(piece) != raw.FPDF_SEGMENT_LINETO:
            yield found
            found = []
        found.append((x.value, y.value))
        if raw.FPDFPathSegment_GetClose(piece):
            yield [*found, found[0]]
            found = []
    yield found


def _middle(outline: list[Point]) -> Iterator[tuple[Point, Point]]:
    if len(outline) < 4:
        return
    xs, ys = zip(*outline, strict=True)
    left, right, low, high = min(xs), max(xs), min(ys), max(ys)
    if high - low <= THIN and high - low < right - left:
        yield (left, (low + high) / 2), (right, (low + high) / 2)
    elif right - left <= THIN:
        yield ((left + right) / 2, low), ((left + right) / 2, high)


def _matrix(drawn: object) -> Matrix:
    found = raw.FS_MATRIX()
    raw.FPDFPageObj_GetMatrix(drawn, byref(found))
    return found.a, found.b, found.c, found.d, found.e, found.f


def _times(first: Matrix, then: Matrix) -> Matrix:
    a, b, c, d, e, f = first
    (x, y), (u, v) = ((then[0] * p + then[2] * q, then[1] * p + then[3] * q) for p, q in ((a, b), (c, d)))
    return (x, y, u, v, *_moved(then, (e, f)))


def _moved(matrix: Matrix, point: Point) -> Point:
    x, y = point
    return matrix[0] * x + matrix[2] * y + matrix[4], matrix[1] * x + matrix[3] * y + matrix[5]
