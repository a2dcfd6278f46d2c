"""Storing: documents that have been read go into the index while the next ones are read.

Whatever has been read when the index is free is stored together, so that many documents share a transaction and its sync, and
a single one never waits for others. Each is shown whole, as `Index.put_all` promises.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from retrieval.kinds.contract import Offer, Seen
from retrieval.ledger import Memory
from retrieval.manifest import Change, Row
from retrieval.readers.contract import LoadedDocument, Unreadable
from retrieval.shelf import Shelf, finished
from retrieval.splitting import Piece

AT_ONCE = 32
"""Documents that are stored together at most, and that wait at most."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A document that has been read, in so many seconds."""

    offer: Offer
    source: str
    seen: Seen
    document: LoadedDocument
    pieces: list[Piece]
    seconds: float = 0.0


Stored = Callable[[Ready], None]
Refused = Callable[[str, Exception], None]


class Storing:
    """Made by `storing()`. `put` raises whatever the index does, at the latest when the block ends."""

    def __init__(self, shelf: Shelf, origin: str, stored: Stored, refused: Refused) -> None:
        self._shelf, self._origin, self._told, self._refused = shelf, origin, stored, refused
        self._waiting: dict[str, Ready] = {}
        self.task: asyncio.Task[None] | None = None

    async def put(self, ready: Ready) -> None:
        if ready.offer.name in self._waiting or len(self._waiting) >= AT_ONCE:
            await self.all()
        if self.task is not None and not self.task.done():
            self._waiting[ready.offer.name] = ready
            return
        await self.all()
        self.task = asyncio.create_task(self._work([ready]))

    async def all(self) -> None:
        """Return when everything is stored."""
        if self.task:
            await self.task

    def leave(self) -> None:
        """Store no more than what is being stored."""
        self._waiting = {}

    async def _work(self, some: list[Ready]) -> None:
        """These, and then whatever waits: what has been read is stored however long the next one takes to be read."""
        while some:
            await self._store(some)
            some, self._waiting = [*self._waiting.values()], {}

    async def _store(self, some: list[Ready]) -> None:
        shelf = self._shelf
        memories = {one.offer.name: Memory(shelf.sign_of(one.seen), one.seen.stamp, one.document.flags) for one in some}
        await asyncio.to_thread(shelf.ledger.note, memories)  # first: it counts once the index holds that text
        async with shelf.writing:
            changes = [(one, change) for one in some if (change := self._change(one))]
            if changes:
                await finished(shelf.index.put_all, [change for _, change in changes])
        shelf.written.set()
        for one, _ in changes:
            self._told(one)

    def _change(self, ready: Ready) -> Change | None:
        """What the index gets of it; nothing where its source went meanwhile."""
        offer, document, sign = ready.offer, ready.document, self._shelf.sign_of(ready.seen)
        try:
            tags = self._shelf.tags(ready.source, ready.seen.at)
        except Unreadable as error:
            self._refused(offer.path, error)
            return None
        row = Row(offer.name, 0, offer.path, self._origin, sign, document.title, document.url, 0, time.time(), tags)
        return Change(document, ready.pieces, row, ready.seconds)


@asynccontextmanager
async def storing(shelf: Shelf, origin: str, *, stored: Stored, refused: Refused) -> AsyncIterator[Storing]:
    """All is stored when the block ends; where it is left by an error or cancelled, what is being stored still is, and nobody
    writes behind the next one's back."""
    made = Storing(shelf, origin, stored, refused)
    try:
        yield made
        await made.all()
    finally:
        made.leave()
        if made.task and not made.task.done():
            await asyncio.wait([made.task])
