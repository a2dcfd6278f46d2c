"""DOCX: headings, paragraphs, lists, code, tables, formulas, text boxes and charts, in the order they stand in."""

import re
from collections.abc import Iterator

from lxml import etree

from retrieval.readers.archive import attribute, child, local
from retrieval.readers.contract import Extract, Writer
from retrieval.readers.formula import latex
from retrieval.readers.numbering import Numbering
from retrieval.readers.ooxml import Package, chart
from retrieval.readers.styles import Style, Styles, hides
from retrieval.readers.text import clean

_GONE = ("del", "moveFrom", "instrText", "delText", "fldData", "pPr", "rPr", "sdtPr", "sdtEndPr", "sectPr", "Fallback")
_BOXES = str.maketrans({"☒": "[x]", "☑": "[x]", "☐": "[ ]"})


def read(data: bytes) -> Extract:
    package = Package(data, "DOCX")
    name = package.main()
    document = _Document(package, name)
    body = child(package.xml(name), "body")
    if body is not None:
        document.blocks(body)
    document.end_code()
    return document.writer.extract(package.title())


class _Document:
    """Walks the blocks. Text boxes and charts are written after the paragraph that anchors them."""

    def __init__(self, package: Package, name: str) -> None:
        self.writer = Writer()
        self._package, self._related = package, package.related(name)
        self._styles = Styles(package.part("styles", name))
        self._numbering = Numbering(package.part("numbering", name))
        self._anchored: list[etree._Element] = []
        self._code: list[str] = []

    def blocks(self, parent: etree._Element) -> None:
        for element in parent:
            kind = local(element)
            if kind == "p":
                self._paragraph(element)
            elif kind == "tbl":
                self.end_code()
                self.writer.table(self._rows(element))
                self._write_anchored()
            elif kind not in _GONE:
                self.blocks(element)

    def end_code(self) -> None:
        if self._code:
            self.writer.code("\n".join(self._code))
            self._code.clear()

    def _paragraph(self, paragraph: etree._Element) -> None:
        style = self._styles.of(paragraph)
        text = self._text(paragraph)
        if text.strip() and (style.code or _monospaced(paragraph)):
            self._code.append(text)
            return
        self.end_code()
        mark = self._numbering.mark(style.number, style.level) if text.strip() and style.number else ""
        if style.heading:
            self.writer.heading(style.heading, f"{mark} {text}" if mark != "-" else text)
        else:
            self.writer.block(_item(text, mark, style))
        self._write_anchored()

    def _write_anchored(self) -> None:
        anchored, self._anchored = self._anchored, []
        for element in anchored:
            if local(element) == "txbxContent":
                self.blocks(element)
            else:
                _, target = self._related.get(attribute(element, "id"), ("", ""))
                if target in self._package.names:
                    chart(self._package.xml(target), self.writer)

    def _text(self, element: etree._Element) -> str:
        return clean("".join(self._pieces(element))).translate(_BOXES)

    def _pieces(self, parent: etree._Element) -> Iterator[str]:
        for element in parent:
            kind = local(element)
            if kind == "t":
                yield element.text or ""
            elif kind in ("tab", "br", "cr", "noBreakHyphen"):
                yield {"tab": "\t", "noBreakHyphen": "-"}.get(kind, "\n")
            elif kind == "oMath":
                yield f" ${latex(element)}$ "
            elif kind == "txbxContent" or (kind == "chart" and attribute(element, "id")):
                self._anchored.append(element)
            elif kind == "r" and hides(child(element, "rPr"), parent):
                if any(True for _ in self._pieces(element)):
                    self.writer.hidden.add()
            elif kind not in _GONE:
                yield from self._pieces(element)

    def _rows(self, table: etree._Element) -> list[list[str]]:
        """The cells' texts; what is merged stands in every cell it covers."""
        rows: list[list[str]] = []
        for line in _inside(table, "tr"):
            cells: list[str] = []
            for cell in _inside(line, "tc"):
                properties = child(cell, "tcPr")
                merged = child(properties, "vMerge")
                above = rows[-1] if rows else []
                goes_on = merged is not None and attribute(merged, "val") != "restart" and len(above) > len(cells)
                text = above[len(cells)] if goes_on else self._cell(cell)
                span = attribute(child(properties, "gridSpan"), "val")
                cells += [text] * min(int(span) if span.isdecimal() else 1, 100)
            rows.append(cells)
        return rows

    def _cell(self, cell: etree._Element) -> str:
        parts = []
        for element in _blocks(cell):
            if local(element) == "p":
                style = self._styles.of(element)
                text = self._text(element).strip()
                mark = self._numbering.mark(style.number, style.level) if text and style.number else ""
                parts.append(f"{mark} {text}")
            else:
                parts += [text for cells in self._rows(element) for text in cells]
        return " ".join(parts)


def _inside(parent: etree._Element, name: str) -> Iterator[etree._Element]:
    """Rows of a table or cells of a row, also those wrapped in content controls."""
    for element in parent:
        if local(element) == name:
            yield element
        elif local(element) in ("sdt", "sdtContent", "ins", "customXml"):
            yield from _inside(element, name)


def _blocks(parent: etree._Element) -> Iterator[etree._Element]:
    for element in parent:
        if local(element) in ("p", "tbl"):
            yield element
        elif local(element) not in _GONE:
            yield from _blocks(element)


def _item(text: str, mark: str, style: Style) -> str:
    text = text.strip()
    if not text:
        return ""
    mark = mark or ("-" if style.bullet else "")
    return f"{'  ' * style.level}{mark} {text}" if mark else text


def _monospaced(paragraph: etree._Element) -> bool:
    """Whether all of a paragraph is set in a typewriter's letters and looks like code."""
    runs = [run for run in paragraph if local(run) == "r" and "".join(run.itertext()).strip()]
    fonts = [attribute(child(run, "rPr", "rFonts"), "ascii") for run in runs]
    text = "".join(paragraph.itertext())
    return bool(runs) and all(map(_TYPEWRITER.match, fonts)) and bool(_CODE.search(text))


_TYPEWRITER = re.compile("courier|consolas|menlo|monaco|.*mono", re.IGNORECASE)
_CODE = re.compile(r"[{}();=<>\[\]]|^\s*(def|class|import|return|SELECT)\b")
