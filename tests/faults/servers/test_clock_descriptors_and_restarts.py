"""What a machine's ordinary life brings: its clock is set, it runs out of descriptors, everything on it is restarted."""

import asyncio
import os
import resource
import signal
import struct
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import httpx
import pytest
import redis.asyncio as redis

from core.children import Child
from core.embedded import locate
from core.settings import load
from tests.fakes.ports import free_port
from tests.faults.servers.town import Crowd, Town, standing

TEN_MINUTES = 600.0
NONE_LEFT = "no file descriptor is left"


@pytest.fixture(scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    folder = tmp_path_factory.mktemp("machine")
    set_clock(folder, 0.0)
    path = os.pathsep.join(filter(None, (str(Path(__file__).parent), os.environ.get("PYTHONPATH"))))
    variables = {"TOWN_CLOCK": str(folder / "clock"), "PYTHONPATH": path}
    async with standing(folder, webhook=True, options=("--workers", "2"), **variables) as town:
        yield town


def set_clock(folder: Path, ahead: float) -> None:
    """For all processes of the town, at once."""
    with (folder / "clock").open("r+b" if (folder / "clock").exists() else "wb") as file:
        file.write(struct.pack("d", ahead))


async def shift_leases(town: Town, seconds: float) -> None:
    """What a step of the clock of Redis' machine does to the leases that are held."""
    where = locate(load(TURNOUT_DATA=town.system.folder / "data", NATS_URL="", REDIS_URL=""))
    async with redis.from_url(where.redis_url) as client:
        async for key in client.scan_iter("turnout:lease:*"):
            if await client.hexists(key, "until"):
                await client.hincrby(key, "until", round(1000 * seconds))


async def test_a_clock_that_is_set_ten_minutes_ahead_and_back_disturbs_nobody(town: Town) -> None:
    async with town.busy() as crowd:
        await crowd.until_answered(6)
        for ahead, jump in ((TEN_MINUTES, TEN_MINUTES), (0.0, -TEN_MINUTES), (-TEN_MINUTES, -TEN_MINUTES), (0.0, TEN_MINUTES)):
            set_clock(town.system.folder, ahead)
            await shift_leases(town, -jump)
            await crowd.until_all_resumed()
    assert crowd.judged.honest == 0, "somebody was told of trouble"
    assert {status for visitor in crowd.visitors for status in visitor.answers} == {202}, "a session or a message was refused"


@contextmanager
def no_more_descriptors(pids: list[int]) -> Iterator[None]:
    """What is open stays open, and nothing can be opened."""
    limits = {}
    for pid in pids:
        highest = max(int(name) for name in os.listdir(f"/proc/{pid}/fd"))
        limits[pid] = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (highest + 1, limits[pid][1]))
    try:
        yield
    finally:
        for pid, limit in limits.items():
            resource.prlimit(pid, resource.RLIMIT_NOFILE, limit)


@asynccontextmanager
async def idle_connections(town: Town) -> AsyncIterator[None]:
    """Whatever descriptor the web service lets go of is taken by one more connection that says nothing."""
    held: list[asyncio.StreamWriter] = []

    async def connect() -> None:
        while True:
            with suppress(OSError):
                held.append((await asyncio.open_connection("127.0.0.1", town.system.port))[1])
            await asyncio.sleep(0.01)

    connecting = asyncio.create_task(connect())
    try:
        yield
    finally:
        connecting.cancel()
        for writer in held:
            writer.transport.abort()


async def refused_again(crowd: Crowd) -> None:
    """Slack opens a connection for each call."""
    before = crowd.refused["slack"]
    await crowd.until(lambda: crowd.refused["slack"] > before + 2, "refusal of who comes anew")


async def test_without_descriptors_newcomers_are_turned_away_and_then_all_go_on(town: Town) -> None:
    before = town.services()
    async with town.busy() as crowd:
        await crowd.until_answered(6)
        with no_more_descriptors(before):
            async with idle_connections(town):
                await crowd.until(lambda: town.system.log.count(NONE_LEFT) >= 2, "word from the web and from a core")
                await refused_again(crowd)
                accepted = crowd.accepted("slack")
                await refused_again(crowd)
                assert crowd.accepted("slack") == accepted, "somebody came in"
        await crowd.until_all_resumed()
    assert town.services() == before, "a service was started again"


@asynccontextmanager
async def second_replicas(town: Town) -> AsyncIterator[dict[str, Child]]:
    """Another process of each service that `up` runs once (of retrieval there can be one only), both pages known to everybody."""
    page = f"http://127.0.0.1:{free_port()}"
    (town.system.folder / "replicas.log").touch()

    def show(name: str, line: str) -> None:
        with (town.system.folder / "replicas.log").open("a") as file:
            file.write(f"{name} {line}\n")

    environment = town.system.environment | {"TURNOUT_HTTP": page.removeprefix("http://"), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-P", "-m", "core.cli", "serve"]
    children = {name: Child(name, [*command, name], environment, show) for name in ("web", "telegram", "slack")}
    keeping = [asyncio.create_task(child.keep()) for child in children.values()]
    try:
        await ready(page)
        town.pages.append(page)
        town.slack.hooks = tuple(f"{page}/slack/events" for page in town.pages)
        yield children
    finally:
        town.slack.hooks = (town.slack.hook,)
        del town.pages[1:]
        point_telegram_at(town, town.system.url)
        for child in children.values():
            await child.stop(60)
        await asyncio.gather(*keeping)


def point_telegram_at(town: Town, page: str) -> None:
    town.telegram.webhook["url"] = f"{page}/telegram/webhook"


async def ready(page: str) -> None:
    async with asyncio.timeout(60), httpx.AsyncClient() as client:
        while True:
            with suppress(httpx.TransportError):
                if (await client.get(f"{page}/readyz")).status_code == 200:
                    return
            await asyncio.sleep(0.1)


def one_of_each(town: Town) -> list[int]:
    return list({command.split(" serve ")[1].split()[0]: pid for pid, command in town.commands().items()}.values())


async def test_everything_is_restarted_in_turn_under_load_and_nobody_notices(town: Town) -> None:
    drains = []
    async with second_replicas(town) as second, town.busy() as crowd:
        await crowd.until_answered(6)
        for pid in one_of_each(town) if "TURNOUT_SOAK" not in os.environ else town.services():
            point_telegram_at(town, town.pages[pid != second["web"].process.pid])
            begun, count = time.time(), len(town.services())
            os.kill(pid, signal.SIGTERM)
            await crowd.until(lambda pid=pid: pid not in town.services(), f"end of {pid}")
            drains.append(time.time() - begun)
            await crowd.until(lambda count=count: len(town.services()) >= count, "successor")
            for page in town.pages:
                await ready(page)
            await crowd.until_answered(3)
        await crowd.until_all_resumed()
    print(f"{len(drains)} processes restarted, drained in at most {max(drains):.1f} s")
    assert crowd.judged.honest == 0, "somebody was told of trouble"
    assert {status for visitor in crowd.visitors for status in visitor.answers} <= {202, 0}, "a page was told of trouble"
    assert "did not stop within" not in town.system.log
    assert "crashed" not in town.system.log + (town.system.folder / "replicas.log").read_text()
