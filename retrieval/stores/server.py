"""A Qdrant server as a store: one collection, asked by its REST interface. What a store promises stands in `contract`.

Words become vectors here, by the same code as for the shard, so both stores rank alike. A search reads `hidden` and what is
held before it asks, so whatever depends on those waits for searches under way (`_searching`).
"""

import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from itertools import islice
from typing import Any

from core.errors import ConfigError
from core.knowledge import Tags
from retrieval import words
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
    Entry,
    Held,
    Lack,
    Legs,
    Ranked,
    searched,
    tagged,
    weighed,
)
from retrieval.stores.rest import Missing, Rest, Server
from retrieval.stores.turns import Turns

OLDEST = (1, 18)
"""The first version whose collections may get another vector later."""

INDEXES = {"rev": "integer", "marks.at": "float", **dict.fromkeys((SPOKEN, *MARKS), "keyword")}
"""By what is filtered, and what it is."""

Json = dict[str, Any]


class ServerStore:
    """All methods may be called from any thread."""

    def __init__(self, server: Server, collection: str) -> None:
        """Opens a collection, or makes it. Raises StoreUnavailable, or ConfigError where the server or its key does not fit."""
        self._rest, self._path = Rest(server), f"/collections/{collection}"
        self._searching = Turns()
        self.hidden: frozenset[int] = frozenset()
        self.sizes: dict[str, int] = {}
        try:
            self.made = self._open()
            self._there = self._named()
            self.held = Held({key: self._values(key) for key in (SPOKEN, *MARKS)})
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._rest.close()

    def has_dense(self, field: str, size: int) -> None:
        if not size:
            return
        if self._there.get(field, size) != size:
            self.drop_dense(field)
        if field not in self._there:
            self._rest.write("PUT", f"{self._path}/vectors/{field}", {"dense": {"size": size, "distance": "Cosine"}})
            self._there[field] = size
        self.sizes[field] = size

    def drop_dense(self, field: str) -> None:
        with self._searching.alone():
            self.sizes.pop(field, None)
            if self._there.pop(field, 0):
                self._rest.write("DELETE", f"{self._path}/vectors/{field}")

    def stage(self, staged: Iterable[tuple[int, Entry]]) -> None:
        rest = iter(staged)
        while some := list(islice(rest, BATCH)):
            with self._searching.alone():
                for _, entry in some:
                    self.held.add(entry.tags, entry.language)
            self._rest.write("PUT", f"{self._path}/points", {"points": [_point(rev, entry) for rev, entry in some]})

    def drop(self, revs: Collection[int]) -> None:
        with self._searching.alone():
            self._rest.write("POST", f"{self._path}/points/delete", {"filter": _of(*revs)})

    def mark(self, rev: int, tags: Tags) -> None:
        with self._searching.alone():
            self.held.add(tags)
            self._rest.write("POST", f"{self._path}/points/payload", {"payload": tagged(tags), "filter": _of(rev)})

    def respeak(self, rev: int, language: str) -> None:
        with self._searching.alone():
            self.held.add(Tags(), language)
        for some in self._scroll(_of(rev), with_payload=[*SEARCHED]):
            texts = {record["id"]: weighed(record["payload"]) for record in some}
            self._update_vectors({name: {BM25: _sparse(words.document(text, language))} for name, text in texts.items()})
        self._rest.write("POST", f"{self._path}/points/payload", {"payload": {SPOKEN: language}, "filter": _of(rev)})

    def flush(self) -> None:
        """The server writes its own log before it answers."""

    def count(self, rev: int | None = None) -> int:
        return self._count({} if rev is None else _of(rev))

    def holds(self, scope: Scope) -> bool:
        with self._searching.among():
            return self._count(self._seen(scope)) > 0

    def entries(self, rev: int) -> list[Entry]:
        found = self._scroll(_of(rev), with_payload=True, with_vector=[*self.sizes])
        return [contract.entry(record["payload"], record.get("vector") or {}) for some in found for record in some]

    def search(self, asked: Asked, limit: int, *, all_vectors: bool = True) -> Legs:
        with self._searching.among():
            sought = _sparse(words.query(asked.query, asked.before, self.held[SPOKEN]))
            seen = self._seen(asked.scope)
            vector = asked.vector if asked.field in self.sizes else None
            queries = [_nearest(sought, BM25, limit, seen)]
            if vector is not None:
                queries.append(_nearest(list(vector), asked.field, limit, seen))
            if vector is not None and not all_vectors:
                lacking = seen | {"must_not": [*seen["must_not"], {"has_vector": asked.field}]}
                queries.append(_nearest(sought, BM25, limit, lacking))
            found = self._rest.ask("POST", f"{self._path}/points/query/batch", {"searches": queries})["result"]
        ranked: list[Ranked] = [[(uuid.UUID(one["id"]), one["score"]) for one in points["points"]] for points in found]
        lexical, dense, bare = (*ranked, [], [])[:3]
        return Legs(lexical, dense, frozenset(point for point, _ in bare))

    def payloads(self, points: Sequence[uuid.UUID]) -> list[Mapping[str, Any]]:
        by_id = {record["id"]: record["payload"] for record in self._retrieve(points, with_payload=True)}
        return [by_id[str(point)] for point in points if str(point) in by_id]

    def without_vector(self, lack: Lack, limit: int) -> list[tuple[uuid.UUID, str]]:
        newest = {"key": "rev", "direction": "desc"}
        asked = {"filter": self._lacking(lack), "limit": limit, "with_payload": [*SEARCHED], "order_by": newest}
        records = self._rest.ask("POST", f"{self._path}/points/scroll", asked)["result"]["points"]
        return [(uuid.UUID(record["id"]), searched(record["payload"])) for record in records]

    def waiting(self, lack: Lack) -> int:
        return self._count(self._lacking(lack))

    def give_vectors(self, field: str, vectors: Mapping[uuid.UUID, Sequence[float]]) -> None:
        alive = {record["id"] for record in self._retrieve([*vectors], with_payload=False)}
        self._update_vectors({str(point): {field: list(vector)} for point, vector in vectors.items() if str(point) in alive})

    def _open(self) -> bool:
        """Whether the collection had to be made. One that is half made, without its indexes, is made again."""
        _fits(self._rest)
        if self._rest.ask("GET", f"{self._path}/exists")["result"]["exists"]:
            if {*INDEXES} <= {*self._info()["payload_schema"]}:
                return False
            self._rest.write("DELETE", self._path)
        self._rest.write("PUT", self._path, {"sparse_vectors": {BM25: {"modifier": "idf"}}})
        for key, kind in INDEXES.items():
            self._rest.write("PUT", f"{self._path}/index", {"field_name": key, "field_schema": kind})
        return True

    def _info(self) -> Json:
        found: Json = self._rest.ask("GET", self._path)["result"]
        return found

    def _named(self) -> dict[str, int]:
        """The dense vectors that the collection has, and how long they are."""
        vectors = self._info()["config"]["params"].get("vectors") or {}
        return {name: int(kind["size"]) for name, kind in vectors.items() if isinstance(kind, dict)}

    def _values(self, key: str) -> frozenset[str]:
        """All that stands under a key of any passage."""
        asked = {"key": key, "limit": LIMITLESS, "exact": True}
        hits = self._rest.ask("POST", f"{self._path}/facet", asked, patient=True)["result"]["hits"]
        return frozenset(str(hit["value"]) for hit in hits)

    def _seen(self, scope: Scope) -> Json:
        """What a reader may find."""
        return {"must": self._conditions(scope), "must_not": [_among("rev", self.hidden)] if self.hidden else []}

    def _conditions(self, scope: Scope) -> list[Json]:
        """What must hold of a passage before it is ranked."""
        conditions: list[Json] = [_among(key, values) for key, values in self.held.conditions(scope).items()]
        if scope.since or scope.until:
            until = {"lt": scope.until} if scope.until else {}
            dated = {"gte": scope.since, **until}, {"gte": 0.0, "lte": 0.0}
            conditions.append({"should": [{"key": "marks.at", "range": one} for one in dated]})
        return conditions

    def _lacking(self, lack: Lack) -> Json:
        known = [_among(SPOKEN, lack.languages)] if lack.languages else []
        given = [{"has_vector": lack.field}] if lack.field in self.sizes else []
        return {"must": [_among("rev", lack.revs), *known], "must_not": given}

    def _retrieve(self, points: Sequence[uuid.UUID], *, with_payload: bool) -> list[Json]:
        asked = {"ids": list(map(str, points)), "with_payload": with_payload, "with_vector": False}
        found: list[Json] = self._rest.ask("POST", f"{self._path}/points", asked)["result"] if points else []
        return found

    def _scroll(self, which: Json, **what: object) -> Iterator[list[Json]]:
        offset = None
        while True:
            asked = {"filter": which, "limit": BATCH, "offset": offset, **what}
            page = self._rest.ask("POST", f"{self._path}/points/scroll", asked, patient=True)["result"]
            yield page["points"]
            if (offset := page.get("next_page_offset")) is None:
                return

    def _count(self, which: Json) -> int:
        return int(self._rest.ask("POST", f"{self._path}/points/count", {"filter": which, "exact": True})["result"]["count"])

    def _update_vectors(self, vectors: Mapping[str, Json]) -> None:
        points = [{"id": point, "vector": vector} for point, vector in vectors.items()]
        if points:
            self._rest.write("PUT", f"{self._path}/points/vectors", {"points": points})


def names(server: Server) -> list[str]:
    """Of all its collections."""
    with closing(Rest(server)) as rest:
        return [str(one["name"]) for one in rest.ask("GET", "/collections")["result"]["collections"]]


def forget(server: Server, collection: str) -> None:
    """Delete a collection with all that is in it; one that is not there is no matter."""
    with closing(Rest(server)) as rest, suppress(Missing):
        rest.write("DELETE", f"/collections/{collection}")


def _fits(rest: Rest) -> None:
    """Raises ConfigError where the server is older than what is asked of it."""
    told = str(rest.ask("GET", "/").get("version", ""))
    version = tuple(int(part) for part in told.split(".")[:2] if part.isdigit())
    if version < OLDEST:
        wanted = ".".join(map(str, OLDEST))
        raise ConfigError(f"{rest.server} is of version {told or 'unknown'}: {wanted} or newer is needed")


def _point(rev: int, entry: Entry) -> Json:
    dense = {field: list(vector) for field, vector in entry.vectors.items()}
    vectors = {BM25: _sparse(words.document(weighed(entry.payload), entry.language)), **dense}
    return {"id": str(contract.point(rev, entry)), "vector": vectors, "payload": contract.stored(rev, entry)}


def _sparse(vector: Any) -> Json:
    return {"indices": list(vector.indices), "values": list(vector.values)}


def _nearest(what: object, name: str, limit: int, which: Json) -> Json:
    return {"query": what, "using": name, "limit": limit, "filter": which, "with_payload": False}


def _of(*revs: int) -> Json:
    return {"must": [_among("rev", revs)]}


def _among(key: str, values: Iterable[object]) -> Json:
    return {"key": key, "match": {"any": list(values)}}
