"""What is told word for word, whatever a model writes: the cells of tables, and what sources contradict each other about."""

from collections.abc import Iterable, Sequence

from core.knowledge import Cell, Conflict, Passage


def with_cells(passages: Sequence[Passage], cells: Iterable[Cell]) -> tuple[Passage, ...]:
    """The passages, those first that hold the cells, each once."""
    found = list(passages)
    first: dict[int, Passage] = {}
    for cell in cells:
        at = place(cell.passage, found)
        first.setdefault(at, found[at] if at < len(found) else cell.passage)
        found += [cell.passage] * (at == len(found))
    return (*first.values(), *(passage for at, passage in enumerate(found) if at not in first))


def place(wanted: Passage, passages: Sequence[Passage]) -> int:
    """The number, from 0, of the passage in which another one stands; how many there are where in none."""
    inside = (
        at
        for at, passage in enumerate(passages)
        if passage.source == wanted.source and passage.start <= wanted.start and wanted.end <= passage.end
    )
    return next(inside, len(passages))


def exactly(cells: Iterable[Cell], passages: Sequence[Passage]) -> str:
    """What the tables say, as a list where it is more than one thing; "" without cells."""
    said = [f"{cell.row}, {_told(cell, passages)}" for cell in cells]
    return said[0] if len(said) == 1 else "\n".join(f"- {one}" for one in said)


def disputes(conflicts: Iterable[Conflict], passages: Sequence[Passage], *, intro: str) -> str:
    """Every conflict, what is to be believed first; each thing said with its source."""
    return "\n\n".join("\n".join((f"{intro} {conflict.about}", "", *_sides(conflict, passages))) for conflict in conflicts)


def _sides(conflict: Conflict, passages: Sequence[Passage]) -> list[str]:
    return [f"- {cell.passage.title or cell.passage.source}: {_told(cell, passages)}" for cell in conflict.said]


def _told(cell: Cell, passages: Sequence[Passage]) -> str:
    column = f"{cell.column}: " if cell.column else ""
    return f"{column}{cell.value if cell.column else cell.row} [{place(cell.passage, passages) + 1}]"
