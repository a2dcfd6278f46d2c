"""Real servers for every test: NATS with JetStream and Valkey, started privately. One that does not start fails the run."""

import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import hypothesis
import nats
import pytest
import redis.asyncio as redis
import structlog

from core import bus_nats, embedded, redis_store
from core.bus import Bus
from core.bus_nats import bus as nats_bus
from core.embedded import Servers, programs
from core.embedded.child import Child
from core.settings import Settings, load
from tests.fakes.streams import delete

hypothesis.settings.register_profile(  # no examples that a machine is too slow for, and the same ones every time
    "suite", deadline=None, derandomize=True, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("suite")


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own tokens, keys and addresses never reach a test."""
    names = {field.validation_alias for field in Settings.model_fields.values()}
    for name in names & set(os.environ):
        monkeypatch.delenv(str(name))


@pytest.fixture(autouse=True)
def plain_tracebacks() -> Iterator[None]:
    """Tracebacks without the drawings that structlog makes by default: they cost seconds, in which the whole loop stands still."""
    before = structlog.get_config()
    plain = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*before["processors"][:-1], plain])
    yield
    structlog.configure(**before)


@pytest.fixture(autouse=True)
def patient_front(monkeypatch: pytest.MonkeyPatch) -> None:
    """A web service in this process waits for a slow machine: who does not answer at once is not taken for dead."""
    for name in ("hooks", "operate", "sources"):
        if module := sys.modules.get(f"bots.web.{name}"):
            monkeypatch.setattr(module, "PATIENCE", 60.0)


@pytest.fixture(scope="session")
def servers_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """TURNOUT_DATA of `servers`."""
    return tmp_path_factory.mktemp("servers")


@pytest.fixture(scope="session")
async def servers(servers_data: Path) -> AsyncIterator[Servers]:
    """`.nats_url` and `.redis_url` of servers that live as long as the run; share them through `bus` and `store`."""
    async with embedded.servers(load(TURNOUT_DATA=servers_data, NATS_URL="", REDIS_URL="")) as where:
        yield where


@pytest.fixture
async def no_streams(servers: Servers, servers_data: Path) -> None:
    """Delete every stream with its consumers; the next `connect` makes them anew."""
    async with await nats.connect(servers.nats_url) as client:
        js = client.jetstream()
        for stream in await js.streams_info():
            await delete(js, str(stream.config.name), servers_data)


@pytest.fixture
async def bus(servers: Servers, no_streams: None, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bus]:
    """A connected NATS bus on fresh, empty streams. The server is well: however late it answers, it is waited for."""
    monkeypatch.setattr(nats_bus, "TIMEOUT", 60.0)
    async with bus_nats.connect(servers.nats_url, name="test") as connected:
        yield connected


@pytest.fixture
async def store(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[redis_store.RedisStore]:
    """A Redis store with nothing in it. The server is well: however late it answers, it is waited for."""
    monkeypatch.setattr(redis_store, "ANSWER", 60.0)
    client = redis.from_url(servers.redis_url)
    await client.flushall()
    await client.aclose()
    async with redis_store.connect(servers.redis_url) as connected:
        yield connected


@pytest.fixture
async def private(tmp_path: Path) -> AsyncIterator["Private"]:
    """Servers of this test alone, which it may kill, freeze and start again: nobody restarts them."""
    async with AsyncExitStack() as stack:
        yield Private(tmp_path / "private", stack)


class Private:
    """`await private.nats()` and `await private.valkey()` start one; `child.kill()` is kill -9, `child.launch()` starts it again
    on the same port with the same data, `tests.fakes.frozen.freeze(child.pid)` freezes it, `child.url` is its address."""

    def __init__(self, data: Path, stack: AsyncExitStack) -> None:
        self.data, self._stack = data, stack
        data.mkdir()

    async def nats(self) -> Child:
        return await self.start("nats-server", "nats", programs.nats(self.data).command, programs.nats_answers)

    async def valkey(self, *options: str) -> Child:
        command = programs.valkey(self.data)
        return await self.start("valkey-server", "redis", lambda port: [*command(port), *options], programs.redis_answers)

    async def start(self, name, scheme, command, probe) -> Child:
        lock = os.open(self.data / name, os.O_CREAT | os.O_RDWR)
        self._stack.callback(os.close, lock)
        child = Child(name, scheme, command, probe, self.data / f"{name}.log", os.environ, lock)
        self._stack.push_async_callback(child.stop)
        await child.start()
        return child
