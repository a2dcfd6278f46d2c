"""The running service's fixture, and a Qdrant server's."""

import tempfile
from pathlib import Path

import pytest

from core.settings import load
from retrieval import commands, langchain
from tests.retrieval import fakes
from tests.retrieval.rig import ASSISTANT, Rig


@pytest.fixture
async def rig(tmp_path, servers, bus, monkeypatch):
    for module in (commands, langchain):
        monkeypatch.setattr(module, "PATIENCE", 60.0)
    fakes.embedded.clear()
    made = Rig(
        bus,
        tmp_path,
        load(
            TURNOUT_DATA=tmp_path / "data",
            TURNOUT_ASSISTANT=tmp_path / "assistant.toml",
            NATS_URL=servers.nats_url,
            REDIS_URL=servers.redis_url,
        ),
    )
    made.write("assistant.toml", ASSISTANT)
    made.write("knowledge/returns.md", "# Returns\n\nYou have thirty days to send a bike back.\n")
    return made


@pytest.fixture
def server():
    """In memory where that can be had: its many syncs prove nothing of ours."""
    from tests.fakes.qdrant_server import QdrantServer  # here, because Qdrant's client takes a second to import

    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder, QdrantServer(Path(folder)) as running:
        yield running
