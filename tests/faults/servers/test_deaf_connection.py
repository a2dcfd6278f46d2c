"""A connection to NATS that lies: it looks open and carries nothing."""

import asyncio
import os
import signal

import uvloop

from core import bus_nats
from core.bus_nats import link
from core.errors import Unavailable
from tests.fakes.proxy import Proxy


async def test_a_client_stuck_on_a_frozen_server_is_replaced_and_everything_goes_on(private, monkeypatch, capsys) -> None:
    """It cannot even say goodbye: what it wrote last fills the socket, and the client library waits for that for ever."""
    assert link.STUCK <= 15
    monkeypatch.setattr(link, "PING", 0.3)
    monkeypatch.setattr(link, "STUCK", 2.0)
    server = await private.nats()
    async with (
        Proxy("127.0.0.1", server.port).listening() as proxy,
        bus_nats.connect(f"nats://127.0.0.1:{proxy.port}") as bus,
        bus.consume("IN", "worker", "in.>") as deliveries,
        bus.listen("live.>") as heard,
    ):
        proxy.freeze()
        publishing = [asyncio.create_task(bus.publish("in.web.a", bytes(500_000), id=str(n))) for n in range(60)]
        ended = await asyncio.gather(*publishing, return_exceptions=True)
        assert all(isinstance(end, Unavailable) for end in ended), "said at once that nothing was stored"
        before = proxy.begun
        async with asyncio.timeout(60):
            while proxy.begun == before:
                await asyncio.sleep(0.05)
        proxy.thaw()
        async with asyncio.timeout(60):
            while not await stored(bus):
                await asyncio.sleep(0.05)
            await anext(deliveries)
            await bus.emit("live.web.a", b"on")
            assert (await anext(heard)).data == b"on"
    assert "nats client given up, starting a fresh one" in "".join(capsys.readouterr())


async def stored(bus) -> bool:
    try:
        await bus.publish("in.web.b", b"on", id="on")
    except Unavailable:
        return False
    return True


async def test_the_client_is_told_to_reconnect_for_ever(servers) -> None:
    """Its default is sixty tries, then closed for good. The watchdog would replace it, but half an outage late."""
    connection = link.Link(servers.nats_url, "test")
    await connection.open()
    options = connection.client.options
    await connection.close()
    assert options["max_reconnect_attempts"] == -1
    assert (options["ping_interval"], options["max_outstanding_pings"]) == (5, 2)


async def test_who_is_told_to_stop_while_nats_is_away_ends_in_order(private) -> None:
    """The services run on uvloop, whose closed transports take no last words."""
    server = await private.nats()

    async def told_to_stop() -> None:
        connection = link.Link(server.url, "test")
        await connection.open()
        os.kill(server.pid, signal.SIGKILL)
        async with asyncio.timeout(60):
            while connection.connected:
                await asyncio.sleep(0.01)
        await connection.send("live.web.a", b"kept for the reconnect")
        await connection.close()

    await asyncio.to_thread(uvloop.run, told_to_stop())
