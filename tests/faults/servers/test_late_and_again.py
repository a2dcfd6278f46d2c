"""What comes late or comes again: an acknowledgement, a commit, a call to Redis, an act of a person."""

import asyncio
import time

import pytest
import redis.asyncio as redis

from core import keys, redis_store
from core.bus import Bus
from core.dialog.recall import Recall
from core.dialog.service import LINE as DIALOG
from core.errors import Conflict, StoreUnavailable
from core.lane import Lane
from core.memory import LocalMemory
from core.records import Part, Turn, encode
from tests.core.lane_world import LINE, Done, World
from tests.core.turn_world import CountsWords
from tests.fakes.proxy import Proxy

HOUR = 3600


@pytest.fixture
def world(bus: Bus) -> World:
    """Lanes on a real server."""
    world = World()
    world.bus = bus
    return world


async def test_the_commit_of_a_stalled_worker_is_refused_though_its_id_is_new(bus: Bus) -> None:
    """Its successor answered both messages together, under another id: no duplicate window would notice."""
    stalled, successor = (Lane(bus, LINE, "web", "a", keys.into("web", "a")) for _ in range(2))
    for lane in (stalled, successor):
        await lane.look()
    await successor.commit(encode(Done(upto=2, text="both")), id="first", upto=2)
    with pytest.raises(Conflict):
        await stalled.commit(encode(Done(upto=2, text="second alone")), id="second", upto=2)
    last = await bus.last("LOG", keys.log("web", "a"))
    assert last is not None
    assert last.seq == 1, "a second answer stands in the log"


async def test_a_late_acknowledgement_takes_no_message_from_under_a_successor(world: World) -> None:
    """The stalled worker acknowledges what it never answered; its message is answered all the same, and before the next."""
    async with world.bus.consume("IN", "dialog", "in.>") as deliveries, asyncio.timeout(45):
        await world.say("a", "1")
        await (await anext(deliveries)).ack()
    await world.say("a", "2")
    async with world.worker():
        assert await world.until("a", 2) == ["1", "2"]


async def test_a_call_whose_connection_breaks_is_made_once(private, monkeypatch) -> None:
    """The client's own three retries would have made one push three entries."""
    monkeypatch.setattr(redis_store, "ANSWER", 60)
    server = await private.valkey()
    async with (
        Proxy("127.0.0.1", server.port).listening() as proxy,
        redis_store.connect(f"redis://127.0.0.1:{proxy.port}") as store,
        redis.from_url(server.url) as direct,
    ):
        await store.leases.acquire("warm", "one", 30)
        before = await calls(direct)
        proxy.deaf = True
        asking = asyncio.create_task(store.leases.acquire("lane", "one", 30))
        async with asyncio.timeout(45):
            while await calls(direct) == before:
                await asyncio.sleep(0.01)
        proxy.cut()
        with pytest.raises(StoreUnavailable):
            await asking
        assert await calls(direct) == before + 1, "the call was repeated by the client"
        assert proxy.begun == 1, "the client connected again by itself"


async def calls(direct: redis.Redis) -> int:
    return int((await direct.info("commandstats")).get("cmdstat_evalsha", {"calls": 0})["calls"])


@pytest.mark.parametrize(("hours_ago", "known"), [(1, True), (30, True), (50, False)])
async def test_an_act_that_comes_again_within_two_days_is_known_though_redis_lost_all_and_the_channel_forgets_sooner(
    bus: Bus, hours_ago: int, known: bool
) -> None:
    """Telegram repeats a webhook for a day; the duplicate window is ten minutes, and this channel remembers half an hour."""
    turn = Turn(id="x", channel="web", lane="a", events=("x",), upto=1, asked="hello", at=time.time() - hours_ago * HOUR)
    await bus.publish(keys.log("web", "a"), encode(turn), id="x", last=0)
    lane = Lane(bus, DIALOG, "web", "a", keys.into("web", "a"), at=1)
    conversation, _ = await Recall(bus, LocalMemory(), CountsWords()).load(lane, ttl=HOUR / 2)
    assert ("x" in conversation.seen) == known
    assert conversation.exchanges == (), "what was said is forgotten in its time"


async def test_what_is_rebuilt_knows_old_acts_and_remembers_only_new_words(bus: Bus) -> None:
    for place, (id, hours_ago) in enumerate([("old", 30), ("new", 0)]):
        turn = Turn(
            id=id,
            channel="web",
            lane="a",
            events=(id,),
            upto=place + 1,
            prev=place,
            asked=f"{id} question",
            parts=(Part(text="answer"),),
            at=time.time() - hours_ago * HOUR,
        )
        await bus.publish(keys.log("web", "a"), encode(turn), id=id, last=place)
    lane = Lane(bus, DIALOG, "web", "a", keys.into("web", "a"), at=2)
    conversation, source = await Recall(bus, LocalMemory(), CountsWords()).load(lane, ttl=HOUR)
    assert (source, conversation.at, conversation.seen) == ("log", 2, ("old", "new"))
    assert [exchange.asked for exchange in conversation.exchanges] == ["new question"]
