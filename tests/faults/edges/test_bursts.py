"""A person who writes faster than answers come: by every policy in order, never interleaved, each message in exactly one turn."""

import asyncio

import pytest

from core.bus import Bus, so_far
from core.records import Turn, decode
from tests.faults.edges.seen import Diary
from tests.faults.edges.town import Town, town, until

BURST = 5
CHANNELS = ("telegram", "slack", "web")


async def writes(place: Town, diary: Diary, channel: str) -> None:
    """A burst in one conversation, each message accepted before the next is written."""
    talk = await diary.session() if channel == "web" else None
    for number in range(BURST):
        token = diary.token()
        text = f"word {number} about #{token}"
        if talk is not None:
            await talk.say(token, text)
            diary.say("web", talk.session, token)
        elif channel == "telegram":
            place.telegram.say(7, text)
            await until(lambda: not place.telegram.pending)
            diary.say("telegram", "7", token)
        else:
            place.slack.say("D1", "U1", text)
            await place.slack.settle()
            diary.say("slack", "D1", token)


async def turns(bus: Bus) -> list[Turn]:
    return [decode(Turn, message.data) async for message in so_far(bus, "LOG", "log.>")]


@pytest.mark.parametrize(("overlap", "fewest", "most"), [("queue", 15, 15), ("merge", 3, 14), ("interrupt", 3, 14)])
async def test_a_burst_is_answered_in_order_and_each_message_once(servers, bus, store, tmp_path, overlap, fewest, most) -> None:
    policies = "".join(f'[channels.{channel}]\noverlap = "{overlap}"\n' for channel in CHANNELS)
    async with town(servers, tmp_path, more=policies) as place:
        place.model.gate.clear()
        diary = Diary(place)
        async with asyncio.TaskGroup() as people:
            for channel in CHANNELS:
                people.create_task(writes(place, diary, channel))
        place.model.gate.set()
        verdict = await diary.verdict(bus, joins=() if overlap == "queue" else CHANNELS)
        assert verdict.clean, str(verdict)
        assert verdict.honest == 0
        answered = [event for turn in await turns(bus) for event in turn.events]
        assert len(answered) == len(set(answered)) == BURST * len(CHANNELS)
        assert fewest <= len(await turns(bus)) <= most
