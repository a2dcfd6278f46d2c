"""The contract of `core.bus`, on a `Link`."""

import asyncio
import uuid
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import msgspec
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import Error
from nats.micro.request import ERROR_HEADER

from core.bus import Ack, Delivery, Handler, Stored, Stream
from core.bus_nats import streams, unacknowledged
from core.bus_nats.link import Link
from core.bus_nats.micro import Endpoints
from core.bus_nats.pull import NatsDelivery, Puller
from core.bus_nats.streams import TIMEOUT, nanoseconds
from core.errors import Conflict, Unavailable

HEARD = 4096


class _Answer(msgspec.Struct):
    seq: int = 0
    duplicate: bool = False
    error: dict[str, Any] | None = None


_answer = msgspec.json.Decoder(_Answer)


def _next(subject: str, seq: int) -> bytes:
    return b'{"next_by_subj":"%s","seq":%d}' % (subject.encode(), seq + 1)


class NatsBus:
    """Times out after 5 s; while there is no connection at all, after 1 s."""

    def __init__(self, link: Link, wanted: Sequence[Stream], ack_wait: float) -> None:
        self._link, self._wanted, self._ack_wait = link, wanted, ack_wait
        self._prepared = False

    async def prepare(self, fresh: bool) -> None:
        await streams.ensure(self._link, self._wanted, again=self._prepared)
        self._prepared = True

    async def publish(self, subject: str, data: bytes, *, id: str, last: int | None = None) -> Ack:
        headers = {"Nats-Msg-Id": id}
        if last is not None:
            headers["Nats-Expected-Last-Subject-Sequence"] = str(last)
        message = await self._link.ask(subject, data, timeout=TIMEOUT, headers=headers)
        answer = _answer.decode(message.data)
        if answer.error is None:
            return Ack(answer.seq, answer.duplicate)
        error = streams.failure(subject, answer.error)
        if isinstance(error, Conflict) and last is not None and (mine := await self._mine(subject, id, last)):
            return mine
        raise error

    async def _mine(self, subject: str, id: str, last: int) -> Ack | None:
        """The server checks the place before the id, so a publish repeated looks like a conflict with itself. It is one if the
        first message after that place carries its id."""
        stream = next((s.name for s in self._wanted if subject.startswith(tuple(name.rstrip(">") for name in s.subjects))), "")
        found = await streams.get(self._link, stream, _next(subject, last))
        return Ack(found[0].seq, duplicate=True) if found and found[1] == id else None

    async def first_after(self, stream: str, subject: str, seq: int) -> Stored | None:
        return await self._get(stream, _next(subject, seq))

    async def last(self, stream: str, subject: str) -> Stored | None:
        return await self._get(stream, b'{"last_by_subj":"%s"}' % subject.encode())

    async def read(self, stream: str, seq: int) -> Stored | None:
        return await self._get(stream, b'{"seq":%d}' % seq) if seq > 0 else None

    async def _get(self, stream: str, query: bytes) -> Stored | None:
        found = await streams.get(self._link, stream, query)
        return found[0] if found else None

    @asynccontextmanager
    async def consume(self, stream: str, durable: str, subject: str) -> AsyncIterator[AsyncIterator[Delivery]]:
        config = {
            "name": durable,
            "durable_name": durable,
            "deliver_policy": "all",
            "ack_policy": "explicit",
            "ack_wait": nanoseconds(self._ack_wait),
            "max_deliver": -1,
            "max_ack_pending": unacknowledged.LIMIT,
            "filter_subject": subject,
        }

        async def consumer() -> str:
            return await streams.consumer(self._link, stream, config)

        async def deliveries(puller: Puller) -> AsyncIterator[Delivery]:
            async for msg, at in puller.messages():
                yield NatsDelivery(self._link, msg.reply, Stored(msg.subject, msg.data, at.seq), at.tries)

        puller = Puller(self._link, stream, consumer, stale=self._ack_wait)
        try:
            async with self._pulling(puller), unacknowledged.watched(self._link, stream, durable):
                yield deliveries(puller)
        finally:
            for msg in puller.rest():
                await self._link.send(msg.reply, b"-NAK")

    async def waiting(self, stream: str, durable: str) -> int:
        state = await streams.consumer_state(self._link, stream, durable)
        return state.ahead + state.unacknowledged

    @asynccontextmanager
    async def follow(self, stream: str, subject: str, after: int) -> AsyncIterator[AsyncIterator[Stored]]:
        seen, name = after, ""

        async def consumer() -> str:
            nonlocal name
            if name:
                await self._forget(stream, name)
            name = f"follow-{uuid.uuid4().hex}"
            config = {
                "name": name,
                "deliver_policy": "by_start_sequence",
                "opt_start_seq": seen + 1,
                "ack_policy": "none",
                "filter_subject": subject,
                "inactive_threshold": nanoseconds(60),
                "mem_storage": True,
                "num_replicas": 1,
            }
            return await streams.consumer(self._link, stream, config)

        async def messages(puller: Puller) -> AsyncIterator[Stored]:
            nonlocal seen
            async for msg, at in puller.messages():
                if at.seq > seen:
                    seen = at.seq
                    yield Stored(msg.subject, msg.data, at.seq)

        puller = Puller(self._link, stream, consumer)
        try:
            async with self._pulling(puller):
                yield messages(puller)
        finally:
            await self._forget(stream, name)

    async def _forget(self, stream: str, name: str) -> None:
        await self._link.send(f"$JS.API.CONSUMER.DELETE.{stream}.{name}", b"")

    @asynccontextmanager
    async def _pulling(self, puller: Puller) -> AsyncIterator[None]:
        async with self._link.joined(puller.start):
            watch = asyncio.create_task(puller.watch(), name="nats pull")
            try:
                yield
            finally:
                watch.cancel()
                await asyncio.gather(watch, return_exceptions=True)
                await puller.stop()

    async def emit(self, subject: str, data: bytes) -> None:
        if self._link.connected:
            await self._link.send(subject, data)

    @asynccontextmanager
    async def listen(self, subject: str) -> AsyncIterator[AsyncIterator[Stored]]:
        heard: deque[Stored] = deque(maxlen=HEARD)
        some = asyncio.Event()
        subscription: Subscription | None = None

        async def on(msg: Msg) -> None:
            heard.append(Stored(msg.subject, msg.data, 0))
            some.set()

        async def start(fresh: bool) -> None:
            nonlocal subscription
            if fresh:
                subscription = await self._link.subscribe(subject, on)

        async def messages() -> AsyncIterator[Stored]:
            while True:
                await some.wait()
                while heard:
                    yield heard.popleft()
                some.clear()

        async with self._link.joined(start):
            try:
                yield messages()
            finally:
                await _unsubscribe(subscription)

    async def request(self, subject: str, data: bytes, *, timeout: float) -> bytes:
        message = await self._link.ask(subject, data, timeout=timeout)
        if message.headers and ERROR_HEADER in message.headers:
            raise Unavailable(f"{subject}: {message.headers[ERROR_HEADER]}")
        return message.data

    @asynccontextmanager
    async def serve(self, service: str, handlers: Mapping[str, Handler]) -> AsyncIterator[None]:
        endpoints = Endpoints(self._link, service, handlers)
        async with self._link.joined(endpoints.start):
            try:
                yield
            finally:
                await endpoints.stop()


async def _unsubscribe(subscription: Subscription | None) -> None:
    if subscription is not None:
        with suppress(Error):
            await subscription.unsubscribe()
