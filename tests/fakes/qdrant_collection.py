"""One collection of the Qdrant server: what is asked of it by REST, done by Qdrant Edge."""

import json
import re
import shutil
import uuid
from pathlib import Path

import qdrant_edge as q
from qdrant_client.http import models as m

from tests.fakes.qdrant_json import Refusal, checked, filtered, nearest_to, record, vectors

KINDS = {"keyword": q.PayloadSchemaType.Keyword, "integer": q.PayloadSchemaType.Integer, "float": q.PayloadSchemaType.Float}
DONE = {"operation_id": 1, "status": "completed"}


class Collection:
    """`shape` is what a server keeps of its vectors and indexes."""

    def __init__(self, folder: Path, asked=None) -> None:
        self.folder, self._shape = folder, folder / "shape.json"
        if asked is None:
            self.shape, self.shard = json.loads(self._shape.read_text()), q.EdgeShard.load(str(folder / "shard"))
            return
        (folder / "shard").mkdir(parents=True)
        self.shape = {"vectors": {}, "sparse": [*asked.sparse_vectors], "indexes": {}}
        sparse = {name: q.EdgeSparseVectorParams(modifier=q.Modifier.Idf) for name in asked.sparse_vectors}
        assert all(kind.modifier == "idf" for kind in asked.sparse_vectors.values())
        self.shard = q.EdgeShard.create(str(folder / "shard"), q.EdgeConfig(sparse_vectors=sparse, wal_enabled=True))
        self._keep()

    def remove(self) -> None:
        self.shard.close()
        shutil.rmtree(self.folder)

    def answer(self, method, rest, body):
        if found := re.fullmatch(r"vectors/([\w-]+)", rest):
            return self._vector(method, found[1], body)
        does = {
            ("GET", ""): self._info,
            ("PUT", "index"): self._index,
            ("PUT", "points"): self._upsert,
            ("POST", "points"): self._retrieve,
            ("POST", "points/delete"): self._delete,
            ("POST", "points/payload"): self._set_payload,
            ("PUT", "points/vectors"): self._update_vectors,
            ("POST", "points/count"): self._count,
            ("POST", "points/scroll"): self._scroll,
            ("POST", "points/query/batch"): self._query,
            ("POST", "facet"): self._facet,
        }.get((method, rest))
        if does is None:
            raise Refusal(404, "")
        return does(body)

    def _vector(self, method, name, body):
        if method == "DELETE":
            if self.shape["vectors"].pop(name, None) is None:
                raise Refusal(404, f"Not found: vector {name}")
            self._changed(q.UpdateOperation.delete_vector_name(name))
        else:
            dense = checked(m.DenseVectorNameConfig, body).dense
            if name in self.shape["vectors"]:
                raise Refusal(409, f"Wrong input: vector {name} already exists")
            self.shape["vectors"][name] = {"size": dense.size, "distance": dense.distance.value}
            self._changed(q.UpdateOperation.create_dense_vector(name, dense.size, q.Distance.Cosine))
        return DONE

    def _info(self, _body):
        params = {
            "vectors": self.shape["vectors"],
            "sparse_vectors": {name: {"modifier": "idf"} for name in self.shape["sparse"]},
        }
        config = {"params": params, "hnsw_config": HNSW, "optimizer_config": OPTIMIZER}
        schema = {key: {"data_type": kind, "points": 0} for key, kind in self.shape["indexes"].items()}
        return {"status": "green", "optimizer_status": "ok", "segments_count": 1, "config": config, "payload_schema": schema}

    def _index(self, body):
        asked = checked(m.CreateFieldIndex, body)
        self.shape["indexes"][asked.field_name] = body["field_schema"]
        self._keep()
        return self._update(q.UpdateOperation.create_field_index(asked.field_name, KINDS[body["field_schema"]]))

    def _upsert(self, body):
        checked(m.PointsList, body)
        for point in body["points"]:
            self._known(point["vector"])
        points = [q.Point(uuid.UUID(p["id"]), vectors(p["vector"]), p["payload"]) for p in body["points"]]
        return self._update(q.UpdateOperation.upsert_points(points))

    def _update_vectors(self, body):
        checked(m.UpdateVectors, body)
        ids = [uuid.UUID(point["id"]) for point in body["points"]]
        for point in body["points"]:
            self._known(point["vector"])
        if len(self.shard.retrieve(ids, with_payload=False, with_vector=False)) < len({*ids}):
            raise Refusal(404, "Not found: No point with that id found")
        given = [q.PointVectors(uuid.UUID(p["id"]), vectors(p["vector"])) for p in body["points"]]
        return self._update(q.UpdateOperation.update_vectors(given))

    def _known(self, given):
        for name, vector in given.items():
            if name in self.shape["sparse"]:
                continue
            if (kind := self.shape["vectors"].get(name)) is None:
                raise Refusal(400, f"Wrong input: Not existing vector name error: {name}")
            if len(vector) != kind["size"]:
                raise Refusal(400, f"Wrong input: Vector dimension error: expected dim: {kind['size']}, got {len(vector)}")

    def _delete(self, body):
        checked(m.FilterSelector, body)
        return self._update(q.UpdateOperation.delete_points_by_filter(filtered(body["filter"])))

    def _set_payload(self, body):
        checked(m.SetPayload, body)
        return self._update(q.UpdateOperation.set_payload_by_filter(filtered(body["filter"]), body["payload"]))

    def _retrieve(self, body):
        checked(m.PointRequest, body)
        ids = [uuid.UUID(name) for name in body["ids"]]
        found = self.shard.retrieve(ids, with_payload=body["with_payload"], with_vector=body["with_vector"])
        return [record(one) for one in found]

    def _count(self, body):
        checked(m.CountRequest, body)
        return {"count": self.shard.count(q.CountRequest(filter=filtered(body.get("filter"))))}

    def _scroll(self, body):
        checked(m.ScrollRequest, body)
        order = q.OrderBy(body["order_by"]["key"], q.Direction.Desc) if body.get("order_by") else None
        offset = uuid.UUID(body["offset"]) if body.get("offset") else None
        asked = q.ScrollRequest(
            offset=offset,
            limit=body["limit"],
            filter=filtered(body.get("filter")),
            with_payload=body.get("with_payload", True),
            with_vector=body.get("with_vector") or False,
            order_by=order,
        )
        records, after = self.shard.scroll(asked)
        return {"points": [record(one) for one in records], "next_page_offset": str(after) if after else None}

    def _query(self, body):
        checked(m.QueryRequestBatch, body)
        return [{"points": self._found(one)} for one in body["searches"]]

    def _found(self, one):
        what = nearest_to(one["query"])
        if isinstance(what, list):
            self._known({one["using"]: what})
        nearest = q.Query.Nearest(what, using=one["using"])
        points = self.shard.query(q.QueryRequest(limit=one["limit"], query=nearest, filter=filtered(one.get("filter"))))
        return [{"id": str(point.id), "version": 1, "score": point.score} for point in points]

    def _facet(self, body):
        checked(m.FacetRequest, body)
        if self.shape["indexes"].get(body["key"]) != "keyword":
            raise Refusal(400, f"Bad request: Field {body['key']} is not indexed with a keyword index")
        hits = self.shard.facet(q.FacetRequest(body["key"], limit=body["limit"], exact=True)).hits
        return {"hits": [{"value": str(hit.value), "count": hit.count} for hit in hits]}

    def _update(self, operation):
        self.shard.update(operation)
        return DONE

    def _changed(self, operation):
        self.shard.flush()
        self.shard.update(operation)
        self.shard.flush()
        self._keep()

    def _keep(self):
        self._shape.write_text(json.dumps(self.shape))


HNSW = {"m": 16, "ef_construct": 100, "full_scan_threshold": 10000}
OPTIMIZER = {"default_segment_number": 0, "flush_interval_sec": 5}
