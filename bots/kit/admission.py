"""Admission: an event is stored, once, or refused aloud; never taken and forgotten.

While more messages wait for the core than a channel's `backlog`, its new ones are refused, so that everything accepted is
answered while somebody still waits for it. The platform then asks again: the web page and a webhook after a 503, Telegram's
polling because the offset has not moved.
"""

import math
from asyncio import get_running_loop
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from prometheus_client import Counter

from core import keys
from core.bus import Bus
from core.errors import Full
from core.records import Event, encode

LOOK_EVERY = 1.0

REFUSED = Counter("turnout_refused", "Messages refused because too many wait for the core", ["channel"])

log = structlog.get_logger()


@dataclass(slots=True)
class Admission:
    """What a channel awaits before it acknowledges anything. `backlog` gives the most that may wait, as the policy says now."""

    bus: Bus
    backlog: Callable[[], int]
    _waiting: int = 0
    _looked: float = -math.inf

    async def __call__(self, event: Event) -> None:
        """Returns once the event is on disk. Raises Full while too many wait, Unavailable while the bus is away."""
        await self._look(event.channel)
        if self._waiting >= self.backlog():
            REFUSED.labels(event.channel).inc()
            raise Full(f"{self._waiting} messages wait to be answered: try again in a moment")
        await self.bus.publish(keys.into(event.channel, event.lane), encode(event), id=event.id)
        self._waiting += 1

    async def _look(self, channel: str) -> None:
        """How many wait, asked once a second; in between, what is let in here is counted on top."""
        now = get_running_loop().time()
        if now - self._looked < LOOK_EVERY:
            return
        self._looked = now
        self._waiting = await self.bus.waiting("IN", keys.DIALOG)
        if self._waiting >= self.backlog():
            log.warning("too many messages wait for the core, new ones are refused", channel=channel, waiting=self._waiting)
