"""Qdrant's REST bodies as the words of Qdrant Edge, and the other way; checked by the models of Qdrant's own client."""

import qdrant_edge as q
from pydantic import TypeAdapter, ValidationError


class Refusal(Exception):
    def __init__(self, status, reason):
        super().__init__(reason)
        self.status = status


def checked(model, body):
    try:
        return TypeAdapter(model).validate_python(body)
    except ValidationError as error:
        raise Refusal(400, f"Format error in JSON body: {error.errors()[0]['loc']}: {error.errors()[0]['msg']}") from None


def filtered(asked):
    if not asked:
        return q.Filter()
    parts = {name: [condition(one) for one in asked.get(name) or []] for name in ("must", "should", "must_not")}
    return q.Filter(**{name: found for name, found in parts.items() if found})


def condition(asked):
    if "has_vector" in asked:
        return q.HasVectorCondition(asked["has_vector"])
    if "key" not in asked:
        return filtered(asked)
    if "match" in asked:
        return q.FieldCondition(asked["key"], match=q.MatchAny(asked["match"]["any"]))
    return q.FieldCondition(asked["key"], range=q.RangeFloat(**asked["range"]))


def vectors(given):
    return {name: sparse(vector) if isinstance(vector, dict) else vector for name, vector in given.items()}


def sparse(given):
    return q.SparseVector(given["indices"], given["values"])


def record(found):
    plain = {"id": str(found.id), "payload": found.payload}
    return plain | ({"vector": found.vector} if found.vector else {})


def nearest_to(asked):
    """What a query wants to be near to: the longer form says so."""
    what = asked["nearest"] if isinstance(asked, dict) and "nearest" in asked else asked
    return sparse(what) if isinstance(what, dict) else what
