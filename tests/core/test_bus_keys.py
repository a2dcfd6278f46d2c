"""The key-value side of the bus, on NATS and its in-memory twin."""

import asyncio

import pytest

from core.bus import Ack, Stored, Stream
from core.errors import Conflict
from tests.core.test_bus import take

PAIRS = (Stream("KV_turnout", ("$KV.turnout.>",), days=0, megabytes=1, history=1),)


async def test_of_a_key_the_last_value_counts_and_is_replaced_only_by_who_knew_it(any_bus):
    first = await any_bus.publish("$KV.turnout.colour", b"red", id="1", last=0)
    second = await any_bus.publish("$KV.turnout.colour", b"green", id="2", last=first.seq)
    with pytest.raises(Conflict):
        await any_bus.publish("$KV.turnout.colour", b"blue", id="3", last=first.seq)
    assert await any_bus.last("KV_turnout", "$KV.turnout.colour") == Stored("$KV.turnout.colour", b"green", second.seq)


async def test_a_key_can_be_made_by_one_only(any_bus):
    tries = [any_bus.publish("$KV.turnout.routes.7", b"%d" % n, id=f"{n}", last=0) for n in range(10)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert [type(result) for result in results].count(Ack) == 1
    assert [type(result) for result in results].count(Conflict) == 9


async def test_a_value_that_was_replaced_is_gone_and_makes_room(twin):
    async with twin(streams=PAIRS) as bus:
        last = 0
        for n in range(20):
            last = (await bus.publish("$KV.turnout.big", bytes(100_000), id=str(n), last=last)).seq
        assert await bus.first_after("KV_turnout", "$KV.turnout.big", 0) == Stored("$KV.turnout.big", bytes(100_000), last)
        assert await bus.read("KV_turnout", 1) is None


async def test_keys_are_watched_from_the_newest_value_on(any_bus):
    for n, key in enumerate(("a", "b", "a")):
        await any_bus.publish(f"$KV.turnout.{key}", b"%d" % n, id=str(n))
    async with any_bus.follow("KV_turnout", "$KV.turnout.*", 0) as values:
        old = await take(values, 2)
        await any_bus.publish("$KV.turnout.b", b"3", id="3")
        assert [(one.subject[-1], one.data) for one in old + await take(values, 1)] == [("b", b"1"), ("a", b"2"), ("b", b"3")]


async def test_of_replaced_values_a_consumer_gets_the_newest(any_bus):
    for n in range(3):
        await any_bus.publish("$KV.turnout.a", b"%d" % n, id=str(n))
    async with any_bus.consume("KV_turnout", "worker", "$KV.turnout.>") as deliveries:
        (delivery,) = await take(deliveries, 1)
        assert delivery.message.data == b"2"
        await any_bus.publish("$KV.turnout.a", b"3", id="3")
        (delivery,) = await take(deliveries, 1)
        assert delivery.message.data == b"3"
        await delivery.ack()
