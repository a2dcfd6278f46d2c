"""The one table of the API: what the application answers and what `/openapi.json` says are made from it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import msgspec
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import ASGIApp

from bots.web.api import Api
from bots.web.operate import Operate
from bots.web.wire import About, Accepted, Alive, NewFeedback, NewMessage, NewSession, Readiness, Session

Handler = Callable[[Request], Awaitable[ASGIApp]]


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path. `gives` is a record, or the media type of what is no JSON; `refuses` the statuses it may answer
    with a Problem instead; `token`: it needs the bearer token."""

    method: str
    path: str
    handler: Handler
    says: str
    gives: type[msgspec.Struct] | str
    status: int = 200
    takes: type[msgspec.Struct] | None = None
    token: bool = False
    refuses: tuple[int, ...] = ()


def operations(api: Api, operate: Operate) -> tuple[Operation, ...]:
    writes, stream = (400, 401, 413, 429, 503), "text/event-stream"
    return (
        Operation("POST", "/v1/sessions", api.new_session, "Begin a conversation", Session, 201, NewSession, False, (400, 413)),
        Operation("POST", "/v1/messages", api.new_message, "Say something", Accepted, 202, NewMessage, True, writes),
        Operation("POST", "/v1/feedback", api.new_feedback, "Rate an answer", Accepted, 202, NewFeedback, True, writes),
        Operation("GET", "/v1/events", api.events, "Read the conversation", stream, token=True, refuses=(400, 401, 429, 503)),
        Operation("GET", "/v1/assistant", api.about, "Who answers here", About),
        Operation("GET", "/healthz", operate.alive, "Does the process live", Alive),
        Operation("GET", "/readyz", operate.ready, "Can everything that was started serve", Readiness),
        Operation("GET", "/metrics", operate.metrics, "Prometheus metrics of every service", "text/plain"),
    )


def route(operation: Operation) -> Route:
    return Route(operation.path, operation.handler, methods=[operation.method])
