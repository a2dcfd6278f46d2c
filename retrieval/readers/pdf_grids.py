"""Grids: where rules cross, they draw a table. Its cells are what lies between them; a cell without a rule to its neighbour is
one with it, and its text stands in every place it covers.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from retrieval.readers.pdf_rules import Point, Rule

SNAP = 3.0
"""Rules this near are one: borders of neighbours are often drawn side by side."""

CROSSINGS, CELLS, LONGEST = 250_000, 20_000, 500
"""Pairs of rules, cells of a table and letters of a cell, beyond which it is no table but a drawing or a page's frame."""


class Grid:
    """A table as it is drawn. `columns`: where they begin and end. Cells are numbered line by line from the bottom."""

    def __init__(self, across: Sequence[Rule], down: Sequence[Rule]) -> None:
        self.columns = _places([*(rule.at for rule in down), *_ends(across)])
        self._lines = _places([*(rule.at for rule in across), *_ends(down)])
        self._wide, self._high = len(self.columns) - 1, len(self._lines) - 1
        self._home = self._homes(across, down) if self.is_table else []

    @property
    def is_table(self) -> bool:
        return self._wide > 1 and self._high > 1 and self._wide * self._high <= CELLS

    @property
    def area(self) -> float:
        return (self.columns[-1] - self.columns[0]) * (self._lines[-1] - self._lines[0])

    def cell(self, point: Point) -> int | None:
        """Which cell a point lies in."""
        column, line = bisect_right(self.columns, point[0]) - 1, bisect_right(self._lines, point[1]) - 1
        inside = 0 <= column < self._wide and 0 <= line < self._high
        return self._home[line * self._wide + column] if inside else None

    def holds_table(self, cells: Iterable[int]) -> bool:
        """Whether the cells of these letters are a table's: in several lines and columns, none with a page's text."""
        counts = Counter(cells)
        lines, columns = {cell // self._wide for cell in counts}, {cell % self._wide for cell in counts}
        return len(lines) > 1 and len(columns) > 1 and max(counts.values()) <= LONGEST

    def line(self, cell: int) -> int:
        return cell // self._wide

    def rows(self, texts: Mapping[int, str]) -> list[list[str]]:
        """The texts of cells in their rows, from the top. A row or column in which no text begins is none: boxes to be ticked
        draw such."""
        lines = [self._home[line * self._wide : (line + 1) * self._wide] for line in reversed(range(self._high))]
        first: dict[int, tuple[int, int]] = {}
        for row, line in enumerate(lines):
            for column, home in enumerate(line):
                top, left = first.get(home, (row, column))
                first[home] = top, min(left, column)
        rows, columns = (sorted({first[home][one] for home in texts}) for one in (0, 1))
        return [[texts.get(lines[row][column], "") for column in columns] for row in rows]

    def _homes(self, across: Sequence[Rule], down: Sequence[Rule]) -> list[int]:
        """For each place the cell it belongs to: the first of those that no rule parts."""
        homes = [*range(self._wide * self._high)]
        beside = _drawn(down, self.columns, self._lines)
        above = _drawn(across, self._lines, self.columns)
        for line in range(self._high):
            for column in range(self._wide):
                here = line * self._wide + column
                if column and (column, line) not in beside:
                    _join(homes, here, here - 1)
                if line and (line, column) not in above:
                    _join(homes, here, here - self._wide)
        return [_home(homes, place) for place in homes]


def grids(across: Sequence[Rule], down: Sequence[Rule]) -> list[Grid]:
    """The tables that these rules draw; none where there are too many rules to be tables."""
    across, down = [*_merged(across)], [*_merged(down)]
    if len(across) * len(down) > CROSSINGS:
        return []
    homes = [*range(len(across) + len(down))]
    for number, one in enumerate(across):
        for other, two in enumerate(down, len(across)):
            if _reaches(one, two.at) and _reaches(two, one.at):
                _join(homes, number, other)
    groups: dict[int, tuple[list[Rule], list[Rule]]] = {}
    for number, rule in enumerate((*across, *down)):
        groups.setdefault(_home(homes, number), ([], []))[number >= len(across)].append(rule)
    found = (Grid(*group) for group in groups.values() if all(group))
    return [grid for grid in found if grid.is_table]


def _merged(rules: Iterable[Rule]) -> Iterator[Rule]:
    """Each line once, however often or in however many pieces it is drawn."""
    rows: list[list[Rule]] = []
    for rule in sorted(rules, key=lambda rule: rule.at):
        if not rows or rule.at - rows[-1][0].at > SNAP:
            rows.append([])
        rows[-1].append(rule)
    for row in rows:
        first, *rest = sorted(row, key=lambda rule: rule.start)
        start, end = first.start, first.end
        for rule in rest:
            if rule.start > end + SNAP:
                yield Rule(row[0].at, start, end)
                start = rule.start
                end = rule.end
            end = max(end, rule.end)
        yield Rule(row[0].at, start, end)


def _places(found: Iterable[float]) -> list[float]:
    places: list[float] = []
    for one in sorted(found):
        if not places or one - places[-1] > SNAP:
            places.append(one)
    return places


def _ends(rules: Sequence[Rule]) -> tuple[float, float]:
    return min(rule.start for rule in rules), max(rule.end for rule in rules)


def _reaches(rule: Rule, place: float) -> bool:
    return rule.start - SNAP <= place <= rule.end + SNAP


def _drawn(rules: Iterable[Rule], at: Sequence[float], along: Sequence[float]) -> set[tuple[int, int]]:
    """(at which place, along which stretch) there is a rule."""
    found = set()
    for rule in rules:
        place = bisect_right(at, rule.at + SNAP) - 1
        for stretch in range(len(along) - 1):
            if rule.start <= (along[stretch] + along[stretch + 1]) / 2 <= rule.end:
                found.add((place, stretch))
    return found


def _home(homes: list[int], place: int) -> int:
    while homes[place] != place:
        homes[place] = place = homes[homes[place]]
    return place


def _join(homes: list[int], one: int, other: int) -> None:
    one, other = _home(homes, one), _home(homes, other)
    homes[max(one, other)] = min(one, other)
