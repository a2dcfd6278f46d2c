"""Whether what is in force still speaks for what runs: looked at now and then, told as metrics and in the log."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog
from prometheus_client import Gauge

from core.assistant import Assistant
from core.bus import Bus
from core.errors import BusError
from core.policy.drift import Drift
from core.policy.routes import Routes
from core.routes import mix
from core.routes.present import present
from core.routes.staleness import stale
from core.routes.standing import Standing
from core.settings import Settings

EVERY = 3600.0
SETTLED = 60.0

STALE = Gauge("turnout_routes_stale", "Intents whose routes are to be measured again")
MOVED = Gauge("turnout_intents_moved", "The share of conversations about other things than before the routes were measured")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Age:
    """What is to be measured again, by intent with why; and how what people ask for has moved."""

    stale: dict[str, list[str]] = field(default_factory=dict)
    drift: Drift = Drift(0.0, 1.0)


async def age(bus: Bus, given: Settings, file: Assistant, routes: Routes) -> Age:
    """How well a version fits what runs now; an opinion has nothing that could age but its names."""
    found = await present(bus, given, file, routes)
    measured = [route.evidence.at for route in routes.routes if route.evidence]
    drift = await mix.drifted(bus, measured=max(measured), now=found.at) if measured else Drift(0.0, 1.0)
    return Age(stale(routes, found), drift)


async def watch(bus: Bus, given: Settings, file: Callable[[], Assistant], standing: Standing) -> None:
    """Look every hour, and a minute after the routes have changed; until cancelled."""
    known: set[str] = set()
    while True:
        changed = standing.changed
        await asyncio.sleep(SETTLED)
        try:
            found = await age(bus, given, file(), standing.now)
        except BusError as error:
            log.info("the age of the routes is not known now", reason=str(error))
        else:
            STALE.set(len(found.stale))
            MOVED.set(found.drift.distance if found.drift.real else 0.0)
            for intent in sorted({*found.stale} - known):
                log.warning("to be measured again", intent=intent, reasons=found.stale[intent])
            known = {*found.stale}
        await _either(changed, EVERY)


async def _either(changed: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await changed.wait()
    except TimeoutError:
        return
