"""A preview is an ornament of one answer: it stands once, as long as that one is made, and costs no other answer anything."""

import asyncio

import pytest
from structlog.testing import capture_logs

from bots.kit.contract import Limits
from bots.kit.pace import BURST, Pace
from bots.kit.preview import TICK, Previews, Showing
from bots.kit.standing import Standing
from core import keys
from core.bus import Bus
from core.bus_memory import MemoryBus
from core.errors import Unavailable
from core.leases import MemoryLeases
from core.records import Live, Part, Turn, encode
from core.redis_store import RedisStore
from tests.bots.kit_rig import hosting, settled
from tests.fakes.platform import Toy

ADDRESS = {"to": "l1"}


def answer(id: str, text: str) -> Turn:
    return Turn(id=id, channel="toy", lane="l1", events=(id,), upto=1, parts=(Part(text=text),), address=ADDRESS)


def live(turn: str, text: str, n: int = 0) -> Live:
    return Live(turn=turn, n=n, text=text, address=ADDRESS)


def previews(toy: Toy, leases: MemoryLeases) -> Previews:
    return Previews(toy, leases, Pace(toy.manifest.limits), streams=lambda: True, standing=Standing(MemoryBus(), "toy"))


async def show(bus: Bus, toy: Toy, turn: str, text: str) -> None:
    """Live tokens, sent until the host, which may still be starting, shows them."""
    async with asyncio.timeout(45):
        while text not in toy.drawn:
            await bus.emit(keys.live("toy", "l1"), encode(live(turn, text)))
            await asyncio.sleep(0.05)


async def commit(bus: Bus, turn: Turn) -> None:
    await bus.publish(keys.log("toy", "l1"), encode(turn), id=turn.id)
    await settled(bus, turn)


async def test_the_preview_becomes_the_first_message_of_a_long_answer_and_the_others_stand_below(
    bus: Bus, store: RedisStore
) -> None:
    toy = Toy(frozenset({"stream"}))
    turn = answer("long", "one sentence here. " * 12)
    async with hosting(bus, store, toy):
        await show(bus, toy, "long", "one")
        await commit(bus, turn)
    assert toy.texts == [message.plain for message in toy.render(turn)]


async def test_tokens_that_come_after_their_answer_show_nothing_though_another_was_given_since(
    bus: Bus, store: RedisStore
) -> None:
    toy = Toy(frozenset({"stream"}))
    async with hosting(bus, store, toy):
        for turn in ("first", "second"):
            await show(bus, toy, turn, f"{turn} half")
            await commit(bus, answer(turn, f"{turn} whole"))
        await bus.emit(keys.live("toy", "l1"), encode(live("first", "late")))
        await show(bus, toy, "third", "third half")
        await commit(bus, answer("third", "third whole"))
    assert toy.texts == ["first whole", "second whole", "third whole"]


async def test_of_two_replicas_one_shows_the_preview() -> None:
    toy, leases = Toy(frozenset({"stream"})), MemoryLeases()
    replicas = [previews(toy, leases) for _ in range(2)]
    for one in replicas:
        one.hear("l1", live("t", "half"))
    await toy.wait(lambda: toy.drawn)
    await idle("preview-l1", leave=1)
    assert toy.texts == ["half …"]
    for one in replicas:
        async with one.handed_over("l1", "t"):
            pass


async def test_a_preview_that_another_replica_asks_for_is_handed_over_with_its_message_though_the_next_one_begins() -> None:
    toy, leases = Toy(frozenset({"stream"})), MemoryLeases()
    there, here = previews(toy, leases), previews(toy, leases)
    there.hear("l1", live("this", "half"))
    await toy.wait(lambda: toy.drawn)
    there.hear("l1", live("next", "more"))
    await asyncio.sleep(TICK / 2)  # out of step with the other replica: else who asks is served before the next one begins
    async with here.handed_over("l1", "this") as shown:
        assert shown == "1"
    async with there.handed_over("l1", "next"):
        pass


async def test_beside_what_a_dead_process_may_have_shown_no_second_preview_is_begun() -> None:
    toy, leases = Toy(frozenset({"stream"})), MemoryLeases()
    await leases.acquire(keys.lease("PREVIEW", "l1"), "a process that was killed", 0)
    here = previews(toy, leases)
    here.hear("l1", live("t", "half"))
    await idle("preview-l1", leave=0)
    assert toy.drawn == []


async def idle(name: str, *, leave: int) -> None:
    """Until only so many tasks of this name run."""
    async with asyncio.timeout(45):
        while len([task for task in asyncio.all_tasks() if task.get_name() == name]) > leave:
            await asyncio.sleep(0.01)


async def test_while_an_answer_goes_out_nobody_takes_up_the_preview_of_the_next() -> None:
    toy, leases = Toy(frozenset({"stream", "typing"})), MemoryLeases()
    here = previews(toy, leases)
    async with here.handed_over("l1", "this"):
        here.hear("l1", live("next", "half"))
        for _ in range(20):
            await asyncio.sleep(0)
        key = keys.lease("PREVIEW", "l1")
        assert await leases.acquire(key, "nobody else", 60)
        await leases.release(key, "nobody else", "over:this")
    await toy.wait(lambda: toy.drawn)
    async with here.handed_over("l1", "next"):
        assert toy.drawn == ["half"]


async def test_a_preview_that_fails_is_said_and_the_answer_comes_all_the_same(bus: Bus, store: RedisStore) -> None:
    class Breaks(Toy):
        async def show(self, piece, shown: str) -> str:
            self.drawn.append(piece.text)
            raise ZeroDivisionError("boom")

    toy = Breaks(frozenset({"stream"}))
    with capture_logs() as said:
        async with hosting(bus, store, toy):
            await show(bus, toy, "t", "half")
            await commit(bus, answer("t", "whole"))
    assert toy.texts == ["whole"]
    assert [line["error"] for line in said if line["event"] == "preview failed"] == ["boom"]


async def test_while_nobody_can_say_what_is_delivered_no_preview_is_shown() -> None:
    class Away(MemoryBus):
        async def last(self, stream: str, subject: str):
            raise Unavailable

    assert (await Standing(MemoryBus(), "toy").of("l1", "t1")).delivered
    assert not (await Standing(Away(), "toy").of("l1", "t1")).delivered


def test_text_behind_a_lost_token_is_left_out_until_the_answer_begins_anew() -> None:
    showing = Showing("t", {})
    seen = []
    for n, text in ((0, "one"), (1, " two"), (3, " four"), (2, " three"), (4, " five"), (0, "anew"), (1, " again")):
        showing.hear(live("t", text, n))
        seen.append(showing.text)
    assert seen == ["one", "one two", "one two", "one two", "one two", "anew", "anew again"]


@pytest.mark.parametrize("lanes", [["a"] * 8, list("abcdefgh")], ids=["one lane", "many lanes"])
async def test_no_more_is_sent_than_the_platform_allows(lanes: list[str]) -> None:
    now, sent = [0.0], []

    async def sleep(seconds: float) -> None:
        now[0] += seconds

    limits = Limits(text=80, per_second=10.0, lane_every=1.0)
    pace = Pace(limits, clock=lambda: now[0], sleep=sleep)
    for lane in lanes:
        await pace.turn(lane)
        sent.append(now[0])
    assert sent[-1] >= (len(sent) - BURST if len(set(lanes)) == 1 else (len(sent) - 3) / limits.per_second)
