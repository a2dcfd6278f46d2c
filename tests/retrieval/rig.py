"""A retrieval service on real servers, and what a person does with it."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner

from core.bus import Bus
from core.errors import Unavailable
from core.knowledge import SearchRequest, SearchResult
from core.records import Health, decode, encode
from retrieval import service
from retrieval.commands import ingest
from retrieval.records import Status

ASSISTANT = """
[assistant]
name = "Test"
default_route = ["rag"]
[[audiences]]
name = "staff"
[[audiences]]
name = "bosses"
[knowledge]
paths = ["knowledge"]
dense = "off"
"""
COUNTING = ASSISTANT.replace('dense = "off"', 'embeddings = "tests.retrieval.fakes:Counting"')


@dataclass
class Rig:
    bus: Bus
    folder: Path
    settings: object

    @property
    def knowledge(self) -> Path:
        return self.folder / "knowledge"

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    async def search(self, query, k=5):
        """As one who may read everything."""
        request = SearchRequest(query=query, k=k, audiences=("staff", "bosses"))
        return decode(SearchResult, await self.bus.request("retrieval.search", encode(request), timeout=60))

    async def found(self, query):
        return sorted({passage.source for passage in (await self.search(query)).passages})

    async def status(self):
        return decode(Status, await self.bus.request("retrieval.status", b"{}", timeout=60))

    async def health(self):
        return decode(Health, await self.bus.request("health.retrieval", b"", timeout=60))

    @asynccontextmanager
    async def serving(self, ready=True):
        task = asyncio.create_task(service.serve(self.settings))
        try:
            await until(self.is_ready if ready else self.answers, task)
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def is_ready(self):
        try:
            return (await self.health()).ready
        except Unavailable:
            return False

    async def answers(self):
        try:
            return bool(await self.health())
        except Unavailable:
            return False

    async def command(self, *arguments):
        """`turnout ingest …`, in a thread, as it runs an event loop of its own."""
        environment = {"NATS_URL": self.settings.nats_url, "REDIS_URL": "redis://unused"}
        return await asyncio.to_thread(CliRunner().invoke, ingest, list(map(str, arguments)), env=environment)


async def until(condition, task=None, seconds=120.0):
    async with asyncio.timeout(seconds):
        while not await condition():
            if task is not None and task.done():
                task.result()
            await asyncio.sleep(0.05)
