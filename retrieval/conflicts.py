"""Conflicts: sources that say different things about the same, each shown with what it is tagged with."""

import re
from collections.abc import Iterable, Sequence

import msgspec

from core.knowledge import Cell, Conflict, Passage
from retrieval.cells import apart, believed, same, words

SHORTEST = 4
_SENTENCE = re.compile(r"[^.!?。！？\n|]+(?:[.!?](?=\d)[^.!?。！？\n|]+)*")
_DIGIT = re.compile(r"\d")
_NUMBER = re.compile(r"(?P<before>\b[^\W\d_][\w-]*[ -])?(?<![^\W_])(?P<number>\d+(?:[.,:]\d+)*)")


def between_cells(cells: Sequence[Cell]) -> list[Conflict]:
    """All cells answer one question: where their values differ, the sources do."""
    if len({same(cell.value) for cell in cells}) < 2:
        return []
    return [Conflict(about=f"{cells[0].row}, {cells[0].column}", said=_first_of_each(cells))]


def between_passages(query: str, passages: Iterable[Passage]) -> list[Conflict]:
    """The same sentence with other numbers in another source, where it shares a word with the question."""
    asked = {word for word in words(query) if len(word) > 3}
    alike: dict[str, list[Cell]] = {}
    for passage in passages:
        for found in _SENTENCE.finditer(passage.text):
            if not _DIGIT.search(found[0]):
                continue
            skeleton, numbers = _skeleton(found[0])
            if numbers and len(skeleton) >= SHORTEST and not asked.isdisjoint(skeleton):
                alike.setdefault(" ".join(skeleton), []).append(_said(passage, found, numbers))
    conflicts = []
    for said in alike.values():
        said = sorted(said, key=believed)
        differ = len({cell.value for cell in said}) > 1 and len({cell.passage.source for cell in said}) > 1
        if differ and not apart(said):
            conflicts.append(Conflict(about=said[0].row, said=_first_of_each(said)))
    return conflicts


def settled(passages: Sequence[Passage], conflicts: Iterable[Conflict]) -> tuple[Passage, ...]:
    """The passages in their order, but of those in conflict the one to be believed first."""
    order = list(passages)
    for conflict in conflicts:
        ranks = [_rank(passage, conflict) for passage in order]
        places = [place for place, rank in enumerate(ranks) if rank is not None]
        ranked = sorted(((ranks[place] or 0, order[place]) for place in places), key=lambda pair: pair[0])
        for place, (_, passage) in zip(places, ranked, strict=True):
            order[place] = msgspec.structs.replace(passage, score=order[place].score)
    return tuple(order)


def _rank(passage: Passage, conflict: Conflict) -> int | None:
    """Which of the things said this passage says; None where it is another matter's."""
    spots = [one.passage for one in conflict.said]
    here = (n for n, one in enumerate(spots) if one.source == passage.source and passage.start <= one.start < passage.end)
    return next(here, None)


def _skeleton(sentence: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """A sentence without its numbers, and those. What follows a name ("Path 2") belongs to it."""
    numbers: list[str] = []

    def left(found: re.Match[str]) -> str:
        before = found["before"] or ""
        if before[:1].isupper():
            return found[0]
        numbers.append(found["number"])
        return before

    return words(_NUMBER.sub(left, sentence)), tuple(numbers)


def _said(passage: Passage, found: re.Match[str], numbers: tuple[str, ...]) -> Cell:
    start = passage.start + found.start()
    there = msgspec.structs.replace(passage, text=found[0], start=start, end=start + len(found[0]))
    return Cell(value=" ".join(numbers), row=" ".join(found[0].split()), passage=there)


def _first_of_each(cells: Iterable[Cell]) -> tuple[Cell, ...]:
    """One of each value, in their order."""
    first: dict[str, Cell] = {}
    for cell in cells:
        first.setdefault(same(cell.value), cell)
    return tuple(first.values())
