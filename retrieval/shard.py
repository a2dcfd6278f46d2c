"""The shard: Qdrant Edge in this process, and the only module that knows it.

A point is a passage of one revision of a document. Points of *hidden* revisions are there but never found: a revision is
hidden while it is written and again from the moment another takes its place, so a reader sees whole documents only.
The lexical leg is stored with the point; its dense vector may come later (`without_vector`, `give_vectors`).

The library holds Python's global lock while it writes, so writes go in small batches, and `optimize` is never called, because
it would stop the whole process for as long as it takes. A write that waits, so, for a read in another thread would wait for
ever: every call goes through one lock of ours.
"""

import hashlib
import threading
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import qdrant_edge as q

from core.errors import ConfigError, StoreUnavailable, TurnoutError
from core.knowledge import Tags
from retrieval import words
from retrieval.scope import Scope, marks

BM25 = "bm25"
BATCH, LIMITLESS = 100, 1 << 24
SEARCHED = ("title", "heading", "text")
MARKS = ("marks.readers", "marks.product", "marks.version", "marks.language")
SPOKEN = "spoken"

Ranked = list[tuple[uuid.UUID, float]]


class Broken(TurnoutError):
    """The index folder cannot be opened."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is stored of a passage: `payload` is what comes back, its `id` the passage's, and what both legs search in; its
    `tags` say who may find it, its words are those of a `language`."""

    payload: Mapping[str, Any]
    tags: Tags
    language: str
    vectors: Mapping[str, Sequence[float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Legs:
    """What each leg found, best first, with BM25 scores and cosines. `bare`: passages that the dense leg cannot know yet."""

    lexical: Ranked
    dense: Ranked
    bare: frozenset[uuid.UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class Asked:
    """A question: its words, those said before, its vector where the dense leg is asked too, and what may be found."""

    query: str
    before: str
    vector: Sequence[float] | None
    scope: Scope
    field: str = ""


class Shard:
    """All methods may be called from any thread."""

    def __init__(self, folder: Path) -> None:
        """Opens the shard at a folder, or makes it. Raises Broken, or ConfigError when another process has it."""
        self._lock = threading.RLock()
        self.hidden: frozenset[int] = frozenset()
        self.sizes: dict[str, int] = {}
        self.made = not (folder / "edge_config.json").exists()
        try:
            self._shard = _make(folder) if self.made else q.EdgeShard.load(str(folder))
        except Exception as error:  # noqa: BLE001  # the library raises plain Exception
            if "WAL" in str(error) and "WouldBlock" in str(error):
                raise ConfigError(f"{folder} is in use: another retrieval service runs on this TURNOUT_DATA") from None
            raise Broken(f"{folder}: {error}") from None
        self.held = {key: self._values(key) for key in (SPOKEN, *MARKS)}

    def close(self) -> None:
        with self._lock:
            self._shard.flush()
            self._shard.close()

    def has_dense(self, field: str, size: int) -> None:
        """Make room for vectors of this name and size; 0: nobody knows yet."""
        if size:
            self._shape(q.UpdateOperation.create_dense_vector(field, size, q.Distance.Cosine))
            self.sizes[field] = size

    def drop_dense(self, field: str) -> None:
        """Forget every vector of this name. No search runs meanwhile."""
        with self._lock:
            self.sizes.pop(field, None)
            self._shape(q.UpdateOperation.delete_vector_name(field))

    def stage(self, rev: int, entries: Iterable[Entry]) -> None:
        """Store the passages of a revision; hide it first."""
        rest = iter(entries)
        while some := list(islice(rest, BATCH)):
            for entry in some:
                self._will_hold(entry.tags, entry.language)
            self._update(q.UpdateOperation.upsert_points([self._point(rev, entry) for entry in some]))

    def drop(self, rev: int) -> None:
        """Delete a revision's passages. No search runs meanwhile, so none sees it half gone."""
        with self._lock:
            self._update(q.UpdateOperation.delete_points_by_filter(_of(rev)))

    def mark(self, rev: int, tags: Tags) -> None:
        """Give a revision's passages other tags. No search runs meanwhile."""
        self._will_hold(tags)
        self._update(q.UpdateOperation.set_payload_by_filter(_of(rev), _tagged(tags)))

    def respeak(self, rev: int, language: str) -> None:
        """Take a revision's words anew, in another language."""
        self._will_hold(Tags(), language)
        for record in self._scroll(_of(rev), with_payload=[*SEARCHED]):
            given = q.PointVectors(record.id, {BM25: words.document(_weighed(record.payload or {}), language)})
            self._update(q.UpdateOperation.update_vectors([given]))
        self._update(q.UpdateOperation.set_payload_by_filter(_of(rev), {SPOKEN: language}))

    def flush(self) -> None:
        with self._lock:
            self._shard.flush()

    def count(self, rev: int | None = None) -> int:
        return self._count(None if rev is None else _of(rev))

    def search(self, asked: Asked, limit: int, *, all_vectors: bool = True) -> Legs:
        """The best passages of each leg. Without `all_vectors`, also which of the lexical ones have no vector yet."""
        sought = words.query(asked.query, asked.before, self.held[SPOKEN])
        with self._lock:
            must, hidden = self._conditions(asked.scope), self._hidden()
            vector = asked.vector if asked.field in self.sizes else None
            queries = [_nearest(sought, BM25, limit, q.Filter(must=must, must_not=hidden))]
            if vector is not None:
                queries.append(_nearest(list(vector), asked.field, limit, q.Filter(must=must, must_not=hidden)))
            if vector is not None and not all_vectors:
                lacking = q.Filter(must=must, must_not=[*hidden, q.HasVectorCondition(asked.field)])
                queries.append(_nearest(sought, BM25, limit, lacking))
            found = self._shard.query_batch(q.QueryBatchRequest(queries))
        ranked: list[Ranked] = [[(_id(point), point.score) for point in points] for points in found]
        lexical, dense, bare = (*ranked, [], [])[:3]
        return Legs(lexical, dense, frozenset(point for point, _ in bare))

    def payloads(self, points: Sequence[uuid.UUID]) -> list[Mapping[str, Any]]:
        """What is stored of these points, in their order; those gone since are left out."""
        with self._lock:
            records = self._shard.retrieve(list(points), with_payload=True, with_vector=False)
        by_id = {_id(record): record.payload or {} for record in records}
        return [by_id[point] for point in points if point in by_id]

    def vectors(self, rev: int) -> dict[str, dict[str, list[float]]]:
        """Passage id → its dense vectors by name, of a revision's passages."""
        found: dict[str, dict[str, list[float]]] = {}
        for record in self._scroll(_of(rev), with_payload=["id"], with_vector=[*self.sizes]) if self.sizes else ():
            vectors: Any = record.vector
            found[(record.payload or {})["id"]] = vectors or {}
        return found

    def without_vector(self, field: str, languages: Sequence[str], limit: int) -> list[tuple[uuid.UUID, str]]:
        """(point, text) of passages in these languages (none: all) that lack such a vector, those written last first."""
        with self._lock:
            newest = q.OrderBy("rev", q.Direction.Desc)
            asked = q.ScrollRequest(
                limit=limit, filter=self._waiting(field, languages), with_payload=[*SEARCHED], order_by=newest
            )
            records, _ = self._shard.scroll(asked)
        return [(_id(record), searched(record.payload or {})) for record in records]

    def waiting(self, field: str, languages: Sequence[str]) -> int:
        return self._count(self._waiting(field, languages))

    def give_vectors(self, field: str, vectors: Mapping[uuid.UUID, Sequence[float]]) -> None:
        """Store dense vectors under a name; points deleted meanwhile are passed over."""
        with self._lock:
            alive = self._shard.retrieve(list(vectors), with_payload=False, with_vector=False)
            given = [q.PointVectors(record.id, {field: list(vectors[_id(record)])}) for record in alive]
            if given:
                self._update(q.UpdateOperation.update_vectors(given))

    def _point(self, rev: int, entry: Entry) -> q.Point:
        vectors: dict[str, Any] = {BM25: words.document(_weighed(entry.payload), entry.language)}
        vectors |= {field: list(vector) for field, vector in entry.vectors.items()}
        name = hashlib.sha256(entry.payload["id"].encode()).digest()[:8]
        point = uuid.UUID(bytes=rev.to_bytes(8, "big") + name)
        return q.Point(point, vectors, {**entry.payload, **_tagged(entry.tags), SPOKEN: entry.language, "rev": rev})

    def _waiting(self, field: str, languages: Sequence[str]) -> q.Filter:
        known: list[Any] = [q.FieldCondition(SPOKEN, match=q.MatchAny(list(languages)))] if languages else []
        return q.Filter(must=known, must_not=[q.HasVectorCondition(field)] if field in self.sizes else [])

    def _values(self, key: str) -> frozenset[str]:
        """All that stands under a key of any passage."""
        values = self._shard.facet(q.FacetRequest(key, limit=LIMITLESS, exact=True)).hits
        return frozenset(str(hit.value) for hit in values)

    def _will_hold(self, tags: Tags, *languages: str) -> None:
        """To be told before anything is written: what `held` lacks is taken to stand nowhere."""
        self.held[SPOKEN] |= {*languages}
        for key in MARKS:
            self.held[key] |= {*marks(tags)[key.removeprefix("marks.")]}

    def _conditions(self, scope: Scope) -> list[Any]:
        """What must hold of a passage before it is ranked. What holds of all of them is not asked: it costs a look at each."""
        asked = {f"marks.{key}": values for key, values in scope.one_of.items()}
        conditions: list[Any] = [
            q.FieldCondition(key, match=q.MatchAny(sorted(values)))
            for key, values in asked.items()
            if not self.held[key] <= values
        ]
        if scope.since or scope.until:
            dated = q.RangeFloat(gte=scope.since, lt=scope.until or None), q.RangeFloat(gte=0.0, lte=0.0)
            conditions.append(q.Filter(should=[q.FieldCondition("marks.at", range=one) for one in dated]))
        return conditions

    def _hidden(self) -> list[Any]:
        """What no reader may see, as conditions that must not hold."""
        return [q.FieldCondition("rev", match=q.MatchAny(list(self.hidden)))] if self.hidden else []

    def _scroll(self, which: q.Filter, **what: Any) -> Iterator[q.Record]:
        offset = None
        while True:
            with self._lock:
                records, offset = self._shard.scroll(q.ScrollRequest(offset=offset, limit=BATCH, filter=which, **what))
            yield from records
            if offset is None:
                return

    def _count(self, which: q.Filter | None) -> int:
        with self._lock:
            return int(self._shard.count(q.CountRequest(filter=which)))

    def _shape(self, operation: q.UpdateOperation) -> None:
        """Written through at once: the library replays a name deleted and made again so that it can never be searched."""
        with self._lock:
            self.flush()
            self._update(operation)
            self.flush()

    def _update(self, operation: q.UpdateOperation) -> None:
        try:
            with self._lock:
                self._shard.update(operation)
        except Exception as error:  # noqa: BLE001  # the library raises plain Exception
            raise StoreUnavailable(f"the index cannot be written: {error}") from None


def _id(point: q.ScoredPoint | q.Record) -> uuid.UUID:
    """Our points' ids are UUIDs, whatever else the library allows."""
    return point.id if isinstance(point.id, uuid.UUID) else uuid.UUID(str(point.id))


def searched(payload: Mapping[str, Any]) -> str:
    """What both legs see of a passage: its words under its document's title and its headings."""
    return "\n".join(str(payload[field]) for field in SEARCHED if payload[field])


def _weighed(payload: Mapping[str, Any]) -> str:
    """The title's words count twice."""
    return f"{payload['title']}\n{searched(payload)}"


def revision(point: uuid.UUID) -> int:
    """The revision a point belongs to: its passages have this in common."""
    return point.int >> 64


def _nearest(what: Any, name: str, limit: int, which: q.Filter) -> q.QueryRequest:
    return q.QueryRequest(limit=limit, query=q.Query.Nearest(what, using=name), filter=which)


def _make(folder: Path) -> q.EdgeShard:
    folder.mkdir(parents=True, exist_ok=True)
    sparse = {BM25: q.EdgeSparseVectorParams(modifier=q.Modifier.Idf)}
    shard = q.EdgeShard.create(str(folder), q.EdgeConfig(sparse_vectors=sparse, wal_enabled=True))
    kinds = {"rev": q.PayloadSchemaType.Integer, "marks.at": q.PayloadSchemaType.Float}
    for key, kind in (kinds | {name: q.PayloadSchemaType.Keyword for name in (SPOKEN, *MARKS)}).items():
        shard.update(q.UpdateOperation.create_field_index(key, kind))
    return shard


def _tagged(tags: Tags) -> dict[str, Any]:
    """What of the tags is stored with a passage: to be shown, and to filter by."""
    return {"tags": msgspec.to_builtins(tags), "marks": marks(tags)}


def _of(rev: int) -> q.Filter:
    return q.Filter(must=[q.FieldCondition("rev", match=q.MatchValue(rev))])
