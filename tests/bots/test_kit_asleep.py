"""Who is silent may only be asleep: two processes never send the same message because one of them woke up late."""

import asyncio
import time

import pytest

from bots.kit import delivery
from core import keys, lanes
from core.bus import Ack, Bus
from core.records import Receipt, decode, encode
from core.redis_store import RedisStore
from tests.bots.kit_rig import commit, hosting, settled
from tests.fakes.platform import Toy


async def store_receipt(bus: Bus, turn, state: str, last: int, **more) -> int:
    """What another process says of the turn's delivery."""
    said = Receipt(turn=turn.id, upto=1, state=state, by="another", at=time.time(), **more)
    return (await bus.publish(keys.sent("toy", turn.lane), encode(said), id=f"{state}-{turn.id}", last=last)).seq


async def test_what_another_may_still_be_sending_is_not_in_doubt(
    bus: Bus, store: RedisStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other is slow, not dead: whoever looked now would not find its message, and send it a second time."""
    assert delivery.QUIET > lanes.LEASE_SECONDS
    monkeypatch.setattr(delivery, "QUIET", 600.0)
    toy = Toy(frozenset({"reconcile"}))
    turn = await commit(bus, "answer")
    at = await store_receipt(bus, turn, "intent", 0)
    async with hosting(bus, store, toy):
        await asyncio.sleep(1.0)
        await toy.deliver(toy.render(turn)[0])
        await store_receipt(bus, turn, "done", at, native=("1",))
        next_turn = await commit(bus, "next")
        await settled(bus, next_turn)
    assert toy.texts == ["answer", "next"]
    assert toy.sending == 2, "it was sent by both"


async def test_what_a_dead_process_meant_to_send_is_sent_once_that_was_long_enough_ago(
    bus: Bus, store: RedisStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "QUIET", 1.0)
    toy = Toy(frozenset({"reconcile"}))
    turn = await commit(bus, "answer")
    await store_receipt(bus, turn, "intent", 0)
    async with hosting(bus, store, toy):
        assert (await settled(bus, turn)).state == "done"
    assert toy.texts == ["answer"]


async def test_who_slept_between_the_intent_and_the_send_does_not_send_what_another_has_sent(
    bus: Bus, store: RedisStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "START_WITHIN", 0.2)
    monkeypatch.setattr(delivery, "QUIET", 0.0)
    toy = Toy(frozenset({"reconcile"}))

    class Sleeps:
        """The bus of a process that falls asleep once its first intent is stored; meanwhile another takes over."""

        slept = False

        def __getattr__(self, name: str):
            return getattr(bus, name)

        async def publish(self, subject: str, data: bytes, *, id: str, last: int | None = None) -> Ack:
            ack = await bus.publish(subject, data, id=id, last=last)
            if subject.startswith("sent.") and decode(Receipt, data).state == "intent" and not self.slept:
                self.slept = True
                await asyncio.sleep(0.4)
                again = await store_receipt(bus, turn, "intent", ack.seq)
                await toy.deliver(toy.render(turn)[0])
                await store_receipt(bus, turn, "done", again, native=("1",))
            return ack

    turn = await commit(bus, "answer")
    async with hosting(Sleeps(), store, toy):
        await settled(bus, turn)
        await settled(bus, await commit(bus, "next"))
    assert toy.texts == ["answer", "next"]
    assert toy.sending == 2, "it was sent by both"


async def test_an_answer_that_waits_for_its_platform_outlives_those_who_wait_with_it(bus: Bus, store: RedisStore) -> None:
    """Three deaths over a question are poison; over an answer they are bad luck."""
    toy = Toy()
    turn = await commit(bus, "answer")
    for number in range(3):
        assert await store.leases.acquire(keys.lease("LOG", turn.lane), f"killed {number}", 0.001) is not None
        await asyncio.sleep(0.05)
    async with hosting(bus, store, toy):
        assert (await settled(bus, turn)).state == "done"
    assert toy.texts == ["answer"]
