"""A platform that calls twice, at once, late or out of order: each act is one turn, in order, whichever replica is called."""

import asyncio
import time
from typing import Any

import nats
import pytest
import redis.asyncio as redis

from tests.bots.telegram_rig import SECRET
from tests.faults.edges.seen import Diary
from tests.faults.edges.town import Town, answered, town, until

HASTY = '[channels.telegram]\noverlap = "interrupt"\n'
SHORT_MEMORY = "[memory]\nhours = 0.0001\n"


def written(number: int, text: str, *, edit: bool = False, chat: int = 7) -> dict[str, Any]:
    """An update of Telegram's: a message, or its edit."""
    person = {"id": chat, "is_bot": False, "first_name": "Ann"}
    message = {"message_id": number, "chat": {"id": chat, "type": "private"}, "from": person, "date": int(time.time())}
    kind = "edited_message" if edit else "message"
    return {"update_id": number + 1000 * edit, kind: message | {"text": text}}


async def call(place: Town, *updates: dict[str, Any]) -> None:
    """Every call at once, as Telegram makes it; each must be taken."""
    headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
    client = place.front.client
    told = await asyncio.gather(*(client.post("/telegram/webhook", json=update, headers=headers) for update in updates))
    assert {answer.status_code for answer in told} == {200}


async def forget_ids(servers, *, seconds: float = 0.2) -> None:
    """Make the window in which the streams know an id again so short that it is over when this returns."""
    async with await nats.connect(servers.nats_url) as client:
        js = client.jetstream()
        for name in ("IN", "LOG", "SENT"):
            config = (await js.stream_info(name)).config
            config.duplicate_window = seconds
            await js.update_stream(config)
    await asyncio.sleep(2 * seconds)


@pytest.mark.parametrize("copies", [2, 50])
async def test_a_call_made_many_times_at_once_to_two_replicas_is_one_turn(servers, bus, store, tmp_path, copies) -> None:
    async with town(servers, tmp_path, channels="telegram,telegram,slack,slack") as place:
        diary = Diary(place)
        place.slack.copies = copies
        for number in range(3):
            token = diary.token()
            await call(place, *[written(number, f"about #{token}")] * copies)
            diary.say("telegram", "7", token)
            token = diary.token()
            place.slack.say("D1", "U1", f"about #{token}")
            await place.slack.settle()
            diary.say("slack", "D1", token)
        verdict = await diary.verdict(bus)
        assert verdict.clean, str(verdict)
        assert len(place.model.asked) == 6


async def test_an_edit_that_overtakes_its_original_is_noted_and_the_original_is_answered_once(
    servers, bus, store, tmp_path
) -> None:
    async with town(servers, tmp_path, channels="telegram,telegram") as place:
        diary = Diary(place)
        first, second = diary.token(), diary.token()
        await call(place, written(1, f"mended #{first}", edit=True))
        await call(place, written(2, f"about #{second}"))
        await call(place, *[written(1, f"about #{first}")] * 3)
        for token in (second, first):
            diary.say("telegram", "7", token)
        verdict = await diary.verdict(bus)
        assert verdict.clean, str(verdict)
        assert len(place.model.asked) == 2


@pytest.mark.parametrize("more", ["", SHORT_MEMORY], ids=["remembered", "forgotten"])
async def test_a_call_that_comes_again_when_the_streams_know_its_id_no_more_is_not_answered_again(
    servers, bus, store, tmp_path, more
) -> None:
    async with town(servers, tmp_path, channels="telegram,telegram", more=more) as place:
        diary = Diary(place)
        for number in range(2):
            token = diary.token()
            await call(place, written(number, f"about #{token}"))
            diary.say("telegram", "7", token)
        assert (await diary.verdict(bus)).clean
        await forget_ids(servers)
        await call(place, *[written(number, f"about #q{number + 1}") for number in range(2)])
        last = diary.token()
        await call(place, written(2, f"about #{last}"))
        diary.say("telegram", "7", last)
        verdict = await diary.verdict(bus)
        assert verdict.clean, str(verdict)
        assert [shown.text.count("‹") for shown in diary.shown()] == [2, 2, 2]


async def test_one_that_comes_again_is_known_though_memory_is_lost_and_the_conversation_forgotten(
    servers, bus, store, tmp_path
) -> None:
    async with town(servers, tmp_path, channels="telegram", more=SHORT_MEMORY) as place:
        diary = Diary(place)
        diary.say("telegram", "7", diary.token())
        await call(place, written(1, "about #q1"))
        assert (await diary.verdict(bus)).clean
    client = redis.from_url(servers.redis_url)
    await client.flushall()
    await client.aclose()
    async with town(servers, tmp_path, channels="telegram", more=SHORT_MEMORY) as place:
        await forget_ids(servers)
        await call(place, written(1, "about #q1"))
        diary = Diary(place)
        last = [diary.token(), diary.token()][1]
        await call(place, written(2, f"about #{last}"))
        diary.say("telegram", "7", last)
        verdict = await diary.verdict(bus)
        assert verdict.clean, str(verdict)


async def test_one_that_comes_again_does_not_join_the_answer_it_interrupts(servers, bus, store, tmp_path) -> None:
    async with town(servers, tmp_path, channels="telegram", more=HASTY) as place:
        diary = Diary(place)
        first, second = diary.token(), diary.token()
        await call(place, written(1, f"about #{first}"))
        diary.say("telegram", "7", first)
        assert (await diary.verdict(bus)).clean
        await forget_ids(servers)

        async def interrupted() -> None:
            await until(lambda: len(place.model.asked) == 2)
            await call(place, written(1, f"about #{first}"))

        place.model.pace = 0.1
        place.model.otherwise(answered)
        diary.say("telegram", "7", second)
        await asyncio.gather(call(place, written(2, f"about #{second}")), interrupted())
        verdict = await diary.verdict(bus)
        assert verdict.clean, str(verdict)
