"""Streams that are taken away."""

import asyncio
from pathlib import Path

from nats.js import JetStreamContext


async def delete(js: JetStreamContext, name: str, data: Path) -> None:
    """Returns once the embedded server's files of the stream are gone from its data folder: it removes them after it has answered,
    and with them those of a stream that is made anew too soon."""
    await js.delete_stream(name)
    async with asyncio.timeout(45):
        while (data / "nats" / "jetstream" / "$G" / "streams" / name).exists():
            await asyncio.sleep(0.005)
