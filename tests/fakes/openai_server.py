"""A scripted OpenAI-compatible server over real HTTP: answers by rules, remembers what it was asked, and fails on request.

    async with OpenAIServer() as server:
        server.when(r"return", "Within thirty days [1].")       # a regex over the last user message, or a function of Asked
        server.otherwise(lambda asked: f"You said: {asked.question}")
        server.next(rate_limited("0.1"), cut("Half an answer", after=2))   # the next requests, before any rule
        ... OPENAI_BASE_URL = server.base_url ...
        assert "thirty" in server.asked[-1].text

As a process: `python -m tests.fakes.openai_server --port 4110 [--script rules.json] [--pace 0.02]`. It echoes unless told otherwise;
`POST /script` takes `{"rules": [{"match": "regex", "text": "answer", ...}], "next": [{...}]}` with the fields of `Reply`,
`GET /asked` gives the request bodies so far, `DELETE /asked` forgets them.
"""

import argparse
import asyncio
import json
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from aiohttp import web

from tests.fakes.openai_replies import (
    Asked,
    Reply,
    bad_json,
    bad_utf8,
    broken,
    cut,
    error_in_stream,
    failing,
    hanging,
    rate_limited,
    stalling,
)

__all__ = [
    "Asked",
    "OpenAIServer",
    "Reply",
    "bad_json",
    "bad_utf8",
    "broken",
    "cut",
    "error_in_stream",
    "failing",
    "hanging",
    "rate_limited",
    "stalling",
]


Answer = str | Reply | Callable[[Asked], "str | Reply"]
Match = str | Callable[[Asked], object]


def echo(asked: Asked) -> str:
    return f"You said: {asked.question}"


@dataclass
class OpenAIServer:
    """Use as an async context manager; `port` 0 takes a free one. `open` counts the answers being written right now; no answer is
    begun while `gate` is not set."""

    port: int = 0
    pace: float = 0.0
    asked: list[Asked] = field(default_factory=list)
    open: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    _rules: list[tuple[Match, Answer]] = field(default_factory=list)
    _next: deque[Answer] = field(default_factory=deque)
    _default: Answer = echo
    _runner: web.AppRunner | None = None

    def __post_init__(self) -> None:
        self.gate.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        """What OPENAI_BASE_URL has to be."""
        return f"{self.url}/v1"

    def when(self, match: Match, answer: Answer) -> None:
        """A regex over the question (any case), or a function of what was asked; the first rule that matches answers."""
        self._rules.append((match, answer))

    def otherwise(self, answer: Answer) -> None:
        self._default = answer

    def next(self, *answers: Answer) -> None:
        """Answer the next requests with these, one each, before any rule."""
        self._next.extend(answers)

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_get("/v1/models", self._models)
        app.router.add_post("/script", self._script)
        app.router.add_get("/asked", self._show)
        app.router.add_delete("/asked", self._show)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner:
            await self._runner.cleanup()

    def _reply(self, asked: Asked) -> Reply:
        answer = self._next.popleft() if self._next else self._ruled(asked)
        given = answer(asked) if callable(answer) else answer
        reply = Reply(given) if isinstance(given, str) else given
        return replace(reply, pace=reply.pace or self.pace)

    def _ruled(self, asked: Asked) -> Answer:
        for match, answer in self._rules:
            if match(asked) if callable(match) else re.search(match, asked.question, re.IGNORECASE):
                return answer
        return self._default

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        asked = Asked(await request.json(), dict(request.headers), str(request.get_extra_info("peername")))
        self.asked.append(asked)
        reply = self._reply(asked)
        await self.gate.wait()
        if reply.delay:
            await asyncio.sleep(reply.delay)
        if reply.status != 200:
            headers = {"Retry-After": reply.retry_after} if reply.retry_after else {}
            error = {"message": reply.message, "type": "scripted", "code": reply.code or None, "param": reply.param or None}
            return web.json_response({"error": error}, status=reply.status, headers=headers)
        self.open += 1
        try:
            if asked.body.get("stream") and not reply.whole:
                return await _stream(request, asked, reply)
            return web.json_response(reply.whole or _whole(asked, reply))
        finally:
            self.open -= 1

    async def _models(self, _: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [{"id": "scripted", "object": "model"}]})

    async def _script(self, request: web.Request) -> web.Response:
        self.follow(await request.json())
        return web.json_response({})

    async def _show(self, request: web.Request) -> web.Response:
        bodies = [asked.body for asked in self.asked]
        if request.method == "DELETE":
            self.asked.clear()
        return web.json_response(bodies)

    def follow(self, script: dict[str, Any]) -> None:
        """Take up a script in its JSON form."""
        for rule in script.get("rules", []):
            fields = {**rule}
            self.when(fields.pop("match"), Reply(**fields))
        self.next(*(Reply(**fields) for fields in script.get("next", [])))


async def _hang(response: web.StreamResponse, ping: float) -> None:
    while ping:
        await asyncio.sleep(ping)
        await response.write(b": ping\n\n")
    await asyncio.Event().wait()


def _tokens(text: str) -> list[str]:
    return re.findall(r"\s*\S+|\s+$", text)


def _usage(asked: Asked, reply: Reply) -> dict[str, int]:
    return {"prompt_tokens": len(_tokens(asked.text)), "completion_tokens": len(_tokens(reply.text))}


def _whole(asked: Asked, reply: Reply) -> dict[str, Any]:
    message = {"role": "assistant", "content": reply.text}
    choice = {"index": 0, "message": message, "finish_reason": reply.finish}
    whole = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": asked.body.get("model"),
        "choices": [choice],
    }
    return {**whole, "usage": _usage(asked, reply)} if reply.usage else whole


async def _stream(request: web.Request, asked: Asked, reply: Reply) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    raw = reply.raw.encode() if isinstance(reply.raw, str) else reply.raw

    async def write(**fields: Any) -> None:
        base = {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": asked.body.get("model"),
            "choices": [],
        }
        await response.write(f"data: {json.dumps({**base, **fields})}{reply.newline * 2}".encode())

    tokens = _tokens(reply.text)
    for n in range(len(tokens) + 1):
        if n == reply.raw_after:
            await response.write(raw)
        if n == reply.hang_after:
            await _hang(response, reply.ping)
        if n == reply.cut_after and request.transport:
            request.transport.abort()
            return response
        if n < len(tokens):
            await write(choices=[{"index": 0, "delta": {"content": tokens[n]}, "finish_reason": None}])
            await asyncio.sleep(reply.pace)
    if reply.finish:
        await write(choices=[{"index": 0, "delta": {}, "finish_reason": reply.finish}])
    if reply.usage and (asked.body.get("stream_options") or {}).get("include_usage"):
        await write(usage=_usage(asked, reply))
    if reply.done:
        await response.write(f"data: [DONE]{reply.newline * 2}".encode())
    return response


async def serve(server: OpenAIServer) -> None:
    async with server:
        print(server.base_url, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A scripted OpenAI-compatible server.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--script", type=Path)
    parser.add_argument("--pace", type=float, default=0.0)
    options = parser.parse_args()
    scripted = OpenAIServer(port=options.port, pace=options.pace)
    if options.script:
        scripted.follow(json.loads(options.script.read_text("utf-8")))
    asyncio.run(serve(scripted))
