"""A turn that measures takes the track it names, and leaves no trace where people's turns count."""

import ast
from pathlib import Path

import pytest

from core import keys
from core.dialog.tracks.contract import Answer
from core.dialog.turn import TURNS
from core.errors import CannotServe, NothingFound
from core.records import Event, Part, Turn, encode
from tests.core.turn_world import World
from tests.tuning.log import commit
from tests.tuning.log import turn as spoken
from tuning import turns

BOTS = Path(__file__).parents[2] / "bots"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


async def measured(world: World, text: str = "hello", *, channel: str = keys.EVALUATION, **wanted: str) -> Turn:
    event = Event(id=f"m-{text}-{wanted}", channel=channel, lane="a", text=text, **wanted)
    async with world.core():
        await world.bus.publish(keys.into(channel, "a"), encode(event), id=event.id)
        (turn,) = await world.turns(1, channel=channel)
    return turn


def by(name: str):
    async def answer(ask, means, say) -> Answer:
        return Answer((Part(text=f"{name} on {ask.intent}"),))

    return answer


def refusing(error: Exception):
    async def answer(ask, means, say) -> Answer:
        raise error

    return answer


async def test_the_track_and_the_intent_that_are_asked_for_are_taken(world: World) -> None:
    world.first, world.second = by("first"), by("second")
    turn = await measured(world, track="second", intent="returns")
    assert (turn.track, turn.text, turn.intent) == ("second", "second on returns", "returns")
    assert turn.why.startswith("track second asked for")


@pytest.mark.parametrize("text", ["what?", "the weather!"])
async def test_what_would_be_asked_back_or_declined_is_answered_all_the_same(world: World, text: str) -> None:
    world.second = by("second")
    turn = await measured(world, text, track="second")
    assert (turn.track, turn.outcome) == ("second", "answered")


async def test_no_other_track_stands_in_for_one_that_cannot_serve(world: World) -> None:
    world.first, world.second = refusing(CannotServe("the model is down")), by("second")
    turn = await measured(world, track="first")
    assert turn.track == "none"
    assert "it could not serve (the model is down)" in turn.why


async def test_a_track_that_nobody_knows_cannot_serve(world: World) -> None:
    turn = await measured(world, track="no-such")
    assert turn.track == "none"
    assert "no track has that name" in turn.why


async def test_finding_nothing_is_the_answer_of_the_track_that_found_nothing(world: World) -> None:
    world.first = refusing(NothingFound("no passage fits"))
    turn = await measured(world, track="first")
    assert (turn.track, turn.text) == ("first", world.desk.assistant.about.nothing_found)


async def test_on_a_channel_of_people_a_track_that_is_asked_for_is_not_heeded(world: World) -> None:
    world.first, world.second = by("first"), by("second")
    turn = await measured(world, channel="web", track="second", intent="returns")
    assert (turn.track, turn.intent) == ("first", "any")


def test_no_channel_ever_names_a_track_or_an_intent() -> None:
    for path in BOTS.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Event":
                assert not {keyword.arg for keyword in node.keywords} & {"track", "intent", None}, path


async def test_what_measures_is_in_no_data_set(world: World) -> None:
    await commit(world.bus, spoken("a", 1, "Hello?", "Hello!"))
    await measured(world, track="second")
    reading = await turns.read(world.bus)
    assert [one.channel for conversation in reading.conversations for one in conversation.turns] == ["web"]
    assert reading.left_out == {"asked to measure": 1}


async def test_what_measures_counts_in_no_statistics_of_channels(world: World) -> None:
    await measured(world, track="second")
    channels = {sample.labels.get("channel") for metric in TURNS.collect() for sample in metric.samples}
    assert keys.EVALUATION not in channels
