"""What DOCX, PPTX and XLSX share: a package of XML parts that name each other by relationships, and charts.

Names are compared without their namespaces, so files in the strict dialect are read like all others.
"""

import posixpath
from collections.abc import Iterator

from lxml import etree

from retrieval.readers.archive import Archive, attribute, child
from retrieval.readers.contract import Corrupt, Writer
from retrieval.readers.text import clean


class Package(Archive):
    """An Office file."""

    def main(self) -> str:
        """The part that is the document itself."""
        targets = [target for kind, target in self.related("").values() if kind == "officeDocument"]
        if not targets or targets[0] not in self.names:
            raise Corrupt(f"not a {self.kind} file: it names no main part")
        return targets[0]

    def related(self, part: str) -> dict[str, tuple[str, str]]:
        """Id → (kind, target) of a part's relationships inside the package."""
        folder, name = posixpath.split(part)
        path = posixpath.join(folder, "_rels", f"{name}.rels")
        if path not in self.names:
            return {}
        found = {}
        for one in self.xml(path):
            if one.get("TargetMode") != "External":
                target = posixpath.normpath(posixpath.join("/", folder, one.get("Target", ""))).lstrip("/")
                found[one.get("Id", "")] = (one.get("Type", "").rpartition("/")[2], target)
        return found

    def part(self, kind: str, part: str) -> etree._Element | None:
        """The first related part of a kind, parsed; None where there is none."""
        targets = [target for found, target in self.related(part).values() if found == kind and target in self.names]
        return self.xml(targets[0]) if targets else None

    def title(self) -> str:
        properties = self.part("core-properties", "")
        title = child(properties, "title")
        return clean("".join(title.itertext())) if title is not None else ""


def chart(root: etree._Element, writer: Writer) -> None:
    """A chart as its title and the table of its values."""
    title = child(root, "chart", "title")
    name = " ".join("".join(one.text or "" for one in _all(title, "t")).split()) if title is not None else ""
    writer.block(clean(name))
    series = list(_all(root, "ser"))
    if not series:
        return
    names = [" ".join(_values(child(one, "tx"))) for one in series]
    categories = _values(child(series[0], "cat"))
    if not categories:
        categories = _values(child(series[0], "xVal"))
    columns = [_values(child(one, "val")) or _values(child(one, "yVal")) for one in series]
    longest = max(map(len, columns), default=0)
    rows = [[at(categories, n), *(at(column, n) for column in columns)] for n in range(longest)]
    writer.table([["", *names], *rows], name)


def at(values: list[str], place: int) -> str:
    return values[place] if place < len(values) else ""


def number(text: str) -> str:
    """A number as Office shows it: no digits that only its binary form has."""
    try:
        return f"{float(text):.15g}" if "." in text or "E" in text else text
    except ValueError:
        return text


def _all(root: etree._Element, name: str) -> Iterator[etree._Element]:
    yield from root.iter(f"{{*}}{name}")


def _values(element: etree._Element | None) -> list[str]:
    """The cached values of a reference, in their places."""
    if element is None:
        return []
    found = {int(attribute(point, "idx") or 0): number("".join(point.itertext()).strip()) for point in _all(element, "pt")}
    return [clean(found.get(n, "")) for n in range(min(max(found, default=-1) + 1, 10_000))]
