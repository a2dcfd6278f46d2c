"""Watching files: says that something below some folders has changed, a moment after it has."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import structlog
from watchfiles import Change, awatch

DEBOUNCE_MS = 400
TICK_MS = 1000
LOOK_AGAIN = 5.0
LOOK_ANYWAY = 45.0
"""Some folders (of other machines, of containers) change without a word."""

log = structlog.get_logger("retrieval.watching")


async def changes(roots: Sequence[Path], stop: asyncio.Event) -> AsyncIterator[None]:
    """Yields after each burst of changes of the roots or below them, until `stop` is set; also once when the watch has begun,
    as nobody saw what changed before, and now and then anyway.

    A root that does not exist is waited for by looking at its folder; where the system cannot watch (no inotify watches left),
    it says so and yields every few seconds.
    """
    places = sorted({_watchable(root) for root in roots})
    if not places:
        await stop.wait()
        return

    def concerns(_change: Change, path: str) -> bool:
        touched = Path(path)
        return any(touched == root or root in touched.parents or touched in root.parents for root in roots)

    looked = -math.inf
    watching = awatch(
        *places, watch_filter=concerns, debounce=DEBOUNCE_MS, rust_timeout=TICK_MS, yield_on_timeout=True, stop_event=stop
    )
    try:
        async for changed in watching:
            if changed or time.monotonic() - looked > LOOK_ANYWAY:
                looked = time.monotonic()
                yield
    except OSError as error:
        log.warning("files cannot be watched, looking at them now and then instead", reason=str(error), every=LOOK_AGAIN)
        while not stop.is_set():
            await asyncio.sleep(LOOK_AGAIN)
            yield


def _watchable(root: Path) -> Path:
    """The folder to watch for this root: itself, or the nearest one above that exists."""
    while not root.is_dir():
        root = root.parent
    return root
