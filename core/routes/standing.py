"""What a core follows now: the version in force, the one before it, and which of them a conversation takes."""

import asyncio
import hashlib
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, field

import structlog
from prometheus_client import Gauge

from core import keys
from core.bus import Bus
from core.errors import BusError, RecordError
from core.policy.routes import Route, Routes
from core.records import decode
from core.routes import versions

AGAIN = 1.0

VERSION = Gauge("turnout_routes_version", "The version of the routes in force; 0: the assistant file's")
SHARE = Gauge("turnout_routes_share", "The share of conversations that follow it")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Taken:
    """The tracks that a turn asks, in order; the version that said so (0: the assistant file), and why."""

    tracks: tuple[str, ...]
    version: int
    why: str


@dataclass(slots=True)
class Standing:
    """The version in force and the one before it, exchanged as a whole when a new one comes. While NATS is away, what was
    known last stays in force. `changed` is set when `now` is no longer what it was, and is another event from then on."""

    now: Routes = versions.FILE
    before: Routes = versions.FILE
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def of(self, lane: str) -> Routes:
        """The version that a conversation follows."""
        if self.now.stage == "full" or (self.now.stage == "canary" and drawn(lane, self.now)):
            return self.now
        return self.before

    def take(self, lane: str, intent: str, file: tuple[str, ...], *, known: Container[str]) -> Taken:
        """The route of an intent in a conversation; `file` is what the assistant file says, `known` the tracks there are."""
        version = self.of(lane)
        route = next((route for route in version.routes if route.intent == intent), None)
        if route is None:
            return Taken(file, version.number, _told(file, "the assistant file, an opinion"))
        name = f"routes {version.number}" + (" (canary)" if version.stage == "canary" else "")
        if gone := [track for track in route.tracks if track not in known]:
            return Taken(
                file, version.number, _told(file, f"the assistant file: {name} names {gone[0]}, which is no track now")
            )
        return Taken(route.tracks, version.number, _told(route.tracks, f"{name}, {rests_on(route)}"))

    async def follow(self, bus: Bus, changed: Callable[[], None]) -> None:
        """Keep up with the versions, until cancelled; `changed` is called after each new one."""
        while True:
            try:
                await self._follow(bus, changed)
            except BusError as error:
                log.warning("routes not followed, the last known stay in force", reason=str(error))
            await asyncio.sleep(AGAIN)

    async def load(self, bus: Bus) -> None:
        """Take up the version in force; with one that cannot be read the assistant file's routes count."""
        try:
            await self._take_up(bus, await versions.newest(bus))
        except RecordError as error:
            log.error("routes not usable, the assistant file's count", reason=str(error))

    async def _follow(self, bus: Bus, changed: Callable[[], None]) -> None:
        last = await bus.last(versions.BUCKET, keys.routes())
        async with bus.follow(versions.BUCKET, keys.routes(), last.seq - 1 if last else 0) as values:
            async for stored in values:
                try:
                    await self._take_up(bus, decode(Routes, stored.data))
                except RecordError as error:
                    log.error("routes not usable, the last known stay in force", key=stored.subject, reason=str(error))
                changed()

    async def _take_up(self, bus: Bus, now: Routes) -> None:
        if now == self.now:
            return
        try:
            before = await versions.read(bus, now.before)
        except versions.UnknownVersion as error:
            log.error("the routes before these are gone: the assistant file's count for whom they do not", reason=str(error))
            before = versions.FILE
        self.now, self.before = now, before
        self.changed.set()
        self.changed = asyncio.Event()
        VERSION.set(now.number)
        SHARE.set({"shadow": 0.0, "canary": now.share, "full": 1.0}[now.stage])
        log.info("routes in force", version=now.number, stage=now.stage, share=now.share, by=now.by, note=now.note)


def drawn(lane: str, routes: Routes) -> bool:
    """Whether a conversation is among the canaries: by its name and the roll-out, so that who is one stays one while the share
    grows."""
    digest = hashlib.sha256(f"{routes.began}:{lane}".encode()).digest()
    return int.from_bytes(digest[:8]) < routes.share * 2**64


def rests_on(route: Route) -> str:
    """ "measured on 312 cases", or "an opinion": also where nothing was measured beside it."""
    if route.evidence is None or not route.evidence.cases:
        return "an opinion"
    if route.evidence.kind == "cannot_tell":
        ends = {None: "", 0: ", more are not worth asking"}
        end = ends.get(route.evidence.more, f", about {route.evidence.more} more would tell")
        return f"not told apart on {route.evidence.cases} cases{end}"
    return f"measured on {route.evidence.cases} cases"


def strangers(routes: Routes, known: Container[str]) -> list[str]:
    """What the routes name that is no track, a sentence each."""
    return [
        f"routes {routes.number}: {route.intent} is to take {track}, which is no track of the assistant"
        for route in routes.routes
        for track in route.tracks
        if track not in known
    ]


def _told(tracks: Iterable[str], by: str) -> str:
    return f"route {' → '.join(tracks)} by {by}"
