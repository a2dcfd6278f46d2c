"""What the tests of lanes share."""

import pytest

from core import lanes
from tests.core.lane_world import World


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leases that end soon."""
    monkeypatch.setattr(lanes, "LEASE_SECONDS", 0.4)
    monkeypatch.setattr(lanes, "RENEW_SECONDS", 0.1)
