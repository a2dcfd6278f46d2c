"""The running Turnout, as a command reaches it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from core import embedded
from core.bus import Bus
from core.errors import ConfigError
from core.settings import Settings

NOT_RUNNING = "Turnout is not running: start it with `turnout up`"


@asynccontextmanager
async def connected(given: Settings, *, name: str, absent: str = NOT_RUNNING) -> AsyncIterator[Bus]:
    """Raises ConfigError where no servers run; `absent` says what to start then."""
    from core import bus_nats  # only now: whoever reads --help waits for no client library

    try:
        where = embedded.locate(given).nats_url
    except ConfigError as error:
        raise ConfigError(f"{absent} ({error})") from None
    async with bus_nats.connect(where, name=name) as bus:
        yield bus
