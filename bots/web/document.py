"""A document's text as HTML: headings and tables are drawn, everything else stands as it is written. Nothing in it is code."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from itertools import groupby, pairwise

_HEADING = re.compile(r"#{1,6} (?=\S)")
_RULE = re.compile(r"\|(?:[ \t]*:?-+:?[ \t]*\|)+[ \t]*")
_CELL = re.compile(r"(?:[^|\\]|\\.)*")
_STRONG = re.compile(r"\*\*(?=\S)([^*\n]+?)(?<=\S)\*\*")


def drawn(text: str, start: int, end: int) -> str:
    """The whole text, what stands in [start, end) marked."""
    marks = _Marks(text, start, end)
    blocks = groupby(_lines(text), key=lambda line: _kind(text, *line))
    return "".join(_DRAWN[kind](marks, list(lines)) for kind, lines in blocks)


@dataclass
class _Marks:
    """Writes stretches of the text. The first marked one gets the name that a link jumps to."""

    text: str
    start: int
    end: int
    named: bool = False

    def write(self, first: int, last: int) -> str:
        cuts = sorted({first, last, *(cut for cut in (self.start, self.end) if first < cut < last)})
        return "".join(self._piece(one, two) for one, two in pairwise(cuts))

    def _piece(self, first: int, last: int) -> str:
        html = _STRONG.sub(r"<strong>\1</strong>", escape(self.text[first:last]))
        if not (self.start <= first and last <= self.end) or not self.text[first:last].strip():
            return html
        name = "" if self.named else ' id="cited" tabindex="-1"'
        self.named = True
        return f"<mark{name}>{html}</mark>"


def _lines(text: str) -> Iterator[tuple[int, int]]:
    at = 0
    for line in text.splitlines(keepends=True):
        yield at, at + len(line)
        at += len(line)


def _kind(text: str, first: int, last: int) -> str:
    return "table" if text[first] == "|" else "headings" if _HEADING.match(text, first, last) else "words"


def _words(marks: _Marks, lines: list[tuple[int, int]]) -> str:
    return marks.write(lines[0][0], lines[-1][1])


def _headings(marks: _Marks, lines: list[tuple[int, int]]) -> str:
    shown = (marks.text.index(" ", first, last) for first, last in lines)
    return "".join(f"<h2>{marks.write(at + 1, last).rstrip()}</h2>" for at, (_, last) in zip(shown, lines, strict=True))


def _table(marks: _Marks, lines: list[tuple[int, int]]) -> str:
    headed = len(lines) > 1 and _RULE.fullmatch(marks.text[slice(*lines[1])].rstrip()) is not None
    rows = []
    for at, line in enumerate(lines):
        if not _RULE.fullmatch(marks.text[slice(*line)].rstrip()):
            kind = "th" if headed and at == 0 else "td"
            rows.append("".join(f"<{kind}>{marks.write(*cell)}</{kind}>" for cell in _cells(marks.text, *line)))
    return '<div class="wide"><table>' + "".join(f"<tr>{row}</tr>" for row in rows) + "</table></div>"


def _cells(text: str, first: int, last: int) -> Iterator[tuple[int, int]]:
    last = first + len(text[first:last].rstrip())
    at = first + 1
    while at < last:
        cell = _CELL.match(text, at, last)
        assert cell is not None, "it matches nothing as well"
        yield cell.span()
        at = max(cell.end(), at) + 1


_DRAWN = {"table": _table, "headings": _headings, "words": _words}
