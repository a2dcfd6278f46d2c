"""The dialog on in-memory twins, with tracks that a test can swap."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

from core import assistant, keys
from core.bus_memory import MemoryBus
from core.dialog.desk import Desk
from core.dialog.recall import Recall
from core.dialog.service import LINE
from core.dialog.summary import outline
from core.dialog.tracks.contract import Answer, Means
from core.dialog.turn import Dialog, everyone
from core.lanes import Lanes
from core.leases import MemoryLeases
from core.memory import LocalMemory
from core.records import Citation, Event, Part, Turn, decode, encode

FILE = """
[assistant]
name = "Test"
default_route = ["first", "second"]
out_of_scope = "Not my trade."
suggestions = ["Returns?"]
[tracks]
first = "tests:none"
second = "tests:none"
[memory]
turns = 4
[channels.bursts]
overlap = "merge"
[channels.hasty]
overlap = "interrupt"
"""


class CountsWords:
    def count(self, text: str) -> int:
        return len(text.split())


class Router:
    """Says what the text says: `?` asks back, `!` is out of scope."""

    def decide(self, text: str, conversation) -> SimpleNamespace:
        kind = {"?": "clarify", "!": "out_of_scope"}.get(text[-1:], "intent")
        return SimpleNamespace(intent="any", confidence=0.9, kind=kind, candidates=(("any", 0.9),), why="intent any (0.90)")


class World:
    def __init__(self, tmp_path: Path) -> None:
        (tmp_path / "assistant.toml").write_text(FILE)
        self.bus, self.leases, self.memory = MemoryBus(), MemoryLeases(), LocalMemory()
        self.asked: list = []
        self.readers = everyone
        self.first, self.second = self.remembers, self.remembers
        tracks = {"first": lambda *a: self.first(*a), "second": lambda *a: self.second(*a)}
        self.desk = Desk(assistant.read(tmp_path / "assistant.toml"), Router(), tracks, Means(None, None, None))

    async def remembers(self, ask, means, say) -> Answer:
        """Answers with what it was told before, so that a test sees what memory reached it."""
        self.asked.append(ask.text)
        await say(f"echo {ask.text}")
        before = [exchange.asked for exchange in ask.conversation.exchanges]
        return Answer((Part(text=f"echo {ask.text} after {before}"),), (Citation(n=1, source="a.md", title="A"),), why="memory")

    async def summarise(self, summary: str, gone) -> str:
        return outline(summary, gone)

    @asynccontextmanager
    async def core(self, memory=None) -> AsyncIterator[None]:
        recall = Recall(self.bus, memory or self.memory, CountsWords())
        dialog = Dialog(self.bus, recall, lambda: self.desk, self.summarise, self.readers)
        lanes = Lanes(self.bus, self.leases, LINE, work=dialog.work, give_up=dialog.give_up, grace=0.1)
        task = asyncio.create_task(lanes.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def say(self, text: str, *, id: str = "", lane: str = "a", channel: str = "web", kind: str = "message") -> None:
        event = Event(id=id or f"{lane}-{text}", channel=channel, lane=lane, text=text, kind=kind, address={"chat": "7"})
        await self.bus.publish(keys.into(channel, lane), encode(event), id=f"{event.id}@{len(self.asked)}{id}")

    async def turns(self, count: int, *, lane: str = "a", channel: str = "web") -> list[Turn]:
        async with asyncio.timeout(45):
            while True:
                found, seq = [], 0
                while (stored := await self.bus.first_after("LOG", keys.log(channel, lane), seq)) is not None:
                    found.append(decode(Turn, stored.data))
                    seq = stored.seq
                if len(found) >= count:
                    return found
                await asyncio.sleep(0.01)
