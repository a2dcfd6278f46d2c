"""What the streams hold, handed out by a standing pull request that is topped up at half.

The client library's own `fetch` asks anew for every batch, twice; this keeps the server supplied with an open order, so a
message is on its way the moment it is stored. What the open order forgets (a reconnect, a lost order, a consumer deleted) is
noticed by heartbeats and ordered again.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import structlog
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import Error

from core.bus import Stored
from core.bus_nats.link import Link
from core.errors import BusError

log = structlog.get_logger("core.bus")

BATCH = 256
SILENCE = 12.0
_ORDER = b'{"batch":%d,"expires":30000000000,"idle_heartbeat":5000000000}'


@dataclass(frozen=True, slots=True)
class Place:
    """Where a delivery stands, from its reply subject: `$JS.ACK.[domain.account.]stream.consumer.tries.seq.count.…`"""

    tries: int
    seq: int
    count: int


def place(reply: str) -> Place:
    tokens = reply.split(".")
    first = 4 if len(tokens) == 9 else 6
    return Place(int(tokens[first]), int(tokens[first + 1]), int(tokens[first + 2]))


@dataclass(frozen=True, slots=True)
class NatsDelivery:
    link: Link
    reply: str
    message: Stored
    tries: int

    async def ack(self) -> None:
        await self.link.send(self.reply, b"+ACK")

    async def back(self, delay: float) -> None:
        await self.link.send(self.reply, b'-NAK {"delay":%d}' % int(delay * 1e9) if delay > 0 else b"-NAK")

    async def touch(self) -> None:
        await self.link.send(self.reply, b"+WPI")


class Puller:
    """Messages of one consumer. `consumer()` makes it and returns its name; it is called again after every loss.

    `stale`: seconds after which a message not taken has gone to another worker. Without, the order counts: a message that
    went missing on the way makes the consumer anew, so nothing is skipped.
    """

    def __init__(self, link: Link, stream: str, consumer: Callable[[], Awaitable[str]], *, stale: float = 0.0) -> None:
        self._link, self._stream, self._consumer, self._stale = link, stream, consumer, stale
        self._queue: asyncio.Queue[tuple[Msg, Place, float]] = asyncio.Queue()
        self._subscription: Subscription | None = None
        self._inbox = self._subject = ""
        self._left = self._count = self._order = 0
        self._heard = 0.0
        self._lost = asyncio.Event()
        self._starting = asyncio.Lock()

    async def start(self, fresh: bool) -> None:
        """Order anew on an inbox of its own, so that leftovers of the order before cannot be mistaken for it."""
        async with self._starting:
            await self._stop(fresh)
            name = await self._consumer()
            self._subject = f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{name}"
            self._left = self._count = 0
            self._inbox = self._link.client.new_inbox()
            self._order += 1
            self._subscription = await self._link.subscribe(self._inbox, partial(self._on, self._order))
            self._heard = asyncio.get_running_loop().time()
            self._lost.clear()
            await self._top_up()

    async def watch(self) -> None:
        """Runs beside: orders anew when the order is lost."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                async with asyncio.timeout(2):
                    await self._lost.wait()
            except TimeoutError:
                if self._left == 0 or loop.time() - self._heard < SILENCE:
                    continue
                log.warning("nats consumer fell silent", stream=self._stream)
            await asyncio.sleep(0.2)  # a consumer made while the server still removes the one of its name breaks there
            if self._link.connected:
                try:
                    await self.start(False)
                except BusError as error:
                    log.warning("nats consumer not ready yet", stream=self._stream, error=str(error))
                except Exception:  # the boundary: whoever waits for messages would never learn that this watch has ended
                    log.exception("nats consumer not ordered anew, trying again", stream=self._stream)

    async def messages(self) -> AsyncIterator[tuple[Msg, Place]]:
        loop = asyncio.get_running_loop()
        while True:
            msg, at, came = await self._queue.get()
            await self._top_up()
            if not self._stale or loop.time() - came < self._stale:
                yield msg, at

    async def stop(self) -> None:
        async with self._starting:
            await self._stop(False)

    def rest(self) -> list[Msg]:
        """What came and was not handed out."""
        return [self._queue.get_nowait()[0] for _ in range(self._queue.qsize())]

    async def _stop(self, fresh: bool) -> None:
        subscription, self._subscription, self._inbox = self._subscription, None, ""
        if subscription is not None and not fresh:
            with suppress(Error):
                await subscription.unsubscribe()

    async def _top_up(self) -> None:
        missing = BATCH - self._left - self._queue.qsize()
        if missing >= BATCH // 2 and self._inbox:
            self._left += missing
            await self._link.send(self._subject, _ORDER % missing, reply=self._inbox)

    async def _on(self, order: int, msg: Msg) -> None:
        if order != self._order:
            return
        self._heard = asyncio.get_running_loop().time()
        if msg.headers and "Status" in msg.headers:
            self._on_status(msg.headers)
        else:
            self._left -= 1
            at = place(msg.reply)
            if not self._stale and at.count != self._count + 1:
                self._lost.set()
                return
            self._count = at.count
            self._queue.put_nowait((msg, at, self._heard))
        await self._top_up()

    def _on_status(self, headers: dict[str, str]) -> None:
        status = headers["Status"]
        self._left = max(0, self._left - int(headers.get("Nats-Pending-Messages", 0) or 0))
        if status not in ("100", "408"):
            log.info("nats consumer stopped", stream=self._stream, status=status, reason=headers.get("Description", ""))
            self._lost.set()
