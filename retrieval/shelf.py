"""The shelf: what a job works on. The index and the ledger, where we are, and the assistant's sources with their marks."""

import asyncio
from collections.abc import Callable
from typing import Any

from core.assistant import Knowledge, Source
from core.knowledge import Tags
from retrieval.index import Index
from retrieval.kinds import ELSEWHERE
from retrieval.kinds.contract import Place, Seen
from retrieval.ledger import Ledger
from retrieval.readers.contract import Unreadable
from retrieval.sources import MADE_BY, Owners, every, here
from retrieval.splitting import WORDS

LATEST = 1e11
"""No time that a foreign document tells is later."""
MARKS = ("owner", "audience", "product", "version", "language", "priority")


class Shelf:
    """`written` is set whenever passages have been; `writing` is held by whoever marks a document, so that none is written with
    marks that have just been changed. `here` are the sources of this machine's files, `elsewhere` the others by name."""

    def __init__(self, index: Index, ledger: Ledger, place: Place) -> None:
        self.index, self.ledger, self.place = index, ledger, place
        self.written = asyncio.Event()
        self.writing = asyncio.Lock()
        self.here: list[Source] = []
        self.elsewhere: dict[str, Source] = {}
        self._named: dict[str, Source] = {}
        self.words = WORDS

    @property
    def made_by(self) -> str:
        """What reads and splits now: a document that something else made is read again."""
        return f"{MADE_BY}/{self.words}"

    @property
    def names(self) -> set[str]:
        """Of all sources; the short form's files go by ""."""
        return {*self._named, *(source.name for source in self.here)}

    async def use(self, knowledge: Knowledge) -> None:
        """These are the sources from now on; their documents are marked as they say."""
        self._named, self.here, self.words = every(knowledge), here(knowledge), knowledge.passage_words
        self.elsewhere = {name: source for name, source in self._named.items() if source.kind in ELSEWHERE}
        async with self.writing:
            await finished(self._mark_again)

    def source(self, name: str) -> Source | None:
        return self._named.get(name)

    def tags(self, source: str, at: float) -> Tags:
        """What a document of this source is marked with. Raises Unreadable when there is no such source any more."""
        at = at if 0 < at < LATEST else 0.0
        if not source:
            return Tags(at=at)
        if source not in self._named:
            raise Unreadable(f"the source {source} is no longer one of the assistant's")
        return Tags(origin=source, at=at, **{name: getattr(self._named[source], name) for name in MARKS})

    def sign(self, source: Source) -> str:
        """What makes a source another one, though its name stays."""
        return "|".join((self.made_by, source.kind, source.at, *source.only))

    def sign_of(self, seen: Seen) -> str:
        """What a document's row says it was made from, and by what."""
        return f"{self.made_by}:{seen.digest}"

    def owners(self) -> Owners:
        return Owners(self.here, self.place.base)

    def _mark_again(self) -> None:
        for row in self.index.rows():
            if row.tags.origin in self._named:
                self.index.retag(row.source, self.tags(row.tags.origin, row.tags.at))


async def finished(work: Callable[..., Any], *arguments: object) -> None:
    """Done in a thread, and done with when this returns or is cancelled: nobody writes behind the next one's back."""
    task = asyncio.create_task(asyncio.to_thread(work, *arguments))
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
