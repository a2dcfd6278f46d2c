"""Tiny disks: a server's folder on a file system of its own, which is filled and freed from outside.

The file system is mounted in a namespace of the server, so that nobody needs to be root and nothing is left behind.
"""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

BLOCK = bytes(64 * 1024)
FILLER = "filler"


def on_a_tiny_disk(command: Callable[[int], list[str]], folder: Path, megabytes: int) -> Callable[[int], list[str]]:
    """The command of a server, with `folder` on a disk of so many megabytes that lasts as long as the process."""
    return lambda port: [*wrapper(folder, megabytes), *command(port)]


NONE = pytest.mark.skipif(
    not shutil.which("unshare") or subprocess.run(["unshare", "-rm", "true"], check=False, capture_output=True).returncode != 0,
    reason="this machine lets nobody mount a disk of their own",
)


def wrapper(folder: Path, megabytes: int) -> list[str]:
    """What stands before a command so that it runs with `folder` on a tiny disk; nothing where that cannot be had."""
    if NONE.args[0]:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    mount = f'mount -t tmpfs -o size={megabytes}m tmpfs "$0" && exec "$@"'
    return ["unshare", "-rm", "sh", "-c", mount, str(folder)]


def fill(pid: int, folder: Path) -> None:
    """Until nothing more can be written there, as the process sees it."""
    with (seen_by(pid, folder) / FILLER).open("ab", buffering=0) as file:
        try:
            while True:
                file.write(BLOCK)
        except OSError:
            return


def free(pid: int, folder: Path) -> None:
    (seen_by(pid, folder) / FILLER).unlink(missing_ok=True)


def seen_by(pid: int, folder: Path) -> Path:
    return Path(f"/proc/{pid}/root{folder}")
