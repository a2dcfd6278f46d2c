"""`python -m tests.mutants [NAME…]`: take each protection out in turn, and see that the tests go red for it.

Exit status 1 when one survives, when its text is not where the table says, or when a test fails with all protections in place.
NAME is one protection, or what the names of several begin with.
"""

import asyncio
import signal
import sys
import tempfile
import time
from itertools import groupby
from pathlib import Path

from tests.mutants.table import Mutant, chosen, read
from tests.mutants.trial import SURVIVED, Finding, copy, judged, try_one

ROOT = Path(__file__).parents[2]
AT_ONCE = 2


async def baseline(pristine: Path, mutants: list[Mutant]) -> list[str]:
    """What fails though nothing was removed."""
    tests = sorted({test for mutant in mutants for test in mutant.tests})
    files = [tuple(group) for _, group in groupby(tests, key=lambda test: test.partition("::")[0])]
    commands = {command for mutant in mutants for command in mutant.commands}
    room = asyncio.Semaphore(AT_ONCE)

    async def fails(tests: tuple[str, ...], commands: tuple[str, ...]) -> str:
        for _ in range(2):  # what fails once on a busy machine gets a second chance
            async with room:
                _, by = await judged(pristine, tests, commands)
            if by == SURVIVED:
                return ""
        return by

    jobs = [*((file, ()) for file in files), *(((), (command,)) for command in sorted(commands))]
    return list(filter(None, await asyncio.gather(*(fails(*job) for job in jobs))))


async def trials(pristine: Path, mutants: list[Mutant]) -> list[Finding]:
    room = asyncio.Semaphore(AT_ONCE)

    async def one(mutant: Mutant) -> Finding:
        async with room:
            found = await try_one(pristine, mutant)
        print(row(found), flush=True)
        return found

    return list(await asyncio.gather(*map(one, mutants)))


def row(found: Finding) -> str:
    return f"{found.name:<36} {found.seconds:6.1f} s  {found.by.replace('tests/', '')}"


def heed_signals() -> None:
    """End like an error, so that copies and the processes in them go too; also where a shell ignores the interrupt."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)


async def main(names: list[str]) -> int:
    mutants = chosen(read(), names)
    if not mutants:
        print(f"no protection is called {' or '.join(names)}")
        return 1
    started = time.monotonic()
    heed_signals()
    with tempfile.TemporaryDirectory(prefix="mutants-", ignore_cleanup_errors=True) as folder:
        pristine = Path(folder) / "tree"
        copy(ROOT, pristine)
        if failed := await baseline(pristine, mutants):
            print("These fail with all protections in place, so nothing can be tried:", *failed, sep="\n")
            return 1
        print(f"{'protection':<36} {'took':>8}  noticed by")
        found = await trials(pristine, mutants)
    left = [one for one in found if not one.noticed]
    print(f"{len(found) - len(left)} of {len(found)} protections are missed when they go; {time.monotonic() - started:.0f} s")
    for one in left:
        print(row(one))
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
