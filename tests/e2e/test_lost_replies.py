"""A reply is lost after the work was done, at each moment at which that matters; then every wire slow, throttled, frozen, cut."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio as redis

from core import keys
from tests.e2e.crash_points.armed import Armed
from tests.e2e.crash_points.build import install
from tests.e2e.system import until
from tests.e2e.town import AT_LENGTH, Resident, Town, town
from tests.fakes.proxy import Proxy

MOMENTS = [
    ("web", "web:before:accept", "nats"),
    ("telegram", "telegram:before:accept", "nats"),
    ("slack", "slack:before:accept", "nats"),
    ("web", "core:before:lease", "redis"),
    ("web", "core:before:retrieval", "openai"),
    ("web", "core:before:commit", "nats"),
    ("web", "core:before:memory-save", "redis"),
    ("web", "core:before:let-go", "redis"),
    ("telegram", "telegram:before:lease", "redis"),
    ("telegram", "telegram:before:intent", "nats"),
    ("telegram", "telegram:before:send", "telegram"),
    ("telegram", "telegram:before:next-intent", "nats"),
    ("telegram", "telegram:before:receipt", "nats"),
    ("slack", "slack:before:intent", "nats"),
    ("slack", "slack:before:send", "slack"),
    ("slack", "slack:before:next-send", "slack"),
    ("slack", "slack:before:receipt", "nats"),
]
"""Whose question, where the process is held until the wire is deaf, and which wire."""
TROUBLES: dict[str, Callable[[Proxy], object]] = {
    "half a second": lambda wire: wire.slow(delay=0.25),
    "30 kB/s": lambda wire: wire.slow(rate=30_000),
    "frozen": Proxy.freeze,
    "cut": Proxy.cut,
    "half an answer": lambda wire: setattr(wire, "cut_after", 150),
}
SECONDS = 2.5


@pytest.fixture(scope="module")
async def there(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Town, Armed]]:
    folder: Path = tmp_path_factory.mktemp("lost")
    async with town(folder / "town", twice=(), **install(folder / "crash")) as made:
        yield made, Armed(folder / "crash")


@pytest.mark.timeout(600)
async def test_a_reply_lost_after_the_work_was_done_changes_nothing(there: tuple[Town, Armed]) -> None:
    place, armed = there
    residents = [await place.resident(channel) for channel, _, _ in MOMENTS]
    for resident in residents:
        resident.say()
    await place.settled()
    for resident, (_, point, wire) in zip(residents, MOMENTS, strict=True):
        armed.hold(point, resident.lane, f"'{resident.person.key[1]}'", f"{resident.name}q1")
        began = time.time()
        resident.say(AT_LENGTH if "next" in point else "")
        resident.say()
        await until(lambda point=point: armed.pid(point))
        await lose(place, armed, resident, point, wire)
        await until(resident.answered)
        print(f"{point:<28} {wire:<9} {time.time() - began:5.1f} s")
        resident.say()
    await place.settled()
    verdict = await place.verdict()
    print(verdict)
    assert verdict.clean, verdict
    assert verdict.honest == 0
    assert place.asked_after_the_commit() == []
    assert verdict.repeats <= sum(wire == "telegram" for _, _, wire in MOMENTS)


async def lose(place: Town, armed: Armed, resident: Resident, point: str, wire: str) -> None:
    """Let the process go on; once its work is done, and the reply to it swallowed, the connection ends. Redis may be given up
    before: then the answer does not wait for it."""
    proxy = place.fleet.proxies[wire]
    away = place.system.log.count("redis does not answer")
    before, swallowed = await traces(place, resident, wire, memory="memory" in point), proxy.swallowed
    proxy.deaf = True
    armed.go(point)
    async with asyncio.timeout(60):
        while await traces(place, resident, wire, memory="memory" in point) == before and not resident.answered():
            await asyncio.sleep(0.01)
    await until(lambda: proxy.swallowed > swallowed)
    proxy.cut()
    proxy.heal()
    if wire == "redis":  # until it is back nobody asks for a lease: the next moment would not come
        await until(
            lambda: away < place.system.log.count("redis does not answer") <= place.system.log.count("redis answers again")
        )


async def traces(place: Town, resident: Resident, wire: str, *, memory: bool) -> Any:
    """What has come of a person's questions on the other side of a wire."""
    lane, key = resident.lane, resident.person.key
    if wire == "nats":
        channel = key[0]
        subjects = {"IN": keys.into(channel, lane), "LOG": keys.log(channel, lane), "SENT": keys.sent(channel, lane)}
        return [await place.bus.last(stream, subject) for stream, subject in subjects.items()]
    if wire == "redis":
        names = [keys.memory(lane)] if memory else [keys.lease(stream, lane) for stream in ("IN", "LOG")]
        async with redis.from_url(place.fleet.servers.redis_url) as client:
            return [await client.hgetall(name) for name in names]
    if wire == "openai":
        return len(place.writer.asked[resident.said[1]])
    return place.shown(key)


@pytest.mark.timeout(600)
async def test_every_wire_slow_throttled_frozen_cut_or_cut_in_half(there: tuple[Town, Armed]) -> None:
    """Two questions each on every channel while it lasts; `-s` prints how long the last of them waited."""
    place, _ = there
    residents = [await place.resident(channel) for channel in ("telegram", "slack", "web")]
    for name, wire in place.fleet.proxies.items():
        for title, trouble in TROUBLES.items():
            began = time.time()
            trouble(wire)
            for resident in residents:
                resident.say()
                resident.say()
            with suppress(TimeoutError):
                await until(lambda: all(one.answered() for one in residents), SECONDS)
            wire.heal()
            await until(lambda: all(one.answered() for one in residents))
            print(f"{name:<9} {title:<15} {time.time() - began:5.1f} s")
    await place.settled()
    verdict = await place.verdict()
    print(verdict)
    assert verdict.clean, verdict
    assert place.asked_after_the_commit() == []
