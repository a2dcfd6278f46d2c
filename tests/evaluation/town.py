"""The dialog as it runs, on in-memory twins, with a model server over real HTTP and a few documents: for evaluations to ask."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from core import assistant, keys
from core.bus_memory import MemoryBus
from core.dialog import service
from core.dialog.models.terms import terms
from core.errors import Unavailable
from core.evaluation.tracks.commands import Choices, measure
from core.evaluation.tracks.keeping import Kept
from core.evaluation.tracks.records import Case, Run
from core.knowledge import (
    Document,
    DocumentRequest,
    Library,
    Listed,
    Passage,
    Prints,
    SearchRequest,
    SearchResult,
    Tags,
    print_of,
)
from core.leases import MemoryLeases
from core.memory import LocalMemory
from core.records import decode, encode
from core.settings import Settings, load
from tests.fakes.openai_server import OpenAIServer

FILE = """
[assistant]
name = "Shop"
default_route = ["prompt"]
clarify_below = 0
out_of_scope_below = 0
nothing_found = "I found nothing about that."
[models]
prompt = "small"
tuned = "own"
strong = "large"
max_tokens = 50
[models.prices.small]
prompt = 100
completion = 1000
[models.prices.own]
prompt = 50
completion = 500
training = 100
turns = 10000
[models.prices.large]
prompt = 1000
completion = 10000
[[intents]]
name = "returns"
examples = ["send it back", "how long may I return it", "I want to return a bike"]
route = ["prompt", "template"]
template = "You have thirty days."
[[intents]]
name = "prices"
examples = ["what does it cost", "how much is a helmet", "price of a tyre"]
route = ["rag", "prompt"]
"""
RETURNS = "Bikes may be returned within 30 days. Helmets must be unworn."
PRICES = "A helmet costs 49 euros. A tyre costs 20 euros."


@dataclass
class Town:
    bus: MemoryBus
    server: OpenAIServer
    folder: Path
    given: Settings
    documents: dict[str, str] = field(default_factory=lambda: {"returns.md": RETURNS, "prices.md": PRICES})

    closed: dict[str, str] = field(default_factory=dict)
    """Documents that not everyone may read: by the one audience that may."""

    def open_to(self, audiences: Sequence[str]) -> dict[str, str]:
        return {name: text for name, text in self.documents.items() if self.closed.get(name, "") in ("", *audiences)}

    async def evaluate(self, cases: Sequence[Case], *only: str, **choices: object) -> tuple[Kept, Run]:
        file = assistant.read(self.given.assistant)
        chosen = Choices(only, **choices)  # type: ignore[arg-type]
        return await measure(self.bus, self.given, file, name="q.jsonl", cases=cases, choices=chosen)

    @property
    def models(self) -> list[str]:
        """The model of every request so far."""
        return [str(asked.body["model"]) for asked in self.server.asked]

    async def search(self, data: bytes) -> bytes:
        request = decode(SearchRequest, data)
        wanted, known = {*terms(request.query)}, self.open_to(request.audiences)
        best = max(known, key=lambda name: len(wanted & {*terms(known[name])}))
        tags = Tags(audience=tuple(filter(None, (self.closed.get(best),))))
        passage = Passage(id=best, source=best, title=best, text=known[best], end=len(known[best]), tags=tags)
        fits = bool(wanted & {*terms(known[best])})
        return encode(SearchResult(passages=(passage,) if fits else (), documents=2, confidence=0.9))

    async def document(self, data: bytes) -> bytes:
        request = decode(DocumentRequest, data)
        return encode(Document(source=request.source, text=self.open_to(request.audiences).get(request.source, "")))

    async def prints(self, _data: bytes) -> bytes:
        return encode(Prints(prints={name: print_of(text) for name, text in self.documents.items()}))

    async def status(self, _data: bytes) -> bytes:
        return encode(Library(documents=2, listed=tuple(Listed(source=name) for name in self.documents)))


@asynccontextmanager
async def town(folder: Path, file: str = FILE) -> AsyncIterator[Town]:
    """Everything that `turnout up` starts, in this process."""
    (folder / "assistant.toml").write_text(file)
    async with OpenAIServer() as server:
        given = load(
            TURNOUT_ASSISTANT=folder / "assistant.toml",
            TURNOUT_DATA=folder / "data",
            TURNOUT_SECRET="secret",
            OPENAI_BASE_URL=server.base_url,
            OPENAI_API_KEY="k",
        )
        made = Town(MemoryBus(), server, folder, given)
        handlers = {"retrieval.search": made.search, "retrieval.document": made.document, "retrieval.status": made.status}
        handlers |= {"retrieval.prints": made.prints}
        async with made.bus.serve("retrieval", handlers):
            core = asyncio.create_task(service.run(given, made.bus, MemoryLeases(), LocalMemory()))
            try:
                await ready(made.bus, core)
                yield made
            finally:
                core.cancel()
                await asyncio.gather(core, return_exceptions=True)


async def ready(bus: MemoryBus, core: "asyncio.Task[None]") -> None:
    async with asyncio.timeout(60):
        while not core.done():
            try:
                await bus.request(keys.health("core"), b"", timeout=1)
                return
            except Unavailable:
                await asyncio.sleep(0.02)
    await core


CASES = (
    Case(id="r1", question="How long may I return a bike?", claims=(("30 days",),), sources=("returns.md",), intent="returns"),
    Case(
        id="r2",
        question="Must helmets be unworn to be returned?",
        claims=(("unworn",),),
        sources=("returns.md",),
        intent="returns",
    ),
    Case(id="p1", question="What does a helmet cost?", claims=(("49 euros",),), sources=("prices.md",), intent="prices"),
    Case(id="p2", question="What does a tyre cost?", claims=(("20 euros",),), sources=("prices.md",), intent="prices"),
)
