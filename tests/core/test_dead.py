"""`turnout dead`: what was given up is seen, and answered after all."""

import asyncio
import json

import pytest
from click.testing import CliRunner

from core import dead, keys
from core.cli import cli
from core.dead import DeadEvent
from core.errors import RecordError
from core.records import Event, decode, encode

LANE = "0123456789abcdef0123"
SUBJECT = keys.into("web", LANE)


def event(id="e1", text="secret words"):
    return Event(id=id, channel="web", lane=LANE, text=text)


async def bury(bus, event, reason="ValueError: no", at=1_700_000_000.0, raw=None):
    data = encode(event) if raw is None else raw
    letter = DeadEvent(id=event.id, subject=SUBJECT, reason=reason, tries=3, raw=data, at=at)
    await bus.publish(keys.dead("web", LANE), encode(letter), id=letter.id)


async def replays(bus):
    """The events of the lane, in order."""
    found, seq = [], 0
    while message := await bus.first_after("IN", SUBJECT, seq):
        seq = message.seq
        found.append(decode(Event, message.data))
    return found


async def only(bus):
    (letter,) = await dead.letters(bus)
    return letter


async def test_letters_are_listed_newest_first(bus):
    assert await dead.letters(bus) == []
    await bury(bus, event("e1"))
    await bury(bus, event("e2"))
    assert [letter.event.id for letter in await dead.letters(bus)] == ["e2", "e1"]


async def test_a_line_has_id_time_channel_tries_and_reason_but_not_what_the_person_wrote(bus):
    await bury(bus, event(), reason="ValueError: no\nwith more lines")
    letter = await only(bus)
    assert letter.line().split() == ["e1", "2023-11-14T22:13:20+00:00", "web", "3", "tries", "ValueError:", "no"]
    assert letter.data()["reason"] == "ValueError: no\nwith more lines"
    assert "secret words" not in json.dumps(letter.data())


async def test_a_replayed_event_goes_to_its_lane_under_an_id_of_its_own(bus):
    await bus.publish(SUBJECT, encode(event()), id="e1")
    await bury(bus, event())
    assert await dead.replay(bus, await only(bus)) == "e1.replay.1"
    assert [(event.id, event.text) for event in await replays(bus)] == [("e1", "secret words"), ("e1.replay.1", "secret words")]


async def test_a_replay_that_dies_again_can_be_replayed_again(bus):
    await bury(bus, event())
    first = await dead.replay(bus, await only(bus))
    await bury(bus, event(first))
    again, old = await dead.letters(bus)
    assert (again.replays, old.replays) == (0, 1)
    assert await dead.replay(bus, again) == "e1.replay.2"


async def test_the_same_replay_at_the_same_moment_is_stored_once(bus):
    await bury(bus, event())
    letter = await only(bus)
    await asyncio.gather(dead.replay(bus, letter), dead.replay(bus, letter))
    assert [event.id for event in await replays(bus)] == ["e1.replay.1"]


async def test_what_is_no_event_cannot_be_replayed_and_says_why(bus):
    await bury(bus, event(), raw=b"{not json")
    with pytest.raises(RecordError, match="e1 cannot be replayed"):
        await dead.replay(bus, await only(bus))


@pytest.fixture
async def turnout(bus, servers, monkeypatch):
    """Runs `turnout dead …` against the bus."""
    monkeypatch.setenv("NATS_URL", servers.nats_url)
    monkeypatch.setenv("REDIS_URL", servers.redis_url)

    async def run(*words):
        return await asyncio.to_thread(CliRunner().invoke, cli, ["dead", *words])

    return run


async def test_the_command_replays_all_that_was_not_replayed_yet(bus, turnout):
    await bury(bus, event("e1"))
    await bury(bus, event("e2"))
    assert (await turnout("replay", "e1")).output == "e1 replayed as e1.replay.1\n"
    assert (await turnout("replay", "--all")).output == "e2 replayed as e2.replay.1\n"
    assert (await turnout("replay", "--all")).output == "nothing to replay\n"
    assert "(replayed 1×)" in (await turnout("list")).output


async def test_the_command_replays_what_it_can_and_names_the_rest(bus, turnout):
    await bury(bus, event("bad"), raw=b"{not json")
    await bury(bus, event("good"))
    result = await turnout("replay", "--all")
    assert result.exit_code == 1
    assert "good replayed as good.replay.1" in result.output
    assert "bad cannot be replayed" in result.output


async def test_the_list_is_json_on_request(bus, turnout):
    assert (await turnout("list")).output == "no dead letters\n"
    await bury(bus, event())
    (letter,) = json.loads((await turnout("list", "--json")).output)
    assert (letter["id"], letter["channel"], letter["tries"]) == ("e1", "web", 3)


async def test_an_unknown_id_and_no_id_are_clear_errors(turnout):
    unknown = await turnout("replay", "nobody")
    assert (unknown.exit_code, unknown.output) == (1, "Error: no dead letter has the id nobody: see `turnout dead list`\n")
    assert (await turnout("replay")).exit_code == 2
    assert (await turnout("replay", "e1", "--all")).exit_code == 2


def test_without_servers_the_command_says_how_to_start_them(tmp_path, monkeypatch):
    monkeypatch.setenv("TURNOUT_DATA", str(tmp_path))
    result = CliRunner().invoke(cli, ["dead", "list"])
    assert result.exit_code == 1
    assert "turnout up" in result.output
