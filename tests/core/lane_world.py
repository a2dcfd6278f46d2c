"""A bus, leases and workers that answer each message with itself, for the tests of lanes."""

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from core import keys
from core.bus_memory import MemoryBus
from core.lane import Lane, Line
from core.lanes import Lanes
from core.leases import MemoryLeases
from core.records import Record, decode, encode


class Done(Record, frozen=True):
    upto: int
    text: str
    by: str = ""


LINE = Line(
    source="IN",
    subject="in.>",
    durable="dialog",
    sink="LOG",
    sink_subject=keys.log,
    done=lambda data: decode(Done, data).upto,
)


class World:
    """A bus, leases, and workers that answer each message with itself."""

    def __init__(self) -> None:
        self.bus, self.leases = MemoryBus(ack_wait=1.0), MemoryLeases()
        self.in_hand: dict[str, int] = defaultdict(int)
        self.worked: list[str] = []
        self.given_up: list[str] = []

    async def say(self, lane: str, *texts: str) -> None:
        for text in texts:
            await self.bus.publish(keys.into("web", lane), text.encode(), id=f"{lane}/{text}")

    async def committed(self, lane: str) -> list[str]:
        found, seq = [], 0
        while (stored := await self.bus.first_after("LOG", keys.log("web", lane), seq)) is not None:
            found.append(decode(Done, stored.data).text)
            seq = stored.seq
        return found

    async def until(self, lane: str, count: int) -> list[str]:
        async with asyncio.timeout(45):
            while len(answers := await self.committed(lane)) < count:
                await asyncio.sleep(0.01)
        return answers

    async def someone_waits(self, lane: str) -> None:
        async with asyncio.timeout(45):
            while not self.leases._states[keys.lease("IN", lane)].waiting:
                await asyncio.sleep(0.01)

    async def commit(self, lane: Lane, seq: int, text: str, by: str = "") -> None:
        await lane.commit(encode(Done(upto=seq, text=text, by=by)), id=f"{lane.id}/{seq}", upto=seq)

    async def give_up(self, lane: Lane, message, reason: str, tries: int) -> None:
        self.given_up.append(f"{message.data.decode()}: {reason} ({tries})")
        await self.commit(lane, message.seq, f"given up {message.data.decode()}")

    def echo(self, by: str = "w", pause: float = 0.0) -> Callable[[Lane, object], Awaitable[None]]:
        async def work(lane: Lane, message) -> None:
            self.in_hand[lane.id] += 1
            assert self.in_hand[lane.id] == 1, "two workers in one lane"
            try:
                await asyncio.sleep(pause * random.random())
                self.worked.append(message.data.decode())
                await self.commit(lane, message.seq, message.data.decode(), by)
            finally:
                self.in_hand[lane.id] -= 1

        return work

    @asynccontextmanager
    async def worker(self, work=None, *, leases=None, bus=None, grace=0.2) -> AsyncIterator[asyncio.Task]:
        bus, leases, work = bus or self.bus, leases or self.leases, work or self.echo()
        worker = Lanes(bus, leases, LINE, work=work, give_up=self.give_up, grace=grace)
        task = asyncio.create_task(worker.run())
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


class Dying(MemoryLeases):
    """Those of a worker that is killed: what it would say at its end is never said."""

    async def release(self, key: str, holder: str, note: str) -> bool:
        return True


class HearsOnce:
    """The bus of a process that freezes over its first delivery."""

    def __init__(self, bus: MemoryBus) -> None:
        self._bus = bus

    def __getattr__(self, name: str):
        return getattr(self._bus, name)

    @asynccontextmanager
    async def consume(self, *line: str):
        async def first(deliveries):
            async for delivery in deliveries:
                yield delivery
                await asyncio.Event().wait()

        async with self._bus.consume(*line) as deliveries:
            yield first(deliveries)
