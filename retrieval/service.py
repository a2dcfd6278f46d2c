"""The retrieval service: owns the index, keeps it in step with the assistant's knowledge, and answers `retrieval.*`."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, islice
from typing import TypeVar
from urllib.parse import quote

import msgspec
import structlog

from core import embedded
from core.assistant import Assistant, Watched
from core.bus import Handler
from core.bus_nats import connect
from core.errors import ConfigError, RecordError, StoreUnavailable, TurnoutError
from core.knowledge import DocumentRequest, EmbedRequest, Passage, Prints, PrintsRequest, SearchRequest, SearchResult
from core.records import Health, decode, encode
from core.settings import Settings
from core.vitals import vitals
from retrieval import embeddings, reranking
from retrieval.following import Following
from retrieval.fusion import weights
from retrieval.index import Index, Setup
from retrieval.ingest import SHORT, Ingest
from retrieval.kinds import Place
from retrieval.ledger import Ledger, Memory
from retrieval.manifest import Row
from retrieval.records import Indexed, IngestRequest, ProgressRequest, Removed, RemoveRequest, Skipped, SourceStatus, Status
from retrieval.relocation import Relocation
from retrieval.shelf import Shelf
from retrieval.stores.rest import Server

MOST = 50
LISTED = 1000
PRINTED = 500
RETRY = 5.0

Done = TypeVar("Done")

log = structlog.get_logger("retrieval")


async def serve(settings: Settings) -> None:
    """Ingest, index and search until cancelled. What the index holds already is served while the rest is read."""
    watched = Watched(settings.assistant)
    servers = await embedded.wait(settings)
    async with (
        connect(servers.nats_url, name="retrieval") as bus,
        _opened(settings, watched.assistant) as retrieval,
        asyncio.TaskGroup() as retrieval.group,
        bus.serve("retrieval", retrieval.handlers()),
        vitals(bus, "retrieval", retrieval.ready),
    ):
        following = retrieval.follow_files(), retrieval.follow_assistant(watched)
        await asyncio.gather(retrieval.embed(), retrieval.relocation.run(), *following)


@asynccontextmanager
async def _opened(settings: Settings, assistant: Assistant) -> AsyncIterator["Retrieval"]:
    setup = make_setup(assistant)
    server = Server(settings.qdrant_url, settings.qdrant_key) if settings.qdrant_url else None
    index = await _patiently(lambda: Index(settings.data / "index", setup, server))
    try:
        place = Place(settings.assistant.absolute().parent, settings.data.absolute() / "sources")
        with closing(await asyncio.to_thread(Ledger, place.folder / "ledger.sqlite3")) as ledger:
            following = Following(Ingest(Shelf(index, ledger, place)))
            yield Retrieval(index, setup, assistant, following, stocked=index.counts()[0] > 0)
    finally:
        await asyncio.to_thread(index.close)


async def _patiently(done: Callable[[], Done]) -> Done:
    """Done in a thread, as soon as the store answers."""
    while True:
        try:
            return await asyncio.to_thread(done)
        except StoreUnavailable as error:
            log.error("the index waits for its store", reason=str(error), again_in=RETRY)
            await asyncio.sleep(RETRY)


def make_setup(assistant: Assistant) -> Setup:
    """How the assistant file wants to be searched. Raises ConfigError when its embeddings cannot be loaded."""
    language = assistant.about.language
    embedder = embeddings.find(assistant.knowledge)
    return Setup(language, embedder, weights(embedder, assistant.knowledge.word_weight), reranking.find(assistant.knowledge))


@dataclass
class Retrieval:
    """Answers requests over one index. Whatever takes time runs in a thread, so the loop stays free."""

    index: Index
    setup: Setup
    assistant: Assistant
    following: Following
    group: asyncio.TaskGroup = field(default_factory=asyncio.TaskGroup)
    stocked: bool = False
    sources_changed: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.relocation = Relocation(self.index)

    @property
    def ingest(self) -> Ingest:
        return self.following.ingest

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        return tuple(chain.from_iterable(self.ingest.skipped.values()))

    def handlers(self) -> dict[str, Handler]:
        return {
            "retrieval.search": self.search,
            "retrieval.document": self.document,
            "retrieval.prints": self.prints,
            "retrieval.embed": self.vectors,
            "retrieval.ingest": self.take,
            "retrieval.progress": self.progress,
            "retrieval.remove": self.remove,
            "retrieval.move": self.relocation.answer,
            "retrieval.status": self.status,
        }

    async def search(self, data: bytes) -> bytes:
        try:
            request = decode(SearchRequest, data)
        except RecordError as error:
            return encode(SearchResult(error=str(error)))
        request = msgspec.structs.replace(request, k=max(1, min(request.k, MOST)))
        try:
            result = await asyncio.to_thread(self.index.search, request)
        except TurnoutError as error:
            log.error("a search failed", reason=str(error))
            return encode(SearchResult(error=str(error)))
        return encode(msgspec.structs.replace(result, passages=tuple(map(self._linked, result.passages))))

    async def document(self, data: bytes) -> bytes:
        found = await asyncio.to_thread(self.index.document, decode(DocumentRequest, data))
        return encode(found)

    async def prints(self, data: bytes) -> bytes:
        found = await asyncio.to_thread(self.index.prints, decode(PrintsRequest, data).after, PRINTED + 1)
        return encode(Prints(prints=dict(islice(found.items(), PRINTED)), more=len(found) > PRINTED))

    async def vectors(self, data: bytes) -> bytes:
        texts = decode(EmbedRequest, data).texts
        return encode(await asyncio.to_thread(embeddings.embedded, self.setup.embedder, texts, self.setup.language))

    async def take(self, data: bytes) -> bytes:
        request = decode(IngestRequest, data)
        job = self.ingest.begin()
        self.group.create_task(self.ingest.run(job, request), name=f"ingest {job}")
        return encode(self.ingest.progress(job))

    async def progress(self, data: bytes) -> bytes:
        now = self.ingest.progress(decode(ProgressRequest, data).job)
        waiting = await asyncio.to_thread(self.index.waiting) if now.done else now.waiting
        lists = {"skipped": now.skipped, "planned": now.planned} if now.done else {"skipped": (), "planned": ()}
        return encode(msgspec.structs.replace(now, waiting=waiting, **lists))

    async def remove(self, data: bytes) -> bytes:
        removed = await self.ingest.remove(decode(RemoveRequest, data).source)
        sources = [row.tags.origin or SHORT for row in removed if row.origin == "assistant"]
        return encode(Removed(removed=bool(removed), offered_by="".join(sources[:1])))

    async def status(self, _data: bytes) -> bytes:
        rows = await asyncio.to_thread(self.index.rows)
        memories = await asyncio.to_thread(self.ingest.shelf.ledger.remembered)
        documents = [listed(row, memories.get(row.source)) for row in rows]
        answer = Status(
            documents=len(rows),
            passages=sum(row.passages for row in rows),
            waiting=await asyncio.to_thread(self.index.waiting),
            embedder=self.setup.embedder.name if self.setup.embedder else "",
            language=self.setup.language,
            sources=tuple(counted(source, documents) for source in self.following.status()),
            listed=tuple(documents[:LISTED]),
            skipped=self.skipped[:LISTED],
            store=self.index.store,
            trouble=await asyncio.to_thread(self.index.trouble),
            spent=round(await asyncio.to_thread(lambda: self.index.spent), 3),
        )
        return encode(answer)

    async def ready(self) -> Health:
        """Ready with what an earlier run left, else with the first filling done: half a library gives wrong answers."""
        documents, passages = await asyncio.to_thread(self.index.counts)
        filled = self.following.filled
        detail = f"{documents} documents, {passages} passages" if filled else f"{documents} documents so far, reading on"
        if self.skipped:
            detail += f", {len(self.skipped)} files skipped"
        trouble = await asyncio.to_thread(self.index.trouble)
        told = (*([trouble] if trouble else []), f"{detail}, {self.index.store}", *self.following.alarms())
        return Health(service="retrieval", ready=(filled or self.stocked) and not trouble, detail="; ".join(told))

    async def embed(self) -> None:
        """Give every passage its vector; an embedder that fails is asked again later."""
        while True:
            self.ingest.shelf.written.clear()
            try:
                busy = await asyncio.to_thread(self.index.embed_some)
            except Exception as error:  # noqa: BLE001  # anybody's Embeddings; the words are searchable meanwhile
                log.warning("passages wait for their vectors: the embedder failed", reason=str(error), again_in=RETRY)
                await asyncio.sleep(RETRY)
                continue
            if not busy:
                await self.ingest.shelf.written.wait()

    async def follow_files(self) -> None:
        """Ingest the assistant's knowledge now, and whenever its sources or the list of them change."""
        while True:
            self.sources_changed.clear()
            try:
                await self.ingest.use(self.assistant.knowledge)
            except StoreUnavailable as error:
                log.error("documents cannot be marked", reason=str(error), again_in=RETRY)
                await asyncio.sleep(RETRY)
                continue
            await self.following.run(self.sources_changed)

    async def follow_assistant(self, watched: Watched) -> None:
        async for assistant in watched.changes():
            try:
                setup = await asyncio.to_thread(make_setup, assistant)
            except ConfigError as error:
                log.error("knowledge not usable, the last good one stays", reason=str(error))
                continue
            if setup != self.setup:
                await _patiently(partial(self.index.use, setup))
                self.ingest.shelf.written.set()
            if assistant.knowledge != self.assistant.knowledge:
                self.sources_changed.set()
            self.setup, self.assistant = setup, assistant

    def _linked(self, passage: Passage) -> Passage:
        base = self.assistant.knowledge.url
        if passage.url or not base:
            return passage
        return msgspec.structs.replace(passage, url=f"{base.rstrip('/')}/{quote(passage.source)}")


def listed(row: Row, memory: Memory | None) -> Indexed:
    flags = memory.flags if memory else ()
    facts = {name: getattr(row, name) for name in ("source", "title", "passages", "at", "path")}
    return Indexed(**facts, origin=row.tags.origin, flags=flags)


def counted(source: SourceStatus, documents: list[Indexed]) -> SourceStatus:
    """With what the index holds of it."""
    own = [document for document in documents if (document.origin or SHORT) == source.name]
    passages = sum(document.passages for document in own)
    flagged = sum(bool(document.flags) for document in own)
    return msgspec.structs.replace(source, documents=len(own), passages=passages, flagged=flagged)
