"""The bus on NATS while the server is killed, frozen, wiped, or the connection lies."""

import asyncio
import shutil
import signal
from contextlib import AsyncExitStack, asynccontextmanager

import nats
import pytest

from core import bus_nats
from core.bus import Ack
from core.bus_nats import bus as nats_bus
from core.bus_nats import link
from core.errors import Unavailable
from tests.fakes.frozen import freeze
from tests.fakes.proxy import Proxy
from tests.fakes.streams import delete


async def take(messages, count):
    async with asyncio.timeout(45):
        return [(await anext(messages)) for _ in range(count)]


async def until_stored(bus, subject, data, *, id):
    """What every caller does: publish again until it is taken."""
    async with asyncio.timeout(45):
        while True:
            try:
                return await bus.publish(subject, data, id=id)
            except Unavailable:
                await asyncio.sleep(0.05)


@asynccontextmanager
async def proxied(server):
    async with Proxy("127.0.0.1", server.port).listening() as proxy, bus_nats.connect(f"nats://127.0.0.1:{proxy.port}") as bus:
        yield proxy, bus


async def test_what_is_acknowledged_outlives_kill_9_with_its_ids(private):
    server = await private.nats()
    async with bus_nats.connect(server.url) as bus:
        for n in range(50):
            await bus.publish("in.web.a", b"%d" % n, id=str(n))
        await server.kill()
        await server.launch()
        assert await until_stored(bus, "in.web.a", b"49", id="49") == Ack(50, duplicate=True)
        assert await until_stored(bus, "in.web.a", b"0", id="0") == Ack(1, duplicate=True)
        assert (await until_stored(bus, "in.web.a", b"50", id="50")).seq == 51


async def test_a_publish_while_the_server_is_away_fails_within_two_seconds_and_works_again_after(private, monkeypatch):
    assert link.PATIENCE <= 1
    monkeypatch.setattr(nats_bus, "TIMEOUT", 600)
    server = await private.nats()
    async with bus_nats.connect(server.url) as bus:
        await bus.publish("in.web.a", b"0", id="0")
        await server.kill()
        with pytest.raises(Unavailable):
            await asyncio.wait_for(bus.publish("in.web.a", b"1", id="1"), 60)
        with pytest.raises(Unavailable):
            await asyncio.wait_for(bus.publish("in.web.a", b"1", id="1"), 60)
        await bus.emit("live.web.a", b"lost")
        await server.launch()
        await until_stored(bus, "in.web.a", b"1", id="1")
        last = await bus.last("IN", "in.web.a")
        assert last is not None
        assert (last.data, last.seq) == (b"1", 2)


async def test_a_consumer_goes_on_after_kill_9(private):
    server = await private.nats()
    async with bus_nats.connect(server.url, ack_wait=1) as bus, bus.consume("IN", "worker", "in.>") as deliveries:
        await bus.publish("in.web.a", b"0", id="0")
        (first,) = await take(deliveries, 1)
        await first.ack()
        await server.kill()
        await server.launch()
        await until_stored(bus, "in.web.a", b"1", id="1")
        while (delivery := (await take(deliveries, 1))[0]).message.data != b"1":
            await delivery.ack()
        await delivery.ack()


async def test_following_goes_on_in_order_after_kill_9(private):
    server = await private.nats()
    async with bus_nats.connect(server.url) as bus, bus.follow("LOG", "log.>", 0) as messages:
        for n in range(3):
            await bus.publish("log.web.a", b"%d" % n, id=str(n))
        before = await take(messages, 2)
        await server.kill()
        await server.launch()
        for n in range(3, 6):
            await until_stored(bus, "log.web.a", b"%d" % n, id=str(n))
        after = await take(messages, 4)
    assert [m.data for m in before + after] == [b"%d" % n for n in range(6)]


async def test_listeners_and_services_are_there_again_after_kill_9(private):
    async def echo(data: bytes) -> bytes:
        return data

    server = await private.nats()
    async with (
        bus_nats.connect(server.url) as one,
        bus_nats.connect(server.url) as other,
        one.listen("live.>") as heard,
        one.serve("echo", {"echo.one": echo}),
    ):
        await server.kill()
        await server.launch()
        async with asyncio.timeout(45):
            while True:
                try:
                    assert await other.request("echo.one", b"hello", timeout=60) == b"hello"
                    break
                except Unavailable:
                    await asyncio.sleep(0.05)
        await other.emit("live.web.a", b"1")
        assert (await take(heard, 1))[0].data == b"1"


async def test_a_frozen_server_is_noticed_and_everything_goes_on_when_it_wakes(private, monkeypatch):
    assert link.PING * 3 <= 15
    monkeypatch.setattr(link, "PING", 0.3)
    server = await private.nats()
    async with bus_nats.connect(server.url) as bus, bus.consume("IN", "worker", "in.>") as deliveries:
        await freeze(server.pid)
        with pytest.raises(Unavailable, match="connection"):
            await bus.publish("in.web.a", b"1", id="1")
        server.process.send_signal(signal.SIGCONT)
        await until_stored(bus, "in.web.a", b"1", id="1")
        assert (await take(deliveries, 1))[0].message.data == b"1"


async def test_a_wiped_server_gets_its_streams_again_and_says_so(private, capsys):
    server = await private.nats()
    async with bus_nats.connect(server.url, ack_wait=1) as bus, bus.consume("IN", "worker", "in.>") as deliveries:
        await bus.publish("in.web.a", b"0", id="0")
        await server.kill()
        shutil.rmtree(private.data / "nats")
        await server.launch()
        assert (await until_stored(bus, "in.web.a", b"1", id="1")).seq > 1, "its place was another's before"
        while (await take(deliveries, 1))[0].message.data != b"1":
            pass
    assert "what it held is lost" in "".join(capsys.readouterr())


async def test_a_stream_made_anew_beside_others_gives_no_place_twice(private, capsys):
    """A turn in the log says up to which place its lane is answered: a new message must not stand at such a place."""
    server = await private.nats()
    async with bus_nats.connect(server.url) as bus:
        await bus.publish("in.web.a", b"0", id="0")
        await bus.publish("log.web.a", b"0 is answered up to 1", id="0", last=0)
    async with await nats.connect(server.url) as client:
        await delete(client.jetstream(), "IN", private.data)
    async with bus_nats.connect(server.url) as one, bus_nats.connect(server.url) as another:
        assert (await one.publish("in.web.a", b"1", id="1")).seq > 1
        assert (await another.publish("log.web.a", b"1", id="1", last=1)).seq == 2
    assert "what it held is lost" in "".join(capsys.readouterr())


async def test_a_publish_whose_acknowledgement_was_lost_is_safe_to_repeat(private):
    server = await private.nats()
    async with proxied(server) as (proxy, bus):
        await bus.publish("log.web.a", b"before", id="before", last=0)
        proxy.deaf = True
        publishing = asyncio.create_task(bus.publish("log.web.a", b"mine", id="mine", last=1))
        async with bus_nats.connect(server.url) as direct, asyncio.timeout(45):
            while await direct.read("LOG", 2) is None:
                await asyncio.sleep(0.01)
        proxy.cut()
        with pytest.raises(Unavailable):
            await publishing
        proxy.deaf = False
        async with asyncio.timeout(45):
            while True:
                try:
                    assert await bus.publish("log.web.a", b"mine", id="mine", last=1) == Ack(2, duplicate=True)
                    break
                except Unavailable:
                    await asyncio.sleep(0.05)
        assert await bus.read("LOG", 3) is None


async def test_a_client_that_the_server_turns_away_for_good_is_replaced(private):
    server = await private.nats()
    async with (
        proxied(server) as (proxy, bus),
        bus.consume("IN", "worker", "in.>") as deliveries,
        bus.follow("IN", "in.>", 0) as messages,
        bus.listen("live.>") as heard,
    ):
        await proxy.say(b"-ERR 'Unknown Protocol Operation'\r\n")
        async with asyncio.timeout(45):
            while not proxy.ended:
                await asyncio.sleep(0.01)
        await until_stored(bus, "in.web.a", b"1", id="1")
        assert (await take(deliveries, 1))[0].message.data == b"1"
        assert (await take(messages, 1))[0].data == b"1"
        await bus.emit("live.web.a", b"2")
        assert (await take(heard, 1))[0].data == b"2"


async def test_a_consumer_deleted_under_its_workers_is_made_again(servers, bus):
    async with (
        await nats.connect(servers.nats_url) as client,
        bus.consume("LOG", "worker", "log.>") as deliveries,
        bus.follow("LOG", "log.>", 0) as messages,
    ):
        await bus.publish("log.web.a", b"0", id="0")
        await (await take(deliveries, 1))[0].ack()
        await take(messages, 1)
        for consumer in await client.jetstream().consumers_info("LOG"):
            await client.jetstream().delete_consumer("LOG", consumer.name)
        await bus.publish("log.web.a", b"1", id="1")
        assert [m.seq for m in await take(messages, 1)] == [2]
        while (await take(deliveries, 1))[0].message.seq != 2:
            pass


async def test_what_lay_too_long_in_a_worker_is_not_handed_out_late(servers, no_streams):
    async with bus_nats.connect(servers.nats_url, ack_wait=0.4) as bus:
        for n in range(2):
            await bus.publish("in.web.a", b"%d" % n, id=str(n))
        async with bus.consume("IN", "worker", "in.>") as deliveries:
            (first,) = await take(deliveries, 1)
            await first.ack()
            await asyncio.sleep(0.6)
            (second,) = await take(deliveries, 1)
            assert (second.message.data, second.tries > 1) == (b"1", True)


async def test_who_joins_while_the_client_is_replaced_starts_on_the_new_one(servers):
    connection = link.Link(servers.nats_url, "test")
    await connection.open()
    clients = []

    async def start(fresh):
        clients.append(connection.client)
        if len(clients) == 1:
            await connection.client.close()
            async with asyncio.timeout(45):
                while connection.client is clients[0] or not connection.connected:
                    await asyncio.sleep(0.01)

    async with connection.joined(start):
        assert clients[1:] == [connection.client]
    await connection.close()


async def test_who_left_during_a_reconnect_is_not_started_again(servers):
    connection = link.Link(servers.nats_url, "test")
    await connection.open()
    calls, busy, left = [], asyncio.Event(), asyncio.Event()

    async def first(fresh):
        calls.append("first")
        if calls.count("first") == 2:
            busy.set()
            await left.wait()

    async def second(fresh):
        calls.append("second")

    async def third(fresh):
        calls.append("third")

    async with connection.joined(first):
        async with AsyncExitStack() as leaving:
            await leaving.enter_async_context(connection.joined(second))
            last = connection.joined(third)
            await last.__aenter__()
            await connection.client.close()
            await busy.wait()
        left.set()
        async with asyncio.timeout(45):
            while calls.count("third") < 2:
                await asyncio.sleep(0.01)
        await last.__aexit__(None, None, None)
    assert calls == ["first", "second", "third", "first", "third"]
    await connection.close()


@pytest.mark.parametrize("scheme", ["nats://", ""])
async def test_nobody_there_is_said_with_the_fix_and_without_the_password(monkeypatch, scheme):
    monkeypatch.setattr(link, "OPEN", 0.5)
    with pytest.raises(Unavailable, match=r"no NATS server answers at 127\.0\.0\.1:1 .*check NATS_URL") as caught:
        async with bus_nats.connect(f"{scheme}me:hidden@127.0.0.1:1"):
            pass
    assert "hidden" not in str(caught.value)
