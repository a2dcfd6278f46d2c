"""Two workers in one lane: what one tells the other is true, or nothing at all, and neither gives up what the other hinders."""

import asyncio
import random

from structlog.testing import capture_logs

from core import keys
from core.bus_memory import MemoryBus
from core.errors import StoreUnavailable
from core.lane import Lane
from core.leases import Grant, MemoryLeases
from core.records import decode, encode
from tests.core.lane_world import Done, World
from tests.core.virtual import in_virtual_time


@in_virtual_time
async def test_a_worker_stopped_while_it_commits_leaves_no_note_so_its_work_is_not_done_again() -> None:
    class NeverAnswers(MemoryBus):
        committed = asyncio.Event()

        async def publish(self, subject: str, data: bytes, *, id: str, last: int | None = None):
            ack = await super().publish(subject, data, id=id, last=last)
            if subject.startswith("log.") and not self.committed.is_set():
                self.committed.set()
                await asyncio.Event().wait()
            return ack

    world = World()
    world.bus = bus = NeverAnswers(ack_wait=1.0)
    async with world.worker():
        await world.say("a", "1")
        await bus.committed.wait()
    async with world.worker():
        await world.say("a", "2")
        assert await world.until("a", 2) == ["1", "2"]
    assert world.worked == ["1", "2"], "the work was done a second time"


@in_virtual_time
async def test_of_two_workers_that_give_a_message_up_the_later_goes_on_with_the_next() -> None:
    """Found by simulation, seed 5: the later one told the next holder its old place, and so on, until the ids were forgotten."""
    world = World()

    async def work(lane: Lane, message) -> None:
        if message.data == b"poison":
            raise ZeroDivisionError("boom")
        await world.echo()(lane, message)

    async def give_up(lane: Lane, message, reason: str, tries: int) -> None:
        another = Done(upto=message.seq, text="given up by another")
        await world.bus.publish(keys.log("web", "a"), encode(another), id=f"a/{message.seq}", last=lane.at)
        await world.commit(lane, message.seq, "given up")

    world.give_up = give_up
    with capture_logs() as said:
        async with world.worker(work):
            await world.say("a", "1", "poison", "2")
            assert await world.until("a", 3) == ["1", "given up by another", "2"]
    assert "lane failed" not in [line["event"] for line in said]


@in_virtual_time
async def test_two_workers_that_hinder_each_other_give_nothing_up() -> None:
    """Found by simulation, seed 261: without leases two senders took the lane from each other until one
    dropped the half-sent answer."""
    world, steps = World(), 40

    class Away(MemoryLeases):
        async def acquire(self, key: str, holder: str, ttl: float) -> Grant | None:
            raise StoreUnavailable

    async def in_steps(lane: Lane, message) -> None:
        """Commits its progress before it commits that it is done, as a delivery does."""
        await lane.look()
        seq = message.seq
        taken = len(decode(Done, lane.left.data).text) if lane.left else 0
        for step in range(taken, steps):
            await lane.commit(encode(Done(upto=0, text="+" * (step + 1))), id=f"{seq}.{lane.at}", upto=0)
            await asyncio.sleep(0.02 * random.random())
        await world.commit(lane, seq, "done")

    world.bus = MemoryBus(ack_wait=0.05)
    async with world.worker(in_steps, leases=Away()), world.worker(in_steps, leases=Away()):
        await world.say("a", "1")
        async with asyncio.timeout(45):
            while (await world.committed("a"))[-1:] != ["done"]:
                await asyncio.sleep(0.01)
    assert world.given_up == []
