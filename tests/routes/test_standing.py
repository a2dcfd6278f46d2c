"""Which version of the routes a conversation follows, and that a core keeps up with them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace
from nats.aio.client import Client

from core import bus_nats, keys
from core.bus_memory import MemoryBus
from core.errors import Conflict
from core.policy.routes import Evidence, Route, Routes
from core.records import encode
from core.routes import versions
from core.routes.standing import Standing, drawn

LANES = [f"lane{n}" for n in range(4000)]
MEASURED = Evidence(
    run="r1", at=0.0, kind="better", default="rag", challenger="tuned", cases=312, difference=0.1, low=0.05, high=0.2, why=""
)
NEW = (Route(intent="returns", tracks=("tuned", "rag"), evidence=MEASURED),)
KNOWN = ("rag", "prompt", "tuned")


@asynccontextmanager
async def followed(bus) -> AsyncIterator[Standing]:
    standing = Standing()
    task = asyncio.create_task(standing.follow(bus, lambda: None))
    try:
        yield standing
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def stands_at(standing: Standing, number: int) -> None:
    async with asyncio.timeout(30):
        while standing.now.number != number:
            await asyncio.sleep(0.01)


def share(standing: Standing) -> float:
    return sum(standing.of(lane) is standing.now for lane in LANES) / len(LANES)


def take(standing: Standing, intent: str = "returns", lane: str = "a", known=KNOWN):
    return standing.take(lane, intent, ("rag", "prompt"), known=known)


def test_without_versions_the_file_counts_and_is_called_an_opinion() -> None:
    taken = take(Standing())
    assert (taken.tracks, taken.version) == (("rag", "prompt"), 0)
    assert taken.why == "route rag → prompt by the assistant file, an opinion"


@pytest.mark.parametrize(
    ("more", "end"), [(133, ", about 133 more would tell"), (0, ", more are not worth asking"), (None, "")]
)
def test_what_cannot_be_told_says_whether_more_cases_would_tell(more: int | None, end: str) -> None:
    untold = replace(NEW[0], evidence=replace(MEASURED, kind="cannot_tell", more=more))
    taken = take(Standing(Routes(number=7, routes=(untold,))))
    assert taken.why == f"route tuned → rag by routes 7, not told apart on 312 cases{end}"


def test_a_version_in_full_force_counts_for_its_intents_and_says_what_it_rests_on() -> None:
    standing = Standing(Routes(number=7, routes=NEW))
    taken = take(standing)
    assert (taken.tracks, taken.version) == (("tuned", "rag"), 7)
    assert taken.why == "route tuned → rag by routes 7, measured on 312 cases"
    assert take(standing, "shipping").tracks == ("rag", "prompt")


def test_canaries_are_a_share_of_conversations_that_only_grows() -> None:
    five = Standing(Routes(number=8, routes=NEW, stage="canary", share=0.05, before=7, began=8), Routes(number=7))
    more = Standing(Routes(number=9, routes=NEW, stage="canary", share=0.25, before=7, began=8), Routes(number=7))
    assert share(five) == pytest.approx(0.05, abs=0.015)
    assert share(more) == pytest.approx(0.25, abs=0.03)
    assert all(drawn(lane, more.now) for lane in LANES if drawn(lane, five.now))
    lucky = next(lane for lane in LANES if drawn(lane, five.now))
    other = next(lane for lane in LANES if not drawn(lane, more.now))
    assert take(five, lane=lucky).why == "route tuned → rag by routes 8 (canary), measured on 312 cases"
    assert (take(five, lane=other).version, take(five, lane=other).tracks) == (7, ("rag", "prompt"))


def test_another_roll_out_draws_others() -> None:
    first, second = (Routes(number=n, stage="canary", share=0.05, began=n) for n in (3, 5))
    twice = sum(drawn(lane, first) and drawn(lane, second) for lane in LANES)
    assert twice < 0.01 * len(LANES)


def test_in_shadow_nobody_follows_it() -> None:
    assert share(Standing(Routes(number=8, routes=NEW, stage="shadow", share=1.0, began=8))) == 0


def test_a_route_to_a_track_that_is_gone_is_left_to_the_file_and_says_so() -> None:
    taken = take(Standing(Routes(number=7, routes=NEW)), known=("rag", "prompt"))
    assert taken.tracks == ("rag", "prompt")
    assert "routes 7 names tuned, which is no track now" in taken.why


@pytest.fixture(params=["nats", "memory"])
async def any_bus(request, servers, no_streams):
    if request.param == "memory":
        yield MemoryBus()
        return
    async with bus_nats.connect(servers.nats_url) as bus:
        yield bus


async def test_versions_are_numbered_kept_and_followed_live(any_bus) -> None:
    async with followed(any_bus) as standing:
        await versions.add(any_bus, Routes(number=0, routes=NEW), after=0)
        await stands_at(standing, 1)
        await versions.add(any_bus, Routes(number=0, stage="canary", share=0.5, before=1, began=2), after=1)
        await stands_at(standing, 2)
        assert standing.before.routes == NEW
        assert [one.number for one in await versions.every(any_bus)] == [1, 2]
        assert (await versions.read(any_bus, 1)).routes == NEW


async def test_of_many_who_make_a_version_one_wins(any_bus) -> None:
    made = [versions.add(any_bus, Routes(number=0, by=str(n)), after=0) for n in range(8)]
    results = await asyncio.gather(*made, return_exceptions=True)
    assert sum(isinstance(result, Routes) for result in results) == 1
    assert sum(isinstance(result, Conflict) for result in results) == 7
    with pytest.raises(Conflict, match="someone else made version 1"):
        await versions.add(any_bus, Routes(number=0), after=0)


async def test_a_version_that_cannot_be_read_leaves_the_last_one_in_force(any_bus) -> None:
    async with followed(any_bus) as standing:
        await versions.add(any_bus, Routes(number=0, routes=NEW), after=0)
        await stands_at(standing, 1)
        await any_bus.publish(keys.routes(2), b'{"v":99,"number":2}', id="newer", last=0)
        await any_bus.publish(keys.routes(3), encode(Routes(number=3)), id="next", last=0)
        await stands_at(standing, 3)


async def test_versions_outlive_the_server_and_the_last_one_counts_meanwhile(private) -> None:
    server = await private.nats()
    async with bus_nats.connect(server.url) as bus, followed(bus) as standing:
        await versions.add(bus, Routes(number=0, routes=NEW), after=0)
        await stands_at(standing, 1)
        await server.kill()
        assert take(standing).version == 1
        await server.launch()
        async with asyncio.timeout(60):
            while True:
                try:
                    assert [one.number for one in await versions.every(bus)] == [1]
                    await versions.add(bus, Routes(number=0, before=1), after=1)
                    break
                except bus_nats.bus.Unavailable:
                    await asyncio.sleep(0.1)
        await stands_at(standing, 2)


async def test_the_bucket_is_one_of_nats_own(servers, bus) -> None:
    await versions.add(bus, Routes(number=0, note="hello"), after=0)
    client = Client()
    await client.connect(servers.nats_url)
    try:
        bucket = await client.jetstream().key_value("turnout")
        assert b"hello" in ((await bucket.get("routes.1")).value or b"")
    finally:
        await client.close()
