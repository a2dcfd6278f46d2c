"""A spreadsheet's cells: where a name like "B7" lies, what a merge covers, and how a number's format shows it."""

import re
from datetime import datetime, timedelta

from lxml import etree

from retrieval.readers.archive import child

_NAME = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_DATES = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}
_QUOTED = re.compile(r'"[^"]*"|\\.|_.|\[(?!h|m|s)[^\]]*\]', re.IGNORECASE)
COVERED = 10_000


def place(name: str) -> tuple[int, int] | None:
    """(row, column) of a cell by its name, from one."""
    found = _NAME.fullmatch(name)
    if not found:
        return None
    column = 0
    for letter in found.group(1):
        column = column * 26 + ord(letter) - 64
    return int(found.group(2)), column


def spread(cells: dict[tuple[int, int], str], merged: str) -> None:
    """Put a merged cell's text into every cell it covers; a merge of half the sheet is decoration."""
    first, _, last = merged.partition(":")
    start, end = place(first), place(last)
    if not start or not end or start not in cells:
        return
    rows, columns = range(start[0], end[0] + 1), range(start[1], end[1] + 1)
    if len(rows) * len(columns) <= COVERED:
        cells.update({(row, column): cells[start] for row in rows for column in columns})


class Formats:
    """Styles of cells: which numbers are dates, which are shares."""

    def __init__(self, root: etree._Element | None, *, since_1904: bool = False) -> None:
        self._first = datetime(1904, 1, 1) if since_1904 else datetime(1899, 12, 30)
        named, styles = child(root, "numFmts"), child(root, "cellXfs")
        codes = {one.get("numFmtId"): one.get("formatCode", "") for one in named} if named is not None else {}
        numbers = [one.get("numFmtId", "0") for one in styles] if styles is not None else []
        self._kinds = [_kind(number, codes.get(number, "")) for number in numbers]

    def shown(self, value: str, style: str) -> str:
        """A number as its format means it."""
        kind = self._kinds[int(style)] if style.isdecimal() and int(style) < len(self._kinds) else ""
        try:
            if kind == "share" and value:
                return f"{float(value) * 100:.12g}%"
            return self._date(float(value)) if kind == "date" and value else value
        except (ValueError, OverflowError):
            return value

    def _date(self, days: float) -> str:
        moment = self._first + timedelta(seconds=round(days * 86400))
        if days < 1:
            return f"{moment:%H:%M:%S}"
        return f"{moment:%Y-%m-%d}" if moment.time() == datetime.min.time() else f"{moment:%Y-%m-%d %H:%M:%S}"


def _kind(number: str, code: str) -> str:
    code = _QUOTED.sub("", code.split(";")[0]).lower()
    if (number.isdecimal() and int(number) in _DATES) or re.search("[dyhs]|m(?!.*[0#])", code.replace("general", "")):
        return "date"
    return "share" if number in ("9", "10") or "%" in code else ""
