"""NATS killed, stopped, frozen, wiped or without room on its disk under `turnout up`, while people write on all channels."""

import asyncio
import os
import shlex
import shutil
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.e2e import system
from tests.faults.servers import disks
from tests.faults.servers.disks import fill, free, seen_by, wrapper
from tests.faults.servers.town import Crowd, Town, standing


@pytest.fixture(scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    """The folder of NATS is on a disk of 24 MB."""
    folder = tmp_path_factory.mktemp("beside")
    program = folder / "turnout"
    program.write_text(f'#!/bin/sh\nexec {shlex.join([*wrapper(folder / "data" / "nats", 24), system.TURNOUT])} "$@"\n')
    program.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(system, "TURNOUT", str(program))
        async with standing(folder) as town:
            yield town


def store(town: Town) -> tuple[int, Path]:
    """A process that sees the disk, and the folder on it."""
    return town.services()[0], town.system.folder / "data" / "nats"


def nats(town: Town) -> int:
    (pid,) = (pid for pid, command in town.system.processes().items() if "/nats-server " in command)
    return pid


async def the_offset_stands_still(crowd: Crowd, frozen: int) -> None:
    """What is asked by polling while the store is frozen waits at Telegram until it is awake, or another has taken its place."""
    chat, waiting = await crowd.knock(), []

    def asked() -> bool:
        return any(update["message"]["chat"]["id"] == chat for update in crowd.town.telegram.pending)

    await crowd.until(asked, "message that waits at Telegram")
    while frozen in crowd.town.system.processes():
        waiting.append(asked())
        await asyncio.sleep(0.05)
    assert all(waiting[:-1]), "the offset moved past what was not stored"
    assert crowd.refused["web"], "nobody was refused"
    assert crowd.refused["slack"], "nobody was refused"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP], ids=lambda number: number.name)
async def test_all_go_on_by_themselves_and_nothing_is_lost_when_nats_gets(town: Town, number: signal.Signals) -> None:
    before = town.services()
    async with town.busy() as crowd:
        await crowd.until_answered(6)
        victim = nats(town)
        os.kill(victim, number)
        if number == signal.SIGSTOP:
            await the_offset_stands_still(crowd, victim)
        await crowd.until(lambda: victim not in town.system.processes(), "new server")
        await crowd.until_all_resumed()
    assert town.services() == before, "a service was started again"


@disks.NONE
async def test_while_the_disk_is_full_messages_are_refused_and_then_all_go_on_by_themselves(town: Town) -> None:
    before = town.services()
    async with town.busy() as crowd:
        await crowd.until_answered(6)
        fill(*store(town))
        async with asyncio.timeout(60):
            while not (crowd.refused["web"] and crowd.refused["slack"]):  # a few small ones still find room
                await crowd.knock()
                await asyncio.sleep(0.5)
        await crowd.until(lambda: "no space left on device" in town.system.log, "word that the disk is full")
        free(*store(town))
        await crowd.until_all_resumed()
    assert town.services() == before, "a service was started again"


async def test_a_wiped_store_is_said_loudly_and_people_are_answered_again(town: Town) -> None:
    async with town.busy() as crowd:
        await crowd.until_answered(6)
    shutil.rmtree(seen_by(*store(town)) / "jetstream")
    os.kill(nats(town), signal.SIGKILL)
    async with town.busy(stores=False) as crowd:
        await crowd.until_answered(6)
    lines = [line for line in town.system.log.splitlines() if "what it held is lost" in line]
    for stream in ("IN", "LOG", "SENT", "DEAD"):
        assert any(f'"stream":"{stream}"' in line.replace(" ", "") for line in lines), f"{stream} is not among {lines}"
