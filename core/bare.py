"""The dialog service without a guarantee: what `turnout bench turn` compares the real one with, to tell what they cost.

`python -m core.bare` runs the same service on a bus and leases that promise nothing: no lease, no look for an earlier message,
no expected place and no id at the commit, each message acknowledged before it is answered. Nothing else runs it.
"""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvloop

from core import embedded, settings
from core.bus import Ack, Bus, Delivery, Stored
from core.bus_nats import connect
from core.dialog import service
from core.leases import Grant
from core.logs import configure
from core.redis_store import connect as connect_redis


class Careless:
    """A bus that takes the message delivered for the next one, and publishes whatever else was."""

    def __init__(self, bus: Bus) -> None:
        self._bus, self._delivered, self._count = bus, dict[str, Stored](), itertools.count()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bus, name)

    async def publish(self, subject: str, data: bytes, *, id: str, last: int | None = None) -> Ack:
        return await self._bus.publish(subject, data, id=f"{id}.{next(self._count)}")

    async def first_after(self, stream: str, subject: str, seq: int) -> Stored | None:
        return self._delivered.pop(subject, None)

    @asynccontextmanager
    async def consume(self, stream: str, durable: str, subject: str) -> AsyncIterator[AsyncIterator[Delivery]]:
        async def acknowledged(deliveries: AsyncIterator[Delivery]) -> AsyncIterator[Delivery]:
            async for delivery in deliveries:
                await delivery.ack()
                self._delivered[delivery.message.subject] = delivery.message
                yield Done(delivery)

        async with self._bus.consume(stream, durable, subject) as deliveries:
            yield acknowledged(deliveries)


class Done:
    """A delivery that is over with already."""

    def __init__(self, delivery: Delivery) -> None:
        self.message, self.tries = delivery.message, delivery.tries

    async def ack(self) -> None: ...

    async def back(self, delay: float) -> None: ...

    async def touch(self) -> None: ...


class Open:
    """Leases that everybody gets, with the notes in this process's memory."""

    def __init__(self) -> None:
        self._notes: dict[str, str] = {}

    async def acquire(self, key: str, holder: str, ttl: float) -> Grant:
        return Grant(note=self._notes.get(key))

    async def begin(self, key: str, holder: str, place: int, strikes: int) -> None: ...

    async def renew(self, key: str, holder: str, ttl: float) -> bool:
        return False

    async def release(self, key: str, holder: str, note: str) -> bool:
        self._notes[key] = note
        return True


async def main() -> None:
    config = settings.load()
    configure("core", config)
    servers = await embedded.wait(config)
    async with connect(servers.nats_url, name="core") as bus, connect_redis(servers.redis_url) as store:
        await service.run(config, Careless(bus), Open(), store.memory)


if __name__ == "__main__":
    uvloop.run(main())
