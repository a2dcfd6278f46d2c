"""The shard: Qdrant Edge in this process, and the only store that knows it. What a store promises stands in `stores.contract`.

The library holds Python's global lock while it writes, so writes go in small batches, and `optimize` is never called, because
it would stop the whole process for as long as it takes. A write that waits, so, for a read in another thread would wait for
ever: every call goes through one lock of ours.
"""

import threading
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import qdrant_edge as q

from core.errors import ConfigError, StoreUnavailable
from core.knowledge import Tags
from retrieval import words
from retrieval.graph import NEAR, STORED
from retrieval.scope import Scope
from retrieval.stores import contract
from retrieval.stores.contract import (
    BATCH,
    BM25,
    LIMITLESS,
    MARKS,
    SEARCHED,
    SPOKEN,
    Asked,
    Broken,
    Entry,
    Held,
    Lack,
    Legs,
    Ranked,
    searched,
    tagged,
    weighed,
)


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
        self.held = Held({key: self._values(key) for key in (SPOKEN, *MARKS)})

    def close(self) -> None:
        with self._lock:
            self._shard.flush()
            self._shard.close()

    def has_dense(self, field: str, size: int) -> None:
        if size:
            self._shape(q.UpdateOperation.create_dense_vector(field, size, q.Distance.Cosine, datatype=STORED))
            self.sizes[field] = size

    def drop_dense(self, field: str) -> None:
        with self._lock:
            self.sizes.pop(field, None)
            self._shape(q.UpdateOperation.delete_vector_name(field))

    def stage(self, staged: Iterable[tuple[int, Entry]]) -> None:
        rest = iter(staged)
        while some := list(islice(rest, BATCH)):
            for _, entry in some:
                self.held.add(entry.tags, entry.language)
            self._update(q.UpdateOperation.upsert_points([_point(rev, entry) for rev, entry in some]))

    def drop(self, revs: Collection[int]) -> None:
        with self._lock:
            self._update(q.UpdateOperation.delete_points_by_filter(_of(*revs)))

    def mark(self, rev: int, tags: Tags) -> None:
        self.held.add(tags)
        self._update(q.UpdateOperation.set_payload_by_filter(_of(rev), tagged(tags)))

    def respeak(self, rev: int, language: str) -> None:
        self.held.add(Tags(), language)
        for record in self._scroll(_of(rev), with_payload=[*SEARCHED]):
            given = q.PointVectors(record.id, {BM25: words.document(weighed(record.payload or {}), language)})
            self._update(q.UpdateOperation.update_vectors([given]))
        self._update(q.UpdateOperation.set_payload_by_filter(_of(rev), {SPOKEN: language}))

    def flush(self) -> None:
        with self._lock:
            self._shard.flush()

    def count(self, rev: int | None = None) -> int:
        return self._count(None if rev is None else _of(rev))

    def holds(self, scope: Scope) -> bool:
        with self._lock:
            return self._count(q.Filter(must=self._conditions(scope), must_not=self._hidden())) > 0

    def search(self, asked: Asked, limit: int, *, all_vectors: bool = True) -> Legs:
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
        with self._lock:
            records = self._shard.retrieve(list(points), with_payload=True, with_vector=False)
        by_id = {_id(record): record.payload or {} for record in records}
        return [by_id[point] for point in points if point in by_id]

    def entries(self, rev: int) -> list[Entry]:
        records = self._scroll(_of(rev), with_payload=True, with_vector=[*self.sizes])
        return [contract.entry(record.payload or {}, _dense(record.vector)) for record in records]

    def without_vector(self, lack: Lack, limit: int) -> list[tuple[uuid.UUID, str]]:
        with self._lock:
            newest = q.OrderBy("rev", q.Direction.Desc)
            asked = q.ScrollRequest(limit=limit, filter=self._lacking(lack), with_payload=[*SEARCHED], order_by=newest)
            records, _ = self._shard.scroll(asked)
        return [(_id(record), searched(record.payload or {})) for record in records]

    def waiting(self, lack: Lack) -> int:
        return self._count(self._lacking(lack))

    def give_vectors(self, field: str, vectors: Mapping[uuid.UUID, Sequence[float]]) -> None:
        with self._lock:
            alive = self._shard.retrieve(list(vectors), with_payload=False, with_vector=False)
            given = [q.PointVectors(record.id, {field: list(vectors[_id(record)])}) for record in alive]
            if given:
                self._update(q.UpdateOperation.update_vectors(given))

    def _lacking(self, lack: Lack) -> q.Filter:
        known: list[Any] = [q.FieldCondition(SPOKEN, match=q.MatchAny(list(lack.languages)))] if lack.languages else []
        given: list[Any] = [q.HasVectorCondition(lack.field)] if lack.field in self.sizes else []
        return q.Filter(must=[_of(*lack.revs), *known], must_not=given)

    def _values(self, key: str) -> frozenset[str]:
        """All that stands under a key of any passage."""
        values = self._shard.facet(q.FacetRequest(key, limit=LIMITLESS, exact=True)).hits
        return frozenset(str(hit.value) for hit in values)

    def _conditions(self, scope: Scope) -> list[Any]:
        """What must hold of a passage before it is ranked."""
        asked = self.held.conditions(scope)
        conditions: list[Any] = [q.FieldCondition(key, match=q.MatchAny(values)) for key, values in asked.items()]
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
    name = point.id  # made anew each time it is asked for
    return name if isinstance(name, uuid.UUID) else uuid.UUID(str(name))


def _point(rev: int, entry: Entry) -> q.Point:
    vectors: dict[str, Any] = {BM25: words.document(weighed(entry.payload), entry.language)}
    vectors |= {field: list(vector) for field, vector in entry.vectors.items()}
    return q.Point(contract.point(rev, entry), vectors, contract.stored(rev, entry))


def _dense(vectors: Any) -> Mapping[str, Sequence[float]]:
    """Of a record; none where it was read without."""
    return vectors if isinstance(vectors, dict) else {}


def _nearest(what: Any, name: str, limit: int, which: q.Filter) -> q.QueryRequest:
    return q.QueryRequest(limit=limit, query=q.Query.Nearest(what, using=name), filter=which, params=NEAR)


def _make(folder: Path) -> q.EdgeShard:
    folder.mkdir(parents=True, exist_ok=True)
    sparse = {BM25: q.EdgeSparseVectorParams(modifier=q.Modifier.Idf)}
    shard = q.EdgeShard.create(str(folder), q.EdgeConfig(sparse_vectors=sparse, wal_enabled=True))
    kinds = {"rev": q.PayloadSchemaType.Integer, "marks.at": q.PayloadSchemaType.Float}
    for key, kind in (kinds | {name: q.PayloadSchemaType.Keyword for name in (SPOKEN, *MARKS)}).items():
        shard.update(q.UpdateOperation.create_field_index(key, kind))
    return shard


def _of(*revs: int) -> q.Filter:
    return q.Filter(must=[q.FieldCondition("rev", match=q.MatchAny(list(revs)))])
