"""An embeddings server over real HTTP: vectors of words, each request remembered, failures on request.

async with EmbeddingServer() as server:
    server.next(429, 500)           # the statuses of the next requests
    server.hang = True              # takes requests and never answers
    ... embeddings_url = server.base_url ...
"""

import asyncio
import hashlib
from collections import deque
from typing import Any, Self

from aiohttp import web


class EmbeddingServer:
    def __init__(self, size: int = 32) -> None:
        self.size = size
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.hang = False
        self.short = False
        self.port = 0
        self._next: deque[int] = deque()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def texts(self) -> list[str]:
        return [text for body in self.asked for text in body["input"]]

    def next(self, *statuses: int) -> None:
        self._next.extend(statuses)

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_post("/v1/embeddings", self._embed)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _embed(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.asked.append(body)
        self.keys.append(request.headers.get("Authorization", ""))
        if self.hang:
            await asyncio.Event().wait()
        if self._next and (status := self._next.popleft()) != 200:
            headers = {"Retry-After": "0.01"} if status == 429 else {}
            return web.json_response({"error": {"message": "scripted"}}, status=status, headers=headers)
        data = [{"object": "embedding", "index": n, "embedding": self._bag(text)} for n, text in enumerate(body["input"])]
        data = list(reversed(data))[int(self.short) :]  # in another order than asked, as a server may
        return web.json_response(
            {"object": "list", "model": body["model"], "data": data, "usage": {"prompt_tokens": 1, "total_tokens": 1}}
        )

    def _bag(self, text: str) -> list[float]:
        vector = [0.001] * self.size
        for word in text.lower().split():
            vector[hashlib.md5(word.encode()).digest()[0] % self.size] += 1.0
        return vector
