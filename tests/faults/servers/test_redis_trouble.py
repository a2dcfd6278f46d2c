"""Redis killed, flushed, slow, half-open, away or unable to write: answers still flow, in order and once each."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import pytest
import redis.asyncio as redis

from core.embedded import programs
from tests.fakes.proxy import Proxy
from tests.faults.servers.disks import NONE, fill, free, on_a_tiny_disk
from tests.faults.servers.town import SOAK, Elsewhere
from tests.reliability.report import answers

SOME = 8


async def killed(elsewhere: Elsewhere) -> None:
    await elsewhere.valkey.kill()


async def flushed(elsewhere: Elsewhere) -> None:
    async with redis.from_url(elsewhere.valkey.url) as client:
        await client.flushall()


async def half_a_second(elsewhere: Elsewhere) -> None:
    elsewhere.redis.slow(delay=0.25)


async def five_seconds(elsewhere: Elsewhere) -> None:
    elsewhere.redis.slow(delay=2.5)


async def half_open(elsewhere: Elsewhere) -> None:
    elsewhere.redis.cut()
    elsewhere.redis.freeze()


async def away(elsewhere: Elsewhere) -> None:
    elsewhere.redis.refuse = True
    elsewhere.redis.cut()


async def healed(elsewhere: Elsewhere) -> None:
    elsewhere.redis.heal()
    if elsewhere.valkey.process.returncode is not None:
        await elsewhere.valkey.launch()


@pytest.mark.parametrize(
    "trouble", [killed, flushed, half_a_second, half_open, *(pytest.param(one, marks=SOAK) for one in (five_seconds, away))]
)
async def test_answers_flow_and_memory_is_whole_again_when_redis_is(elsewhere: Elsewhere, trouble, request) -> None:
    town = elsewhere.town
    async with town.busy() as crowd:
        await crowd.until_answered(SOME)
        began = time.time()
        await trouble(elsewhere)
        await crowd.until_answered(SOME)
        ended = time.time()
        await healed(elsewhere)
        await crowd.until_all_resumed()
        await crowd.until(lambda: answers_again(elsewhere), "word that Redis answers again")
        again = time.time()
        await crowd.until_answered(SOME)
    said = list(answers(town.scribe.history.records[crowd.begun[0] :]))
    before, during = ([answered - asked for asked, answered in said if a <= asked < b] for a, b in ((0, began), (began, ended)))
    print(
        f"{request.node.callspec.id}: waits {median(before):.2f} s before, {median(during):.2f} s (at most {max(during):.2f}) during"
    )
    kept = await town.stores()
    last = {turn.lane: at for at, turn in kept.turns if turn.at > again}
    behind = {lane: at for lane, at in last.items() if kept.memories[lane].at != at}
    assert last
    assert not behind, f"memory stands behind the log in {behind}"


@NONE
async def test_answers_flow_while_the_disk_of_redis_is_full(elsewhere: Elsewhere, tmp_path: Path) -> None:
    """Its append-only file cannot grow, so it refuses to write; it takes writes again by itself once there is room."""
    private, folder = elsewhere.private, tmp_path / "valkey"
    command = programs.valkey(tmp_path)
    small = await private.start("valkey-server", "redis", on_a_tiny_disk(command, folder, 8), programs.redis_answers)
    with leading_to(elsewhere.redis, small.port):
        async with elsewhere.town.busy() as crowd:
            await crowd.until_answered(SOME)
            fill(small.pid, folder)
            await crowd.until(lambda: "MISCONF" in elsewhere.town.system.log, "word that Redis cannot write")
            await crowd.until_answered(SOME)
            free(small.pid, folder)
            await crowd.until(lambda: answers_again(elsewhere), "word that Redis answers again")
            await crowd.until_answered(SOME)
    await small.stop()


@contextmanager
def leading_to(proxy: Proxy, port: int) -> Iterator[None]:
    """Another server behind the same address."""
    before, proxy._server = proxy._server, ("127.0.0.1", port)
    proxy.cut()
    try:
        yield
    finally:
        proxy._server = before
        proxy.cut()


def answers_again(elsewhere: Elsewhere) -> bool:
    """Each service that has said that Redis does not answer has said that it does."""
    log = elsewhere.town.system.log
    return log.count("redis does not answer") == log.count("redis answers again")
