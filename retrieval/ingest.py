"""Ingest: sources become documents of the index. What has not changed is not read again.

The files of this machine are one line of jobs, each source elsewhere is another, so that a slow site holds nobody up.
A source that fails raises an alarm, in the log, the metrics, the health and `turnout ingest status`.
"""

import asyncio
import tempfile
import time
from collections import OrderedDict, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import structlog
from prometheus_client import Gauge

from core.assistant import Knowledge, Source
from core.errors import TurnoutError
from retrieval.job import Job, Run
from retrieval.kinds import EXPORTS
from retrieval.ledger import Standing
from retrieval.manifest import Row
from retrieval.parsing import parser
from retrieval.readers.contract import Unreadable
from retrieval.records import IngestRequest, Progress, Skipped
from retrieval.shelf import Shelf, finished
from retrieval.sources import folder

REMEMBERED = 50
AT_ONCE = 4
SHORT = "knowledge.paths"
"""What the short form of sources is called where people read it."""
INTERRUPTED = "interrupted: the assistant file has changed, and its sources are looked at anew"
UNKNOWN = "no such job: the service has been restarted since"
DOCUMENTS = Gauge("turnout_index_documents", "Documents in the index.")
PASSAGES = Gauge("turnout_index_passages", "Passages in the index.")
FAILING = Gauge("turnout_source_failing", "1 while a source fails and its last good text is served.", ["source"])
SUCCESS = Gauge("turnout_source_success_time_seconds", "When a source last went well, in Unix seconds.", ["source"])

log = structlog.get_logger("retrieval.ingest")


class Ingest:
    """Jobs over one shelf. `standings` and `skipped` say how each source did when it was last looked at."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf, self.index = shelf, shelf.index
        self.skipped: dict[str, tuple[Skipped, ...]] = {}
        self.standings: dict[str, Standing] = {}
        self._lines: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._some = asyncio.Semaphore(AT_ONCE)
        self._jobs: OrderedDict[str, Job] = OrderedDict()

    async def use(self, knowledge: Knowledge) -> None:
        """These are the sources from now on."""
        await self.shelf.use(knowledge)
        names = self.shelf.names
        for gone in {*self.standings} - names:
            FAILING.remove(gone or SHORT)
        self.standings = {name: await asyncio.to_thread(self.shelf.ledger.standing, name) for name in names}
        self.skipped = {name: skipped for name, skipped in self.skipped.items() if name in names}

    def begin(self) -> str:
        """The id of a new job."""
        name = uuid4().hex[:12]
        self._jobs[name] = Job(Progress(job=name))
        while len(self._jobs) > REMEMBERED:
            self._jobs.popitem(last=False)
        return name

    def progress(self, name: str) -> Progress:
        job = self._jobs.get(name)
        return job.progress if job else Progress(job=name, done=True, error=UNKNOWN)

    async def run(self, name: str, asked: IngestRequest) -> Progress:
        """Do a job; never raises for what a source holds."""
        job, error = self._jobs[name], INTERRUPTED
        try:
            await (self._paths(job, asked) if asked.paths else self._sources(job, asked))
            await asyncio.to_thread(self.index.flush)
            error = ""
        except TurnoutError as failure:
            log.error("ingest failed", job=name, reason=str(failure))
            error = str(failure)
        finally:
            job.note(waiting=await asyncio.to_thread(self.index.waiting), done=True, error=error)
        self.report()
        return job.progress

    async def remove(self, source: str) -> list[Row]:
        """Forget a document by its name or by the path it was read from; what was forgotten."""
        async with self._lines[""]:
            rows = await asyncio.to_thread(self.index.rows)
            named = [row for row in rows if source in (row.source, row.path)]
            for row in named:
                await finished(self.index.remove, row.source)
        self.report()
        return named

    def report(self) -> None:
        documents, passages = self.index.counts()
        DOCUMENTS.set(documents)
        PASSAGES.set(passages)

    @asynccontextmanager
    async def _run(self, job: Job, line: str, *, dry: bool) -> AsyncIterator[Run]:
        async with self._lines[line], parser(words=self.shelf.words) as reading:
            with tempfile.TemporaryDirectory(prefix="turnout-") as place:
                yield Run(self.shelf, job, reading, Path(place), dry)

    async def _paths(self, job: Job, asked: IngestRequest) -> None:
        """Take what a command names; what is gone from a folder among it is forgotten."""
        async with self._run(job, "", dry=asked.dry) as run:
            run.origin = "command"
            found = await run.files([folder(path) for path in asked.paths])
            await run.forget(lambda row: found.covers(Path(row.path)) and not self._is_exported(row))

    async def _sources(self, job: Job, asked: IngestRequest) -> None:
        names = {"" if name == SHORT else name for name in asked.sources}
        if unknown := sorted(names - {*self.shelf.names, ""}):
            raise TurnoutError(f"no source is called {unknown[0]!r}; `turnout ingest status` lists them")
        if not names or names - {*self.shelf.elsewhere}:
            await self._here(job, dry=asked.dry)
        for name, source in list(self.shelf.elsewhere.items()):
            if not names or name in names:
                await self._elsewhere(job, source, dry=asked.dry)

    async def _here(self, job: Job, *, dry: bool) -> None:
        """Take the files of this machine; of what came with the assistant before, what it no longer names is forgotten."""
        async with self._run(job, "", dry=dry) as run:
            before = len(job.progress.skipped)
            found = await run.files(self.shelf.here)
            failed = {source for source, _ in found.missing.values() if source}
            await run.forget(lambda row: self._is_here(row, failed) and not found.lost(Path(row.path)))
            skipped = job.progress.skipped[before:]
        if not dry:
            self.skipped[""] = skipped
            reasons = {source: f"{path}: {reason}" for path, (source, reason) in found.missing.items()}
            for source in {source.name: source for source in self.shelf.here}.values():
                await self._stands(source, reasons.get(source.name, ""))

    def _is_here(self, row: Row, failed: set[str]) -> bool:
        return row.origin == "assistant" and row.tags.origin not in {*self.shelf.elsewhere, *failed}

    def _is_exported(self, row: Row) -> bool:
        source = self.shelf.source(row.tags.origin)
        return source is not None and source.kind in EXPORTS

    async def _elsewhere(self, job: Job, source: Source, *, dry: bool) -> None:
        async with self._some, self._run(job, source.name, dry=dry) as run:
            before, reason = len(job.progress.skipped), ""
            try:
                await run.elsewhere(source)
            except Unreadable as error:
                reason = str(error)
            except TurnoutError:
                raise
            except Exception as error:  # anybody's site, repository or loader: the others go on
                log.error("a source cannot be read at all", source=source.name, exc_info=True)
                reason = f"it cannot be read ({type(error).__name__}: {error})"[:300]
            if reason:
                if len(job.progress.skipped) == before:
                    job.skip([Skipped(path=source.at, reason=reason)])
                job.note(failed=job.progress.failed + 1)
            if not dry:
                self.skipped[source.name] = job.progress.skipped[before:]
                await self._stands(source, reason)

    async def _stands(self, source: Source, reason: str) -> None:
        """Write down how it went, and raise or end the alarm."""
        before, now, name = self.standings.get(source.name, Standing()), time.time(), source.name or SHORT
        standing = (
            replace(before, failing=before.failing or now, reason=reason) if reason else Standing(self.shelf.sign(source), now)
        )
        if reason and reason != before.reason:
            log.error("source fails, its last good text is served", source=name, reason=reason, success=before.success)
        elif before.reason and not reason:
            log.info("source is well again", source=name)
        self.standings[source.name] = standing
        FAILING.labels(name).set(bool(reason))
        SUCCESS.labels(name).set(standing.success)
        await asyncio.to_thread(self.shelf.ledger.stand, source.name, standing)
