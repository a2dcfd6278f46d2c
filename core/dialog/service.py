"""The dialog service: everything the dialog needs, wired in one place."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace

import structlog

from core import embedded, keys
from core.assistant import Assistant, Watched
from core.audience import Audiences, Members, MembersRequest, Reader
from core.bus import Bus
from core.bus_nats import connect
from core.dialog import models, tracks
from core.dialog.desk import Desk
from core.dialog.recall import Recall
from core.dialog.routing import Router, labelled, texts_of
from core.dialog.sensing import NoEmbedder, Senses, pending
from core.dialog.summary import summarise
from core.dialog.tracks.contract import Means
from core.dialog.turn import Dialog
from core.errors import CannotServe, ConfigError, Unavailable
from core.knowledge import SearchRequest, SearchResult
from core.lane import Line
from core.lanes import Lanes
from core.leases import Leases
from core.memory import Exchange, MemoryStore
from core.records import Event, Health, Turn, decode, encode
from core.redis_store import connect as connect_redis
from core.routes import ageing
from core.routes.rollout import Rollout
from core.routes.standing import Standing, strangers
from core.settings import Settings
from core.tokens import Tokens, for_model
from core.vitals import vitals

SEARCH_SECONDS = 5.0
MEMBERS_SECONDS = 3.0
RETRY_SECONDS = 5.0
LINE = Line(
    source="IN",
    subject="in.>",
    durable=keys.DIALOG,
    sink="LOG",
    sink_subject=keys.log,
    done=lambda data: decode(Turn, data).upto,
)

log = structlog.get_logger()


@dataclass(slots=True)
class Equipped:
    """The desk as the assistant file says now. Models are closed when `closing` ends."""

    settings: Settings
    bus: Bus
    tokens: Tokens
    closing: AsyncExitStack
    standing: Standing = field(default_factory=Standing)
    desk: Desk | None = None
    stronger: asyncio.Event = field(default_factory=asyncio.Event)

    def now(self) -> Desk:
        assert self.desk is not None, "equipped before the first turn"
        return self.desk

    async def equip(self, assistant: Assistant) -> None:
        """Make a desk of an assistant; the one in use stays until the new one is ready."""
        messages = labelled.calibration(assistant, self.settings.assistant)
        router = await asyncio.to_thread(Router, assistant, None, messages)
        loaded = tracks.load(assistant)
        same = self.desk is not None and self.desk.assistant.models == assistant.models
        means = self.now().means if same else self._means(assistant)
        sense = None if assistant.about.intents == "words" or not assistant.intents else pending
        self.desk = Desk(assistant, router, loaded, means, self.standing, sense)
        self.heed()
        self.stronger.set()
        say(router)
        log.info("assistant loaded", name=assistant.about.name, intents=len(assistant.intents), model=means.model.name)

    async def strengthen(self) -> None:
        """Have the router read meaning too, where the file wants that, as soon as its examples have their vectors."""
        while True:
            await self.stronger.wait()
            self.stronger.clear()
            desk = self.now()
            if desk.sense is None:
                continue
            senses = Senses(self.bus, self.settings.data / "routing")
            messages = labelled.calibration(desk.assistant, self.settings.assistant)
            try:
                taught = await senses.taught([*texts_of(desk.assistant), *(one.text for one in messages)])
            except CannotServe as error:
                await self._weaker(desk, error)
                continue
            router = await asyncio.to_thread(Router, desk.assistant, taught.vectors, messages, taught.heard)
            if self.desk is desk:
                self.desk = replace(desk, router=router, sense=senses.now)
                log.info("intents are told by words and embeddings")
                say(router)

    async def _weaker(self, desk: Desk, error: CannotServe) -> None:
        """Words alone: for good where `auto` finds no embeddings, else until they can be had."""
        if isinstance(error, NoEmbedder) and desk.assistant.about.intents == "auto":
            if self.desk is desk:
                self.desk = replace(desk, sense=None)
            return
        log.warning("intents are told by words alone", reason=str(error), again_in=RETRY_SECONDS)
        await asyncio.sleep(RETRY_SECONDS)
        self.stronger.set()

    def heed(self) -> None:
        """Say loudly which routes cannot be taken; the assistant file's are, in their place."""
        for stranger in strangers(self.standing.now, self.now().tracks):
            log.error("route ignored", reason=stranger)

    def _means(self, assistant: Assistant) -> Means:
        model = models.make(assistant.models, self.settings, self.tokens)
        tuned = models.make_tuned(assistant.models, self.settings, self.tokens)
        strong = models.make_strong(assistant.models, self.settings, self.tokens)
        for made in filter(None, (model, tuned, strong)):
            self.closing.push_async_callback(made.aclose)
        return Means(model, tuned, self.search, strong)

    async def search(self, request: SearchRequest) -> SearchResult:
        try:
            data = await self.bus.request("retrieval.search", encode(request), timeout=SEARCH_SECONDS)
        except Unavailable as error:
            raise CannotServe(f"retrieval does not answer: {error}") from None
        result = decode(SearchResult, data)
        if result.error:
            raise CannotServe(f"retrieval cannot search: {result.error}")
        return result

    async def summary(self, summary: str, gone: tuple[Exchange, ...]) -> str:
        return await summarise(self.now().means.model, summary, gone)


@dataclass(frozen=True, slots=True)
class Readers:
    """Who hears an answer, by the assistant file as it stands at this moment, for a revocation waits for nothing."""

    watched: Watched
    keys: keys.Keys
    bus: Bus

    async def __call__(self, events: Sequence[Event]) -> Reader:
        return await Audiences(self.watched.current(), self.keys, self.members).reader(events)

    async def members(self, channel: str, account: str, group: str) -> frozenset[str] | None:
        request = encode(MembersRequest(account=account, group=group))
        try:
            found = decode(Members, await self.bus.request(keys.members(channel), request, timeout=MEMBERS_SECONDS))
        except Unavailable as error:
            log.info("nobody says who is in a group", channel=channel, reason=str(error))
            return None
        return None if found.people is None else frozenset(found.people)


async def serve(settings: Settings) -> None:
    """Answer turns until cancelled."""
    servers = await embedded.wait(settings)
    async with connect(servers.nats_url, name="core") as bus, connect_redis(servers.redis_url) as store:
        await run(settings, bus, store.leases, store.memory)


async def run(settings: Settings, bus: Bus, leases: Leases, memory: MemoryStore) -> None:
    """The service on servers that are connected already."""
    watched = Watched(settings.assistant)
    tokens = for_model(models.default_name(watched.assistant.models, settings), settings.data)
    async with AsyncExitStack() as closing:
        equipped = Equipped(settings, bus, tokens, closing)
        await equipped.standing.load(bus)
        await equipped.equip(watched.assistant)
        readers = Readers(watched, keys.Keys(settings.secret_key()), bus)
        dialog = Dialog(bus, Recall(bus, memory, tokens), equipped.now, equipped.summary, readers)
        lanes = Lanes(bus, leases, LINE, work=dialog.work, give_up=dialog.give_up)

        async def ready() -> Health:
            return Health(service="core", ready=True, detail=f"{lanes.busy} lanes in hand")

        async with vitals(bus, "core", ready), asyncio.TaskGroup() as group:
            group.create_task(asyncio.to_thread(tokens.load), name="vocabulary")
            group.create_task(_follow(watched, equipped), name="assistant-file")
            group.create_task(equipped.strengthen(), name="embeddings")
            group.create_task(equipped.standing.follow(bus, equipped.heed), name="routes")
            group.create_task(Rollout(bus, equipped.standing, watched.current).run(), name="roll-out")
            group.create_task(ageing.watch(bus, settings, watched.current, equipped.standing), name="age of the routes")
            group.create_task(lanes.run(), name="lanes")


def say(router: Router) -> None:
    """What can be promised of the intents, where a risk is stated."""
    if router.promise and router.promise.threshold is None:
        log.warning("the stated risk cannot be promised", reason=str(router.promise))
    elif router.promise:
        log.info("the stated risk holds", detail=str(router.promise))
    if router.promise_by_words and router.promise_by_words != router.promise:
        log.info("of messages that only their words tell", detail=str(router.promise_by_words))


async def _follow(watched: Watched, equipped: Equipped) -> None:
    async for assistant in _changes(watched):
        try:
            await equipped.equip(assistant)
        except ConfigError as error:
            log.error("assistant file not usable, the last good one stays", file=str(watched.path), reason=str(error))


async def _changes(watched: Watched, every: float = 1.0) -> AsyncIterator[Assistant]:
    """The assistant, whenever it or its calibration file is another."""

    def seen() -> tuple[Assistant, float]:
        assistant = watched.current()
        return assistant, labelled.changed(assistant, watched.path)

    last = seen()
    while True:
        await asyncio.sleep(every)
        if (now := seen()) != last:
            last = now
            yield now[0]
