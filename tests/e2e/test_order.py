"""Order and uniqueness over several core workers, killed or not."""

import asyncio
import os
import signal
from pathlib import Path

from tests.e2e.system import System


async def test_twenty_messages_at_once_over_three_workers_are_answered_in_order_though_one_is_killed(tmp_path: Path) -> None:
    async with System(tmp_path, options=("--workers", "3")).up() as system, system.visitor() as visitor:
        turns = [await visitor.send(f"hello number {n}") for n in range(10)]
        victims = system.pids("core")
        assert len(victims) == 3
        os.kill(victims[0], signal.SIGKILL)
        turns += [await visitor.send(f"thanks number {n}") for n in range(10)]
        replies = await visitor.first(20, seconds=150)
        assert [reply["turn"] for reply in replies] == turns
        async with asyncio.timeout(90):
            while len(set(system.pids("core")) - {victims[0]}) < 3:
                await asyncio.sleep(0.1)
        again = await visitor.first(20)
        assert [reply["turn"] for reply in again] == turns
