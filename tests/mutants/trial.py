"""One trial: a copy of the tree without one protection, and what its tests say of it."""

import asyncio
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.table import Mutant, Stale

TEST_SECONDS = 60
RUN_SECONDS = 180
SURVIVED = "SURVIVED"
PLUGINS = ("no:cacheprovider", "asyncio", "timeout")  # loading all that are installed takes longer than the tests
PYTEST = ["-m", "pytest", "-xq", "--color=no", "--tb=no", f"--timeout={TEST_SECONDS}", *(f"-p{name}" for name in PLUGINS)]
_FAILED = re.compile(r"^(?:FAILED|ERROR) (?P<test>.+?)(?: - (?P<why>.*))?$", re.MULTILINE)


@dataclass(frozen=True)
class Finding:
    """`noticed` by the test in `by`; where it is not, `by` says what else happened: it survived, or nothing could be tried."""

    name: str
    noticed: bool
    by: str
    seconds: float = 0.0


def copy(root: Path, to: Path) -> None:
    """What git has or would take, as it lies in the working tree."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(command, cwd=root, capture_output=True, check=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        if (root / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, to / name)


async def try_one(pristine: Path, mutant: Mutant) -> Finding:
    """Remove the protection in a copy of the copy, and see who notices."""
    tree = pristine.parent / mutant.name
    try:
        text = mutant.text(pristine)
    except (Stale, OSError, SyntaxError) as error:
        return Finding(mutant.name, False, f"NOT TRIED: {error}")
    shutil.copytree(pristine, tree)
    started = time.monotonic()
    try:
        (tree / mutant.file).write_text(text, "utf-8")
        noticed, by = await judged(tree, mutant.tests, mutant.commands)
    finally:
        shutil.rmtree(tree, ignore_errors=True)
    return Finding(mutant.name, noticed, by, time.monotonic() - started)


async def judged(tree: Path, tests: tuple[str, ...], commands: tuple[str, ...]) -> tuple[bool, str]:
    """Whether any of the tests fails in a tree, and the first that does."""
    if tests:
        status, said = await run(tree, [*PYTEST, *tests])
        if status is None:
            return True, f"timeout: the tests do not end within {RUN_SECONDS} s"
        if status == 1 and (failed := _FAILED.search(said)):
            return True, _first(failed)
        if status != 0:
            return False, f"NOT TRIED: pytest ended with {status}: {_last(said)}"
    for command in commands:
        status, said = await run(tree, shlex.split(command)[1:])
        if status is None:
            return True, f"timeout: {command} does not end within {RUN_SECONDS} s"
        if status != 0:
            return True, f"{command}: {_last(said)}"
    return False, SURVIVED


def _first(failed: re.Match[str]) -> str:
    """A test that hangs notices by its timeout only, which is said."""
    test, why = failed["test"], failed["why"] or ""
    return f"timeout of {TEST_SECONDS} s: {test}" if "pytest-timeout" in why else test


def _last(said: str) -> str:
    return next((line.strip() for line in reversed(said.splitlines()) if line.strip()), "it said nothing")


async def run(tree: Path, arguments: list[str]) -> tuple[int | None, str]:
    """Python in a tree, whose modules come before any that are installed: its exit status (None: it was stopped after
    RUN_SECONDS) and what it said."""
    scratch = tempfile.mkdtemp(dir=tree.parent)
    ours = {"PYTHONPATH": str(tree), "TMPDIR": scratch, "COLUMNS": "1000"}  # columns: pytest cuts its reasons to the width
    ours |= {"PYTEST_ADDOPTS": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *arguments),
        cwd=tree,
        env=os.environ | ours,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    said = b""
    try:
        async with asyncio.timeout(RUN_SECONDS):
            said, _ = await process.communicate()
    except TimeoutError:
        return None, ""
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        shutil.rmtree(scratch, ignore_errors=True)
    return process.returncode, said.decode("utf-8", "replace")
