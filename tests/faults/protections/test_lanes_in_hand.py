"""A lane in a worker's hands: kept while it works, let go of when it stops or loses it, and nothing done twice around that."""

import asyncio

import pytest
from structlog.testing import capture_logs

from core import keys, lanes
from core.bus_memory import MemoryBus
from core.errors import Conflict, RecordError
from core.lane import Lane
from core.leases import MemoryLeases
from core.records import encode
from tests.core.lane_world import LINE, Done, HearsOnce, World
from tests.core.virtual import in_virtual_time

LEASE = keys.lease("IN", "a")


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "RENEW_SECONDS", 0.01)


class Clock:
    """Seconds that pass when a test says so."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Hand:
    """Work that stays in hand until it is told to go on."""

    def __init__(self, world: World) -> None:
        self.world, self.begun, self.go_on, self.stopped = world, asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def __call__(self, lane: Lane, message) -> None:
        self.begun.set()
        try:
            await self.go_on.wait()
        finally:
            self.stopped.set()
        await self.world.echo()(lane, message)


class Deaf(MemoryLeases):
    """A crash: what the dying worker would say to the lease store is never said."""

    async def release(self, key: str, holder: str, note: str) -> bool:
        return True


async def soon(true) -> None:
    async with asyncio.timeout(8):
        while not true():
            await asyncio.sleep(0.005)


@in_virtual_time
async def test_a_lane_stays_its_holders_however_long_the_work_takes(world: World, often: None) -> None:
    clock, hand = Clock(), Hand(world)
    world.leases = MemoryLeases(clock=clock)
    async with world.worker(hand):
        await world.say("a", "1")
        await hand.begun.wait()
        for _ in range(5):
            clock.now += lanes.LEASE_SECONDS * 0.9
            await soon(lambda: world.leases._states[LEASE].until == clock.now + lanes.LEASE_SECONDS)
        assert await world.leases.acquire(LEASE, "another", 1) is None


@in_virtual_time
async def test_who_lost_the_lane_stops_working_in_it_and_the_message_is_answered_all_the_same(
    world: World, often: None
) -> None:
    clock, hand = Clock(), Hand(world)
    world.leases = MemoryLeases(clock=clock)
    async with world.worker(hand):
        await world.say("a", "1")
        await hand.begun.wait()
        clock.now += lanes.LEASE_SECONDS + 1
        assert await world.leases.acquire(LEASE, "another", 1)
        await soon(hand.stopped.is_set)
        clock.now += 2
        hand.go_on.set()
        assert await world.until("a", 1) == ["1"]


@in_virtual_time
async def test_what_a_crashed_worker_had_committed_is_not_worked_on_again(world: World) -> None:
    clock = Clock()
    leases = Deaf(clock=clock)
    hand = Hand(world)

    async def third_hangs(lane: Lane, message) -> None:
        await (hand if message.data == b"3" else world.echo())(lane, message)

    async with world.worker(third_hangs, leases=leases):
        await world.say("a", "1", "2", "3")
        await hand.begun.wait()
    clock.now += lanes.LEASE_SECONDS + 1
    async with world.worker(leases=MemoryLeases(clock=clock, _states=leases._states)):
        assert await world.until("a", 3) == ["1", "2", "3"]
    assert world.worked == ["1", "2", "3"]


@in_virtual_time
async def test_a_message_that_another_worker_handed_back_interrupts_the_work_in_hand(world: World, often: None) -> None:
    heard = asyncio.Event()

    async def listens(lane: Lane, message) -> None:
        await lane.newer.wait()
        heard.set()
        await world.echo()(lane, message)

    async with world.worker(listens, bus=HearsOnce(world.bus)):
        await world.say("a", "1")
        await soon(lambda: LEASE in world.leases._states)
        async with world.worker():
            await world.say("a", "2")
            await soon(heard.is_set)


@in_virtual_time
async def test_what_is_no_record_is_tried_once(world: World) -> None:
    tries = []

    async def reads(lane: Lane, message) -> None:
        tries.append(message.seq)
        raise RecordError("no valid Event")

    async with world.worker(reads):
        await world.say("a", "junk")
        await world.until("a", 1)
    assert tries == [1]
    assert world.given_up == [f"junk: no valid Event ({lanes.TRIES})"]


@in_virtual_time
async def test_a_worker_that_stops_lets_go_of_its_lane_though_somebody_waits_for_it(world: World) -> None:
    hand = Hand(world)
    async with world.worker(hand, bus=HearsOnce(world.bus)) as first:
        await world.say("a", "1")
        await hand.begun.wait()
        async with world.worker():
            await world.say("a", "2")
            await world.someone_waits("a")
            first.cancel()
            async with asyncio.timeout(lanes.LEASE_SECONDS - 1):
                assert await world.until("a", 2) == ["1", "2"]


@in_virtual_time
async def test_a_worker_that_stops_hands_back_what_it_could_not_finish(world: World) -> None:
    world.bus, hand = MemoryBus(ack_wait=600), Hand(world)
    async with world.worker(hand):
        await world.say("a", "1")
        await hand.begun.wait()
    async with world.worker():
        assert await world.until("a", 1) == ["1"]


@in_virtual_time
async def test_a_worker_that_is_told_to_stop_finishes_the_turn_it_is_about_to_commit(world: World) -> None:
    hand = Hand(world)
    async with world.worker(hand) as worker:
        await world.say("a", "1")
        await hand.begun.wait()
        worker.cancel()
        hand.go_on.set()
        await asyncio.gather(worker, return_exceptions=True)
        assert await world.committed("a") == ["1"]


@in_virtual_time
async def test_what_waits_in_a_workers_hands_is_not_delivered_to_another(world: World, often: None) -> None:
    clock, hand = Clock(), Hand(world)
    world.bus = MemoryBus(ack_wait=1.0, clock=clock)
    async with world.worker(hand):
        await world.say("a", "1")
        await hand.begun.wait()
        durable = world.bus._durables["IN", "dialog"]
        for _ in range(5):
            clock.now += 0.9
            await soon(lambda: durable.out[1] == clock.now + 1.0)
        assert durable.tries == {1: 1}


@in_virtual_time
async def test_a_message_of_a_lane_held_elsewhere_is_given_back_for_longer_each_time(world: World) -> None:
    clock, waits = Clock(), []
    world.bus = MemoryBus(ack_wait=100.0, clock=clock)
    await world.leases.acquire(LEASE, "elsewhere", 600)
    async with world.worker():
        await world.say("a", "1")
        await soon(lambda: world.bus._durables)
        durable = world.bus._durables["IN", "dialog"]
        for tries in range(1, 8):
            await soon(lambda tries=tries: durable.tries.get(1) == tries and durable.out[1] < clock.now + 100)
            waits.append(round(durable.out[1] - clock.now, 3))
            clock.now = durable.out[1]
            world.bus.wake()
    assert waits == sorted(waits)
    assert waits[0] < 1 < waits[-1] == lanes.BACK_MOST


@in_virtual_time
async def test_a_lane_that_cannot_be_taken_up_says_so_and_its_neighbours_go_on(world: World) -> None:
    await world.bus.publish(keys.log("web", "broken"), b"no turn at all", id="junk")
    with capture_logs() as said:
        async with world.worker():
            await world.say("broken", "1")
            await world.say("fine", "2")
            assert await world.until("fine", 1) == ["2"]
            await soon(lambda: [line for line in said if line["event"] == "lane failed" and line["lane"] == "broken"])


@in_virtual_time
async def test_who_was_overtaken_cannot_commit_though_its_message_ids_are_long_forgotten() -> None:
    """The second line is the id of the commit, which the bus knows for ten minutes; the first has no end."""
    clock = Clock()
    bus = MemoryBus(clock=clock)
    frozen, successor = (Lane(bus, LINE, "web", "a", keys.into("web", "a")) for _ in range(2))
    await frozen.look()
    await successor.look()
    await successor.commit(encode(Done(upto=1, text="answer")), id="1", upto=1)
    clock.now += 3600
    with pytest.raises(Conflict):
        await frozen.commit(encode(Done(upto=1, text="the same again")), id="1", upto=1)
    assert await bus.read("LOG", 2) is None


@in_virtual_time
async def test_a_message_that_others_hinder_again_and_again_is_left_for_a_moment_and_never_given_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Hindered(MemoryBus):
        left = lanes.TRIES + 1

        async def publish(self, subject: str, data: bytes, *, id: str, last: int | None = None):
            if self.left and subject.startswith("log."):
                self.left -= 1
                raise Conflict("another worker is at it")
            return await super().publish(subject, data, id=id, last=last)

    monkeypatch.setattr(lanes, "BACK_MOST", 600)
    monkeypatch.setattr(lanes, "ASIDE", 0.01)
    world.bus = Hindered(ack_wait=600)
    async with world.worker():
        await world.say("a", "1")
        async with asyncio.timeout(8):
            assert await world.until("a", 1) == ["1"]
    assert world.given_up == []
