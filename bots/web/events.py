"""`GET /v1/events`: one lane's conversation as server-sent events, exactly once by sequence, plus the live tokens.

    retry: 1000                     how soon a browser comes back
    id: 42 / event: reply           a committed turn; its id is its sequence in the log
    event: delta, event: state      passing, without id
    : keep-alive                    a comment every 15 s

A connection that starts at `after` gets every reply of the lane with a greater sequence, in order. It is ended when it does
not keep up; the browser resumes by the id it saw last.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Any

import msgspec
import structlog
from starlette.types import Receive, Scope, Send

from bots.web.feed import Feed, Inbox
from bots.web.reply import reply
from bots.web.sessions import CHANNEL
from bots.web.wire import Delta, State
from core import keys
from core.bus import Bus, Stored
from core.errors import RecordError, Unavailable
from core.records import Live, Turn, decode, encode

KEEP_ALIVE = 15.0
AWAY = 1.0
LAST_WORDS = 0.5
HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache, no-transform",
    "x-accel-buffering": "no",
}

log = structlog.get_logger()


def event(name: str, body: msgspec.Struct, seq: int = 0) -> bytes:
    head = f"id: {seq}\n" if seq else ""
    return f"{head}event: {name}\ndata: ".encode() + encode(body) + b"\n\n"


async def first_place(bus: Bus, lane: str, after: int) -> int:
    """Where to start: `after`, or the beginning when the log has no such place any more (it was wiped or restored)."""
    if not after:
        return 0
    last = await bus.last("LOG", keys.log(CHANNEL, lane))
    return after if last and after <= last.seq else 0


@dataclass(slots=True)
class Conversation:
    """What one connection sends, and how far it is (`at`)."""

    bus: Bus
    feed: Feed
    lane: str
    at: int = 0
    _told: deque[str] = field(default_factory=lambda: deque(maxlen=64))

    async def events(self, inbox: Inbox) -> AsyncGenerator[bytes]:
        yield b"retry: 1000\n\n"
        async for message in self._past():
            yield message
        yield event("state", State(turn="", state="ready"))
        while True:
            try:
                async with asyncio.timeout(KEEP_ALIVE):  # wait_for may swallow a cancellation
                    stored = await inbox.waiting.get()
            except TimeoutError:
                yield b": keep-alive\n\n"
                async for message in self._past():
                    yield message
            else:
                for message in self._translate(stored):
                    yield message

    async def _past(self) -> AsyncGenerator[bytes]:
        """What the stream holds after `at`; waits while the bus is away."""
        while True:
            try:
                stored = await self.bus.first_after("LOG", keys.log(CHANNEL, self.lane), self.at)
            except Unavailable as error:
                log.warning("events_wait_for_bus", reason=str(error))
                await asyncio.sleep(AWAY)
                yield b": waiting\n\n"
                continue
            if stored is None:
                return
            for message in self._translate(stored):
                yield message

    def _translate(self, stored: Stored) -> list[bytes]:
        try:
            return self._passing(decode(Live, stored.data)) if not stored.seq else self._committed(stored)
        except RecordError as error:
            log.error("event_not_shown", subject=stored.subject, seq=stored.seq, reason=str(error))
            self.at = max(self.at, stored.seq)
            return []

    def _committed(self, stored: Stored) -> list[bytes]:
        if stored.seq <= self.at:
            return []
        turn = decode(Turn, stored.data)
        self.at = stored.seq
        self._told.append(turn.id)
        return [event("reply", reply(turn), stored.seq)]

    def _passing(self, live: Live) -> list[bytes]:
        if live.turn in self._told:
            return []
        if live.state == "working":
            return [event("state", State(turn=live.turn, state="working"))]
        return [event("delta", Delta(turn=live.turn, n=live.n, text=live.text))]


@dataclass(frozen=True, slots=True)
class EventStream:
    """The ASGI response: ends when the browser goes, does not keep up, or the service stops."""

    conversation: Conversation

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
        lane = self.conversation.lane
        with self.conversation.feed.join(lane) as inbox:
            async with self.conversation.bus.listen(keys.live(CHANNEL, lane)) as passing:
                await send({"type": "http.response.start", "status": 200, "headers": headers})
                tasks = {
                    "write": asyncio.create_task(self._write(inbox, send)),
                    "hear": asyncio.create_task(_hear(passing, inbox)),
                    "gone": asyncio.create_task(_gone(receive)),
                    "ended": asyncio.create_task(inbox.ended.wait()),
                }
                await _until_first(tasks)
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS):
                await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _write(self, inbox: Inbox, send: Send) -> None:
        async with aclosing(self.conversation.events(inbox)) as events:
            async for chunk in events:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})


async def _hear(passing: AsyncIterator[Stored], inbox: Inbox) -> None:
    async for message in passing:
        inbox.put(message)
    await asyncio.get_running_loop().create_future()  # the bus let go of the subscription: replies still come


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _until_first(tasks: Mapping[str, asyncio.Task[Any]]) -> None:
    """Wait until one of them ends, then end the rest; an error of any is logged, for the response has begun already."""
    try:
        await asyncio.wait(tasks.values(), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks.values():
            task.cancel()
        ends = await asyncio.gather(*tasks.values(), return_exceptions=True)
        for name, end in zip(tasks, ends, strict=True):
            if isinstance(end, Exception):
                log.error("event_stream_failed", part=name, exc_info=end)
