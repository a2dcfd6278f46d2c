"""Moving: an index goes from one store to another, and a copy of it takes its place.

The library never uses the place of a deleted passage again. A shard in which most are such is written anew beside itself: a
move too, which begins by itself and gives way to one that a person wants. So is a shard whose graph is of too few of its
passages: the copy gets one before it serves.
"""

from collections.abc import Collection
from dataclasses import dataclass

import structlog

from core.errors import ConfigError
from retrieval import graph
from retrieval.copying import Differs, Move
from retrieval.manifest import DRAWN, WRITTEN, Manifest
from retrieval.stores import Stores
from retrieval.stores.contract import Broken, Store
from retrieval.stores.rest import Missing

MOVING, FROM = "moving", "moving from"
"""Where the passages are being moved, and once they are there, until what was before is deleted; and where they were."""

PLAIN = 20_000
"""So many vectors are looked at one by one; where there are as many more without a graph, one is drawn."""

WORN, SPARED = 2, 1000
"""A shard is written anew when it was given so many times the passages that there are, and so many more."""

log = structlog.get_logger("retrieval.moving")


@dataclass(frozen=True, slots=True)
class Moving:
    """How far a move is: `where` it goes, and how many of the `documents` are there."""

    where: str
    copied: int
    documents: int


class Mover:
    """Moves an index between its stores; what the manifest says is being moved is gone on with. Whoever calls this holds the
    index's lock for writing, but for `moving`."""

    def __init__(self, stores: Stores, manifest: Manifest) -> None:
        self._stores, self._manifest = stores, manifest
        self.move: Move | None = None

    @property
    def moving(self) -> Moving | None:
        """What is written anew where it is does not count."""
        kind, move = self._manifest.get(MOVING), self.move
        if kind and kind == self._stores.spare:
            return None
        return Moving(self._stores.told(kind), move.copied if move else 0, self._manifest.counts()[0]) if kind else None

    def begin(self, kind: str, language: str) -> bool:
        """False where the passages are there already."""
        moving = self._manifest.get(MOVING)
        if moving and moving == self._stores.spare:
            self._give_up(language)
            moving = ""
        if kind == moving or (not moving and self._stores.serves(kind)):
            return bool(moving)
        if moving:
            raise ConfigError("the passages are being moved to the other store: wait until they are there")
        self._begin(kind, language)
        return True

    @property
    def draws(self) -> bool:
        return bool(self.move and self.move.drawing)

    def some(self, source: Store, language: str, *, settled: bool) -> tuple[int, Store | None]:
        """Copy a little: how many documents are left, and where that is none and all is proved, the store that serves now.
        `settled`: no passage waits for its vector."""
        self.tidy(language)
        if self._worn(settled and bool(source.sizes)):
            self._begin(self._stores.spare, language)
        if (move := self._going_on(language)) is None:
            return 0, None
        try:
            if self._drawing(move, source, language):
                return 1, None
            if left := move.some(source):
                return left, None
            if settled and self._draw(move, source, language):
                return 1, None
            log.info("searches compared, the new store serves", searches=move.prove(source), store=move.kind)
        except Missing:
            self.move = None  # to be opened again, which makes it anew
            raise
        except Differs:
            self._give_up(language)
            raise
        self._stores.serve(move.kind)
        self._anew(drawn=move.drawn)
        move.target.made = False
        self.move = None
        return 0, move.target

    def touched(self, revs: Collection[int]) -> None:
        """These have other tags or vectors now."""
        if self.move:
            self.move.touched(revs)

    def forget(self, language: str) -> None:
        """Delete what has been copied."""
        if self.move:
            self.move.close()
            self._stores.remove(self.move.kind, language)
            self.move = None

    def close(self) -> None:
        """What is being moved is gone on with by whoever opens the index next."""
        if self.move:
            self.move.close()

    def tidy(self, language: str) -> None:
        """Delete what was moved away from."""
        kind, before = self._stores.kind, self._manifest.get(FROM)
        if self._manifest.get(MOVING) == kind:
            if before and before != kind:
                self._stores.remove(before, language)
            self._manifest.put(MOVING, "")

    def _begin(self, kind: str, language: str) -> None:
        self.move = Move(self._manifest, kind, self._open(kind, language))
        self._manifest.put(FROM, self._stores.kind)
        self._manifest.put(MOVING, kind)

    def _give_up(self, language: str) -> None:
        self._manifest.put(MOVING, "")
        self.forget(language)
        self._anew(drawn=True)  # or it would begin again at once

    def _draw(self, move: Move, source: Store, language: str) -> bool:
        """Begin with the graph, where the new store is to have one."""
        if move.drawn or not source.sizes or not self._stores.spare or self._manifest.counts()[1] < PLAIN:
            return False
        move.target.close()
        move.drawing, move.drawn = graph.drawing(self._stores.folder(move.kind, language)), True
        return True

    def _drawing(self, move: Move, source: Store, language: str) -> bool:
        """Whether it is being drawn. Once it is, the new store is open again."""
        if move.drawing and move.drawing.poll() is None:
            return True
        if move.drawing:
            if move.drawing.returncode:
                log.error("no graph could be drawn, every vector is looked at", status=move.drawing.returncode)
            move.drawing, move.target = None, self._open(move.kind, language)
            for field, size in source.sizes.items():
                move.target.has_dense(field, size)
        return False

    def _worn(self, vectored: bool) -> bool:
        """Whether most of the shard is room that deleted passages take, or its graph is of too few, and nothing is being moved.
        `vectored`: every passage has its vector."""
        if not self._stores.spare or self._manifest.get(MOVING):
            return False
        written, drawn = (int(self._manifest.get(key) or 0) for key in (WRITTEN, DRAWN))
        passages = self._manifest.counts()[1]
        bare = max(written, passages) - drawn if vectored else 0
        return written > WORN * passages + SPARED or bare > PLAIN + drawn // 4

    def _anew(self, *, drawn: bool) -> None:
        """From here on it counts what is written to the store that serves. A graph that could not be drawn is tried again when
        there is as much more."""
        passages = self._manifest.counts()[1]
        self._manifest.put(WRITTEN, str(passages))
        self._manifest.put(DRAWN, str(passages if drawn else 0))

    def _going_on(self, language: str) -> Move | None:
        kind = self._manifest.get(MOVING)
        if kind and not self.move:
            self.move = Move(self._manifest, kind, self._open(kind, language))
        return self.move

    def _open(self, kind: str, language: str) -> Store:
        """Empty where what was copied cannot be read."""
        try:
            return self._stores.open(kind, language)
        except Broken:
            return self._stores.anew(kind, language)
