"""What nobody can answer: given up after at most three tries, with its reason, said once; everybody else goes on."""

import asyncio

import pytest
from click.testing import CliRunner

from core import keys
from core.bus import Bus, so_far
from core.cli import cli
from core.dead import DeadEvent
from core.dialog.tracks import prompt
from core.dialog.turn import SORRY
from core.records import Event, decode, encode
from tests.faults.edges.seen import Diary
from tests.faults.edges.town import town, until

VALID = Event(id="x", channel="telegram", lane="l", text="hello")
NO_EVENTS = {
    "schema": b'{"id": 3, "channel": "telegram"}',
    "no JSON": b"{\x00",
    "no UTF-8": b'{"id": "\xff"}',
    "deep": b"[" * 200_000,
    "a megabyte": b'{"id": "' + b"x" * 2**20,
    "a lone surrogate": b'{"id": "\\ud800", "channel": "telegram", "lane": "l"}',
    "a later version": encode(VALID).replace(b'"id"', b'"v":99,"id"'),
}


@pytest.fixture
def boom(monkeypatch) -> set[str]:
    """Words that make the prompt track raise; empty it to mend the track."""
    words = {"poison"}
    answer = prompt.answer

    async def raises(ask, means, say):
        if any(word in ask.text for word in words):
            await say("Half of an answer")
            raise ZeroDivisionError("a bug in the track")
        return await answer(ask, means, say)

    monkeypatch.setattr(prompt, "answer", raises)
    return words


async def dead(bus: Bus) -> list[DeadEvent]:
    return [decode(DeadEvent, message.data) async for message in so_far(bus, "DEAD", "dead.>")]


async def turnout(servers, monkeypatch, *words: str) -> str:
    monkeypatch.setenv("NATS_URL", servers.nats_url)
    monkeypatch.setenv("REDIS_URL", servers.redis_url)
    result = await asyncio.to_thread(CliRunner().invoke, cli, ["dead", *words])
    assert result.exit_code == 0, result.output
    return result.output


async def test_a_question_that_breaks_its_track_is_given_up_said_once_and_answered_when_the_track_is_mended(
    servers, bus, store, tmp_path, boom, monkeypatch
) -> None:
    async with town(servers, tmp_path) as place:
        diary = Diary(place)
        talk = await diary.session()
        for number, word in enumerate(("fine", "poison", "fine again")):
            for channel, conversation in (("telegram", "7"), ("slack", "D1"), ("web", talk.session)):
                diary.say(channel, conversation, token := diary.token())
                text = f"{word} #{token}"
                if channel == "telegram":
                    place.telegram.say(7, text)
                elif channel == "slack":
                    place.slack.say("D1", "U1", text)
                    await place.slack.settle()
                else:
                    await talk.say(f"m{number}", text)
        verdict = await diary.verdict(bus)
        assert verdict.clean, str(verdict)
        assert [shown.text for shown in diary.shown() if "‹" not in shown.text] == [SORRY] * 3
        letters = await dead(bus)
        assert [(letter.tries, letter.reason) for letter in letters] == [(3, "ZeroDivisionError: a bug in the track")] * 3
        assert (await turnout(servers, monkeypatch, "list")).count("ZeroDivisionError") == 3
        boom.clear()
        assert (await turnout(servers, monkeypatch, "replay", "--all")).count(" replayed as ") == 3
        await until(lambda: any("‹q4 2/2›" in text for text in place.telegram.texts(7)))
        await until(lambda: any("‹q5 2/2›" in message.shown for message in place.slack.shown("D1")))


async def test_what_is_no_event_is_given_up_said_once_and_its_neighbours_in_the_lane_are_answered(
    servers, bus, store, tmp_path
) -> None:
    async with town(servers, tmp_path, channels="") as place:
        diary = Diary(place)
        talk = await diary.session()
        for number, (kind, junk) in enumerate({"": b"", **NO_EVENTS}.items()):
            if kind:
                last = await bus.last("IN", "in.web.*")
                assert last
                await bus.publish(last.subject, junk, id=kind)
                diary.say("web", talk.session, diary.token())
            diary.say("web", talk.session, token := diary.token())
            await talk.say(f"m{number}", f"about #{token}")
        verdict = await diary.verdict(bus)
        assert verdict.clean, str(verdict)
        assert verdict.honest == len(NO_EVENTS)
        letters = await dead(bus)
        assert [letter.raw for letter in letters] == list(NO_EVENTS.values())
        assert all(letter.tries <= 3 and "not a valid Event" in letter.reason for letter in letters)


async def test_a_message_of_a_megabyte_is_answered_and_the_next_one_too(servers, bus, store, tmp_path) -> None:
    async with town(servers, tmp_path) as place:
        diary = Diary(place)
        place.telegram.say(7, f"about #{(first := diary.token())}")
        diary.say("telegram", "7", first)
        assert (await diary.verdict(bus)).clean
        last = await bus.last("IN", "in.telegram.*")
        assert last
        event = decode(Event, last.data)
        huge = encode(Event(id="huge", channel="telegram", lane=event.lane, address=event.address, text="\x00 long " * 2**17))
        await bus.publish(keys.into("telegram", event.lane), huge, id="huge")
        diary.say("telegram", "7", "huge")
        place.telegram.say(7, f"about #{(token := diary.token())}")
        diary.say("telegram", "7", token)
        place.model.when(lambda asked: len(asked.question) > 2**17, lambda asked: "long words ‹huge 1/1›")
        verdict = await diary.verdict(bus)
        assert verdict.clean, str(verdict)
        assert verdict.honest == 0
