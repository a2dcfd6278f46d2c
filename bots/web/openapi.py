"""`/openapi.json`: OpenAPI 3.1, derived from the table of operations and the records that their handlers decode and encode."""

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import msgspec

from bots.web.routes import Operation
from bots.web.wire import Delta, Problem, Readiness, Reply, State

REFERENCE = "#/components/schemas/{name}"
MEANINGS = {
    200: "As asked",
    201: "Made",
    202: "Stored; the answer comes as an event",
    400: "The request is wrong; `message` says where",
    401: "No token, or one that is not valid",
    413: "Too large",
    429: "Too fast; see Retry-After",
    503: "Not now; see Retry-After",
}
EVENTS = (
    "Server-sent events: `reply` (Reply; its id is the place in the conversation), `delta` (Delta) and `state` (State). "
    "A comment comes every 15 seconds. Send the last id as `Last-Event-ID` to go on there; without it the conversation "
    "is told from its beginning."
)
RESUME: list[dict[str, Any]] = [
    {"name": "Last-Event-ID", "in": "header", "schema": {"type": "string"}, "description": "The id of the last event seen"},
    {"name": "after", "in": "query", "schema": {"type": "string"}, "description": "The same, for clients without headers"},
    {"name": "token", "in": "query", "schema": {"type": "string"}, "description": "The token, for clients without headers"},
]

Json = dict[str, Any]


def document(operations: Sequence[Operation]) -> Json:
    kinds = [Problem, Reply, Delta, State]
    kinds += [kind for operation in operations for kind in (operation.takes, operation.gives) if isinstance(kind, type)]
    _, schemas = msgspec.json.schema_components(list(dict.fromkeys(kinds)), ref_template=REFERENCE)
    paths: Json = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Turnout web channel", "version": version("turnout")},
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    }


def _operation(operation: Operation) -> Json:
    said: Json = {"summary": operation.says, "operationId": operation.handler.__name__}
    responses: Json = {str(operation.status): _content(operation.status, operation.gives)}
    if operation.gives is Readiness:
        responses["503"] = _content(503, Readiness)
    for status in operation.refuses:
        responses[str(status)] = _content(status, Problem)
    if operation.takes:
        said["requestBody"] = {"required": bool(operation.takes.__struct_fields__), "content": _json(operation.takes)}
    if operation.gives == "text/event-stream":
        said |= {"description": EVENTS, "parameters": RESUME}
    if operation.token:
        said["security"] = [{"token": []}]
    return said | {"responses": responses}


def _content(status: int, gives: type[msgspec.Struct] | str) -> Json:
    content = {gives: {"schema": {"type": "string"}}} if isinstance(gives, str) else _json(gives)
    return {"description": MEANINGS[status], "content": content}


def _json(kind: type[msgspec.Struct]) -> Json:
    return {"application/json": {"schema": {"$ref": REFERENCE.format(name=kind.__name__)}}}
