"""Which embedder's vectors a search uses: the wanted one's, or, until all passages have those, still those of the one before.

Each embedder's vectors stand in the shard under a name of their own (`FIELDS`, in turn). The manifest knows whose are searched
(`EMBEDDER`) and whose are being made (`COMING`); the change from one to the other is one write there. What a crash leaves half
done goes on at the next start.

Which revisions may hold passages without a vector is remembered while the process runs, so that looking for those costs what
there are of them and not what the store holds. At a start that is every revision.
"""

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog

from retrieval.embeddings import Embedder, again
from retrieval.fusion import Weights, weights
from retrieval.manifest import DRAWN, Manifest
from retrieval.stores.contract import Lack, Store

FIELDS = ("dense", "dense-next")
EMBEDDER, COMING = "embedder", "embedder coming"
REMEMBERED = 1024
LOOKED_AT = 256
"""Revisions that are looked at together."""

log = structlog.get_logger("retrieval.vectors")


@dataclass(frozen=True, slots=True)
class Space:
    """One embedder's vectors: `field` is what they are called in the shard."""

    embedder: Embedder
    field: str
    weights: Weights


class Vectors:
    """`query` may be called from any thread; whoever calls the rest holds the index's lock for writing."""

    def __init__(self, manifest: Manifest) -> None:
        self.serving: Space | None = None
        self.coming: Space | None = None
        self._manifest = manifest
        self._queries: OrderedDict[tuple[str, str], list[float]] = OrderedDict()
        self._lacking: set[int] = set()

    @property
    def target(self) -> Space | None:
        """Where vectors are still made for."""
        return self.coming or self.serving

    def want(self, embedder: Embedder | None, wanted: Weights, shard: Store) -> None:
        """From now on, or as soon as its vectors are complete, this embedder's."""
        before, self.serving, self.coming = self.serving, None, None
        self._queries.clear()
        self._lacking = {*self._manifest.revs()}
        if embedder is None:
            return
        name, size, field = self._read(EMBEDDER)
        fresh, shard.made = shard.made, False
        if not name or name == embedder.name or fresh:
            self._only(Space(embedder, field or FIELDS[0], wanted), size if name == embedder.name else 0, shard)
            return
        shard.has_dense(field, size)
        other = FIELDS[FIELDS.index(field) - 1]
        half, half_size, _ = self._read(COMING)
        if half != embedder.name:
            shard.drop_dense(other)
            half_size = 0
        self.coming = Space(embedder, other, wanted)
        self._write(COMING, self.coming, half_size)
        shard.has_dense(other, half_size)
        old = before.embedder if before and before.embedder.name == name else again(name)
        self.serving = Space(old, field, weights(old)) if old else None
        log.info("vectors are made anew", embedder=embedder.name, meanwhile=name if old else "words alone")

    def give(self, vectors: Mapping[UUID, Sequence[float]], shard: Store) -> None:
        """Store vectors of the target. The first ones tell how long they are; others than before make all of them anew."""
        space, key = (self.coming, COMING) if self.coming else (self.serving, EMBEDDER)
        size = len(next(iter(vectors.values())))
        if space is None:
            return
        if shard.sizes.get(space.field, 0) != size:
            self._lacking = {*self._manifest.revs()}
            shard.drop_dense(space.field)
            shard.has_dense(space.field, size)
            self._write(key, space, size)
        shard.give_vectors(space.field, vectors)

    def written(self, revs: Collection[int]) -> None:
        """These may hold passages without a vector."""
        self._lacking |= {*revs}

    def lacking(self) -> Iterator[Lack]:
        """Where vectors of the target may be lacking, the newest revisions first."""
        if target := self.target:
            newest = sorted(self._lacking, reverse=True)
            for start in range(0, len(newest), LOOKED_AT):
                yield Lack(target.field, newest[start : start + LOOKED_AT], target.embedder.languages)

    def next(self, shard: Store) -> list[tuple[UUID, str]]:
        """A few passages without a vector of the target, with their texts, those written last first."""
        at_once = self.target.embedder.at_once if self.target else 0
        for lack in self.lacking():
            if found := shard.without_vector(lack, at_once):
                return found
            self._lacking -= {*lack.revs}
        return []

    def complete(self, shard: Store) -> None:
        """Every passage has its vector of the target: from here on searches use those."""
        if self.coming is None:
            return
        size, old = shard.sizes.get(self.coming.field, 0), FIELDS[FIELDS.index(self.coming.field) - 1]
        self._write(EMBEDDER, self.coming, size)
        self._manifest.put(COMING, "")
        self.serving, self.coming = self.coming, None
        shard.drop_dense(old)
        self._manifest.rewritten(self._manifest.counts()[1])
        self._manifest.put(DRAWN, "0")
        log.info("searches use the new vectors", embedder=self.serving.embedder.name)

    def query(self, text: str, spoken: Callable[[], str]) -> tuple[Space | None, list[float] | None]:
        """A question's vector and whose it is. None where meaning is not asked: where the embedder fails, with a line in the
        log, and where it does not know the language `spoken`, because then it makes answers worse."""
        space = self.serving
        if space is None or not space.weights.dense or not text.strip():
            return space, None
        if space.embedder.languages and spoken() not in space.embedder.languages:
            return space, None
        key = (space.field, text)
        if (known := self._queries.get(key)) is not None:
            return space, known
        try:
            vector = space.embedder.model.embed_query(text)
        except Exception as error:  # noqa: BLE001  # anybody's Embeddings: search goes on by words
            log.warning("the embedder failed, searching by words alone", embedder=space.embedder.name, reason=str(error))
            return space, None
        self._queries[key] = vector
        while len(self._queries) > REMEMBERED:
            self._queries.popitem(last=False)
        return space, vector

    def _only(self, space: Space, size: int, shard: Store) -> None:
        """Nobody else's vectors are of use."""
        for field in FIELDS:
            if field != space.field or not size:
                shard.drop_dense(field)
        self._write(EMBEDDER, space, size)
        self._manifest.put(COMING, "")
        shard.has_dense(space.field, size)
        self.serving = space

    def _read(self, key: str) -> tuple[str, int, str]:
        name, size, field = [*self._manifest.get(key).rsplit("|", 2), "", ""][:3]
        return name, int(size or 0), field

    def _write(self, key: str, space: Space, size: int) -> None:
        self._manifest.put(key, f"{space.embedder.name}|{size}|{space.field}")
