"""Answering requests as a NATS micro service: discoverable, counted, its replicas share the load."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from functools import partial

import structlog
from nats.errors import Error
from nats.micro import add_service
from nats.micro.request import Request
from nats.micro.service import EndpointConfig, Service

from core.bus import Handler
from core.bus_nats.link import Link
from core.errors import Unavailable

log = structlog.get_logger("core.bus")

GRACE = 5.0
AT_ONCE = 256


class Endpoints:
    """Each request is answered in a task of its own, so a slow one holds up nobody; at most 256 at once."""

    def __init__(self, link: Link, service: str, handlers: Mapping[str, Handler]) -> None:
        self._link, self._name, self._handlers = link, service, handlers
        self._service: Service | None = None
        self._room = asyncio.Semaphore(AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, fresh: bool) -> None:
        if not fresh:
            return
        try:
            self._service = await add_service(self._link.client, name=self._name, version="1.0.0")
            for subject, handler in self._handlers.items():
                name = subject.replace(".", "-")
                await self._service.add_endpoint(EndpointConfig(name=name, subject=subject, handler=partial(self._on, handler)))
            await self._link.client.flush()
        except Error as error:
            raise Unavailable(f"the connection to NATS is down: {error}") from None

    async def stop(self) -> None:
        """Take no more, give what runs five seconds to end."""
        if self._service is not None:
            with suppress(Error, TimeoutError):
                async with asyncio.timeout(1):
                    await self._service.stop()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=GRACE)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _on(self, handler: Handler, request: Request) -> None:
        await self._room.acquire()
        task = asyncio.create_task(self._answer(handler, request), name=f"answer {request.subject}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, handler: Handler, request: Request) -> None:
        try:
            answer = await handler(request.data)
            await request.respond(answer)
        except Exception as error:  # the boundary: whatever a handler raises is the requester's to know
            log.exception("request failed", service=self._name, subject=request.subject)
            with suppress(Error):
                await request.respond_error("500", f"{type(error).__name__}: {error}")
        finally:
            self._room.release()
