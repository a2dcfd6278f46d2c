"""What every endpoint shares: reading a bounded body, refusing with a clear problem, and the headers on every response."""

import math
from typing import TypeVar

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bots.web.wire import Problem
from core.errors import BusError, Full, RecordError
from core.records import decode, encode

T = TypeVar("T", bound=msgspec.Struct)

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
SECURITY = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "content-security-policy": PAGE_POLICY,
}
ANYONE = {
    "access-control-allow-origin": "*",
    "access-control-expose-headers": "retry-after",
    "cross-origin-resource-policy": "cross-origin",
}
PREFLIGHT = ANYONE | {
    "access-control-allow-methods": "GET, POST, OPTIONS",
    "access-control-allow-headers": "authorization, content-type, last-event-id",
    "access-control-max-age": "86400",
}
OPEN_TO_OTHER_SITES = ("/v1/", "/widget.js", "/widget/")


class Refusal(HTTPException):
    """A request refused: the status, a fixed word for programs, a sentence for people."""

    def __init__(self, status: int, error: str, message: str, *, after: float | None = None) -> None:
        headers = {} if after is None else {"retry-after": str(max(1, math.ceil(after)))}
        if status == 401:
            headers["www-authenticate"] = "Bearer"
        super().__init__(status, message, headers)
        self.error = error


def answer(body: msgspec.Struct, status: int = 200) -> Response:
    headers = {"cache-control": "no-store"}
    return Response(encode(body), status, headers, "application/json")


async def refused(_request: Request, error: Exception) -> Response:
    """The one form of every refusal, those of the router (404, 405) included."""
    assert isinstance(error, HTTPException)
    word = error.error if isinstance(error, Refusal) else error.detail.lower().replace(" ", "_")
    response = answer(Problem(error=word, message=error.detail), error.status_code)
    response.headers.update(error.headers or {})
    return response


async def unavailable(_request: Request, error: Exception) -> Response:
    """The bus did not take or answer it: nothing is stored, and the same request may be sent again."""
    word = "full" if isinstance(error, Full) else "unavailable"
    problem = Problem(error=word, message=f"nothing was stored ({error}): send the same request again")
    response = answer(problem, 503)
    response.headers["retry-after"] = "2"
    return response


HANDLERS = {HTTPException: refused, BusError: unavailable}


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body, or 413 as soon as it is known to be longer."""
    declared = request.headers.get("content-length", "0")
    body = bytearray()
    if declared.isdigit() and int(declared) <= limit:
        async for chunk in request.stream():
            body += chunk
            if len(body) > limit:
                break
        else:
            return bytes(body)
    raise Refusal(413, "too_large", f"the body is larger than the limit of {limit:,} bytes")


async def read_json(request: Request, kind: type[T], limit: int) -> T:
    body = await read_body(request, limit)
    try:
        return decode(kind, body or b"{}")
    except RecordError as error:
        raise Refusal(400, "bad_request", str(error)) from None
    except RecursionError:
        raise Refusal(400, "bad_request", "the JSON is nested too deeply") from None


class Headers:
    """Puts the security headers on every response, lets other sites use the API and the widget, answers preflights."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        shared = scope["path"].startswith(OPEN_TO_OTHER_SITES)
        if shared and scope["method"] == "OPTIONS":
            await Response(status_code=204, headers=PREFLIGHT)(scope, receive, send)
            return
        extra = [(name.encode(), value.encode()) for name, value in (SECURITY | (ANYONE if shared else {})).items()]

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                there = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(pair for pair in extra if pair[0] not in there)]
            await send(message)

        await self.app(scope, receive, with_headers)
