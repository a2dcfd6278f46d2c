"""A scripted platform under the kit on real servers, and turns to deliver."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count

from bots.kit.service import host
from core import keys
from core.assistant import ChannelPolicy
from core.bus import Bus
from core.errors import Unavailable
from core.records import Part, Receipt, Turn, decode, encode
from core.redis_store import RedisStore
from tests.fakes.platform import Toy

NUMBERS = count(1)


class Deaf:
    """A bus that loses the reply to the first receipt, and the answer when then asked where the lane stands."""

    def __init__(self, bus: Bus) -> None:
        self._bus, self.lost = bus, []

    def __getattr__(self, name: str):
        return getattr(self._bus, name)

    async def publish(self, subject: str, data: bytes, *, id: str, last: int | None = None):
        ack = await self._bus.publish(subject, data, id=id, last=last)
        return self._lose("publish", ack) if subject.startswith("sent.") and not self.lost else ack

    async def last(self, stream: str, subject: str):
        found = await self._bus.last(stream, subject)
        return self._lose("last", found) if stream == "SENT" and self.lost == ["publish"] else found

    def _lose(self, what: str, reply: object):
        self.lost.append(what)
        raise Unavailable(f"no reply: {reply}")


async def commit(bus: Bus, text: str, lane: str = "l1") -> Turn:
    id = f"t{next(NUMBERS)}"
    turn = Turn(id=id, channel="toy", lane=lane, events=(id,), upto=1, parts=(Part(text=text),), address={"to": lane})
    await bus.publish(keys.log("toy", lane), encode(turn), id=id)
    return turn


async def receipt(bus: Bus, lane: str = "l1") -> Receipt | None:
    last = await bus.last("SENT", keys.sent("toy", lane))
    return decode(Receipt, last.data) if last else None


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(45):
        while not true():
            await asyncio.sleep(0.01)


async def settled(bus: Bus, turn: Turn) -> Receipt:
    """The final receipt of a turn."""
    async with asyncio.timeout(45):
        while (last := await receipt(bus, turn.lane)) is None or last.turn != turn.id or last.state not in ("done", "dropped"):
            await asyncio.sleep(0.02)
    return last


@asynccontextmanager
async def hosting(bus: Bus, store: RedisStore, toy: Toy, policy: ChannelPolicy | None = None) -> AsyncIterator[None]:
    task = asyncio.create_task(host(bus, store.leases, toy, policy=lambda: policy or ChannelPolicy()))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
