"""A changed document answers with its new text, the old one never again: two hundred changes through the running service."""

import asyncio
import re

from core.records import decode, encode
from retrieval.records import IngestRequest, Progress, ProgressRequest
from tests.retrieval.rig import COUNTING, until

ROOMS, CHANGES = 20, 10


async def test_after_two_hundred_changes_no_old_text_was_found_again(rig):
    """Prices rise: whoever has seen one never sees a lower one, also while documents are being replaced; once a change is told
    to be done, its price is the one found."""
    rig.write("assistant.toml", COUNTING)
    lowest, lower, stale, looked = [0] * ROOMS, 0, 0, 0

    async def look(room):
        nonlocal lower, looked
        seen = await prices(rig, room)
        looked += 1
        lower += any(price < lowest[room] for price in seen)
        lowest[room] = max([lowest[room], *seen])
        return seen

    async def keep_looking():
        while True:
            for room in range(ROOMS):
                await look(room)

    write(rig, 1)
    async with rig.serving():
        looking = asyncio.create_task(keep_looking())
        for price in range(2, CHANGES + 2):
            write(rig, price)
            await taken(rig)
            for room in range(ROOMS):
                seen = await look(room)
                stale += seen != {price}
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
    assert (stale, lower) == (0, 0)
    assert looked > ROOMS * CHANGES


def write(rig, price):
    for room in range(ROOMS):
        more = "".join(f"## Part {part}\n\nThe room{room}x has window {part}, at {price} coins.\n\n" for part in range(3))
        rig.write(f"knowledge/{room}.md", f"# Room {room}\n\nA night in room{room}x costs {price} coins.\n\n{more}")


async def prices(rig, room):
    """What the passages of a room say it costs, all of them."""
    found = (await rig.search(f"What does a night in room{room}x cost in coins?", k=8)).passages
    return {int(price) for passage in found for price in re.findall(rf"room{room}x.*?(\d+) coins", passage.text)}


async def taken(rig):
    """What was written is in the index."""
    answer = await rig.bus.request("retrieval.ingest", encode(IngestRequest()), timeout=60)
    job = decode(Progress, answer).job

    async def done():
        answer = await rig.bus.request("retrieval.progress", encode(ProgressRequest(job=job)), timeout=60)
        return decode(Progress, answer).done

    await until(done, seconds=120)
