"""A standing order to NATS that loses something on the way, falls silent or breaks: it is noticed, and ordered again once."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from core.bus import STREAMS
from core.bus_nats import pull, streams
from core.bus_nats.bus import NatsBus
from core.bus_nats.link import Link
from core.errors import Unavailable
from tests.core.test_bus_faults import proxied


class Lossy:
    """A link on which `passes(order, message)` says what arrives; `orders` holds what each subscription calls."""

    def __init__(self, link: Link, passes: Callable[[int, int], bool] = lambda order, message: True) -> None:
        self._link, self._passes = link, passes
        self.orders: list[Callable] = []
        self.came: list[list] = []

    def __getattr__(self, name: str):
        return getattr(self._link, name)

    async def subscribe(self, subject: str, on: Callable):
        number, came = len(self.orders), []
        self.orders.append(on)
        self.came.append(came)

        async def receive(msg) -> None:
            came.append(msg)
            if self._passes(number, len(came) - 1):
                await on(msg)

        return await self._link.subscribe(subject, receive)


@pytest.fixture
async def link(servers, bus) -> AsyncIterator[Link]:
    connection = Link(servers.nats_url, "test")
    await connection.open()
    yield connection
    await connection.close()


@asynccontextmanager
async def following(lossy: Lossy) -> AsyncIterator[AsyncIterator]:
    bus = NatsBus(lossy, STREAMS, 8.0)  # type: ignore[arg-type]
    async with bus.follow("LOG", "log.>", 0) as messages, asyncio.timeout(45):
        yield messages


async def publish(bus, *numbers: int) -> None:
    for n in numbers:
        await bus.publish("log.web.a", b"%d" % n, id=str(n))


async def test_a_message_lost_on_its_way_to_a_follower_is_fetched_again_not_skipped(link, bus) -> None:
    lossy = Lossy(link, lambda order, message: (order, message) != (0, 1))
    async with following(lossy) as messages:
        await publish(bus, 0, 1, 2, 3)
        assert [(await anext(messages)).data for _ in range(4)] == [b"0", b"1", b"2", b"3"]


async def test_what_waits_to_be_read_while_an_order_is_given_again_is_read_once(link, bus) -> None:
    lossy = Lossy(link)
    async with following(lossy) as messages:
        await publish(bus, 0, 1, 2)
        assert (await anext(messages)).data == b"0"
        while len(lossy.came[0]) < 3:
            await asyncio.sleep(0.01)
        for name in (await streams.call(link, "CONSUMER.NAMES.LOG"))["consumers"]:
            await streams.call(link, f"CONSUMER.DELETE.LOG.{name}")
        while len(lossy.orders) < 2 or len(lossy.came[1]) < 2:
            await asyncio.sleep(0.01)
        await publish(bus, 3)
        assert [(await anext(messages)).data for _ in range(3)] == [b"1", b"2", b"3"]


async def test_an_order_that_falls_silent_is_given_again(link, bus, monkeypatch: pytest.MonkeyPatch) -> None:
    assert pull.SILENCE <= 15
    monkeypatch.setattr(pull, "SILENCE", 0.5)
    lossy = Lossy(link, lambda order, message: order > 0)
    async with following(lossy) as messages:
        await publish(bus, 0)
        assert (await anext(messages)).data == b"0"


async def test_an_order_that_the_server_ends_is_given_again_at_once(link, bus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pull, "SILENCE", 10**6)
    async with following(Lossy(link)) as messages, asyncio.timeout(45):
        await publish(bus, 0)
        assert (await anext(messages)).data == b"0"
        for name in (await streams.call(link, "CONSUMER.NAMES.LOG"))["consumers"]:
            await streams.call(link, f"CONSUMER.DELETE.LOG.{name}")
        await publish(bus, 1)
        assert (await anext(messages)).data == b"1"


async def test_what_still_comes_of_an_order_given_up_does_not_disturb_the_next_one(link, bus) -> None:
    lossy = Lossy(link, lambda order, message: (order, message) != (0, 1))
    async with following(lossy) as messages:
        await publish(bus, 0, 1, 2)
        assert [(await anext(messages)).data for _ in range(3)] == [b"0", b"1", b"2"]
        await lossy.orders[0](lossy.came[0][0])
        await publish(bus, 3, 4)
        assert [(await anext(messages)).data for _ in range(2)] == [b"3", b"4"]
        for _ in range(20):  # a third order would be given within a fifth of a second
            assert len(lossy.orders) == 2
            await asyncio.sleep(0.05)


async def test_who_cannot_take_up_at_once_after_a_reconnect_takes_up_later(link) -> None:
    calls, up = [], asyncio.Event()

    async def start(fresh: bool) -> None:
        calls.append(fresh)
        if len(calls) == 2:
            raise Unavailable("JetStream is not ready yet")
        if len(calls) == 3:
            up.set()

    async with link.joined(start):
        await link.client.close()
        async with asyncio.timeout(45):
            await up.wait()
    assert calls == [True, True, True]


async def test_after_a_reconnect_everyone_takes_up_again(private) -> None:
    server, calls = await private.nats(), []
    connection = Link(server.url, "test")
    await connection.open()

    async def start(fresh: bool) -> None:
        calls.append(fresh)

    async with connection.joined(start):
        await server.kill()
        await server.launch()
        async with asyncio.timeout(45):
            while len(calls) < 2:
                await asyncio.sleep(0.01)
    await connection.close()
    assert calls[:2] == [True, False], "the client is the same, what the server knew of it is not"


async def test_a_request_whose_connection_breaks_fails_with_it_and_not_at_the_end_of_its_time(private) -> None:
    server = await private.nats()
    async with proxied(server) as (proxy, bus):
        proxy.deaf = True
        publishing = asyncio.create_task(bus.publish("log.web.a", b"mine", id="mine"))
        while not bus._link._waiting:
            await asyncio.sleep(0.01)
        proxy.cut()
        with pytest.raises(Unavailable, match="the connection broke"):
            await publishing


async def test_a_request_that_nobody_answers_ends_with_its_time(bus) -> None:
    enough = asyncio.Event()

    async def waits(data: bytes) -> bytes:
        await enough.wait()
        return data

    async with bus.serve("slow", {"slow.one": waits}):
        try:
            async with asyncio.timeout(45):
                with pytest.raises(Unavailable, match=r"within 0\.05 s"):
                    await bus.request("slow.one", b"", timeout=0.05)
        finally:
            enough.set()
