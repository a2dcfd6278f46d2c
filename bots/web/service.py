"""`turnout serve web`: the HTTP front, until cancelled."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Iterator
from typing import Any

import structlog
import uvicorn

from bots.web import feed
from bots.web.app import application
from core import embedded
from core.bus_nats import connect
from core.errors import ConfigError
from core.records import Health
from core.settings import Settings
from core.vitals import vitals

GRACE = 2  # seconds that requests in flight get when the service stops
DEAF_AFTER = 30_000  # milliseconds after which the kernel gives up on a browser that takes no bytes
QUEUE = 512

log = structlog.get_logger()


async def serve(settings: Settings) -> None:
    """Raises ConfigError when the address is taken, Unavailable when NATS does not answer."""
    servers = await embedded.wait(settings)
    async with connect(servers.nats_url, name="web") as bus, feed.running(bus) as replies:
        app = application(settings, bus, replies)
        listening = listen(*settings.http_address)
        server = _Server(_config(app))

        async def ready() -> Health:
            up = replies.up.is_set() and server.started
            return Health(service="web", ready=up, detail="" if up else "the log cannot be followed")

        async with vitals(bus, "web", ready):
            host, port = listening.getsockname()[:2]
            log.info("web_listens", address=f"http://{host}:{port}")
            await _until_cancelled(server, listening, replies)


async def _until_cancelled(server: uvicorn.Server, listening: socket.socket, replies: feed.Feed) -> None:
    """Serve; when cancelled end the event streams, let requests in flight finish, then close."""
    task = asyncio.create_task(server.serve(sockets=[listening]), name="web.http")
    try:
        await asyncio.shield(task)
    finally:
        replies.stop()
        server.should_exit = True
        await task


def listen(host: str, port: int) -> socket.socket:
    """A bound socket whose connections the kernel ends when the other side takes no bytes for DEAF_AFTER."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAF_AFTER)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise ConfigError(f"TURNOUT_HTTP {host}:{port} cannot be used ({error.strerror}): choose another address") from None
    return listening


def _config(app: Any) -> uvicorn.Config:
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        backlog=QUEUE,
        timeout_graceful_shutdown=GRACE,
    )


class _Server(uvicorn.Server):
    """Whoever runs the service hears the signals and cancels it; uvicorn must not take them over."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
