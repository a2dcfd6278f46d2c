"""Turns of the log from a place on, up to its present end."""

from collections.abc import AsyncGenerator

from core.bus import Bus
from core.errors import RecordError
from core.records import Turn, decode


async def turns(bus: Bus, after: int) -> AsyncGenerator[Turn, None]:
    """Every turn after a sequence that can be read, in order. Close it where you stop early (`aclosing`)."""
    newest = await bus.last("LOG", "log.>")
    if newest is None or newest.seq <= after:
        return
    async with bus.follow("LOG", "log.>", after) as messages:
        async for message in messages:
            if turn := read(message.data):
                yield turn
            if message.seq >= newest.seq:
                return


def read(data: bytes) -> Turn | None:
    """A turn, None where it is none, or one of a newer program."""
    try:
        return decode(Turn, data)
    except RecordError:
        return None
