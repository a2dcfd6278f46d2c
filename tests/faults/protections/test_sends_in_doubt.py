"""Doubt about a send ends where it should: it covers one message, survives a crash, and is not raised without a reason."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bots.kit import delivery
from bots.kit.contract import REPEAT
from bots.kit.delivery import Delivery
from bots.kit.pace import Pace
from bots.kit.preview import Previews
from bots.kit.service import line
from bots.kit.standing import Standing
from core import keys
from core.assistant import ChannelPolicy
from core.bus import Ack, Bus
from core.errors import Ambiguous, RateLimited, Refused, Unavailable
from core.lanes import Lanes
from core.records import Receipt, decode, encode
from core.redis_store import RedisStore
from tests.bots.kit_rig import commit, hosting, receipt, settled, until
from tests.fakes.platform import Toy


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The intent of a dead process is in doubt at once, not when it is old."""
    monkeypatch.setattr(delivery, "QUIET", 0.0)


@asynccontextmanager
async def killed_at_the_end(bus: Bus, store: RedisStore, toy: Toy, name: str = "one") -> AsyncIterator[None]:
    """Deliver as the host does, without a grace for what is in flight when the block ends."""
    pace = Pace(toy.manifest.limits)
    previews = Previews(toy, store.leases, pace, streams=lambda: True, standing=Standing(bus, "toy"))
    work = Delivery(toy, ChannelPolicy, pace, previews, name=name)
    lanes = Lanes(bus, store.leases, line("toy"), work=work.work, give_up=work.give_up, grace=0.0)
    task = asyncio.create_task(lanes.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_of_a_long_answer_cut_off_by_a_crash_only_the_message_in_flight_is_a_repeat(bus: Bus, store: RedisStore) -> None:
    toy = Toy()
    turn = await commit(bus, "one sentence here. " * 12)
    messages = toy.render(turn)
    await toy.deliver(messages[0])
    intent = Receipt(turn=turn.id, upto=1, state="intent", part=1, native=("1",))
    await bus.publish(keys.sent("toy", "l1"), encode(intent), id="intent")
    async with hosting(bus, store, toy):
        await settled(bus, turn)
    first, second, *rest = [message.plain for message in messages]
    assert rest
    assert toy.texts == [first, f"{REPEAT}{second}", *rest]


async def test_an_intent_from_a_clock_that_runs_ahead_holds_its_lane_up_for_a_moment_only(
    bus: Bus, store: RedisStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "QUIET", 0.5)
    toy = Toy(frozenset({"reconcile"}))
    turn = await commit(bus, "answer")
    intent = Receipt(turn=turn.id, upto=1, state="intent", by="another", at=time.time() + 3600)
    await bus.publish(keys.sent("toy", "l1"), encode(intent), id="intent")
    async with killed_at_the_end(bus, store, toy), asyncio.timeout(45):
        await settled(bus, turn)
    assert toy.texts == ["answer"]


async def test_a_send_on_which_our_own_code_fails_is_in_doubt(bus: Bus, store: RedisStore) -> None:
    toy = Toy()
    toy.faults.append(ZeroDivisionError("boom"))
    async with killed_at_the_end(bus, store, toy):
        await settled(bus, await commit(bus, "answer"))
    assert toy.texts == [f"{REPEAT}answer"]


async def test_a_process_killed_in_the_marked_repeat_sends_nothing_a_third_time(bus: Bus, store: RedisStore) -> None:
    toy = Toy()
    toy.faults.append(Ambiguous("reply lost"))
    turn = await commit(bus, "answer")
    async with killed_at_the_end(bus, store, toy):
        await toy.wait(lambda: toy.texts == ["answer"])
        toy.gate.clear()
        await toy.wait(lambda: toy.sending == 2)
    toy.gate.set()
    async with killed_at_the_end(bus, store, toy, "its successor"):
        last = await settled(bus, turn)
    assert toy.texts == ["answer"]
    assert "may not have arrived" in last.why


async def test_what_may_not_have_arrived_is_told_by_whoever_finishes_the_turn(bus: Bus, store: RedisStore) -> None:
    toy = Toy()
    turn = await commit(bus, "one sentence here. " * 12)
    messages = toy.render(turn)
    for place, message in enumerate(messages[1:], 1):
        intent = Receipt(turn=turn.id, upto=1, state="intent", by="another", part=place, native=("",) + ("n",) * (place - 1))
        await bus.publish(keys.sent("toy", "l1"), encode(intent), id=f"intent {message.id}")
    async with hosting(bus, store, toy):
        last = await settled(bus, turn)
    assert last.why == f"{messages[0].id} may not have arrived"


async def test_a_repeat_that_is_sent_in_a_plainer_form_is_marked_all_the_same(bus: Bus, store: RedisStore) -> None:
    toy = Toy()
    toy.faults.extend([Ambiguous("reply lost"), Refused("can't parse")])
    async with hosting(bus, store, toy):
        await settled(bus, await commit(bus, "answer"))
    assert toy.texts == ["answer", f"{REPEAT}answer"]


async def test_a_repeat_that_has_to_wait_is_no_first_send_after_a_restart(bus: Bus, store: RedisStore) -> None:
    toy = Toy()
    toy.faults.extend([Ambiguous("reply lost"), RateLimited(after=600)])
    turn = await commit(bus, "answer")
    async with killed_at_the_end(bus, store, toy):
        await toy.wait(lambda: toy.sending == 2)
        await until(lambda: not toy.faults)
        await settled(bus, await commit(bus, "a neighbour", "l2"))
    async with killed_at_the_end(bus, store, toy, "its successor"):
        await settled(bus, turn)
    assert toy.texts == ["answer", "a neighbour"]


async def test_a_platform_that_asks_for_ten_minutes_gets_them(bus: Bus, store: RedisStore) -> None:
    toy = Toy()
    toy.faults.append(RateLimited(after=600))
    async with killed_at_the_end(bus, store, toy):
        await commit(bus, "too early", "l1")
        await until(lambda: not toy.faults)
        for n in range(5):
            await settled(bus, await commit(bus, str(n), "l2"))
        assert toy.texts == [str(n) for n in range(5)]
        waiting = await receipt(bus, "l1")
    assert waiting is not None
    assert waiting.state == "sent", "nothing of it is in flight"


async def test_an_intent_whose_own_reply_was_lost_raises_no_doubt(bus: Bus, store: RedisStore) -> None:
    class LosesReplies:
        lost = 0

        def __getattr__(self, name: str):
            return getattr(bus, name)

        async def publish(self, subject: str, data: bytes, *, id: str, last: int | None = None) -> Ack:
            ack = await bus.publish(subject, data, id=id, last=last)
            if subject.startswith("sent.") and not ack.duplicate:
                self.lost += 1
                raise Unavailable("the reply was lost")
            return ack

    toy, lossy = Toy(), LosesReplies()
    async with hosting(lossy, store, toy):
        await settled(bus, await commit(bus, "answer"))
    assert lossy.lost == 2, "the intent's and the receipt's"
    assert toy.texts == ["answer"]
    assert toy.sending == 1


async def test_a_long_answer_of_a_replica_that_was_overtaken_stops_before_its_next_message(bus: Bus, store: RedisStore) -> None:
    toy = Toy()
    toy.gate.clear()
    turn = await commit(bus, "one sentence here. " * 12)
    async with hosting(bus, store, toy):
        await toy.wait(lambda: toy.sending == 1)
        at = await bus.last("SENT", keys.sent("toy", "l1"))
        assert at is not None
        done = Receipt(turn=turn.id, upto=1, state="done", by="another", native=("1", "2", "3", "4"))
        await bus.publish(keys.sent("toy", "l1"), encode(done), id="done", last=at.seq)
        toy.gate.set()
        await settled(bus, await commit(bus, "next"))
    assert [text for text in toy.texts if text.startswith("one")] == [toy.render(turn)[0].plain]
    assert toy.texts[-1] == "next"


async def test_the_intent_of_a_repeat_says_so_and_names_who_sends_it(bus: Bus, store: RedisStore) -> None:
    toy = Toy()
    toy.faults.append(Ambiguous("reply lost"))
    async with killed_at_the_end(bus, store, toy):
        await settled(bus, await commit(bus, "answer"))
    said = [decode(Receipt, stored.data) for seq in (1, 2) if (stored := await bus.read("SENT", seq))]
    assert [(one.state, one.why, one.by) for one in said] == [("intent", "", "one"), ("intent", "repeat", "one")]
