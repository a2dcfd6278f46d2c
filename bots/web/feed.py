"""The feed: one follower of every web lane's log per process, which wakes the connections that wait for a lane.

A connection joins first and reads its lane's past from the stream afterwards, so nothing can fall between the two: what the
past did not hold yet is stored later, and reaches the inbox. The stream is the truth; an inbox only saves reading it again.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field

import structlog
from prometheus_client import Gauge

from bots.web.sessions import CHANNEL
from core import keys
from core.bus import Bus, Stored
from core.errors import Unavailable

INBOX = 512
RETRY_AFTER = 1.0
LOOK_EVERY = 5.0
EVERY_LANE = keys.log(CHANNEL, "*")

log = structlog.get_logger()
CONNECTIONS = Gauge("turnout_web_connections", "Browsers that read server-sent events now.")


@dataclass(eq=False, slots=True)
class Inbox:
    """What one connection has yet to send. `ended` says why it must end: it does not keep up, or the service stops."""

    waiting: asyncio.Queue[Stored] = field(default_factory=lambda: asyncio.Queue(INBOX))
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, message: Stored) -> None:
        try:
            self.waiting.put_nowait(message)
        except asyncio.QueueFull:
            self.ended.set()


@dataclass(eq=False, slots=True)
class Feed:
    """Raises nothing while it runs: when the bus is away it goes on later from where it stood."""

    bus: Bus
    at: int | None = None
    up: asyncio.Event = field(default_factory=asyncio.Event)
    _inboxes: dict[str, set[Inbox]] = field(default_factory=dict)
    _stopped: bool = False

    @contextmanager
    def join(self, lane: str) -> Iterator[Inbox]:
        inbox = Inbox()
        self._inboxes.setdefault(lane, set()).add(inbox)
        CONNECTIONS.inc()
        if self._stopped:
            inbox.ended.set()
        try:
            yield inbox
        finally:
            CONNECTIONS.dec()
            self._inboxes[lane].discard(inbox)
            if not self._inboxes[lane]:
                del self._inboxes[lane]

    def connections(self, lane: str) -> int:
        return len(self._inboxes.get(lane, ()))

    def stop(self) -> None:
        """End every connection; browsers come back to another replica, or to this one when it is up again."""
        self._stopped = True
        self._end_connections()

    async def run(self) -> None:
        while True:
            parts = {asyncio.create_task(self._follow()), asyncio.create_task(self._until_wiped())}
            try:
                await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
            finally:
                self.up.clear()
                for part in parts:
                    part.cancel()
                ends = await asyncio.gather(*parts, return_exceptions=True)
            for end in ends:
                if isinstance(end, Exception):
                    log.warning("feed_interrupted", reason=str(end) or type(end).__name__)
            await asyncio.sleep(RETRY_AFTER)

    async def _follow(self) -> None:
        end = await self._end()
        if self.at is None:
            self.at = end
        elif end < self.at:
            log.error("log_wiped", at=self.at, now=end)
            self.at = 0
            self._end_connections()
        async with self.bus.follow("LOG", EVERY_LANE, self.at) as messages:
            self.up.set()
            async for message in messages:
                self.at = message.seq
                _, lane = keys.lane_of(message.subject)
                for inbox in self._inboxes.get(lane, ()):
                    inbox.put(message)

    async def _until_wiped(self) -> None:
        """Returns when the log ends before the place we have read: it was wiped, and counts from 1 again."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            with suppress(Unavailable):
                if await self._end() < (self.at or 0):
                    return

    async def _end(self) -> int:
        last = await self.bus.last("LOG", EVERY_LANE)
        return last.seq if last else 0

    def _end_connections(self) -> None:
        for inboxes in self._inboxes.values():
            for inbox in inboxes:
                inbox.ended.set()


@asynccontextmanager
async def running(bus: Bus) -> AsyncIterator[Feed]:
    """A feed that runs as long as the block, and stands at the log's end before it begins."""
    feed = Feed(bus)
    task = asyncio.create_task(feed.run(), name="web.feed")
    try:
        await feed.up.wait()
        yield feed
    finally:
        feed.stop()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
