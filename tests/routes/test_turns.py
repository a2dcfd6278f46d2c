"""What a committed turn tells of the routes."""

from dataclasses import replace
from pathlib import Path

import pytest

from core import keys
from core.errors import CannotServe
from core.policy.routes import Route, Routes
from core.records import Event, encode
from core.routes.standing import Standing, drawn
from tests.core.turn_world import World

OPINION = (Route(intent="any", tracks=("second",)),)
CANARY = Routes(number=3, routes=OPINION, stage="canary", share=0.5, before=2, began=3)
LUCKY = next(f"l{n}" for n in range(99) if drawn(f"l{n}", CANARY))
OTHER = next(f"l{n}" for n in range(99) if not drawn(f"l{n}", CANARY))


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.desk = replace(world.desk, standing=Standing(CANARY, Routes(number=2)))
    return world


async def test_a_turn_names_the_version_that_its_conversation_follows(world: World) -> None:
    async with world.core():
        await world.say("hello", lane=LUCKY)
        await world.say("hello", lane=OTHER)
        (new,) = await world.turns(1, lane=LUCKY)
        (old,) = await world.turns(1, lane=OTHER)
    assert (new.routes, new.track) == (3, "second")
    assert "route second by routes 3 (canary), an opinion" in new.why
    assert (old.routes, old.track) == (2, "first")


async def test_a_turn_given_up_names_it_too(world: World) -> None:
    async def breaks(*_: object) -> None:
        raise ZeroDivisionError

    world.second = breaks
    async with world.core():
        await world.say("hello", lane=LUCKY)
        (turn,) = await world.turns(1, lane=LUCKY)
    assert (turn.outcome, turn.routes) == ("dead", 3)


async def test_a_turn_that_nobody_could_serve_names_it_too(world: World) -> None:
    async def cannot(*_: object) -> None:
        raise CannotServe("it is closed")

    world.second = cannot
    async with world.core():
        await world.say("hello", lane=LUCKY)
        (turn,) = await world.turns(1, lane=LUCKY)
    assert (turn.track, turn.routes) == ("none", 3)


async def test_feedback_names_the_turn_it_is_about(world: World) -> None:
    async with world.core():
        event = Event(id="thumb", channel="web", lane="a", kind="feedback", text="down", target="a-hello")
        await world.bus.publish(keys.into("web", "a"), encode(event), id=event.id)
        (turn,) = await world.turns(1)
    assert (turn.outcome, turn.asked, turn.target) == ("noted", "down", "a-hello")
