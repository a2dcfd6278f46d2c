"""The numbers and bullets that Word draws before paragraphs."""

import re
from collections import defaultdict
from dataclasses import dataclass

from lxml import etree

from retrieval.readers.archive import attribute, child, local

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class _Level:
    format: str
    pattern: str
    start: int


class Numbering:
    """Counts through a document. `mark` is asked for each numbered paragraph in order."""

    def __init__(self, root: etree._Element | None) -> None:
        self._levels: dict[str, dict[int, _Level]] = {}
        self._lists: dict[str, str] = {}
        self._counts: defaultdict[str, dict[int, int]] = defaultdict(dict)
        for one in root if root is not None else ():
            if local(one) == "abstractNum":
                self._levels[attribute(one, "abstractNumId")] = _levels(one)
            elif local(one) == "num":
                self._lists[attribute(one, "numId")] = attribute(child(one, "abstractNumId"), "val")

    def mark(self, number: str, level: int) -> str:
        """What stands before the next paragraph of list `number` at a level: "-", "3.", "2.1."; "" where nothing does."""
        kind = self._lists.get(number, "")
        levels = self._levels.get(kind, {})
        found = levels.get(level)
        if found is None or found.format == "none":
            return ""
        if found.format == "bullet":
            return "-"
        counts = self._counts[kind]
        counts[level] = counts.get(level, found.start - 1) + 1
        for deeper in [one for one in counts if one > level]:
            del counts[deeper]
        return re.sub(r"%(\d)", lambda step: self._shown(levels, counts, int(step.group(1)) - 1), found.pattern)

    @staticmethod
    def _shown(levels: dict[int, _Level], counts: dict[int, int], level: int) -> str:
        number = counts.setdefault(level, levels[level].start if level in levels else 1)
        style = levels[level].format if level in levels else ""
        if style in ("lowerLetter", "upperLetter"):
            letter = _LETTERS[(number - 1) % 26]
            return letter.upper() if style == "upperLetter" else letter
        return str(number)


def _levels(abstract: etree._Element) -> dict[int, _Level]:
    found = {}
    for one in abstract:
        if local(one) == "lvl":
            start = attribute(child(one, "start"), "val")
            found[int(attribute(one, "ilvl") or 0)] = _Level(
                attribute(child(one, "numFmt"), "val"),
                attribute(child(one, "lvlText"), "val"),
                int(start) if start.isdecimal() else 1,
            )
    return found
