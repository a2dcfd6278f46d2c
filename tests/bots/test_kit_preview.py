"""What is shown while an answer is made, and that it ends exactly when the answer goes out."""

import asyncio
import time
from types import SimpleNamespace

import pytest
from msgspec.structs import replace

from bots.kit.contract import Piece
from bots.kit.pace import Pace
from bots.kit.preview import UNKNOWN, Previews
from bots.kit.standing import Standing
from core import keys
from core.assistant import ChannelPolicy
from core.bus import Bus
from core.errors import RateLimited, StoreUnavailable
from core.leases import MemoryLeases
from core.records import Live, Part, Turn, encode
from core.redis_store import RedisStore
from tests.bots.kit_rig import commit, hosting, receipt, settled
from tests.fakes.platform import Toy


async def test_the_preview_becomes_the_answer(bus: Bus, store: RedisStore) -> None:
    toy = Toy(frozenset({"stream", "typing"}))
    async with hosting(bus, store, toy):
        await say(bus, toy, "t-live", "half an")
        await bus.publish(keys.log("toy", "l1"), encode(answer("t-live", "half an answer")), id="t-live")
        await settled(bus, answer("t-live", ""))
    assert toy.shown == {"1": "half an answer"}


async def test_the_preview_of_another_replica_becomes_the_answer_too(bus: Bus, store: RedisStore) -> None:
    toy = Toy(frozenset({"stream"}))
    pace = Pace(toy.manifest.limits)
    elsewhere = Previews(toy, store.leases, pace, streams=lambda: True, standing=Standing(bus, "toy"))
    elsewhere.hear("l1", Live(turn="t-far", n=0, text="half an", address={"to": "l1"}))
    await toy.wait(lambda: toy.drawn)
    await bus.publish(keys.log("toy", "l1"), encode(answer("t-far", "half an answer")), id="t-far")
    async with hosting(bus, store, toy):
        await settled(bus, answer("t-far", ""))
        elsewhere.hear("l1", Live(turn="t-far", n=1, text=" too late", address={"to": "l1"}))
        async with asyncio.timeout(45):
            while any(task.get_name() == "leftover-l1" for task in asyncio.all_tasks()):
                await asyncio.sleep(0.05)
        await settled(bus, await commit(bus, "next"))
    assert toy.texts == ["half an answer", "next"]
    assert toy.withdrawn == [], "the platform was asked about what the receipts tell"


async def test_the_preview_of_another_replica_becomes_the_answer_though_the_next_turn_is_on_its_way_there(
    bus: Bus, store: RedisStore
) -> None:
    toy = Toy(frozenset({"stream", "typing"}))
    elsewhere = Previews(toy, store.leases, Pace(toy.manifest.limits), streams=lambda: True, standing=Standing(bus, "toy"))
    elsewhere.hear("l1", Live(turn="t-far", n=0, text="half an", address={"to": "l1"}))
    await toy.wait(lambda: toy.drawn)
    await bus.publish(keys.log("toy", "l1"), encode(answer("t-far", "half an answer")), id="t-far")
    elsewhere.hear("l1", Live(turn="t-soon", n=0, state="working", address={"to": "l1"}))
    async with hosting(bus, store, toy):
        await settled(bus, answer("t-far", ""))
    async with elsewhere.handed_over("l1", "t-soon"):
        assert toy.texts == ["half an answer"]


async def test_a_preview_that_a_dead_process_left_becomes_the_answer(bus: Bus, store: RedisStore) -> None:
    toy, lease = Toy(frozenset({"stream"})), keys.lease("PREVIEW", "l1")
    await toy.show(Piece(turn="t-dead", text="half an", address={}), "")
    await store.leases.acquire(lease, "a process that was killed", 0.1)
    await bus.publish(keys.log("toy", "l1"), encode(answer("t-dead", "half an answer")), id="t-dead")
    async with hosting(bus, store, toy):
        await settled(bus, answer("t-dead", ""))
    assert toy.texts == ["half an answer"]


@pytest.mark.parametrize("trouble", ["forgets", "is away"])
async def test_a_preview_that_the_store_cannot_hand_over_goes_once_the_answer_is_out(
    trouble: str, bus: Bus, store: RedisStore
) -> None:
    toy, leases = Toy(frozenset({"stream"})), Shaky()
    elsewhere = Previews(toy, leases, Pace(toy.manifest.limits), streams=lambda: True, standing=Standing(bus, "toy"))
    elsewhere.hear("l1", Live(turn="t-left", n=0, text="half an", address={"to": "l1"}))
    await toy.wait(lambda: toy.drawn)
    leases.away = trouble == "is away"
    leases.inner = MemoryLeases()
    async with hosting(bus, store, toy):
        await bus.publish(keys.log("toy", "l1"), encode(answer("t-left", "half an answer")), id="t-left")
        await settled(bus, answer("t-left", ""))
        elsewhere.hear("l1", Live(turn="t-left", n=1, text=" answer", address={"to": "l1"}))
        await toy.wait(lambda: len(toy.shown) == 1)
    assert toy.texts == ["half an answer"]
    assert toy.drawn == ["half an"]


async def test_a_preview_goes_once_the_answer_was_delivered_by_a_process_that_cannot_reach_the_store(bus: Bus) -> None:
    toy, near, far = Toy(frozenset({"stream"})), Shaky(), Shaky()
    elsewhere = Previews(toy, near, Pace(toy.manifest.limits), streams=lambda: True, standing=Standing(bus, "toy"))
    elsewhere.hear("l1", Live(turn="t-cut", n=0, text="half an", address={"to": "l1"}))
    await toy.wait(lambda: toy.drawn)
    far.away = True
    toy.previews.clear()  # nor does the platform find it
    async with hosting(bus, SimpleNamespace(leases=far), toy):
        await bus.publish(keys.log("toy", "l1"), encode(answer("t-cut", "half an answer")), id="t-cut")
        await settled(bus, answer("t-cut", ""))
        toy.faults.append(RateLimited("not now", after=0.1))
        await toy.wait(lambda: len(toy.shown) == 1)
    assert toy.texts == ["half an answer"]


async def test_a_preview_goes_where_who_asked_for_it_gave_up_before_it_was_handed_over(bus: Bus, store: RedisStore) -> None:
    toy, near, far = Toy(frozenset({"stream"})), MemoryLeases(), Shaky()
    elsewhere = Previews(toy, near, Pace(toy.manifest.limits), streams=lambda: True, standing=Standing(bus, "toy"))
    elsewhere.hear("l1", Live(turn="t-asked", n=0, text="half an", address={"to": "l1"}))
    await toy.wait(lambda: toy.drawn)
    assert await near.acquire(keys.lease("PREVIEW", "l1"), "who gives up", 6.0) is None
    async with asyncio.timeout(45):
        while await near.acquire(keys.lease("PREVIEW", "l1"), "who looks", 0.01) is None:
            await asyncio.sleep(0.05)
    await near.release(keys.lease("PREVIEW", "l1"), "who looks", "t-asked:1")
    far.away = True
    toy.previews.clear()  # nor does the platform find it
    async with hosting(bus, SimpleNamespace(leases=far), toy):
        await bus.publish(keys.log("toy", "l1"), encode(answer("t-asked", "half an answer")), id="t-asked")
        await settled(bus, answer("t-asked", ""))
        await toy.wait(lambda: len(toy.shown) == 1)
    assert toy.texts == ["half an answer"]


async def test_a_preview_goes_though_the_next_answers_have_told_the_store_more_since(bus: Bus, store: RedisStore) -> None:
    """Found by simulation (200677): the store forgot the note, and what later turns left was taken for somebody who had it."""
    toy, leases = Toy(frozenset({"stream"})), Shaky()
    elsewhere = Previews(toy, leases, Pace(toy.manifest.limits), streams=lambda: True, standing=Standing(bus, "toy"))
    elsewhere.hear("l1", Live(turn="t-left", n=0, text="half an", address={"to": "l1"}))
    await toy.wait(lambda: toy.drawn)
    assert await leases.acquire(keys.lease("PREVIEW", "l1"), "who asks", 6.0) is None
    async with asyncio.timeout(45):
        while await leases.acquire(keys.lease("PREVIEW", "l1"), "who asks", 6.0) is None:
            await asyncio.sleep(0.05)
    leases.inner = MemoryLeases()
    await leases.acquire(keys.lease("PREVIEW", "l1"), "a later delivery", 6.0)
    await leases.release(keys.lease("PREVIEW", "l1"), "a later delivery", "over:t-next")
    toy.previews.clear()  # nor does the platform find it
    async with hosting(bus, SimpleNamespace(leases=MemoryLeases()), toy):
        await bus.publish(keys.log("toy", "l1"), encode(answer("t-left", "half an answer")), id="t-left")
        await settled(bus, answer("t-left", ""))
        await toy.wait(lambda: len(toy.shown) == 1)
    assert toy.texts == ["half an answer"]


class Shaky:
    """Leases of a store that may be away, or be exchanged for one that knows nothing."""

    def __init__(self) -> None:
        self.inner, self.away = MemoryLeases(), False

    def __getattr__(self, name: str):
        if self.away:
            raise StoreUnavailable
        return getattr(self.inner, name)


async def test_where_a_preview_of_a_dead_process_stands_no_second_one_is_shown(bus: Bus, store: RedisStore) -> None:
    toy, lease = Toy(frozenset({"stream"})), keys.lease("PREVIEW", "l1")
    await toy.show(Piece(turn="t-anew", text="half an", address={}), "")
    await store.leases.acquire(lease, "a process that was killed", 0.1)
    await asyncio.sleep(0.2)
    previews = Previews(toy, store.leases, Pace(toy.manifest.limits), streams=lambda: True, standing=Standing(bus, "toy"))
    previews.hear("l1", Live(turn="t-anew", n=0, text="another half", address={"to": "l1"}))
    async with previews.handed_over("l1", "t-anew") as shown:
        assert shown == UNKNOWN
    assert toy.texts == ["half an …"]


async def test_who_slept_shows_nothing_of_answers_that_went_out_meanwhile(bus: Bus, store: RedisStore) -> None:
    toy, prev, now = Toy(frozenset({"stream"})), 0, time.time()
    async with hosting(bus, store, toy):
        for text in ("one", "two"):
            turn = replace(answer(f"t-{text}", text), prev=prev, at=now)
            prev = (await bus.publish(keys.log("toy", "l1"), encode(turn), id=turn.id)).seq
            await settled(bus, turn)
    woken = Previews(toy, store.leases, Pace(toy.manifest.limits), streams=lambda: True, standing=Standing(bus, "toy"))
    for text in ("one", "two", "three"):
        woken.hear("l1", Live(turn=f"t-{text}", n=0, text=text, address={"to": "l1"}))
    await toy.wait(lambda: len(toy.shown) > 2)
    async with woken.handed_over("l1", "t-three"):
        assert toy.texts == ["one", "two", "three …"]


async def test_a_preview_of_the_next_turn_waits_for_this_answer(bus: Bus, store: RedisStore) -> None:
    toy = Toy(frozenset({"stream"}))
    toy.gate.clear()
    async with hosting(bus, store, toy):
        turn = await commit(bus, "answer")
        async with asyncio.timeout(45):
            while await receipt(bus) is None:
                await asyncio.sleep(0.01)
        await bus.emit(keys.live("toy", "l1"), encode(Live(turn="t-next", n=0, text="next", address={"to": "l1"})))
        await asyncio.sleep(0.3)
        assert toy.texts == []
        toy.gate.set()
        await settled(bus, turn)
        await toy.wait(lambda: len(toy.shown) == 2)
    assert toy.texts == ["answer", "next …"]


async def test_without_streaming_by_policy_only_the_typing_sign_is_shown(bus: Bus, store: RedisStore) -> None:
    toy = Toy(frozenset({"stream", "typing"}))
    async with hosting(bus, store, toy, ChannelPolicy(stream=False)):
        await say(bus, toy, "t-quiet", "half an", until_drawn=False)
        await toy.wait(lambda: toy.typed)
    assert toy.drawn == []


async def test_a_preview_never_stands_before_an_earlier_answer_that_waits_to_be_delivered(bus: Bus, store: RedisStore) -> None:
    toy = Toy(frozenset({"stream", "typing"}))
    line, killed = keys.lease("LOG", "l1"), "a process that was killed"
    await store.leases.acquire(line, killed, 60)
    async with hosting(bus, store, toy):
        turn = await commit(bus, "answer")
        await say(bus, toy, "t-after", "next", until_drawn=False)
        assert toy.drawn == []
        while not await store.leases.release(line, killed, "0:0"):
            pass
        await settled(bus, turn)
        await settled(bus, await commit(bus, "next answer"))
    assert toy.texts == ["answer", "next answer"]


async def test_a_preview_with_a_hole_shows_no_more_until_it_starts_anew(bus: Bus, store: RedisStore) -> None:
    toy = Toy(frozenset({"stream"}))
    previews = Previews(toy, store.leases, Pace(toy.manifest.limits), streams=lambda: True, standing=Standing(bus, "toy"))
    for n, text in ((0, "one"), (2, " three"), (3, " four"), (0, "anew")):
        previews.hear("l1", Live(turn="t-hole", n=n, text=text, address={}))
        await toy.wait(lambda: toy.drawn)
    await toy.wait(lambda: toy.drawn[-1] == "anew")
    async with previews.handed_over("l1", "t-hole"):
        assert toy.drawn == ["one", "anew"]


async def test_a_channel_that_shows_no_previews_spends_nothing_on_them(bus: Bus) -> None:
    toy, leases = Toy(), MemoryLeases()
    previews = Previews(toy, leases, Pace(toy.manifest.limits), streams=lambda: True, standing=Standing(bus, "toy"))
    previews.hear("l1", Live(turn="t-none", n=0, text="half an", address={}))
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "preview-l1"]


def answer(id: str, text: str) -> Turn:
    return Turn(id=id, channel="toy", lane="l1", events=(id,), upto=1, parts=(Part(text=text),), address={"to": "l1"})


async def say(bus: Bus, toy: Toy, turn: str, text: str, *, until_drawn: bool = True) -> None:
    """Live tokens, sent until the host (which may still be starting) has heard them."""
    async with asyncio.timeout(45):
        while not (toy.drawn or toy.typed):
            await bus.emit(keys.live("toy", "l1"), encode(Live(turn=turn, n=0, text=text, address={"to": "l1"})))
            await asyncio.sleep(0.1)
    if until_drawn:
        await toy.wait(lambda: toy.drawn)
