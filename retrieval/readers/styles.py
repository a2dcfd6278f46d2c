"""What Word's styles say of a paragraph: heading, list, code; and of a run: whether it shows."""

import re
from dataclasses import dataclass, replace

from lxml import etree

from retrieval.readers.archive import attribute, child, local

_LEVEL = re.compile(r"heading (\d)", re.IGNORECASE)
_CODE = re.compile(r"(source )?code|html preformatted|plain text|(macro|verbatim|code) ?(text|block|listing)?", re.IGNORECASE)
_TINY = 4  # half points


@dataclass(frozen=True, slots=True)
class Style:
    """`heading` is its level or 0; `number` names the list it is counted in, at `level`."""

    heading: int = 0
    number: str = ""
    level: int = 0
    bullet: bool = False
    code: bool = False


class Styles:
    """The styles of a document, with what each inherits."""

    def __init__(self, root: etree._Element | None) -> None:
        self._elements = {attribute(one, "styleId"): one for one in root if local(one) == "style"} if root is not None else {}
        self._known: dict[str, Style] = {}

    def of(self, paragraph: etree._Element) -> Style:
        properties = child(paragraph, "pPr")
        name = attribute(child(properties, "pStyle"), "val")
        if name not in self._known:
            self._known[name] = self._inherited(name, 0)
        return _changed(self._known[name], properties)

    def _inherited(self, name: str, depth: int) -> Style:
        element = self._elements.get(name)
        if element is None or depth > 20:
            return _named(Style(), name)
        base = attribute(child(element, "basedOn"), "val")
        style = self._inherited(base, depth + 1) if base else Style()
        return _changed(_named(style, attribute(child(element, "name"), "val")), child(element, "pPr"))


def _named(style: Style, name: str) -> Style:
    if found := _LEVEL.match(name):
        return replace(style, heading=min(max(int(found.group(1)), 1), 6))
    if name == "Title":
        return replace(style, heading=1)
    return replace(style, bullet=style.bullet or name.startswith("List "), code=style.code or bool(_CODE.fullmatch(name)))


def _changed(style: Style, properties: etree._Element | None) -> Style:
    outline = attribute(child(properties, "outlineLvl"), "val")
    if outline.isdecimal() and int(outline) < 9 and not style.heading:
        style = replace(style, heading=min(int(outline) + 1, 6))
    numbered = child(properties, "numPr")
    if numbered is None:
        return style
    number, level = (attribute(child(numbered, part), "val") for part in ("numId", "ilvl"))
    number = "" if number == "0" else number or style.number
    return replace(style, number=number, level=min(int(level), 8) if level.isdecimal() else style.level)


def hides(properties: etree._Element | None, paragraph: etree._Element) -> bool:
    """Whether a run is marked as hidden, is too small to read, or is white where nothing says that its ground is not."""
    if properties is None:
        return False
    vanish = child(properties, "vanish")
    if vanish is not None and attribute(vanish, "val") not in ("0", "false", "off"):
        return True
    size = attribute(child(properties, "sz"), "val")
    if size.isdecimal() and int(size) <= _TINY:
        return True
    white = attribute(child(properties, "color"), "val").upper() == "FFFFFF"
    return white and not _shaded(properties, paragraph)


def _shaded(properties: etree._Element, paragraph: etree._Element) -> bool:
    """Whether the run, its paragraph, its cell or its shape is coloured; a table's style may colour it, so cells count."""
    if child(properties, "shd") is not None or child(properties, "highlight") is not None:
        return True
    if child(paragraph, "pPr", "shd") is not None:
        return True
    return any(local(above) in ("tc", "txbxContent") for above in paragraph.iterancestors())
