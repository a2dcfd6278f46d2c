"""Moving: what one store holds is copied into another while the first is searched and written on.

Revisions never change but for their tags and vectors, so each is copied by itself, and again where it was `touched` since. What
an interrupted move left is compared and kept where it is right. The new store serves when it holds exactly the manifest's
passages, each equal to the old one's, and answers a sample of searches like the old one.

The library never uses the place of a deleted passage again. A shard in which most are such is written anew beside itself: a
move too, which begins by itself and gives way to one that a person wants.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import islice

import structlog

from core.errors import ConfigError, TurnoutError
from retrieval.manifest import WRITTEN, Manifest, Row
from retrieval.scope import Scope
from retrieval.stores import Stores
from retrieval.stores.contract import Asked, Broken, Entry, Store
from retrieval.stores.rest import Missing

AT_ONCE = 20
SAMPLED, TOP = 20, 10
ALIKE = 0.9
"""How many of the sampled searches' best ten must score like the old store's: a server's dense leg is not exact."""

WORDS = 12
NEAR, CLOSE = 5e-3, 0.05
"""How far parts of a vector may be from each other (the embedded store keeps eight bits of each), and scores, as a share."""


MOVING, FROM = "moving", "moving from"
"""Where the passages are being moved, and once they are there, until what was before is deleted; and where they were."""

WORN, SPARED = 2, 1000
"""A shard is written anew when it was given so many times the passages that there are, and so many more."""

log = structlog.get_logger("retrieval.moving")


@dataclass(frozen=True, slots=True)
class Moving:
    """How far a move is: `where` it goes, and how many of the `documents` are there."""

    where: str
    copied: int
    documents: int


class Differs(TurnoutError):
    """The new store does not hold or find what the old one does."""


class Move:
    """Whoever calls this holds the index's lock for writing. `kind`: what the target is called."""

    def __init__(self, manifest: Manifest, kind: str, target: Store) -> None:
        self.kind, self.target = kind, target
        self._manifest = manifest
        self._copied: set[int] = set()

    @property
    def copied(self) -> int:
        return len(self._copied)

    def touched(self, revs: Collection[int]) -> None:
        """These have other tags or vectors now."""
        self._copied -= {*revs}

    def some(self, source: Store) -> int:
        """Copy a few revisions; how many are left."""
        self._shape(source)
        current = self._manifest.revs()
        if gone := self._copied - current:
            self.target.drop(gone)
            self._copied -= gone
        lacking = sorted(current - self._copied)
        for rev in islice(lacking, AT_ONCE):
            self._copy(source, rev)
        return max(0, len(lacking) - AT_ONCE)

    def prove(self, source: Store) -> int:
        """How many searches were compared. Raises Differs. Deleted passages count in how rare a store takes a word to be: where
        there were any, words are asked for as many passages, not for the same scores."""
        passages, there = self._manifest.counts()[1], self.target.count()
        if there != passages:
            raise Differs(f"the new store holds {there} passages, {passages} are wanted")
        samples = [asked for row in self._sample() for asked in self._questions(source, row)]
        for part in ("lexical", "dense"):
            pairs = [(_scores(source, asked, part), _scores(self.target, asked, part)) for asked in samples]
            scored = part == "dense" or int(self._manifest.get(WRITTEN) or 0) <= passages
            alike = [_alike(old, new) if scored else _as_many(old, new) for old, new in pairs if old or new]
            if alike and sum(alike) < ALIKE * len(alike):
                raise Differs(f"its {part} searches find only {sum(alike) / len(alike):.0%} of what the old store finds")
        return len(samples)

    def _shape(self, source: Store) -> None:
        """Room for the same vectors, and no others."""
        for field in {*self.target.sizes} - {*source.sizes}:
            self.target.drop_dense(field)
        for field, size in source.sizes.items():
            if self.target.sizes.get(field) != size:
                self._copied.clear()
                self.target.has_dense(field, size)

    def _copy(self, source: Store, rev: int) -> None:
        wanted = source.entries(rev)
        if not _equal(wanted, self.target.entries(rev)):
            self.target.drop([rev])
            self.target.stage((rev, entry) for entry in wanted)
            if not _equal(wanted, self.target.entries(rev)):
                raise Differs(f"what was written of revision {rev} does not come back")
        self._copied.add(rev)

    def _sample(self) -> Sequence[Row]:
        rows = self._manifest.rows()
        return rows[:: max(1, len(rows) // SAMPLED)][:SAMPLED]

    def _questions(self, source: Store, row: Row) -> list[Asked]:
        """What is asked about a document: the first words of a passage, with its vector where it has one."""
        for entry in source.entries(row.rev)[:1]:
            query = " ".join(str(entry.payload["text"]).split()[:WORDS])
            return [Asked(query, "", vector, Scope({}), field) for field, vector in [*entry.vectors.items(), ("", None)]]
        return []


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

    def some(self, source: Store, language: str) -> tuple[int, Store | None]:
        """Copy a little: how many documents are left, and where that is none and all is proved, the store that serves now."""
        self.tidy(language)
        if self._worn():
            self._begin(self._stores.spare, language)
        if (move := self._going_on(language)) is None:
            return 0, None
        try:
            if left := move.some(source):
                return left, None
            log.info("searches compared, the new store serves", searches=move.prove(source), store=move.kind)
        except Missing:
            self.move = None  # to be opened again, which makes it anew
            raise
        except Differs:
            self._give_up(language)
            raise
        self._stores.serve(move.kind)
        self._anew()
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
            self.move.target.close()
            self._stores.remove(self.move.kind, language)
            self.move = None

    def close(self) -> None:
        """What is being moved is gone on with by whoever opens the index next."""
        if self.move:
            self.move.target.close()

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
        self._anew()  # or it would begin again at once

    def _worn(self) -> bool:
        """Whether most of the shard is room that deleted passages take, and nothing is being moved."""
        written, passages = int(self._manifest.get(WRITTEN) or 0), self._manifest.counts()[1]
        return bool(self._stores.spare) and not self._manifest.get(MOVING) and written > WORN * passages + SPARED

    def _anew(self) -> None:
        self._manifest.put(WRITTEN, str(self._manifest.counts()[1]))

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


def _scores(store: Store, asked: Asked, part: str) -> list[float]:
    """Of the best that a leg finds. Which passages those are does not count: many may score alike."""
    legs = store.search(asked, TOP)
    return [score for _, score in (legs.lexical if part == "lexical" else legs.dense)]


def _alike(old: Sequence[float], new: Sequence[float]) -> float:
    """How many of the scores are close, as a share."""
    close = [abs(one - other) <= CLOSE * max(abs(one), NEAR) for one, other in zip(old, new, strict=False)]
    return sum(close) / max(len(old), len(new))


def _as_many(old: Sequence[float], new: Sequence[float]) -> float:
    return min(len(old), len(new)) / max(len(old), len(new))


def _equal(some: Sequence[Entry], others: Sequence[Entry]) -> bool:
    if len(some) != len(others):
        return False
    by_id = {entry.payload["id"]: entry for entry in others}
    return all((other := by_id.get(one.payload["id"])) is not None and _same(one, other) for one in some)


def _same(one: Entry, other: Entry) -> bool:
    plain = (one.payload, one.tags, one.language) == (other.payload, other.tags, other.language)
    return plain and one.vectors.keys() == other.vectors.keys() and all(_near(one, other, name) for name in one.vectors)


def _near(one: Entry, other: Entry, name: str) -> bool:
    """Engines round: a vector is the same to some digits."""
    pairs = zip(one.vectors[name], other.vectors[name], strict=False)
    return len(one.vectors[name]) == len(other.vectors[name]) and all(abs(left - right) <= NEAR for left, right in pairs)
