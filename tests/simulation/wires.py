"""The in-memory twins as a process reaches them: through the network."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from core.bus import ACK_WAIT, Ack, Delivery, Handler, Stored
from core.bus_memory import MemoryBus
from core.errors import StoreUnavailable, Unavailable
from core.leases import Grant, Leases
from core.memory import Conversation, MemoryStore
from tests.simulation.loop import Process
from tests.simulation.net import Link, Net, at_once

BUS_PATIENCE, STORE_PATIENCE, STORE_REST = 5.0, 0.5, 1.0

Stores = Callable[[str, bytes, int], None]
"""Told of every message that a stream has taken: subject, data, sequence."""


def bus_link(process: Process, pace: float) -> Link:
    return Link("bus", process, Unavailable, Unavailable, BUS_PATIENCE, pace, ordered=True)


def store_link(process: Process, pace: float) -> Link:
    return Link("store", process, StoreUnavailable, StoreUnavailable, STORE_PATIENCE, pace, rest=STORE_REST)


@dataclass(slots=True)
class WireDelivery:
    net: Net
    link: Link
    inner: Delivery
    came: float

    @property
    def message(self) -> Stored:
        return self.inner.message

    @property
    def tries(self) -> int:
        return self.inner.tries

    async def ack(self) -> None:
        self.net.send(self.link, f"ack {self.message.subject} {self.message.seq}", lambda: at_once(self.inner.ack()))

    async def back(self, delay: float) -> None:
        what = f"back {self.message.subject} {self.message.seq} for {delay:g} s"
        self.net.send(self.link, what, lambda: at_once(self.inner.back(delay)))

    async def touch(self) -> None:
        self.net.send(self.link, f"touch {self.message.seq}", lambda: at_once(self.inner.touch()))


class WireBus:
    def __init__(self, net: Net, bus: MemoryBus, link: Link, stored: Stores) -> None:
        self._net, self._bus, self._link, self._stored = net, bus, link, stored

    async def publish(self, subject: str, data: bytes, *, id: str, last: int | None = None) -> Ack:
        def effect() -> Ack:
            ack = at_once(self._bus.publish(subject, data, id=id, last=last))
            if not ack.duplicate:
                self._stored(subject, data, ack.seq)
            return ack

        return await self._net.call(self._link, f"publish {subject} {id} after {last}", effect)

    async def first_after(self, stream: str, subject: str, seq: int) -> Stored | None:
        what = f"first of {subject} after {seq}"
        return await self._net.call(self._link, what, lambda: at_once(self._bus.first_after(stream, subject, seq)))

    async def last(self, stream: str, subject: str) -> Stored | None:
        return await self._net.call(self._link, f"last of {subject}", lambda: at_once(self._bus.last(stream, subject)))

    async def read(self, stream: str, seq: int) -> Stored | None:
        return await self._net.call(self._link, f"read {stream} {seq}", lambda: at_once(self._bus.read(stream, seq)))

    async def waiting(self, stream: str, durable: str) -> int:
        return await self._net.call(self._link, f"waiting {durable}", lambda: at_once(self._bus.waiting(stream, durable)))

    @asynccontextmanager
    async def consume(self, stream: str, durable: str, subject: str) -> AsyncIterator[AsyncIterator[Delivery]]:
        """As by a standing order: what is on its way comes, also to a process that is frozen."""
        came: deque[WireDelivery] = deque()
        some = asyncio.Event()
        pump = self._net.outside(self._pump(stream, durable, subject, came, some))
        self._link.process.lost.append(pump.cancel)

        async def deliveries() -> AsyncIterator[Delivery]:
            while True:
                await some.wait()
                while came:
                    delivery = came.popleft()
                    if self._net.loop.now - delivery.came < ACK_WAIT:
                        yield delivery
                some.clear()

        try:
            yield deliveries()
        finally:
            pump.cancel()
            for delivery in came:
                await delivery.back(0.0)

    async def _pump(self, stream: str, durable: str, subject: str, came: deque[WireDelivery], some: asyncio.Event) -> None:
        net, link = self._net, self._link
        async with self._bus.consume(stream, durable, subject) as deliveries:
            async for delivery in deliveries:
                if (away := net.away("bus")) > 0:
                    await asyncio.sleep(away)
                await asyncio.sleep(net.delay(link.pace))
                if net.fate("bus") in ("dropped", "deaf"):
                    continue
                if net.told:
                    net.told(
                        link.process.name, f"bus brings {delivery.message.subject} {delivery.message.seq} ({delivery.tries})"
                    )
                came.append(WireDelivery(net, link, delivery, net.loop.now))
                some.set()

    async def emit(self, subject: str, data: bytes) -> None:
        self._net.send(self._link, f"emit {subject}", lambda: at_once(self._bus.emit(subject, data)))

    def listen(self, subject: str):
        return self._bus.listen(subject)

    def serve(self, service: str, handlers: Mapping[str, Handler]):
        return self._bus.serve(service, handlers)


class WireLeases:
    def __init__(self, net: Net, leases: Leases, link: Link) -> None:
        self._net, self._leases, self._link = net, leases, link

    async def acquire(self, key: str, holder: str, ttl: float) -> Grant | None:
        what = f"acquire {key} {holder[:4]}"
        return await self._net.call(self._link, what, lambda: at_once(self._leases.acquire(key, holder, ttl)))

    async def begin(self, key: str, holder: str, place: int, strikes: int) -> None:
        what = f"begin {key} {holder[:4]} at {place}, {strikes} strikes"
        await self._net.call(self._link, what, lambda: at_once(self._leases.begin(key, holder, place, strikes)))

    async def renew(self, key: str, holder: str, ttl: float) -> bool | None:
        what = f"renew {key} {holder[:4]}"
        return await self._net.call(self._link, what, lambda: at_once(self._leases.renew(key, holder, ttl)))

    async def release(self, key: str, holder: str, note: str) -> bool:
        what = f"release {key} {holder[:4]} {note}"
        return await self._net.call(self._link, what, lambda: at_once(self._leases.release(key, holder, note)))


class WireMemory:
    def __init__(self, net: Net, memory: MemoryStore, link: Link) -> None:
        self._net, self._memory, self._link = net, memory, link

    async def load(self, lane: str) -> Conversation | None:
        return await self._net.call(self._link, f"load {lane}", lambda: at_once(self._memory.load(lane)))

    async def save(self, conversation: Conversation, *, ttl: float) -> None:
        what = f"save {conversation.lane} at {conversation.at}"
        await self._net.call(self._link, what, lambda: at_once(self._memory.save(conversation, ttl=ttl)))
