"""The whole suite in two processes side by side, for most of one half is waiting and most of the other is work.

`python -m tests.halves [pytest's options]`: every folder and file of tests is in exactly one half, quick ones first. Exit status 1
when a half fails; each line says which half it is from.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

TESTS = Path(__file__).parent
WAITING = ("faults", "reliability", "e2e")
LONG = ("core", "bots", "retrieval", "simulation")
"""The folders whose tests take minutes, the longest last."""


def halves(names: Iterable[str]) -> tuple[list[str], list[str]]:
    """What waits and what works, of the folders and files of tests."""
    names = sorted(names)
    working = [name for name in names if name not in WAITING]
    order = {name: place for place, name in enumerate(LONG, 1)}
    return [name for name in WAITING if name in names], sorted(working, key=lambda name: (order.get(name, 0), name))


def found() -> list[str]:
    """The folders and files that hold tests."""
    folders = {path.relative_to(TESTS).parts[0] for path in TESTS.glob("*/**/test_*.py")}
    return [*folders, *(path.name for path in TESTS.glob("test_*.py"))]


async def run(half: str, names: Sequence[str], options: Sequence[str]) -> int:
    command = ["-m", "pytest", *options, *(str(TESTS / name) for name in names)]
    environment = os.environ | {"PYTHONUNBUFFERED": "1", "COLUMNS": "120"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, env=environment, limit=2**24, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    assert process.stdout is not None
    try:
        async for line in process.stdout:
            print(f"{half} | {line.decode('utf-8', 'replace').rstrip()}", flush=True)
        return await process.wait()
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
            await process.wait()


async def main(options: Sequence[str]) -> int:
    waiting, working = halves(found())
    async with asyncio.TaskGroup() as both:
        results = [
            both.create_task(run("waits", waiting, options)),
            both.create_task(run("works", working, options)),
        ]
    return max(task.result() for task in results)


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
