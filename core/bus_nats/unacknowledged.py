"""The alarm before a silent stall: at its limit of unacknowledged deliveries a consumer hands out nothing more, and says so
nowhere.

There is no alarm for the other silent end, a message given up after so many deliveries: our consumers deliver for ever
(`max_deliver` -1), the tries that failed are counted by the lanes, and what they give up stands in DEAD. So the advisory that
JetStream would send cannot come.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from prometheus_client import Gauge

from core.bus_nats import streams
from core.bus_nats.link import Link
from core.errors import BusError

LIMIT = 10_000
NEAR = 0.8
EVERY = 30.0

PENDING = Gauge("turnout_unacknowledged", "Deliveries in hand at workers, of at most 10,000", ["stream", "consumer"])

log = structlog.get_logger("core.bus")


@asynccontextmanager
async def watched(link: Link, stream: str, durable: str) -> AsyncIterator[None]:
    """Count a consumer's unacknowledged deliveries while the block lasts, and say loudly when they near the limit."""
    task = asyncio.create_task(_watch(link, stream, durable), name=f"{durable} unacknowledged")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _watch(link: Link, stream: str, durable: str) -> None:
    while True:
        await asyncio.sleep(EVERY)
        try:
            state = await streams.consumer_state(link, stream, durable)
        except BusError as error:
            log.info("consumer not counted", stream=stream, consumer=durable, reason=str(error))
            continue
        PENDING.labels(stream, durable).set(state.unacknowledged)
        if state.unacknowledged >= NEAR * LIMIT:
            log.error(
                "a consumer is about to stall: too many deliveries in hand, add workers or look for stuck ones",
                stream=stream,
                consumer=durable,
                unacknowledged=state.unacknowledged,
                limit=LIMIT,
            )
