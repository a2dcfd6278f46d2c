"""The bus on NATS with JetStream. `connect` yields it; nothing outside this package imports nats.

`link` is one connection that outlives servers; `streams` makes the streams; `pull` hands out what they hold, by a standing
pull request; `bus` joins them to the contract of `core.bus`. JetStream's API is spoken in its own JSON over plain requests:
it is smaller than the client library's wrapper and shows every option that matters.

Reads are direct gets, which any replica of a stream may answer: with more than one replica they may lag behind a publish.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from core.bus import ACK_WAIT, STREAMS, Bus, Stream
from core.bus_nats.bus import NatsBus
from core.bus_nats.link import Link

__all__ = ["connect"]


@asynccontextmanager
async def connect(
    url: str, *, name: str = "turnout", streams: tuple[Stream, ...] = STREAMS, ack_wait: float = ACK_WAIT
) -> AsyncIterator[Bus]:
    """A bus on the server at `url` (several, with commas, are one cluster), its streams made or brought up to date.

    `name` shows in the server's monitoring; a delivery neither acknowledged nor touched for `ack_wait` seconds is delivered
    again. Raises Unavailable when no server answers within 10 s; later losses are reconnected for ever, in the background.
    """
    link = Link(url, name)
    await link.open()
    try:
        bus = NatsBus(link, streams, ack_wait)
        async with link.joined(bus.prepare):
            yield bus
    finally:
        await link.close()
