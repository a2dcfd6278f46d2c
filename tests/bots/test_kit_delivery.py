"""What a person sees when platforms, processes and connections fail around a send. Real NATS, real Redis."""

import asyncio
import time

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
from core.bus import Bus
from core.errors import Ambiguous, NotSent, RateLimited, Refused
from core.lanes import Lanes
from core.records import Part, Receipt, Turn, encode
from core.redis_store import RedisStore
from tests.bots.kit_rig import Deaf, commit, hosting, receipt, settled, until
from tests.fakes.platform import Toy


async def crash_in_send(bus: Bus, turn: Turn, *, edits: str = "") -> None:
    """What a process leaves that dies around the write to the socket: an intent, and perhaps the message."""
    intent = Receipt(turn=turn.id, upto=1, state="intent", native=(edits,) if edits else ())
    await bus.publish(keys.sent("toy", turn.lane), encode(intent), id=f"intent-{turn.id}")


async def test_turns_of_a_lane_are_shown_once_and_in_order(bus: Bus, store: RedisStore) -> None:
    toy = Toy()
    async with hosting(bus, store, toy), hosting(bus, store, toy):
        turns = [await commit(bus, f"answer {n}") for n in range(6)]
        await settled(bus, turns[-1])
    assert toy.texts == [f"answer {n}" for n in range(6)]


async def test_a_long_answer_is_several_messages_under_one_receipt(bus: Bus, store: RedisStore) -> None:
    toy = Toy()
    async with hosting(bus, store, toy):
        last = await settled(bus, await commit(bus, "one sentence here. " * 12))
    assert len(toy.shown) > 2
    assert last.native == tuple(toy.shown)


async def test_a_turn_without_words_is_settled_without_a_send(bus: Bus, store: RedisStore) -> None:
    toy = Toy()
    async with hosting(bus, store, toy):
        await settled(bus, await commit(bus, ""))
    assert toy.texts == []


async def test_a_restart_sends_nothing_again(bus: Bus, store: RedisStore) -> None:
    toy = Toy()
    async with hosting(bus, store, toy):
        await settled(bus, await commit(bus, "first"))
    async with hosting(bus, store, toy):
        await settled(bus, await commit(bus, "second"))
    assert toy.texts == ["first", "second"]


async def test_an_answer_whose_receipt_has_expired_is_not_sent_again(bus: Bus, store: RedisStore) -> None:
    toy = Toy()
    month = 30 * 86400
    old = Turn(id="old", channel="toy", lane="l1", events=("old",), upto=1, parts=(Part(text="old"),), at=time.time() - month)
    await bus.publish(keys.log("toy", "l1"), encode(old), id="old")
    async with hosting(bus, store, toy):
        await settled(bus, await commit(bus, "new"))
    assert toy.texts == ["new"]


async def test_a_long_answer_goes_on_where_a_crash_cut_it(bus: Bus, store: RedisStore) -> None:
    toy = Toy(frozenset({"reconcile"}))
    turn = await commit(bus, "one sentence here. " * 12)
    messages = toy.render(turn)
    for message in messages[:2]:
        await toy.deliver(message)
    intent = Receipt(turn=turn.id, upto=1, state="intent", part=1, native=("1",))
    await bus.publish(keys.sent("toy", "l1"), encode(intent), id="intent")
    async with hosting(bus, store, toy):
        await settled(bus, turn)
    assert toy.texts == [message.plain for message in messages]


@pytest.mark.parametrize("arrived", [True, False])
async def test_after_a_crash_a_platform_that_can_be_asked_shows_it_exactly_once(
    bus: Bus, store: RedisStore, arrived: bool
) -> None:
    toy = Toy(frozenset({"reconcile"}))
    turn = await commit(bus, "answer")
    if arrived:
        await toy.deliver(toy.render(turn)[0])
    await crash_in_send(bus, turn)
    async with hosting(bus, store, toy):
        await settled(bus, turn)
    assert toy.texts == ["answer"]


async def test_after_a_crash_a_platform_that_cannot_be_asked_gets_it_once_more_marked(bus: Bus, store: RedisStore) -> None:
    toy = Toy()
    turn = await commit(bus, "answer")
    await toy.deliver(toy.render(turn)[0])
    await crash_in_send(bus, turn)
    async with hosting(bus, store, toy):
        await settled(bus, turn)
    assert toy.texts == ["answer", f"{REPEAT}answer"]


async def test_a_process_killed_in_the_middle_of_a_send_leaves_word_of_it(
    bus: Bus, store: RedisStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "QUIET", 0.5)
    toy = Toy()
    toy.gate.clear()
    turn = await commit(bus, "answer")
    task = asyncio.create_task(deliver_until_killed(bus, store, toy))
    await toy.wait(lambda: toy.sending)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    toy.gate.set()
    async with hosting(bus, store, toy):
        await settled(bus, turn)
    assert toy.texts == [f"{REPEAT}answer"]


async def test_after_a_crash_in_the_marked_repeat_nothing_is_sent_a_third_time(bus: Bus, store: RedisStore) -> None:
    toy = Toy()
    turn = await commit(bus, "answer")
    intent = Receipt(turn=turn.id, upto=1, state="intent", why="repeat")
    await bus.publish(keys.sent("toy", "l1"), encode(intent), id="intent")
    async with hosting(bus, store, toy):
        last = await settled(bus, turn)
    assert toy.texts == []
    assert "may not have arrived" in last.why


async def test_by_policy_an_ambiguous_send_is_dropped(bus: Bus, store: RedisStore) -> None:
    toy = Toy()
    toy.faults.append(Ambiguous("reply lost"))
    async with hosting(bus, store, toy, ChannelPolicy(ambiguous="drop")):
        await settled(bus, await commit(bus, "first"))
        await settled(bus, await commit(bus, "second"))
    assert toy.texts == ["first", "second"]


async def test_a_lost_reply_is_never_answered_with_a_blind_retry(bus: Bus, store: RedisStore) -> None:
    toy = Toy()
    toy.faults.extend([Ambiguous("reply lost"), Ambiguous("reply lost")])
    async with hosting(bus, store, toy):
        await settled(bus, await commit(bus, "answer"))
    assert toy.texts == ["answer", f"{REPEAT}answer"]


async def test_an_edit_after_a_crash_is_done_again_and_stays_one_message(bus: Bus, store: RedisStore) -> None:
    toy = Toy(shown={"1": "half an ans …"})
    turn = await commit(bus, "answer")
    await crash_in_send(bus, turn, edits="1")
    async with hosting(bus, store, toy):
        await settled(bus, turn)
    assert toy.shown == {"1": "answer"}


async def test_an_edit_whose_form_is_refused_is_done_plain_and_leaves_no_preview_beside_it(bus: Bus, store: RedisStore) -> None:
    toy = Toy(shown={"p": "half an ans …"})
    turn = await commit(bus, "answer")
    await crash_in_send(bus, turn, edits="p")
    toy.faults.append(Refused("can't parse"))
    async with hosting(bus, store, toy):
        await settled(bus, turn)
    assert toy.shown == {"p": "answer"}


async def test_an_intent_that_was_never_sent_puts_nothing_in_doubt(bus: Bus, store: RedisStore) -> None:
    toy = Toy()
    deaf = Deaf(bus)
    async with hosting(deaf, store, toy):
        await settled(bus, await commit(bus, "answer"))
    assert deaf.lost == ["publish", "last"]
    assert toy.texts == ["answer"]


async def test_what_was_not_sent_is_sent_until_it_is(bus: Bus, store: RedisStore) -> None:
    toy = Toy()
    toy.faults.extend([NotSent(), NotSent()])
    async with hosting(bus, store, toy):
        await settled(bus, await commit(bus, "answer"))
    assert toy.texts == ["answer"]


async def test_a_restart_while_waiting_for_the_platform_has_nothing_to_doubt(bus: Bus, store: RedisStore) -> None:
    toy = Toy()
    toy.faults.append(RateLimited(after=600))
    turn = await commit(bus, "answer")
    task = asyncio.create_task(deliver_until_killed(bus, store, toy))
    async with asyncio.timeout(45):
        while (last := await receipt(bus)) is None or last.state != "sent":
            await asyncio.sleep(0.02)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    async with hosting(bus, store, toy):
        await settled(bus, turn)
    assert toy.texts == ["answer"]


async def deliver_until_killed(bus: Bus, store: RedisStore, toy: Toy) -> None:
    pace = Pace(toy.manifest.limits)
    previews = Previews(toy, store.leases, pace, streams=lambda: True, standing=Standing(bus, "toy"))
    work = Delivery(toy, ChannelPolicy, pace, previews)
    await Lanes(bus, store.leases, line("toy"), work=work.work, give_up=work.give_up, grace=0.0).run()


async def test_a_rate_limit_in_one_lane_does_not_hold_up_another(bus: Bus, store: RedisStore) -> None:
    class Limits(Toy):
        limited = True

        async def deliver(self, message):
            if self.limited and message.address["to"] == "l1":
                self.sending += 1
                raise RateLimited(after=0.1)
            return await super().deliver(message)

    toy = Limits()
    async with hosting(bus, store, toy):
        slow = await commit(bus, "slow", "l1")
        await until(lambda: toy.sending)
        await settled(bus, await commit(bus, "quick", "l2"))
        assert toy.texts == ["quick"]
        toy.limited = False
        await settled(bus, slow)
    assert toy.texts == ["quick", "slow"]


async def test_a_refused_form_is_sent_plain(bus: Bus, store: RedisStore) -> None:
    toy = Toy()
    toy.faults.append(Refused("can't parse"))
    async with hosting(bus, store, toy):
        assert (await settled(bus, await commit(bus, "answer"))).state == "done"
    assert toy.texts == ["answer"]


async def test_a_turn_refused_for_good_is_dropped_with_its_reason_and_the_lane_goes_on(bus: Bus, store: RedisStore) -> None:
    toy = Toy()
    toy.faults.extend([Refused("blocked"), Refused("blocked")])
    async with hosting(bus, store, toy):
        dropped = await settled(bus, await commit(bus, "first"))
        await settled(bus, await commit(bus, "second"))
    assert (dropped.state, dropped.why) == ("dropped", "blocked")
    assert toy.texts == ["second"]


async def test_bytes_that_are_no_turn_do_not_stop_the_lane(bus: Bus, store: RedisStore) -> None:
    toy = Toy()
    await bus.publish(keys.log("toy", "l1"), b"{", id="broken")
    async with hosting(bus, store, toy):
        await settled(bus, await commit(bus, "after"))
    assert toy.texts == ["after"]
