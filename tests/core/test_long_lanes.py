"""A conversation with a long line of messages takes one place in the consumer, and loses none of them to a crash or a full disk."""

import asyncio

import pytest

from core import lane as lane_module
from core import lanes
from core.bus_memory import MemoryBus
from core.errors import Full
from core.lane import Lane
from core.leases import MemoryLeases
from tests.core.lane_world import World
from tests.core.virtual import in_virtual_time

TEXTS = [str(n) for n in range(50)]


async def one_place(world: World) -> None:
    async with asyncio.timeout(10):
        while await world.bus.waiting("IN", "dialog") != 1:
            await asyncio.sleep(0.01)


@in_virtual_time
async def test_who_writes_fifty_messages_takes_one_place_in_the_consumer() -> None:
    world, go_on = World(), asyncio.Event()

    async def holds(lane: Lane, message) -> None:
        await go_on.wait()
        await world.echo()(lane, message)

    async with world.worker(holds):
        await world.say("a", *TEXTS)
        await one_place(world)
        go_on.set()
        assert await world.until("a", 50) == TEXTS
    assert world.worked == TEXTS


@in_virtual_time
async def test_the_line_of_a_crashed_worker_is_answered_whole_though_its_newest_delivery_alone_comes_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lanes, "LEASE_SECONDS", 0.4)
    monkeypatch.setattr(lanes, "RENEW_SECONDS", 0.1)
    world = World()

    async def third_hangs(lane: Lane, message) -> None:
        if message.data == b"2":
            await asyncio.Event().wait()
        await world.echo()(lane, message)

    class Deaf(MemoryLeases):
        async def release(self, key: str, holder: str, note: str) -> bool:
            return True

    async with world.worker(third_hangs, leases=Deaf(_states=world.leases._states)):
        await world.say("a", *TEXTS)
        assert await world.until("a", 2) == TEXTS[:2]
        await one_place(world)
    async with world.worker():
        assert await world.until("a", 50) == TEXTS


@in_virtual_time
async def test_an_older_delivery_that_comes_while_a_newer_is_in_hand_comes_again_instead_of_being_forgotten() -> None:
    world, go_on = World(), asyncio.Event()

    async def holds(lane: Lane, message) -> None:
        await go_on.wait()
        await world.echo()(lane, message)

    async with world.bus.consume("IN", "dialog", "in.>") as buffer:
        await world.say("a", "1")
        first = await anext(buffer)
    async with world.worker(holds):
        await world.say("a", "2")
        while world.bus._durables["IN", "dialog"].tries.get(2) is None:
            await asyncio.sleep(0.01)
        await first.back(0)
        while world.bus._durables["IN", "dialog"].tries[1] < 3:
            await asyncio.sleep(0.01)
        assert await world.bus.waiting("IN", "dialog") == 2
        go_on.set()
        assert await world.until("a", 2) == ["1", "2"]


@in_virtual_time
async def test_while_the_log_is_full_a_message_waits_and_its_answer_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    class Fills(MemoryBus):
        left = 3

        async def publish(self, subject: str, data: bytes, *, id: str, last: int | None = None):
            if subject.startswith("log.") and self.left:
                self.left -= 1
                raise Full("maximum bytes exceeded")
            return await super().publish(subject, data, id=id, last=last)

    monkeypatch.setattr(lane_module, "DELAYS", (0.01,) * 5 + (None,))
    world = World()
    world.bus = Fills()
    async with world.worker():
        await world.say("a", "1", "2")
        assert await world.until("a", 2) == ["1", "2"]
    assert world.worked == ["1", "2"], "the answer was made a second time"
    assert world.given_up == []


@in_virtual_time
async def test_a_log_that_stays_full_gives_no_message_up(monkeypatch: pytest.MonkeyPatch) -> None:
    class Fills(MemoryBus):
        full = True

        async def publish(self, subject: str, data: bytes, *, id: str, last: int | None = None):
            if subject.startswith("log.") and self.full:
                raise Full("maximum bytes exceeded")
            return await super().publish(subject, data, id=id, last=last)

    monkeypatch.setattr(lane_module, "DELAYS", (0.01, None))
    monkeypatch.setattr(lanes, "PAUSE", 0.01)
    world = World()
    world.bus = bus = Fills()
    async with world.worker():
        await world.say("a", "1")
        async with asyncio.timeout(10):
            while len(world.worked) < 5:
                await asyncio.sleep(0.01)
        bus.full = False
        assert await world.until("a", 1) == ["1"]
    assert world.given_up == []
