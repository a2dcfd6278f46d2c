"""What the tests of lanes and of the bus share."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from core import bus_nats, lanes
from core.bus import Bus
from core.bus_memory import MemoryBus
from tests.core.lane_world import World

ACK_WAIT = 60.0


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leases that end soon."""
    monkeypatch.setattr(lanes, "LEASE_SECONDS", 0.4)
    monkeypatch.setattr(lanes, "RENEW_SECONDS", 0.1)


@pytest.fixture(params=["nats", "memory"])
def twin(request, servers, no_streams):
    """Makes a bus on empty streams; its deliveries come back after a minute without an acknowledgement."""

    @asynccontextmanager
    async def make(**options) -> AsyncIterator[Bus]:
        if request.param == "memory":
            yield MemoryBus(**{"ack_wait": ACK_WAIT, **options})
            return
        async with bus_nats.connect(servers.nats_url, **{"ack_wait": ACK_WAIT, **options}) as bus:
            yield bus

    return make


@pytest.fixture
async def any_bus(twin) -> AsyncIterator[Bus]:
    async with twin() as bus:
        yield bus
