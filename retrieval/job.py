"""A job while it runs: what sources offer is compared with what the index holds, and only what changed is read.

What cannot be read is named and skipped, and what the index knew of it stays. What is no longer offered is forgotten; a source
that fails altogether, or has nothing any more, loses nothing: it keeps serving its last good text, and says so (`standing`).
"""

import asyncio
import os
import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import msgspec
import structlog
from prometheus_client import Counter

from core.assistant import Source
from retrieval.fetching import Gone
from retrieval.kinds import ELSEWHERE, EXPORTS
from retrieval.kinds.contract import Content, Offer, Seen
from retrieval.ledger import Memory
from retrieval.manifest import Row
from retrieval.parsing import Parser
from retrieval.readers.contract import LoadedDocument, Unreadable
from retrieval.records import Planned, Progress, Skipped
from retrieval.shelf import Shelf, finished
from retrieval.sources import Found, digest, find
from retrieval.splitting import Piece, split
from retrieval.storing import Ready, Storing, storing

Origin = Literal["assistant", "command"]
FILES = Counter("turnout_ingested_files_total", "Documents looked at, by what became of them.", ["outcome"])
SETTLING = 2.0
"""A file changed this recently may change again without its time showing it, so that its bytes are looked at next time too."""
LISTED, LONGEST = 1000, 300

log = structlog.get_logger("retrieval.ingest")


@dataclass
class Job:
    """A job as others see it."""

    progress: Progress
    begun: float = field(default_factory=time.monotonic)

    def note(self, **changes: object) -> None:
        self.progress = msgspec.structs.replace(self.progress, seconds=time.monotonic() - self.begun, **changes)

    def skip(self, skipped: Sequence[Skipped]) -> None:
        room = max(0, LISTED - len(self.progress.skipped))
        short = (Skipped(path=one.path[:LONGEST], reason=one.reason[:LONGEST]) for one in skipped[:room])
        told = (*self.progress.skipped, *short)
        self.note(skipped=told, unread=self.progress.unread + len(skipped))


@dataclass
class Run:
    """One source's part of a job. `dry`: it does everything but change the index."""

    shelf: Shelf
    job: Job
    reading: Parser
    folder: Path
    dry: bool = False
    origin: Origin = "assistant"
    offered: dict[str, str] = field(default_factory=dict)
    rows: dict[str, Row] = field(default_factory=dict)
    memories: dict[str, Memory] = field(default_factory=dict)
    good: int = 0
    storing: Storing = field(init=False)

    async def files(self, wanted: Iterable[Source]) -> Found:
        """Take the files and exports of these sources of this machine. Exports that fail are among the `missing`."""
        await self._recall()
        found = await asyncio.to_thread(self._find, list(wanted))
        self.job.skip(found.skipped)
        offers = [(_file(path, name), source) for path, (name, source) in found.files.items()]
        for source in wanted:
            if source.kind in EXPORTS:
                offers += [(offer, source.name) for offer in await self._exported(source, found)]
        await self._take_all(offers)
        return found

    async def elsewhere(self, source: Source) -> None:
        """Take what a source offers that is not of this machine's files. Raises an Unreadable when it fails."""
        await self._recall()
        listing = await ELSEWHERE[source.kind](source, self.shelf.place)
        self.job.skip(listing.skipped)
        before, self.good = len(self.job.progress.skipped), 0
        await self._take_all([(offer, source.name) for offer in listing.offers])
        if not self.good:
            reasons = [skipped.reason for skipped in self.job.progress.skipped[before:]]
            raise Unreadable(reasons[0] if reasons else "all that it names is gone")
        if listing.complete:
            await self.forget(lambda row: row.origin == "assistant" and row.tags.origin == source.name)

    async def forget(self, ours: Callable[[Row], bool]) -> None:
        """Remove those of our documents that nothing offers any more."""
        for row in list(self.rows.values()):
            if not ours(row) or row.source in self.offered:
                continue
            if not self.dry:
                await finished(self.shelf.index.remove, row.source)
                await asyncio.to_thread(self.shelf.ledger.forget, row.source)
            self._count("removed", row.source)

    async def _recall(self) -> None:
        self.rows = {row.source: row for row in await asyncio.to_thread(self.shelf.index.rows)}
        self.memories = await asyncio.to_thread(self.shelf.ledger.remembered)

    def _find(self, wanted: list[Source]) -> Found:
        base, known = self.shelf.place.base, {row.path: row.source for row in self.rows.values()}
        return find([source for source in wanted if source.kind == "folder"], base, known, owners=self.shelf.owners())

    async def _exported(self, source: Source, found: Found) -> list[Offer]:
        path = self.shelf.place.base / source.at
        try:
            listing = await asyncio.to_thread(EXPORTS[source.kind], source, path)
        except Exception as error:  # noqa: BLE001  # anybody's export
            log.error("an export cannot be read", source=source.name, kind=type(error).__name__)
            self._skip(str(path), error)
            found.missing[path] = (source.name, str(error))
            return []
        self.job.skip(listing.skipped)
        if not listing.complete:
            found.missing[path] = (source.name, "some of its lines cannot be read")
        return listing.offers

    async def _take_all(self, offers: list[tuple[Offer, str]]) -> None:
        async with storing(self.shelf, self.origin, stored=self._was_put, refused=self._skip) as self.storing:
            await self._take_each(offers)

    async def _take_each(self, offers: list[tuple[Offer, str]]) -> None:
        self.job.note(files=self.job.progress.files + len(offers))
        for number, (offer, source) in enumerate(offers):
            self.offered[offer.name] = source
            try:
                await self._take(offer, source)
                self.good += 1
            except Gone as error:
                self.offered.pop(offer.name)
                log.info("page gone", page=offer.path, reason=str(error))
            except (Unreadable, OSError) as error:
                self._skip(offer.path, error)
            if number % 500 == 499:
                await asyncio.sleep(0)

    async def _take(self, offer: Offer, source: str) -> None:
        row, memory = self.rows.get(offer.name), self.memories.get(offer.name, Memory(""))
        last = memory.stamp if row and (row.hash, row.path) == (memory.digest, offer.path) and self._current(row) else ""
        if row and last and last == offer.stamp:
            await self._keep(offer, source, row, at=0.0)
            return
        seen = await offer.look(last)
        if row and (seen is None or (row.hash, row.path) == (self.shelf.sign_of(seen), offer.path)):
            await self._keep(offer, source, row, at=seen.at if seen else 0.0)
            if seen and seen.stamp != memory.stamp:
                await self._remember(offer, replace(memory, digest=row.hash, stamp=seen.stamp))
            return
        if seen is None:
            raise Unreadable("it is said to be unchanged, but was never read")
        content, began = await seen.content(), time.perf_counter()
        document, pieces = await self._read(offer, content)
        ready = Ready(offer, source, seen, document, pieces, time.perf_counter() - began)
        if self.dry:
            self._was_put(ready)
        else:
            await self.storing.put(ready)

    async def _keep(self, offer: Offer, source: str, row: Row, *, at: float) -> None:
        """The text is the same; who asked for it or how it is marked may not be."""
        shelf, index = self.shelf, self.shelf.index
        if not self.dry and row.origin != self.origin:
            await finished(index.touch, offer.name, self.origin)
        if not self.dry and shelf.tags(source, row.tags.at or at) != row.tags:
            async with shelf.writing:
                await finished(index.retag, offer.name, shelf.tags(source, row.tags.at or at))
        self._count("unchanged", offer.name)

    async def _read(self, offer: Offer, content: Content) -> tuple[LoadedDocument, list[Piece]]:
        if isinstance(content, LoadedDocument):
            return content, await asyncio.to_thread(split, content, self.shelf.words)
        if isinstance(content, Path):
            return await self.reading.parse(content, offer.name)
        path = self.folder / re.sub(r"[^\w. -]", "-", content.name)[-60:]
        await asyncio.to_thread(path.write_bytes, content.data)
        try:
            document, pieces = await self.reading.parse(path, offer.name)
        finally:
            path.unlink()
        return replace(document, url=offer.url), pieces

    def _was_put(self, ready: Ready) -> None:
        self.job.note(passages=self.job.progress.passages + len(ready.pieces))
        self._count("changed" if ready.offer.name in self.rows else "added", ready.offer.name)

    async def _remember(self, offer: Offer, memory: Memory) -> None:
        if not self.dry:
            await asyncio.to_thread(self.shelf.ledger.note, {offer.name: memory})

    def _current(self, row: Row) -> bool:
        """Whether it was read by what reads now."""
        return row.hash.startswith(f"{self.shelf.made_by}:")

    def _skip(self, path: str, error: Exception) -> None:
        reason = (isinstance(error, OSError) and error.strerror) or str(error)
        log.warning("file skipped", file=path, kind=type(error).__name__, reason=reason)
        self.job.skip([Skipped(path=path, reason=reason)])
        FILES.labels("skipped").inc()

    def _count(self, outcome: str, name: str) -> None:
        now = self.job.progress
        planned = now.planned
        if self.dry and outcome != "unchanged" and len(planned) < LISTED:
            planned = (*planned, Planned(outcome=outcome, source=name))
        self.job.note(**{outcome: getattr(now, outcome) + 1}, planned=planned)
        FILES.labels(outcome).inc(not self.dry)


def _file(path: Path, name: str) -> Offer:
    """A file. Its stamp is its time, size and inode; one that has just been written has none yet."""

    async def content() -> Content:
        return path

    async def look(_stamp: str) -> Seen:
        state, sign = await asyncio.to_thread(lambda: (path.stat(), digest(path)))
        return Seen(sign, content, _stamp_of(state), state.st_mtime)

    try:
        stamp = _stamp_of(path.stat())
    except OSError:
        stamp = ""  # it went a moment ago: the look says so
    return Offer(name, str(path), look, stamp)


def _stamp_of(state: os.stat_result) -> str:
    settled = time.time() - state.st_mtime > SETTLING
    return f"{state.st_mtime_ns}:{state.st_size}:{state.st_ino}" if settled else ""
