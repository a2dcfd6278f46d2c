"""The index: documents in, passages out. It joins the manifest (the truth), the shard (what is searched) and the embedder.

`put` and `remove` change one document at once: a search sees the whole old one or the whole new one. New passages are found
by their words immediately and by their meaning as soon as `embed_some` has come to them.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import structlog
from msgspec.structs import replace

from core.errors import ConfigError, StoreUnavailable
from core.knowledge import Cell, Document, DocumentRequest, SearchRequest, SearchResult, Tags
from retrieval.cells import answers, question
from retrieval.conflicts import between_cells, between_passages, settled
from retrieval.embeddings import Embedder
from retrieval.fusion import Weights
from retrieval.manifest import Change, Manifest, Row
from retrieval.moving import Mover, Moving
from retrieval.naming import narrowed
from retrieval.opening import MARKING, Vectored, entries, opened, respeak
from retrieval.ranking import LONGEST_QUERY, Ranking
from retrieval.readers.contract import LoadedDocument
from retrieval.reranking import Score
from retrieval.scope import readable
from retrieval.splitting import Piece
from retrieval.stores import Stores
from retrieval.stores.contract import Entry, Store, revision
from retrieval.stores.rest import Missing, Server
from retrieval.stores.turns import Turns
from retrieval.vectors import Vectors

LONGEST_TEXT = 600_000
DRAWING = 0.2
"""Seconds between two looks at whether a graph is drawn."""

log = structlog.get_logger("retrieval.index")


@dataclass(frozen=True, slots=True)
class Setup:
    """How an index searches: the documents' language, the embedder (None: words alone), how much each leg counts, and who puts
    the best in order."""

    language: str = "en"
    embedder: Embedder | None = None
    weights: Weights = Weights()
    reranker: Score | None = None


class Index:
    """All methods block, and may be called from any thread; one process at a time owns the folder. `server`: the Qdrant server
    that a new index is made on, and another may move to. Raises StoreUnavailable where the store does not answer."""

    def __init__(self, folder: Path, setup: Setup, server: Server | None = None) -> None:
        self._setup = setup
        self._writing, self._searching = threading.Lock(), Turns()
        self._manifest = Manifest(folder / "manifest.sqlite3")
        self._vectors = Vectors(self._manifest)
        self._all_vectors = False
        self._stores = Stores(folder, self._manifest, server)
        self._mover = Mover(self._stores, self._manifest)
        try:
            self._shard = opened(self._stores, self._manifest, setup.language)
            self._vectors.want(setup.embedder, setup.weights, self._shard)
        except BaseException:
            self._stores.close()
            self._manifest.close()
            raise

    def close(self) -> None:
        with self._writing:
            self._shard.close()
            self._mover.close()
            self._stores.close()
            self._manifest.close()

    def use(self, setup: Setup) -> None:
        """Search another way from now on. Another language makes the index anew from the texts it holds; another embedder is
        used when all its vectors are there."""
        with self._writing:
            before, self._setup, self._all_vectors = self._setup, setup, False
            if setup.language != before.language:
                self._take(opened(self._stores, self._manifest, setup.language))
                self._stores.remove(self._stores.kind, before.language)
                self._mover.forget(before.language)  # a move begins again in the new one
            self._vectors.want(setup.embedder, setup.weights, self._shard)

    def mend(self) -> None:
        """Open the store again; one that lost what it held is filled from the texts."""
        with self._writing:
            self._take(opened(self._stores, self._manifest, self._setup.language))
            self._vectors.want(self._setup.embedder, self._setup.weights, self._shard)

    def put(self, document: LoadedDocument, pieces: list[Piece], *, row: Row) -> None:
        self.put_all([Change(document, pieces, row)])

    def put_all(self, changes: Sequence[Change]) -> None:
        """Show these documents instead of what stands under their sources, each of which is there once. Vectors of passages
        that stay are kept."""
        with self._writing:
            began = time.perf_counter()
            revs = self._manifest.stage(len(changes))
            self._shard.hidden = self._manifest.hidden()
            self._shard.stage(chain.from_iterable(map(self._entries, revs, changes)))
            self._manifest.commit([change.as_revision(rev) for rev, change in zip(revs, changes, strict=True)])
            self._vectors.written(revs)
            self._sweep()
            self._all_vectors = False
            self._manifest.spend(sum(change.seconds for change in changes) + time.perf_counter() - began)

    def remove(self, source: str) -> bool:
        """Forget a document; False when there is none of that name."""
        with self._writing:
            if self._manifest.row(source) is None:
                return False
            self._manifest.remove(source)
            self._sweep()
            return True

    def retag(self, source: str, tags: Tags) -> None:
        """The same document, marked differently from now on: nothing is read or embedded again. What a crash leaves half done
        is marked again, as the manifest says, before anybody searches."""
        with self._writing:
            row = self._manifest.row(source)
            if row is not None and row.tags != tags:
                self._manifest.put(MARKING, source)
                self._shard.mark(row.rev, tags)
                if tags.language != row.tags.language:
                    respeak(self._shard, self._manifest, row, tags, language=self._setup.language)
                    self._vectors.written([row.rev])
                self._manifest.retag(source, tags)
                self._manifest.rewritten(row.passages)
                self._manifest.put(MARKING, "")
                self._mover.touched([row.rev])

    def embed_some(self) -> int:
        """Embed a few passages that have no vector yet; how many. Whatever the embedder raises is raised."""
        with self._writing:
            target, shard = self._vectors.target, self._shard
            embedder = target.embedder if target else None
            waiting = self._vectors.next(shard)
            self._all_vectors = not waiting
            if not waiting:
                self._vectors.complete(shard)
        if embedder is None or not waiting:
            return 0
        began = time.perf_counter()
        vectors = embedder.model.embed_documents([text for _, text in waiting])
        with self._writing:
            self._manifest.spend(time.perf_counter() - began)
            if self._vectors.target is target and self._shard is shard:
                self._vectors.give(dict(zip((point for point, _ in waiting), vectors, strict=True)), shard)
                self._mover.touched([revision(point) for point, _ in waiting])
        return len(waiting)

    @property
    def spent(self) -> float:
        """Seconds of reading, storing and embedding that the index took so far, with all changes since."""
        return self._manifest.spent

    def waiting(self) -> int:
        """How many passages have no vector yet, though they shall get one; 0 while the store cannot say."""
        with suppress(StoreUnavailable):
            return sum(map(self._shard.waiting, self._vectors.lacking()))
        return 0

    @property
    def store(self) -> str:
        """Where the passages are, as people are told."""
        return self._stores.told(self._stores.kind)

    def trouble(self) -> str:
        """Why nothing can be found now; "" where the store answers. A store that lost what it held is mended first."""
        try:
            with suppress(Missing):
                self._shard.count(0)
                return ""
            log.error("the store has lost the passages", store=self.store)
            self.mend()
        except (StoreUnavailable, ConfigError) as error:
            return str(error)
        return ""

    @property
    def moving(self) -> Moving | None:
        """How far a move is; None where nothing is being moved."""
        return self._mover.moving

    def move(self, kind: str) -> bool:
        """Move to another kind of store, by `move_some`. False where the passages are there already. Raises StoreUnavailable or
        ConfigError where that store cannot be had."""
        with self._writing:
            return self._mover.begin(kind, self._setup.language)

    def move_some(self) -> int:
        """Copy a little, or when all is there and proved, search there from now on; how many documents are left, 0 also where
        nothing is being moved. Raises StoreUnavailable, to be called again, and Differs, where the move is given up."""
        with self._writing:
            left, store = self._mover.some(self._shard, self._setup.language, settled=self._all_vectors)
            if store:
                self._take(store)
                self._mover.tidy(self._setup.language)
        if self._mover.draws:
            time.sleep(DRAWING)
        return left

    def search(self, request: SearchRequest) -> SearchResult:
        """The best passages of those that the request may find. The dense leg is left out, with a line in the log, when the
        embedder fails."""
        started = time.perf_counter()
        setup = self._setup
        with self._searching.among():
            ranking = Ranking(self._shard, self._vectors, setup.language, setup.weights, self._all_vectors, setup.reranker)
            where, told = narrowed(request, self._shard)
            best = ranking.best(request, where)
        named = question(request.query[:LONGEST_QUERY])
        cells = list(map(self._paged, answers(named, self._manifest.named(named, where))))
        conflicts = (*between_cells(cells), *between_passages(request.query, best.passages))
        return SearchResult(
            passages=settled(best.passages, conflicts),
            cells=tuple(cells),
            conflicts=conflicts,
            confidence=1.0 if cells else best.confidence,
            documents=self.counts()[0],
            legs=best.legs,
            narrowed=told,
            took_ms=round((time.perf_counter() - started) * 1000, 2),
        )

    def document(self, request: DocumentRequest) -> Document:
        """A document's text; what goes beyond 600,000 characters is left out; what the asker may not read is not there."""
        row = self._manifest.row(request.source)
        if row is None or not readable(request).admits(row.tags):
            return Document(source=request.source)
        text, _ = self._manifest.content(row.source)
        return Document(source=row.source, title=row.title, url=row.url, text=text[:LONGEST_TEXT])

    def counts(self) -> tuple[int, int]:
        """(documents, passages)."""
        return self._manifest.counts()

    def prints(self, after: str, most: int) -> dict[str, str]:
        """Fingerprints of so many documents' texts at most, by name, from the first whose name comes after this one."""
        return self._manifest.prints(after, most)

    def rows(self) -> list[Row]:
        return self._manifest.rows()

    def row(self, source: str) -> Row | None:
        return self._manifest.row(source)

    def touch(self, source: str, origin: str) -> None:
        self._manifest.touch(source, origin)

    def flush(self) -> None:
        """Survive a power cut from here on; a killed process loses nothing anyway."""
        self._shard.flush()

    def _entries(self, rev: int, change: Change) -> Iterator[tuple[int, Entry]]:
        """What the shard gets of a document, with the vectors that it knows of the one before."""
        before, known = self._manifest.row(change.row.source), dict[str, Vectored]()
        if before and self._shard.sizes:
            known = {entry.payload["id"]: entry.vectors for entry in self._shard.entries(before.rev)}
        return ((rev, entry) for entry in entries(change, known, self._setup.language))

    def _paged(self, cell: Cell) -> Cell:
        """With the page of the passage that its row stands in."""
        _, pieces = self._manifest.content(cell.passage.source)
        page = max((piece.page for piece in pieces if piece.start <= cell.passage.start), default=0)
        return replace(cell, passage=replace(cell.passage, page=page))

    def _take(self, store: Store) -> None:
        """Search there from now on, when the searches under way are done."""
        with self._searching.alone():
            old, self._shard = self._shard, store
        old.close()

    def _sweep(self) -> None:
        hidden = self._shard.hidden = self._manifest.hidden()
        if hidden:
            self._shard.drop(hidden)
            self._manifest.swept(hidden)
        self._shard.hidden = frozenset()
