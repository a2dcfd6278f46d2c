"""PPTX: slide by slide in their order; titles are headings, then text, lists, tables and charts as they stand in the file."""

from collections.abc import Iterator

from lxml import etree

from retrieval.readers.archive import attribute, child, local
from retrieval.readers.contract import Extract, Writer
from retrieval.readers.ooxml import Package, chart
from retrieval.readers.text import clean

_TITLES = ("title", "ctrTitle")
_FURNITURE = ("sldNum", "dt", "ftr", "hdr")
_TINY = 200  # hundredths of a point


def read(data: bytes) -> Extract:
    package = Package(data, "PPTX")
    name = package.main()
    related, writer = package.related(name), Writer()
    slides = child(package.xml(name), "sldIdLst")
    for entry in slides if slides is not None else ():
        relation = next((value for key, value in entry.attrib.items() if key.endswith("}id")), "")
        _, target = related.get(relation, ("", ""))
        if target in package.names:
            _Slide(package, target, writer).write()
    return writer.extract(package.title())


class _Slide:
    def __init__(self, package: Package, name: str, writer: Writer) -> None:
        self._package, self._writer = package, writer
        self._root, self._related = package.xml(name), package.related(name)

    def write(self) -> None:
        self._writer.page()
        if self._root.get("show") in ("0", "false"):
            self._writer.hidden.add("hidden slides")
            return
        tree = child(self._root, "cSld", "spTree")
        shapes = list(_shapes(tree)) if tree is not None else []
        for shape in sorted(shapes, key=lambda one: _placeholder(one) not in _TITLES):
            self._shape(shape)

    def _shape(self, shape: etree._Element) -> None:
        if any(attribute(one, "hidden") in ("1", "true") for one in shape.iter("{*}cNvPr")):
            self._writer.hidden.add()
        elif local(shape) == "graphicFrame":
            self._frame(shape)
        elif _placeholder(shape) in _TITLES:
            self._writer.heading(1, " ".join(self._text(one) for one in shape.iter("{*}p")))
        elif _placeholder(shape) not in _FURNITURE:
            self._paragraphs(shape, listed=_placeholder(shape) in ("body", "obj"))

    def _frame(self, frame: etree._Element) -> None:
        for element in frame.iter("{*}tbl", "{*}chart"):
            _, target = self._related.get(attribute(element, "id"), ("", ""))
            if local(element) == "tbl":
                self._writer.table(self._rows(element))
            elif target in self._package.names:
                chart(self._package.xml(target), self._writer)

    def _paragraphs(self, shape: etree._Element, *, listed: bool) -> None:
        lines, number = [], 0
        for paragraph in shape.iter("{*}p"):
            properties, text = child(paragraph, "pPr"), self._text(paragraph).strip()
            number = number + 1 if child(properties, "buAutoNum") is not None else 0
            plain = child(properties, "buNone") is not None or not (listed or child(properties, "buChar") is not None)
            level = attribute(properties, "lvl")
            mark = f"{number}. " if number else "" if plain else "- "
            lines.append(f"{'  ' * int(level) if level.isdecimal() and mark else ''}{mark}{text}" if text else "")
        self._writer.block("\n".join(lines))

    def _text(self, paragraph: etree._Element) -> str:
        parts = []
        for element in paragraph:
            if local(element) == "br":
                parts.append("\n")
            elif local(element) in ("r", "fld"):
                size, text = attribute(child(element, "rPr"), "sz"), child(element, "t")
                if size.isdecimal() and int(size) <= _TINY:
                    self._writer.hidden.add()
                else:
                    parts.append(text.text or "" if text is not None else "")
        return clean("".join(parts))

    def _rows(self, table: etree._Element) -> list[list[str]]:
        """The cells' texts; what is merged stands in every cell it covers."""
        rows: list[list[str]] = []
        for line in table.iter("{*}tr"):
            cells: list[str] = []
            for cell in line.iter("{*}tc"):
                if cell.get("hMerge") in ("1", "true") and cells:
                    cells.append(cells[-1])
                elif cell.get("vMerge") in ("1", "true") and rows and len(rows[-1]) > len(cells):
                    cells.append(rows[-1][len(cells)])
                else:
                    cells.append(" ".join(self._text(one) for one in cell.iter("{*}p")))
            rows.append(cells)
        return rows


def _shapes(tree: etree._Element) -> Iterator[etree._Element]:
    """Shapes and frames, also those in groups and in what newer versions wrote."""
    for element in tree:
        kind = local(element)
        if kind in ("sp", "graphicFrame"):
            yield element
        elif kind in ("grpSp", "Choice"):
            yield from _shapes(element)
        elif kind == "AlternateContent":
            found = [one for one in element if local(one) == "Choice"] or list(element)
            yield from _shapes(found[0] if found else element)


def _placeholder(shape: etree._Element) -> str:
    """What a placeholder is for; "" where the shape is none."""
    found = child(shape, "nvSpPr", "nvPr", "ph")
    return (attribute(found, "type") or "obj") if found is not None else ""
