"""A turn, from the event in IN to the committed answer in LOG, through the dialog and in-memory twins."""

import asyncio
from pathlib import Path

import pytest

from core import keys
from core.dialog.recall import Recall
from core.dialog.service import LINE
from core.dialog.tracks.contract import Answer
from core.errors import CannotServe, NothingFound, StoreUnavailable
from core.lane import Lane
from core.memory import LocalMemory
from core.records import Citation, Event, Live, decode, encode
from tests.core.turn_world import CountsWords, World
from tests.core.virtual import in_virtual_time


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@in_virtual_time
async def test_a_reply_says_what_it_rests_on_and_which_way_it_came(world: World) -> None:
    async with world.core():
        await world.say("hello")
        (turn,) = await world.turns(1)
    assert turn.text == "echo hello after []"
    assert turn.track == "first"
    assert turn.why == "intent any (0.90); route first → second by the assistant file, an opinion; first answered from memory"
    assert turn.citations == (Citation(n=1, source="a.md", title="A"),)
    assert turn.address == {"chat": "7"}
    assert {"memory", "intent", "total"} <= set(turn.timings)


@in_virtual_time
async def test_a_track_that_cannot_serve_falls_to_the_next_and_the_reply_says_why(world: World) -> None:
    async def cannot(ask, means, say) -> Answer:
        raise CannotServe("no tuned model is configured")

    world.first = cannot
    async with world.core():
        await world.say("hello")
        (turn,) = await world.turns(1)
    assert turn.track == "second"
    assert "first could not serve (no tuned model is configured)" in turn.why


@pytest.mark.parametrize("more", [False, True])
@in_virtual_time
async def test_an_answer_without_parts_is_none_and_the_next_track_is_asked(world: World, more: bool) -> None:
    async def answers_nothing(ask, means, say) -> Answer:
        return Answer((), more=more)

    world.first = answers_nothing
    async with world.core():
        await world.say("hello")
        (turn,) = await world.turns(1)
    assert (turn.outcome, turn.track) == ("answered", "second")
    assert "first could not serve (it answered with nothing)" in turn.why


@in_virtual_time
async def test_when_no_track_can_serve_the_person_is_told_honestly(world: World) -> None:
    async def cannot(ask, means, say) -> Answer:
        raise CannotServe("the model does not answer")

    world.first = world.second = cannot
    async with world.core():
        await world.say("hello")
        (turn,) = await world.turns(1)
    assert turn.track == "none"
    assert turn.text == world.desk.assistant.about.no_answer
    assert turn.why.count("the model does not answer") == 2


@in_virtual_time
async def test_a_question_nothing_known_answers_is_told_apart_from_trouble(world: World) -> None:
    async def finds_nothing(ask, means, say) -> Answer:
        raise NothingFound

    async def cannot(ask, means, say) -> Answer:
        raise CannotServe("no language model is configured")

    world.first, world.second = finds_nothing, cannot
    async with world.core():
        await world.say("hello")
        (turn,) = await world.turns(1)
    assert turn.text == world.desk.assistant.about.nothing_found


@in_virtual_time
async def test_what_is_out_of_scope_gets_the_assistants_own_words_and_suggestions(world: World) -> None:
    async with world.core():
        await world.say("sing!")
        (turn,) = await world.turns(1)
    assert (turn.track, turn.text, turn.parts[0].choices) == ("out_of_scope", "Not my trade.", ("Returns?",))


@in_virtual_time
async def test_memory_reaches_the_track(world: World) -> None:
    async with world.core():
        for text in ("one", "two", "three"):
            await world.say(text)
        turns = await world.turns(3)
    assert turns[2].text == "echo three after ['one', 'two']"
    assert turns[2].prev > turns[1].prev > turns[0].prev == 0


@in_virtual_time
async def test_memory_lost_is_rebuilt_from_the_log(world: World) -> None:
    async with world.core():
        await world.say("one")
        await world.say("two")
        await world.turns(2)
    world.memory = LocalMemory()
    async with world.core():
        await world.say("three")
        turns = await world.turns(3)
    assert turns[2].text == "echo three after ['one', 'two']"


@in_virtual_time
async def test_memory_that_missed_a_turn_catches_up_from_the_log(world: World) -> None:
    class MissesTheSecond(LocalMemory):
        async def save(self, conversation, *, ttl: float) -> None:
            if len(conversation.exchanges) != 2:
                await super().save(conversation, ttl=ttl)

    world.memory = MissesTheSecond()
    async with world.core():
        for text in ("one", "two", "three"):
            await world.say(text)
        turns = await world.turns(3)
    assert turns[2].text == "echo three after ['one', 'two']"


@in_virtual_time
async def test_a_conversation_is_forgotten_after_its_time_though_the_log_still_has_it(world: World) -> None:
    async with world.core():
        await world.say("one")
        await world.turns(1)
    for kept in (world.memory, LocalMemory()):
        recall = Recall(world.bus, kept, CountsWords())
        lane = Lane(world.bus, LINE, "web", "a", keys.into("web", "a"), at=1)
        remembered, _ = await recall.load(lane, ttl=60)
        forgotten, _ = await recall.load(lane, ttl=0)
        assert [exchange.asked for exchange in remembered.exchanges] == ["one"]
        assert (forgotten.exchanges, forgotten.at) == ((), 1)


@in_virtual_time
async def test_with_memory_away_answers_flow_and_remember(world: World) -> None:
    class Away:
        async def load(self, lane: str) -> None:
            raise StoreUnavailable

        async def save(self, conversation, *, ttl: float) -> None:
            raise StoreUnavailable

    async with world.core(Away()):
        await world.say("one")
        await world.say("two")
        turns = await world.turns(2)
    assert turns[1].text == "echo two after ['one']"


@in_virtual_time
async def test_what_leaves_the_window_goes_into_the_summary(world: World) -> None:
    async with world.core():
        for n in range(9):
            await world.say(f"message {n}")
        turns = await world.turns(9)
    kept = await world.memory.load("a")
    assert kept is not None
    assert len(kept.exchanges) <= 4
    assert "message 0" in kept.summary
    assert "message 0" in turns[8].summary, "a rebuilt memory would lose it"


@in_virtual_time
async def test_the_same_act_under_another_delivery_is_answered_once(world: World) -> None:
    async with world.core():
        await world.say("hello", id="x")
        await world.turns(1)
        event = Event(id="x", channel="web", lane="a", text="hello")
        await world.bus.publish(keys.into("web", "a"), encode(event), id="the duplicate window is over")
        await world.say("next", id="y")
        turns = await world.turns(2)
    assert [turn.events for turn in turns] == [("x",), ("y",)]
    assert world.asked == ["hello", "next"]


@in_virtual_time
async def test_feedback_is_recorded_in_the_log_and_not_answered(world: World) -> None:
    async with world.core():
        await world.say("up", kind="feedback")
        (turn,) = await world.turns(1)
    assert (turn.outcome, turn.parts, turn.asked) == ("noted", (), "up")


@in_virtual_time
async def test_a_file_without_text_gets_an_honest_answer(world: World) -> None:
    async with world.core():
        await world.say("", id="f", kind="file")
        (turn,) = await world.turns(1)
    assert "only read text" in turn.text


@in_virtual_time
async def test_a_burst_is_merged_into_one_turn_where_the_channel_says_so(world: World) -> None:
    async with world.core():
        for text in ("I bought", "a bike", "it squeaks"):
            await world.say(text, channel="bursts")
        (turn,) = await world.turns(1, channel="bursts")
    assert turn.asked == "I bought\na bike\nit squeaks"
    assert len(turn.events) == 3


@in_virtual_time
async def test_a_newer_message_stops_the_running_answer_and_both_are_answered_together(world: World) -> None:
    begun, stopped = asyncio.Event(), asyncio.Event()

    async def slow(ask, means, say) -> Answer:
        if "second" in ask.text:
            return await world.remembers(ask, means, say)
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    world.first = slow
    async with world.core():
        await world.say("first", channel="hasty")
        await begun.wait()
        await world.say("second", channel="hasty")
        (turn,) = await world.turns(1, channel="hasty")
    assert stopped.is_set()
    assert turn.asked == "first\nsecond"


@in_virtual_time
async def test_a_message_that_came_before_the_answer_was_begun_interrupts_it_too(world: World) -> None:
    async def slow(ask, means, say) -> Answer:
        if "second" not in ask.text:
            await asyncio.Event().wait()
        return await world.remembers(ask, means, say)

    world.first = slow
    await world.say("first", channel="hasty")
    await world.say("second", channel="hasty")
    async with world.core():
        (turn,) = await world.turns(1, channel="hasty")
    assert turn.asked == "first\nsecond"


@in_virtual_time
async def test_a_turn_that_cannot_be_read_ends_memory_and_stops_nothing(world: World) -> None:
    async with world.core():
        await world.say("one")
        await world.turns(1)
    newer = b'{"v":99,"id":"x","channel":"web","lane":"a","events":["x"],"upto":1,"prev":1}'
    recall = Recall(world.bus, LocalMemory(), CountsWords())
    at = (await world.bus.publish(keys.log("web", "a"), newer, id="from a newer program")).seq
    conversation, _ = await recall.load(Lane(world.bus, LINE, "web", "a", keys.into("web", "a"), at=at), ttl=60)
    assert (conversation.exchanges, conversation.at) == ((), at)


@in_virtual_time
async def test_the_answer_is_shown_while_it_is_made_and_a_second_track_begins_it_anew(world: World) -> None:
    async def says_then_fails(ask, means, say) -> Answer:
        await say("half ")
        raise CannotServe("cut")

    world.first = says_then_fails
    seen: list[Live] = []
    async with world.core(), world.bus.listen(keys.live("web", "a")) as pieces:
        await world.say("hello")
        await world.turns(1)
        async with asyncio.timeout(45):
            async for piece in pieces:
                seen.append(decode(Live, piece.data))
                if seen[-1].text.startswith("echo"):
                    break
    assert [(live.state, live.n, live.text) for live in seen] == [
        ("working", 0, ""),
        ("text", 0, "half "),
        ("text", 0, "echo hello"),
    ]
