"""What cannot be answered goes to DEAD with its reason, and the lane goes on."""

from pathlib import Path

import pytest

from core import keys
from core.dead import DeadEvent
from core.dialog.tracks.contract import Answer
from core.dialog.turn import SORRY
from core.leases import MemoryLeases, now
from core.memory import LocalMemory
from core.records import decode
from tests.core.turn_world import World
from tests.core.virtual import in_virtual_time


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def poisoned(world: World):
    """A track that breaks over one message."""

    async def breaks(ask, means, say) -> Answer:
        if ask.text == "poison":
            raise ZeroDivisionError("boom")
        return await world.remembers(ask, means, say)

    return breaks


@in_virtual_time
async def test_poison_goes_to_dead_with_its_reason_and_the_person_is_told_once(world: World) -> None:
    world.first = poisoned(world)
    async with world.core():
        await world.say("poison")
        await world.say("fine")
        turns = await world.turns(2)
    assert [turn.outcome for turn in turns] == ["dead", "answered"]
    dead = await world.bus.last("DEAD", keys.dead("web", "a"))
    assert dead is not None
    record = decode(DeadEvent, dead.data)
    assert (record.id, record.tries, record.reason) == ("a-poison", 3, "ZeroDivisionError: boom")


@in_virtual_time
async def test_a_click_that_is_given_up_is_apologised_for_to_nobody(world: World) -> None:
    class Breaks(LocalMemory):
        async def load(self, lane: str):
            raise ZeroDivisionError("boom")

    async with world.core():
        await world.say("hello")
        await world.turns(1)
    async with world.core(memory=Breaks()):
        await world.say("up", kind="feedback")
        await world.say("and then?")
        _, click, question = await world.turns(3)
    assert (click.outcome, click.parts) == ("dead", ())
    assert (question.outcome, [part.text for part in question.parts]) == ("dead", [SORRY])


@pytest.mark.parametrize(
    "junk", [b"", b"\x00\xff", b'{"id": 3}', b'{"v": 99, "id": "x", "channel": "web", "lane": "a"}', b"[" * 5000]
)
@in_virtual_time
async def test_bytes_that_are_no_event_go_to_dead_and_the_lane_goes_on(world: World, junk: bytes) -> None:
    async with world.core():
        await world.bus.publish(keys.into("web", "a"), junk, id="junk")
        await world.say("fine")
        turns = await world.turns(2)
    assert [turn.outcome for turn in turns] == ["dead", "answered"]


@in_virtual_time
async def test_what_was_given_up_while_the_lease_store_was_away_is_not_given_up_again(world: World) -> None:
    """Found by simulation (201100): the store came back with a note from before, ten minutes later."""
    world.first = poisoned(world)
    async with world.core():
        await world.say("before")
        await world.turns(1)
    kept, world.leases = world.leases, MemoryLeases()
    async with world.core():
        await world.say("poison")
        await world.turns(2)
    world.leases, world.bus.clock = kept, lambda: now() + 600
    async with world.core():
        await world.say("after")
        turns = await world.turns(3)
    assert [turn.outcome for turn in turns] == ["answered", "dead", "answered"]
    assert await dead_letters(world) == ["a-poison"]


async def dead_letters(world: World) -> list[str]:
    found, seq = [], 0
    while (stored := await world.bus.first_after("DEAD", keys.dead("web", "a"), seq)) is not None:
        found.append(decode(DeadEvent, stored.data).id)
        seq = stored.seq
    return found
