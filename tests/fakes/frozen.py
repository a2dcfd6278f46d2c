"""Processes that stand still."""

import asyncio
import os
import signal
from pathlib import Path


async def freeze(pid: int) -> None:
    """Returns once none of its threads runs any more: the signal alone takes its time, in which a server still answers."""
    os.kill(pid, signal.SIGSTOP)
    async with asyncio.timeout(45):
        while any(map(_runs, Path(f"/proc/{pid}/task").iterdir())):
            await asyncio.sleep(0.01)


def _runs(thread: Path) -> bool:
    return (thread / "stat").read_text().rpartition(")")[2].split()[0] not in ("T", "t")
