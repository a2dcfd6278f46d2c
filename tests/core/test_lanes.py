"""Lanes: one conversation's messages, one worker at a time, in order, whoever dies on the way."""

import asyncio
import random

import pytest
from structlog.testing import capture_logs

from core import lanes
from core.bus_memory import MemoryBus
from core.errors import Conflict, RecordError, StoreUnavailable, Unavailable
from core.lane import Lane
from core.leases import Grant, MemoryLeases
from tests.core.lane_world import Dying, HearsOnce, World
from tests.core.virtual import in_virtual_time


@in_virtual_time
async def test_a_burst_over_three_workers_is_answered_in_order(world: World) -> None:
    texts = [str(n) for n in range(20)]
    async with world.worker(world.echo(pause=0.02)), world.worker(world.echo(pause=0.02)), world.worker(world.echo(pause=0.02)):
        await world.say("a", *texts)
        assert await world.until("a", 20) == texts
    assert world.worked == texts, "work was done twice"


@in_virtual_time
async def test_lanes_do_not_wait_for_each_other(world: World) -> None:
    stuck = asyncio.Event()

    async def work(lane: Lane, message) -> None:
        if lane.id == "slow":
            await stuck.wait()
        await world.commit(lane, message.seq, message.data.decode())

    async with world.worker(work):
        await world.say("slow", "first")
        await world.say("fast", "second")
        assert await world.until("fast", 1) == ["second"]
        stuck.set()
        await world.until("slow", 1)


@in_virtual_time
async def test_a_message_whose_predecessor_was_lost_on_its_way_waits_for_it(world: World, quick: None) -> None:
    """A worker died with the first message in its buffer: nobody ever held its lane, and the second is delivered first."""
    async with world.bus.consume("IN", "dialog", "in.>") as buffer:
        await world.say("a", "1")
        await anext(buffer)
    await world.say("a", "2")
    async with world.worker():
        assert await world.until("a", 2) == ["1", "2"]


@in_virtual_time
async def test_a_redelivery_never_overtakes_what_a_crashed_worker_left(world: World, quick: None) -> None:
    started = asyncio.Event()

    async def hang(lane: Lane, message) -> None:
        started.set()
        await asyncio.Event().wait()

    async with world.worker(hang, leases=Dying(_states=world.leases._states)):
        await world.say("a", "1")
        await started.wait()
    await world.say("a", "2", "3")
    async with world.worker():
        assert await world.until("a", 3) == ["1", "2", "3"]


@in_virtual_time
async def test_a_message_handed_back_by_another_worker_is_drained_by_the_holder(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Handed back for ten minutes, it would be stranded if the holder let go without looking at the waiting mark."""
    monkeypatch.setattr(lanes, "BACK", 600)
    monkeypatch.setattr(lanes, "BACK_MOST", 600)
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def holds(lane: Lane, message) -> None:
        begun.set()
        await go_on.wait()
        await world.echo()(lane, message)

    async with world.worker(holds, bus=HearsOnce(world.bus)):
        await world.say("a", "1")
        await begun.wait()
        async with world.worker():
            await world.say("a", "2")
            await world.someone_waits("a")
            go_on.set()
            assert await world.until("a", 2) == ["1", "2"]
    assert world.worked == ["1", "2"], "work was done twice"


@in_virtual_time
async def test_a_worker_that_lost_its_lease_unawares_cannot_commit(
    world: World, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old holder was frozen: its lease ran out unseen, and it wakes after its successor committed."""
    monkeypatch.setattr(lanes, "TOUCH_EVERY", 10**9)
    frozen, woke = asyncio.Event(), asyncio.Event()
    refused: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    class Unaware(MemoryLeases):
        async def renew(self, key: str, holder: str, ttl: float) -> bool | None:
            return False

    async def work(lane: Lane, message) -> None:
        frozen.set()
        await woke.wait()
        try:
            await world.commit(lane, message.seq, "stale")
            refused.set_result(False)
        except Conflict:
            refused.set_result(True)
            raise

    async with world.worker(work, leases=Unaware(_states=world.leases._states), bus=HearsOnce(world.bus)):
        await world.say("a", "1")
        await frozen.wait()
        async with world.worker():
            assert await world.until("a", 1) == ["1"]
            woke.set()
            assert await refused, "the stale worker takes its own text for what stands in the log"
            await world.say("a", "2")
            assert await world.until("a", 2) == ["1", "2"]


@in_virtual_time
async def test_without_a_lease_store_each_message_is_still_committed_once(world: World) -> None:
    class Away(MemoryLeases):
        async def acquire(self, key: str, holder: str, ttl: float) -> Grant | None:
            raise StoreUnavailable

    texts = [str(n) for n in range(12)]

    async def work(lane: Lane, message) -> None:
        await asyncio.sleep(0.01 * random.random())
        await world.commit(lane, message.seq, message.data.decode())

    async with world.worker(work, leases=Away()), world.worker(work, leases=Away()):
        await world.say("a", *texts)
        assert await world.until("a", 12) == texts
        await asyncio.sleep(0.1)
    assert await world.committed("a") == texts


@in_virtual_time
async def test_a_message_that_always_fails_is_given_up_after_three_tries_and_the_lane_goes_on(world: World) -> None:
    tries = []

    async def work(lane: Lane, message) -> None:
        if message.data == b"poison":
            tries.append(1)
            raise ZeroDivisionError("boom")
        await world.commit(lane, message.seq, message.data.decode())

    async with world.worker(work):
        await world.say("a", "1", "poison", "2")
        assert await world.until("a", 3) == ["1", "given up poison", "2"]
    assert len(tries) == 3
    assert world.given_up == ["poison: ZeroDivisionError: boom (3)"]


@in_virtual_time
async def test_what_is_no_record_is_given_up_at_once(world: World) -> None:
    async def work(lane: Lane, message) -> None:
        raise RecordError("not a valid Event")

    async with world.worker(work):
        await world.say("a", "junk")
        assert await world.until("a", 1) == ["given up junk"]


@in_virtual_time
async def test_a_commit_whose_reply_was_lost_is_not_made_twice(world: World) -> None:
    class LostReply(MemoryBus):
        lose = True

        async def publish(self, subject: str, data: bytes, *, id: str, last: int | None = None):
            ack = await super().publish(subject, data, id=id, last=last)
            if self.lose and subject.startswith("log."):
                self.lose = False
                raise Unavailable("the reply was lost")
            return ack

    world.bus = LostReply()
    async with world.worker():
        await world.say("a", "1", "2")
        assert await world.until("a", 2) == ["1", "2"]
    assert world.worked == ["1", "2"], "the answer was made a second time"


@in_virtual_time
async def test_a_stopped_worker_hands_its_lane_over_without_waiting_for_the_lease(world: World) -> None:
    started = asyncio.Event()

    async def hang(lane: Lane, message) -> None:
        started.set()
        await asyncio.Event().wait()

    async with world.worker(hang):
        await world.say("a", "1")
        await started.wait()
    async with world.worker():
        async with asyncio.timeout(lanes.LEASE_SECONDS - 1):
            await world.until("a", 1)


@in_virtual_time
async def test_the_end_of_a_lease_is_not_taken_for_its_loss(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Found under load: a renewal crossed the release, and the lane was leased again by a holder that had let go."""
    monkeypatch.setattr(lanes, "LEASE_SECONDS", 1000)
    monkeypatch.setattr(lanes, "RENEW_SECONDS", 0.001)

    class SlowReply(MemoryLeases):
        async def release(self, key: str, holder: str, note: str) -> bool:
            released = await super().release(key, holder, note)
            await asyncio.sleep(0.01)
            return released

    leases = SlowReply()
    with capture_logs() as said:
        async with world.worker(leases=leases):
            for n in range(10):
                await world.say("a", str(n))
                await world.until("a", n + 1)
    assert [line["event"] for line in said] == []


@in_virtual_time
async def test_a_message_that_arrives_while_its_lane_is_found_empty_is_not_acknowledged_unread(world: World) -> None:
    class ArrivesJustThen(MemoryBus):
        arrived = False

        async def first_after(self, stream: str, subject: str, seq: int):
            if stream == "IN" and not self.arrived:
                self.arrived = True
                await world.say("a", "2")
                await asyncio.sleep(0.05)
                return None
            return await super().first_after(stream, subject, seq)

    world.bus = ArrivesJustThen(ack_wait=0.3)
    await world.say("a", "1")
    async with world.worker():
        assert await world.until("a", 2) == ["1", "2"]


@in_virtual_time
async def test_after_the_streams_were_wiped_a_lane_begins_anew_whatever_its_note_remembers(world: World) -> None:
    async with world.worker():
        await world.say("a", "1", "2", "3")
        await world.until("a", 3)
    world.bus = MemoryBus()
    async with world.worker():
        await world.say("a", "4", "5")
        assert await world.until("a", 2) == ["4", "5"]


@in_virtual_time
async def test_after_the_log_alone_was_wiped_a_lane_goes_on_with_what_is_new(world: World) -> None:
    async with world.worker():
        await world.say("a", "1")
        await world.until("a", 1)
        world.bus._kept["LOG"] = MemoryBus()._kept["LOG"]
        await world.say("a", "2")
        assert await world.until("a", 1) == ["2"]
