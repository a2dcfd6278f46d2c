"""Headings of a PDF by how its letters are set, where it has no outline.

The body is the style in which most of the letters are set. A heading is a short line, or a few after each other, plainly
larger or, where the body is not, bold, in a style that is not used for much; the largest is the first level.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

LARGER, AS_LARGE = 1.15, 0.95
LONGEST = 120
MOST = 0.2
"""The share of all letters that a heading's style may have: what is larger and long is a leaflet's text."""

DEEPEST = 6

Style = tuple[float, bool]
"""How high letters are, in points, 0 where nobody knows; and whether they are bold."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a page and its style; or a table: `rows`, with all its words in `text`, where its `columns` begin and end,
    whether it is `headed` by a row set as one, and how many letters of its `cells` are set in which style."""

    text: str
    style: Style = (0.0, False)
    rows: tuple[tuple[str, ...], ...] = ()
    columns: tuple[float, ...] = ()
    headed: bool = False
    cells: tuple[tuple[Style, int], ...] = ()


Heading = tuple[int, str]
Block = str | Heading | Line
"""Running text, a heading, or a table."""


def levels(pages: Sequence[Sequence[Line]]) -> dict[Style, int]:
    """Which styles are headings', and of what level."""
    letters: Counter[Style] = Counter()
    for line in (line for page in pages for line in page):
        letters.update(dict(line.cells) if line.rows else {line.style: sum(map(str.isalnum, line.text))})
    known = {style: count for style, count in letters.items() if style[0] and count}
    if not known:
        return {}
    body, most = max(known, key=known.__getitem__), MOST * sum(known.values())
    found = [style for style, count in known.items() if count <= most and _stands_out(style, body)]
    return {style: min(level, DEEPEST) for level, style in enumerate(sorted(found, reverse=True), 1)}


def blocks(lines: Sequence[Line], headings: Mapping[Style, int]) -> Iterator[Block]:
    """A page's running text, headings and tables, in order."""
    block: list[str] = []
    title: list[Line] = []
    for line in (*lines, Line("")):
        short = len(line.text) <= LONGEST and not line.rows
        heads = line.style in headings and short and any(map(str.isalpha, line.text))
        if title and not (heads and line.style == title[0].style):
            yield headings[title[0].style], " ".join(one.text for one in title)
            title = []
        if heads:
            yield "\n".join(block)
            block = []
            title.append(line)
        elif line.rows:
            yield "\n".join(block)
            block = []
            yield line
        else:
            block.append(line.text)
    yield "\n".join(block)


def _stands_out(style: Style, body: Style) -> bool:
    return style[0] >= LARGER * body[0] or (style[1] and not body[1] and style[0] >= AS_LARGE * body[0])
