"""Copying: what one store holds is copied into another while the first is searched and written on.

Revisions never change but for their tags and vectors, so each is copied by itself, and again where it was `touched` since. What
an interrupted move left is compared and kept where it is right. The new store serves when it holds exactly the manifest's
passages, each equal to the old one's, and answers a sample of searches like the old one.
"""

import subprocess
from collections.abc import Collection, Sequence
from itertools import islice

from core.errors import TurnoutError
from retrieval.manifest import WRITTEN, Manifest, Row
from retrieval.scope import Scope
from retrieval.stores.contract import Asked, Entry, Store

AT_ONCE = 20
SAMPLED, TOP = 20, 10
ALIKE = 0.9
"""How many of the sampled searches' best ten must score like the old store's: a server's dense leg is not exact."""

WORDS = 12
NEAR, CLOSE = 5e-3, 0.05
"""How far parts of a vector may be from each other (the embedded store keeps eight bits of each), and scores, as a share."""


class Differs(TurnoutError):
    """The new store does not hold or find what the old one does."""


class Move:
    """Whoever calls this holds the index's lock for writing. `kind`: what the target is called."""

    def __init__(self, manifest: Manifest, kind: str, target: Store) -> None:
        self.kind, self.target = kind, target
        self._manifest = manifest
        self._copied: set[int] = set()
        self.drawing: subprocess.Popen[bytes] | None = None
        self.drawn = False

    def close(self) -> None:
        if self.drawing:
            self.drawing.kill()
            self.drawing.wait()
        else:
            self.target.close()

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
