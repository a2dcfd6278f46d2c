"""A message that kills whoever works on it is given up; what was worked on beside it is not."""

import asyncio

import pytest

from core import lanes
from core.errors import StoreUnavailable
from core.lane import Lane
from core.leases import MemoryLeases
from tests.core.lane_world import Dying, World
from tests.core.virtual import in_virtual_time

DEADLY = "deadly: the worker stopped while working on it (3)"


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was handed back comes again soon, however often."""
    monkeypatch.setattr(lanes, "BACK_MOST", 0.2)


async def works_and_dies(world: World, *, upto: dict[str, int], alive: float = 0.1) -> int:
    """Start workers, each killed by the first deadly message it works on, until every lane has so many answers; returns how many
    died. Anything else takes a worker `alive` seconds, twice as long as it has to live."""
    deaths, dying = 0, asyncio.Event()

    async def work(lane: Lane, message) -> None:
        deadly = message.data.startswith(b"deadly")
        await asyncio.sleep(alive / 2 if deadly else alive)
        if deadly:
            dying.set()
            await asyncio.Event().wait()
        await world.echo()(lane, message)

    async def through() -> None:
        for lane, count in upto.items():
            await world.until(lane, count)

    done = asyncio.create_task(through())
    while not done.done():
        dying.clear()
        dead = asyncio.create_task(dying.wait())
        async with world.worker(work, leases=Dying(_states=world.leases._states), grace=0):
            await asyncio.wait({done, dead}, return_when=asyncio.FIRST_COMPLETED)
        deaths += dying.is_set()
        dead.cancel()
    await done
    return deaths


@in_virtual_time
async def test_a_message_that_kills_its_workers_is_given_up(world: World, quick: None) -> None:
    await world.say("a", "deadly", "next")
    assert await works_and_dies(world, upto={"a": 2}) == 3
    assert world.given_up == [DEADLY]
    assert await world.committed("a") == ["given up deadly", "next"]


@in_virtual_time
async def test_what_one_message_did_to_its_workers_is_not_held_against_the_next(world: World, quick: None) -> None:
    await world.say("a", "deadly", "deadly as well")
    assert await works_and_dies(world, upto={"a": 2}) == 6


@in_virtual_time
async def test_those_worked_on_beside_it_are_answered(world: World, quick: None) -> None:
    beside = [f"beside{n}" for n in range(8)]
    for lane in beside[:4]:
        await world.say(lane, "1", "2")
    await world.say("a", "1", "deadly", "2")
    for lane in beside[4:]:
        await world.say(lane, "1", "2")
    assert await works_and_dies(world, upto={"a": 3} | dict.fromkeys(beside, 2)) == 3
    assert world.given_up == [DEADLY]
    for lane in beside:
        assert await world.committed(lane) == ["1", "2"]


@in_virtual_time
async def test_nobody_is_given_up_for_an_end_that_the_lease_store_did_not_hear_of(world: World, quick: None) -> None:
    """Found by simulation: every hold seemed to end in a death, and at the third an innocent message was given up."""

    class Deaf(MemoryLeases):
        async def release(self, key: str, holder: str, note: str) -> bool:
            raise StoreUnavailable("no answer")

    async with world.worker(leases=Deaf()):
        for count in range(1, 6):
            await world.say("a", str(count))
            await world.until("a", count)
    assert world.given_up == []
    assert await world.committed("a") == ["1", "2", "3", "4", "5"]
