"""Every default of JetStream that would lose or silence something is overridden, as the server itself reports it."""

import asyncio
import os
import shutil

import nats
import pytest
from structlog.testing import capture_logs

from core import bus_nats, embedded
from core.bus import STREAMS, Ack
from core.bus_nats import unacknowledged
from core.embedded import programs
from core.embedded.child import Child
from core.errors import ConfigError, Unavailable
from core.settings import load
from tests.e2e.system import ROOT
from tests.fakes.ports import free_port

DAY = 86400


async def state(url: str, stream: str, consumer: str = ""):
    async with await nats.connect(url) as client:
        js = client.jetstream()
        return await (js.consumer_info(stream, consumer) if consumer else js.stream_info(stream))


@pytest.fixture
async def plain(tmp_path):
    """Starts nats-server with other options than ours, on a folder that a restart finds again."""
    started = []

    async def start(*options: str) -> Child:
        program = programs.nats(tmp_path).program
        lock = os.open(tmp_path / "lock", os.O_CREAT | os.O_RDWR)
        child = Child(
            "nats-server",
            "nats",
            lambda port: [program, "-p", str(port), "-a", "127.0.0.1", *options],
            programs.nats_answers,
            tmp_path / "nats.log",
            os.environ,
            lock,
        )
        await child.start()
        started.append((child, lock))
        return child

    yield start
    for child, lock in started:
        await child.stop()
        os.close(lock)


async def test_the_embedded_server_syncs_every_message_before_it_acknowledges_it(private):
    server = programs.nats(private.data)
    await private.start("nats-server", "nats", server.command, programs.nats_answers)
    assert (await programs.look("127.0.0.1", server.monitoring)).syncs, "a power cut would lose what was acknowledged"


async def test_the_configuration_for_containers_syncs_every_message(plain, tmp_path):
    port = free_port()
    text = (ROOT / "deploy" / "nats.conf").read_text().replace("/data", str(tmp_path / "store"))
    (tmp_path / "nats.conf").write_text(text.replace("8222", str(port)))
    await plain("-c", str(tmp_path / "nats.conf"))
    assert (await programs.look("127.0.0.1", port)).syncs, "a power cut would lose what was acknowledged"


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
async def test_streams_keep_what_is_acknowledged_refuse_when_full_and_know_an_id_for_ten_minutes(servers, bus, stream):
    config = (await state(servers.nats_url, stream.name)).config
    assert (config.retention, config.discard, config.storage) == ("limits", "new", "file")
    assert config.max_age == stream.days * DAY
    assert config.max_bytes == stream.megabytes * 2**20
    assert config.duplicate_window == 600, "Slack sends a last time after five minutes"


async def test_an_operators_own_settings_of_a_stream_are_mended_where_they_would_lose_something(servers, no_streams):
    async with await nats.connect(servers.nats_url) as client:
        await client.jetstream().add_stream(name="IN", subjects=["in.>"], discard="old", duplicate_window=120)
    async with bus_nats.connect(servers.nats_url):
        config = (await state(servers.nats_url, "IN")).config
    assert (config.discard, config.duplicate_window) == ("new", 600)


async def test_ids_of_acknowledged_messages_survive_kill_9(private):
    """A work queue or interest stream forgets them: a webhook that comes again would be a second turn."""
    server = await private.nats()
    async with bus_nats.connect(server.url) as bus:
        async with bus.consume("IN", "worker", "in.>") as deliveries, asyncio.timeout(45):
            for n in range(3):
                await bus.publish("in.web.a", b"%d" % n, id=str(n))
                await (await anext(deliveries)).ack()
            while (await state(server.url, "IN", "worker")).num_ack_pending:
                await asyncio.sleep(0.02)
        await server.kill()
        await server.launch()
        async with asyncio.timeout(45):
            while True:
                try:
                    assert await bus.publish("in.web.a", b"1", id="1") == Ack(2, duplicate=True)
                    break
                except Unavailable:
                    await asyncio.sleep(0.05)


async def test_a_consumer_delivers_for_ever_so_that_only_we_give_a_message_up(servers, bus):
    await bus.publish("in.web.a", b"", id="1")
    async with bus.consume("IN", "worker", "in.>") as deliveries, asyncio.timeout(45):
        for _ in range(20):
            delivery = await anext(deliveries)
            await delivery.back(0)
        assert (await anext(deliveries)).tries == 21
        assert (await state(servers.nats_url, "IN", "worker")).config.max_deliver == -1


async def test_a_consumer_that_is_about_to_stall_is_said_and_counted(servers, bus, monkeypatch):
    monkeypatch.setattr(unacknowledged, "LIMIT", 10)
    monkeypatch.setattr(unacknowledged, "EVERY", 0.05)
    with capture_logs() as said:
        async with bus.consume("IN", "worker", "in.>") as deliveries, asyncio.timeout(45):
            for n in range(12):
                await bus.publish("in.web.a", b"", id=str(n))
            in_hand = [await anext(deliveries) for _ in range(10)]
            while not (alarms := [line for line in said if "about to stall" in line["event"]]):
                await asyncio.sleep(0.02)
            assert alarms[0]["unacknowledged"] >= 8
            assert alarms[0]["limit"] == (await state(servers.nats_url, "IN", "worker")).config.max_ack_pending
            while unacknowledged.PENDING.labels("IN", "worker")._value.get() < 10:
                await asyncio.sleep(0.02)
            for delivery in in_hand:
                await delivery.ack()
            assert (await anext(deliveries)).message.seq == 11, "what waited comes once there is room"


async def test_a_stream_that_lives_in_memory_is_refused_by_name(servers, no_streams):
    async with await nats.connect(servers.nats_url) as client:
        await client.jetstream().add_stream(name="LOG", subjects=["log.>"], storage="memory")
    with pytest.raises(ConfigError, match=r"keeps stream LOG in memory.*remove that stream"):
        async with bus_nats.connect(servers.nats_url):
            pass


async def test_a_nats_without_jetstream_is_named_with_the_fix(plain):
    server = await plain()
    with pytest.raises(Unavailable, match=rf"{server.port} has no JetStream: start it with -js"):
        async with bus_nats.connect(server.url):
            pass


@pytest.mark.parametrize(("options", "said"), [((), "a power cut may lose"), (("-m", "0"), "does not say whether")])
async def test_a_given_nats_that_may_lose_what_it_acknowledged_is_told_at_the_start(
    plain, tmp_path, servers, monkeypatch, options, said
):
    port = free_port()
    monkeypatch.setattr(programs, "MONITORING", port)
    server = await plain("-js", "-sd", str(tmp_path / "store"), *(options or ("-m", str(port))))
    with capture_logs() as lines:
        async with embedded.servers(load(TURNOUT_DATA=tmp_path, NATS_URL=server.url, REDIS_URL=servers.redis_url)):
            pass
    assert any(said in line["event"] for line in lines), lines
    shutil.rmtree(tmp_path / "store")
