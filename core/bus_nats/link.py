"""One connection to NATS that outlives servers.

The client library reconnects by itself; on top of that this notices when it has given up or got stuck and starts a fresh
client, and tells everyone who stands on the connection (`joined`) to take up again what a server forgets.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial

import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import ConnectionClosedError, Error, MaxPayloadError, NoServersError, OutboundBufferLimitError

from core.errors import BusError, ConfigError, TurnoutError, Unavailable
from core.settings import shown

log = structlog.get_logger("core.bus")

Start = Callable[[bool], Awaitable[None]]

OPEN = 10.0
PATIENCE = 1.0
STUCK = 15.0
PING = 5.0


class NobodyThere(Unavailable):
    """Nobody serves this subject."""


@dataclass(slots=True, eq=False)
class _Joined:
    """Someone who stands on the connection, and the client they last took up their subscriptions on."""

    start: Start
    client: Client


class Link:
    """`client` is the current one. A request in flight when the connection breaks fails at once: its answer cannot come."""

    def __init__(self, url: str, name: str) -> None:
        self._servers, self._name = [server.strip() for server in url.split(",")], name
        self.shown = ",".join(map(shown, self._servers))
        self.client = Client()
        self._inbox = ""
        self._count = itertools.count()
        self._waiting: dict[str, asyncio.Future[Msg]] = {}
        self._joined: dict[_Joined, None] = {}
        self._up = asyncio.Event()
        self._trouble = ""
        self._heard = 0.0
        self._watcher: asyncio.Task[None] | None = None
        self._resuming: asyncio.Task[None] | None = None
        self._leaving: set[asyncio.Task[None]] = set()

    @property
    def connected(self) -> bool:
        return self._up.is_set() and self.client.is_connected

    async def open(self) -> None:
        """Raises Unavailable when no server answers within 10 s, ConfigError for an address that is none."""
        try:
            async with asyncio.timeout(OPEN):
                await self._connect()
        except Error as error:
            raise ConfigError(f"NATS_URL {self.shown} is no address of a NATS server: {error}") from None
        except TimeoutError:
            client, self.client = self.client, Client()
            await self._discard(client)
            why = f" ({self._trouble})" if self._trouble else ""
            raise Unavailable(f"no NATS server answers at {self.shown}{why}: check NATS_URL, or start the servers") from None
        self._watcher = asyncio.create_task(self._watch(), name="nats watcher")

    async def close(self) -> None:
        tasks = [task for task in (self._watcher, self._resuming) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._up.clear()
        self._fail_waiting("the connection was closed")
        client, self.client = self.client, Client()
        await self._discard(client)
        await asyncio.gather(*self._leaving)

    async def ask(self, subject: str, data: bytes, *, timeout: float, headers: dict[str, str] | None = None) -> Msg:
        """One request, one answer. Unavailable when there is no connection for a second, no answer within `timeout` seconds,
        or nobody who could answer."""
        await self._connected(timeout)
        token = str(next(self._count))
        future: asyncio.Future[Msg] = asyncio.get_running_loop().create_future()
        self._waiting[token] = future
        try:
            async with asyncio.timeout(timeout):
                await self.client.publish(subject, data, reply=f"{self._inbox}.{token}", headers=headers)
                answer = await future
        except TimeoutError:
            raise Unavailable(f"no answer on {subject} within {timeout:g} s") from None
        except MaxPayloadError:
            raise BusError(f"a message of {len(data)} bytes is larger than NATS takes: raise its max_payload") from None
        except Error as error:
            raise Unavailable(f"the connection to NATS is down: {error}") from None
        finally:
            self._waiting.pop(token, None)
        if answer.headers and answer.headers.get("Status") == "503":
            raise NobodyThere(f"nobody answers on {subject}")
        return answer

    async def send(self, subject: str, data: bytes, reply: str = "") -> None:
        """At most once: what cannot be sent now, nor waits in the client's small buffer for a reconnect, is gone."""
        with suppress(ConnectionClosedError, OutboundBufferLimitError):
            await self.client.publish(subject, data, reply=reply)

    async def subscribe(self, subject: str, on: Callable[[Msg], Awaitable[None]]) -> Subscription:
        """Returns once the server knows of it."""
        try:
            subscription = await self.client.subscribe(subject, cb=on)
            await self.client.flush(5)
        except Error as error:
            raise Unavailable(f"the connection to NATS is down: {error}") from None
        return subscription

    @asynccontextmanager
    async def joined(self, start: Start) -> AsyncIterator[None]:
        """Calls `start(fresh)` now and after every reconnect, in the order of joining; `fresh` tells that the client is a new
        one, whose subscriptions have to be made again."""
        joined = _Joined(start, self.client)
        await start(True)
        while joined.client is not self.client:  # replaced meanwhile, when this one was not yet among those who are told
            joined.client = self.client
            await start(True)
        self._joined[joined] = None
        try:
            yield
        finally:
            del self._joined[joined]

    async def _connect(self) -> None:
        self._heard = asyncio.get_running_loop().time()
        client = self.client
        await client.connect(
            servers=self._servers,
            name=self._name,
            error_cb=partial(self._on_error, client),
            disconnected_cb=partial(self._on_disconnected, client),
            reconnected_cb=partial(self._on_reconnected, client),
            connect_timeout=2,
            reconnect_time_wait=0.25,  # type: ignore[arg-type]
            max_reconnect_attempts=-1,
            ping_interval=PING,  # type: ignore[arg-type]
            max_outstanding_pings=2,
            flush_timeout=5,
        )
        self._inbox = client.new_inbox()
        await client.subscribe(f"{self._inbox}.*", cb=self._on_answer)
        self._trouble = ""
        self._up.set()

    async def _connected(self, timeout: float) -> None:
        if not self.connected:
            try:
                async with asyncio.timeout(min(timeout, PATIENCE)):
                    await self._up.wait()
            except TimeoutError:
                raise Unavailable(f"no connection to NATS at {self.shown}") from None

    async def _on_answer(self, msg: Msg) -> None:
        future = self._waiting.get(msg.subject.rpartition(".")[2])
        if future is not None and not future.done():
            future.set_result(msg)

    async def _on_error(self, client: Client, error: Exception) -> None:
        if client is not self.client:
            raise NoServersError  # ends the reconnecting of a client that was given up, even if it missed being cancelled
        self._heard = asyncio.get_running_loop().time()
        text = str(error) or type(error).__name__
        if text != self._trouble:
            log.warning("nats trouble", server=self.shown, error=text)
        self._trouble = text

    async def _on_disconnected(self, client: Client) -> None:
        if client is not self.client:
            return
        self._heard = asyncio.get_running_loop().time()
        if self._up.is_set():
            log.warning("nats connection lost", server=self.shown)
        self._up.clear()
        self._fail_waiting("the connection broke")

    async def _on_reconnected(self, client: Client) -> None:
        if client is not self.client:
            raise NoServersError
        log.info("nats connected again", server=self.shown)
        self._trouble = ""
        self._up.set()
        self._resume()

    def _fail_waiting(self, why: str) -> None:
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(Unavailable(f"no answer from NATS: {why}"))

    def _resume(self) -> None:
        if self._resuming is not None:
            self._resuming.cancel()
        self._resuming = asyncio.create_task(self._restart(), name="nats resume")

    async def _restart(self) -> None:
        waiting = list(self._joined)
        while waiting:
            joined, client = waiting[0], self.client
            if joined not in self._joined:  # left meanwhile: nobody would end what it started
                waiting.pop(0)
                continue
            try:
                await joined.start(client is not joined.client)
                joined.client = client
                waiting.pop(0)
            except (TurnoutError, Error) as error:
                log.warning("nats not ready yet", server=self.shown, error=str(error))
                await asyncio.sleep(0.5)
            except Exception:  # the boundary: one that cannot take up again must not keep the others from it
                log.exception("not taken up again after a reconnect")
                waiting.pop(0)

    async def _watch(self) -> None:
        """A client that is closed for good, or says nothing for 15 s while it should reconnect, is replaced."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(1)
            if self.client.is_connected or (not self.client.is_closed and loop.time() - self._heard < STUCK):
                continue
            log.error("nats client given up, starting a fresh one", server=self.shown, error=self._trouble)
            self._up.clear()
            self._fail_waiting("the connection broke")
            client, self.client = self.client, Client()
            leaving = asyncio.create_task(self._discard(client), name="nats discard")
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)
            try:
                await self._connect()
            except (Error, OSError) as error:
                log.error("nats client did not start", server=self.shown, error=str(error))
                continue
            self._resume()

    async def _discard(self, client: Client) -> None:
        """Close without waiting for a server that may be frozen. RuntimeError: uvloop's word for a transport that is closed."""
        with suppress(TimeoutError, Error, OSError, RuntimeError):
            async with asyncio.timeout(2):
                await client.close()
