"""Following: sources are looked at again when they change, or where that cannot be watched, every so many hours."""

import asyncio
import time
from collections.abc import Iterator

import msgspec
import structlog

from core.assistant import Source
from retrieval.ingest import SHORT, Ingest
from retrieval.records import IngestRequest, Progress, SourceStatus, told
from retrieval.sources import watched
from retrieval.watching import changes

AGAIN, RETRY, LONGEST_RETRY = 5.0, 60.0, 3600.0
FIRST_LOOK = 60.0
"""How long the first filling waits for sources that are not of this machine's files."""

log = structlog.get_logger("retrieval")


class Following:
    """`filled` once every source has been tried, or those elsewhere have had their time."""

    def __init__(self, ingest: Ingest) -> None:
        self.ingest = ingest
        self.filled = False
        self._next: dict[str, float] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Follow the sources until `stop` is set. What is being read then is left, and resumed when this runs again."""
        shelf = self.ingest.shelf
        self._next = {name: at for name, at in self._next.items() if name in shelf.elsewhere}
        tried = {name: asyncio.Event() for name in shelf.elsewhere}
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._elsewhere(source, tried[name])) for name, source in shelf.elsewhere.items()]
            tasks.append(group.create_task(self._here(stop, tried)))
            await stop.wait()
            for task in tasks:
                task.cancel()

    def status(self) -> Iterator[SourceStatus]:
        """How each source does, without what only the index knows."""
        shelf, standings = self.ingest.shelf, self.ingest.standings
        short = {"": ("folder", ", ".join(source.at for source in shelf.here if not source.name))} if "" in shelf.names else {}
        named = {name: (found.kind, found.at) for name in shelf.names if (found := shelf.source(name))}
        for name, (kind, at) in {**short, **dict(sorted(named.items()))}.items():
            status = SourceStatus(name=name or SHORT, kind=kind, at=at, next=self._next.get(name, 0.0))
            if standing := standings.get(name):
                times = {"success": standing.success, "failing": standing.failing}
                status = msgspec.structs.replace(status, **times, reason=standing.reason)
            yield status

    def alarms(self) -> list[str]:
        """A sentence for each source that fails."""
        return [
            f"source {name or SHORT} fails since {told(standing.failing)} ({standing.reason}), "
            + (f"serving what it was on {told(standing.success)}" if standing.success else "nothing of it is known")
            for name, standing in self.ingest.standings.items()
            if standing.failing
        ]

    async def _here(self, stop: asyncio.Event, tried: dict[str, asyncio.Event]) -> None:
        shelf = self.ingest.shelf
        await self._look("")
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(self._fill(tried))
            async for _ in changes([watched(source, shelf.place.base) for source in shelf.here], stop):
                await self._look("")
            waiting.cancel()

    async def _fill(self, tried: dict[str, asyncio.Event]) -> None:
        try:
            async with asyncio.timeout(FIRST_LOOK):
                for event in tried.values():
                    await event.wait()
        except TimeoutError:
            late = [name for name, event in tried.items() if not event.is_set()]
            log.info("ready without the sources that are still being read", sources=late)
        self.filled = True

    async def _elsewhere(self, source: Source, tried: asyncio.Event) -> None:
        """Look at a source when it is due: at once, where it is new, failed, or another than it was."""
        failed, at = 0, await asyncio.to_thread(self._due, source)
        while True:
            if at > time.time():
                tried.set()
            self._next[source.name] = at
            await asyncio.sleep(max(0.0, at - time.time()))
            await self._look(source.name)
            tried.set()
            failed = failed + 1 if self.ingest.standings[source.name].failing else 0
            again = source.refresh * 3600
            at = time.time() + (min(again, RETRY * 2 ** min(failed - 1, 10), LONGEST_RETRY) if failed else again)

    def _due(self, source: Source) -> float:
        standing = self.ingest.standings[source.name]
        known = any(row.tags.origin == source.name for row in self.ingest.index.rows())
        if source.name == source.at or standing.failing or standing.sign != self.ingest.shelf.sign(source) or not known:
            return 0.0
        return standing.success + source.refresh * 3600

    async def _look(self, name: str) -> None:
        """Until it could be done: what a source holds is no reason to fail, only that nothing can be written is."""
        pause = AGAIN
        while (done := await self._looked(name)).error:
            log.error("knowledge could not be ingested", source=name or SHORT, reason=done.error, again_in=pause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, RETRY)
        if done.added or done.changed or done.removed:
            log.info("knowledge ingested", source=name or SHORT, **_counts(done))

    async def _looked(self, name: str) -> Progress:
        return await self.ingest.run(self.ingest.begin(), IngestRequest(sources=(name,) if name else (SHORT,)))


def _counts(done: Progress) -> dict[str, float]:
    counts = {name: getattr(done, name) for name in ("added", "changed", "unchanged", "removed", "passages")}
    return {**counts, "skipped": len(done.skipped), "seconds": round(done.seconds, 2)}
