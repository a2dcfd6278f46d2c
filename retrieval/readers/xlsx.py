"""XLSX: sheet by sheet; cells that stand together are a table, with its first row as header, as Excel's own region is."""

from collections.abc import Iterable
from itertools import groupby

from lxml import etree

from retrieval.readers.archive import attribute, child, local
from retrieval.readers.cells import Formats, place, spread
from retrieval.readers.contract import Extract, Writer
from retrieval.readers.ooxml import Package, chart, number
from retrieval.readers.text import clean

Cells = dict[tuple[int, int], str]


def read(data: bytes) -> Extract:
    package = Package(data, "XLSX")
    name = package.main()
    book = _Book(package, name)
    related, sheets = package.related(name), child(package.xml(name), "sheets")
    for sheet in sheets if sheets is not None else ():
        _, target = related.get(next((value for key, value in sheet.attrib.items() if key.endswith("}id")), ""), ("", ""))
        if sheet.get("state", "visible") != "visible":
            book.writer.hidden.add("hidden sheets")
        elif target in package.names:
            book.sheet(clean(sheet.get("name", "")), target)
    return book.writer.extract(package.title())


class _Book:
    def __init__(self, package: Package, name: str) -> None:
        self.writer = Writer()
        self._package = package
        strings = package.part("sharedStrings", name)
        self._strings = [_string(one) for one in strings] if strings is not None else []
        starts = child(package.xml(name), "workbookPr")
        self._formats = Formats(package.part("styles", name), since_1904=attribute(starts, "date1904") in ("1", "true"))

    def sheet(self, title: str, name: str) -> None:
        self.writer.page()
        self.writer.heading(2, title)
        root = self._package.xml(name)
        cells = self._cells(root)
        for ref in (one.get("ref", "") for one in root.iter("{*}mergeCell")):
            spread(cells, ref)
        for region in _regions(cells):
            self._region(region, title)
        for kind, drawing in self._package.related(name).values():
            if kind == "drawing" and drawing in self._package.names:
                self._charts(drawing)

    def _region(self, cells: Cells, title: str) -> None:
        """A table, or a caption and the table below it."""
        rows = _rows(cells)
        if len(rows) > 1 and len(set(filter(None, rows[0]))) == 1 and len(set(filter(None, rows[1]))) > 1:
            title = next(filter(None, rows.pop(0)))
            self.writer.block(title)
        self.writer.table(rows, title)

    def _charts(self, drawing: str) -> None:
        for kind, target in self._package.related(drawing).values():
            if kind == "chart" and target in self._package.names:
                chart(self._package.xml(target), self.writer)

    def _cells(self, root: etree._Element) -> Cells:
        """Place → text of every cell that shows something."""
        hidden = [one for one in root.iter("{*}col") if one.get("hidden") in ("1", "true")]
        spans = [range(int(one.get("min", 1)), int(one.get("max", 0)) + 1) for one in hidden]
        cells: Cells = {}
        for row_number, row in enumerate(root.iter("{*}row"), 1):
            at = row.get("r", "")
            line, dark = int(at) if at.isdecimal() else row_number, row.get("hidden") in ("1", "true")
            for column, cell in enumerate((one for one in row if local(one) == "c"), 1):
                spot = place(cell.get("r", "")) or (line, column)
                text = self._value(cell)
                if text and (dark or any(spot[1] in span for span in spans)):
                    self.writer.hidden.add("hidden cells")
                elif text:
                    cells[spot] = text
        return cells

    def _value(self, cell: etree._Element) -> str:
        kind, value = cell.get("t", "n"), child(cell, "v")
        text = (value.text or "" if value is not None else "").strip()
        if kind == "inlineStr":
            return _string(child(cell, "is"))
        if kind == "s":
            return self._strings[int(text)] if text.isdecimal() and int(text) < len(self._strings) else ""
        if kind == "b":
            return {"1": "True", "0": "False"}.get(text, text)
        return self._formats.shown(number(text), cell.get("s", "")) if kind == "n" else clean(text)


def _string(element: etree._Element | None) -> str:
    """A string's runs, without its phonetic guides."""
    if element is None:
        return ""
    parts = [one for one in element.iter("{*}t") if not any(local(above) == "rPh" for above in one.iterancestors())]
    return clean("".join(one.text or "" for one in parts)).strip()


def _regions(cells: Cells) -> list[Cells]:
    """The cells cut at empty rows, those parts at empty columns, and so on until nothing falls apart."""
    parts = [cells] if cells else []
    for axis in (0, 1, 0):
        parts = [piece for part in parts for piece in _apart(part, axis)]
    return parts


def _apart(cells: Cells, axis: int) -> Iterable[Cells]:
    lines = sorted({spot[axis] for spot in cells})
    groups = [[line for _, line in run] for _, run in groupby(enumerate(lines), lambda pair: pair[1] - pair[0])]
    if len(groups) == 1:
        return [cells]
    belongs = {line: number for number, group in enumerate(groups) for line in group}
    parts: list[Cells] = [{} for _ in groups]
    for spot, text in cells.items():
        parts[belongs[spot[axis]]][spot] = text
    return parts


def _rows(cells: Cells) -> list[list[str]]:
    columns = sorted({column for _, column in cells})
    return [[cells.get((line, column), "") for column in columns] for line in sorted({line for line, _ in cells})]
