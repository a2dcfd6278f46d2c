"""What the tests of commands share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.routes.shop import Shop


@pytest.fixture
async def shop(tmp_path: Path, servers, bus, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Shop]:
    shop = Shop(tmp_path, bus)
    monkeypatch.setenv("TURNOUT_ASSISTANT", str(tmp_path / "assistant.toml"))
    monkeypatch.setenv("TURNOUT_DATA", str(tmp_path))
    monkeypatch.setenv("NATS_URL", servers.nats_url)
    monkeypatch.setenv("REDIS_URL", servers.redis_url)
    monkeypatch.setenv("OPENAI_API_KEY", "a-key-that-nobody-is-shown")
    handlers = {"retrieval.status": shop.status, "retrieval.document": shop.document, "retrieval.prints": shop.prints}
    async with bus.serve("retrieval", handlers):
        yield shop
