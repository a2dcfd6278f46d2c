"""What a conversation remembers and what becomes of a message nobody can answer, where processes change and stores are away."""

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from core import keys
from core.bus_memory import MemoryBus
from core.dialog import turn as turns
from core.dialog.recall import Recall
from core.dialog.service import LINE
from core.dialog.turn import SORRY, Dialog
from core.errors import Conflict, StoreUnavailable
from core.lane import Lane
from core.memory import Budget, Conversation, LocalMemory
from tests.core.turn_world import CountsWords, World
from tests.core.virtual import in_virtual_time

HOUR = 3600.0


class Reads(MemoryBus):
    """Counts the turns that were read one by one from the log."""

    reads = 0

    async def read(self, stream: str, seq: int):
        self.reads += 1
        return await super().read(stream, seq)


class Away:
    async def load(self, lane: str) -> None:
        raise StoreUnavailable

    async def save(self, conversation, *, ttl: float) -> None:
        raise StoreUnavailable


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def lane_at(world: World, at: int, channel: str = "web") -> Lane:
    return Lane(world.bus, LINE, channel, "a", keys.into(channel, "a"), at=at)


def asked(conversation: Conversation) -> list[str]:
    return [exchange.asked for exchange in conversation.exchanges]


async def answered(world: World, *texts: str) -> None:
    async with world.core():
        for text in texts:
            await world.say(text)
        await world.turns(len(texts))


@in_virtual_time
async def test_a_conversation_that_is_forgotten_still_knows_what_it_answered(world: World) -> None:
    await answered(world, "one")
    for memory in (world.memory, LocalMemory()):
        forgotten, _ = await Recall(world.bus, memory, CountsWords()).load(lane_at(world, 1), ttl=0)
        assert (asked(forgotten), forgotten.seen) == ([], ("a-one",))


@in_virtual_time
async def test_a_process_that_finds_an_older_memory_takes_the_rest_from_the_log_and_keeps_its_summary(world: World) -> None:
    await answered(world, "one", "two", "three")
    first, _ = await Recall(world.bus, LocalMemory(), CountsWords()).load(lane_at(world, 1), ttl=HOUR)
    older = LocalMemory()
    await older.save(replace(first, summary="They have a bike."), ttl=HOUR)
    found, source = await Recall(world.bus, older, CountsWords()).load(lane_at(world, 3), ttl=HOUR)
    assert (asked(found), found.summary, found.at, source) == (["one", "two", "three"], "They have a bike.", 3, "log")


@in_virtual_time
async def test_what_another_process_answered_since_is_read_from_memory_not_turn_by_turn_from_the_log(world: World) -> None:
    world.bus = bus = Reads()
    await answered(world, "one", "two", "three")
    before, _ = await Recall(bus, LocalMemory(), CountsWords()).load(lane_at(world, 1), ttl=HOUR)
    here = Recall(bus, world.memory, CountsWords())
    await here.save(before, budget=Budget(), ttl=HOUR, summarise=world.summarise)
    bus.reads = 0
    found, source = await here.load(lane_at(world, 3), ttl=HOUR)
    assert (asked(found), source, bus.reads) == (["one", "two", "three"], "memory", 0)


@in_virtual_time
async def test_a_process_that_starts_while_memory_is_away_knows_the_conversation_from_the_log(world: World) -> None:
    await answered(world, "one")
    with capture_logs() as said:
        async with world.core(Away()):
            await world.say("two")
            _, two = await world.turns(2)
    assert two.text == "echo two after ['one']"
    assert "try failed" not in [line["event"] for line in said], "a turn is no failed try because memory is away"


@in_virtual_time
async def test_a_turn_that_was_given_up_does_not_cut_memory_off(world: World) -> None:
    await answered(world, "one")
    world.memory = LocalMemory()
    await world.bus.publish(keys.into("web", "a"), b"{", id="poison")
    await world.say("three")
    async with world.core():
        _, dead, three = await world.turns(3)
    assert (dead.outcome, three.text) == ("dead", "echo three after ['one']")


@in_virtual_time
async def test_a_give_up_that_a_crash_cut_off_is_one_dead_letter_and_one_word_to_the_person(world: World) -> None:
    class CutOff(MemoryBus):
        cut = True

        async def publish(self, subject: str, data: bytes, *, id: str, last: int | None = None):
            if self.cut and subject.startswith("log."):
                self.cut = False
                raise Conflict("the process died here")
            return await super().publish(subject, data, id=id, last=last)

    world.bus = CutOff()
    await world.say("poison")
    message = await world.bus.read("IN", 1)
    dialog = Dialog(world.bus, Recall(world.bus, world.memory, CountsWords()), lambda: world.desk, world.summarise)
    with pytest.raises(Conflict):
        await dialog.give_up(lane_at(world, 0), message, "boom", 3)
    await asyncio.sleep(1)
    await dialog.give_up(lane_at(world, 0), message, "boom", 3)
    (told,) = await world.turns(1)
    assert (told.outcome, told.text) == ("dead", SORRY)
    assert [await world.bus.read("DEAD", seq) is not None for seq in (1, 2)] == [True, False]


@in_virtual_time
async def test_while_the_dead_letter_cannot_be_stored_nothing_is_given_up(world: World) -> None:
    class NoRoom(MemoryBus):
        async def publish(self, subject: str, data: bytes, *, id: str, last: int | None = None):
            if subject.startswith("dead."):
                raise Conflict("no room for dead letters")
            return await super().publish(subject, data, id=id, last=last)

    world.bus = NoRoom()
    await world.say("poison")
    message = await world.bus.read("IN", 1)
    dialog = Dialog(world.bus, Recall(world.bus, world.memory, CountsWords()), lambda: world.desk, world.summarise)
    with pytest.raises(Conflict):
        await dialog.give_up(lane_at(world, 0), message, "boom", 3)
    assert await world.turns(0) == []


@in_virtual_time
async def test_bytes_that_are_no_event_do_not_take_a_burst_with_them(world: World) -> None:
    await world.say("first", channel="bursts")
    await world.bus.publish(keys.into("bursts", "a"), b"{", id="junk")
    await world.say("second", channel="bursts")
    async with world.core():
        burst = await world.turns(3, channel="bursts")
    assert [(turn.outcome, turn.asked) for turn in burst] == [("answered", "first"), ("dead", ""), ("answered", "second")]


@in_virtual_time
async def test_a_thumb_in_a_burst_is_recorded_and_not_read_as_a_message(world: World) -> None:
    await world.say("first", channel="bursts")
    await world.say("up", channel="bursts", kind="feedback")
    await world.say("second", channel="bursts")
    async with world.core():
        burst = await world.turns(3, channel="bursts")
    assert [(turn.outcome, turn.asked) for turn in burst] == [("answered", "first"), ("noted", "up"), ("answered", "second")]


@in_virtual_time
async def test_who_never_stops_writing_is_answered_all_the_same(world: World) -> None:
    texts = [str(n) for n in range(turns.MERGE_MOST + 1)]
    for text in texts:
        await world.say(text, channel="bursts")
    async with world.core():
        first, *_ = await world.turns(1, channel="bursts")
    assert first.asked == "\n".join(texts[: turns.MERGE_MOST])
