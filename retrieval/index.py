"""The index: documents in, passages out. It joins the manifest (the truth), the shard (what is searched) and the embedder.

`put` and `remove` change one document at once: a search sees the whole old one or the whole new one. New passages are found
by their words immediately and by their meaning as soon as `embed_some` has come to them.
"""

import shutil
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import structlog

from core.knowledge import Document, DocumentRequest, SearchRequest, SearchResult, Tags
from retrieval import words
from retrieval.cells import answers, question
from retrieval.conflicts import between_cells, between_passages, settled
from retrieval.embeddings import Embedder
from retrieval.fusion import Weights
from retrieval.manifest import Change, Manifest, Row
from retrieval.ranking import LONGEST_QUERY, Ranking
from retrieval.readers.contract import LoadedDocument
from retrieval.reranking import Score
from retrieval.scope import readable, scope
from retrieval.shard import Shard
from retrieval.splitting import Piece
from retrieval.stores.contract import Broken, Entry, Store
from retrieval.vectors import Vectors

FORMAT = 2
"""Of what stands in the shard; with another number it is made anew from the texts."""

LONGEST_TEXT = 600_000
MARKING = "marking"

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
    """All methods block, and may be called from any thread; one process at a time owns the folder."""

    def __init__(self, folder: Path, setup: Setup) -> None:
        self._folder, self._setup = folder, setup
        self._writing = threading.Lock()
        self._manifest = Manifest(folder / "manifest.sqlite3")
        self._vectors = Vectors(self._manifest)
        self._all_vectors = False
        self._shard = self._open(setup.language)
        self._vectors.want(setup.embedder, setup.weights, self._shard)

    def close(self) -> None:
        with self._writing:
            self._shard.close()
            self._manifest.close()

    def use(self, setup: Setup) -> None:
        """Search another way from now on. Another language makes the index anew from the texts it holds; another embedder is
        used when all its vectors are there."""
        with self._writing:
            before, self._setup, self._all_vectors = self._setup, setup, False
            if setup.language != before.language:
                old, self._shard = self._shard, self._open(setup.language)
                old.close()
                shutil.rmtree(self._shard_folder(before.language), ignore_errors=True)
            self._vectors.want(setup.embedder, setup.weights, self._shard)

    def put(self, document: LoadedDocument, pieces: list[Piece], *, row: Row) -> None:
        self.put_all([Change(document, pieces, row)])

    def put_all(self, changes: Sequence[Change]) -> None:
        """Show these documents instead of what stands under their sources, each of which is there once. Vectors of passages
        that stay are kept."""
        with self._writing:
            revs = self._manifest.stage(len(changes))
            self._shard.hidden = self._manifest.hidden()
            self._shard.stage(chain.from_iterable(map(self._entries, revs, changes)))
            self._manifest.commit([change.as_revision(rev) for rev, change in zip(revs, changes, strict=True)])
            self._sweep()
            self._all_vectors = False

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
                    self._respeak(self._shard, row, tags, self._setup.language)
                self._manifest.retag(source, tags)
                self._manifest.put(MARKING, "")

    def embed_some(self) -> int:
        """Embed a few passages that have no vector yet; how many. Whatever the embedder raises is raised."""
        with self._writing:
            target, shard = self._vectors.target, self._shard
            embedder = target.embedder if target else None
            waiting = shard.without_vector(target.field, embedder.languages, embedder.at_once) if target and embedder else []
            self._all_vectors = not waiting
            if not waiting:
                self._vectors.complete(shard)
        if embedder is None or not waiting:
            return 0
        vectors = embedder.model.embed_documents([text for _, text in waiting])
        with self._writing:
            if self._vectors.target is target and self._shard is shard:
                self._vectors.give(dict(zip((point for point, _ in waiting), vectors, strict=True)), shard)
        return len(waiting)

    def waiting(self) -> int:
        """How many passages have no vector yet, though they shall get one."""
        target = self._vectors.target
        return self._shard.waiting(target.field, target.embedder.languages) if target else 0

    def search(self, request: SearchRequest) -> SearchResult:
        """The best passages of those that the request may find. The dense leg is left out, with a line in the log, when the
        embedder fails."""
        started = time.perf_counter()
        setup = self._setup
        ranking = Ranking(self._shard, self._vectors, setup.language, setup.weights, self._all_vectors, setup.reranker)
        best = ranking.best(request)
        named = question(request.query[:LONGEST_QUERY])
        cells = answers(named, self._manifest.named(named, scope(request)))
        conflicts = (*between_cells(cells), *between_passages(request.query, best.passages))
        return SearchResult(
            passages=settled(best.passages, conflicts),
            cells=tuple(cells),
            conflicts=conflicts,
            confidence=1.0 if cells else best.confidence,
            documents=self.counts()[0],
            legs=best.legs,
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

    def rows(self) -> list[Row]:
        return self._manifest.rows()

    def row(self, source: str) -> Row | None:
        return self._manifest.row(source)

    def touch(self, source: str, origin: str) -> None:
        self._manifest.touch(source, origin)

    def flush(self) -> None:
        """Survive a power cut from here on; a killed process loses nothing anyway."""
        self._shard.flush()

    def _open(self, language: str) -> Store:
        """The shard as the manifest wants it: swept, and whatever is missing written again."""
        folder = self._shard_folder(language)
        for old in set(self._folder.glob("shard-*")) - set(self._folder.glob(f"shard-{FORMAT}-*")):
            shutil.rmtree(old)
        try:
            shard = Shard(folder)
        except Broken as error:
            log.error("the index is broken and is made anew from the texts", reason=str(error))
            shutil.rmtree(folder)
            shard = Shard(folder)
        if hidden := self._manifest.hidden():
            shard.drop(hidden)
            self._manifest.swept(hidden)
        half_marked = self._manifest.row(self._manifest.get(MARKING))
        if half_marked is not None:
            shard.mark(half_marked.rev, half_marked.tags)
            self._respeak(shard, half_marked, half_marked.tags, language)
            self._manifest.put(MARKING, "")
        documents, passages = self._manifest.counts()
        if shard.count() != passages:
            log.info("filling the index from the texts", documents=documents, passages=passages)
            self._fill(shard, language)
        return shard

    def _respeak(self, shard: Store, row: Row, tags: Tags, language: str) -> None:
        text, _ = self._manifest.content(row.source)
        shard.respeak(row.rev, words.spoken(text, language, tag=tags.language))

    def _fill(self, shard: Store, language: str) -> None:
        for row in self._manifest.rows():
            if shard.count(row.rev) != row.passages:
                text, pieces = self._manifest.content(row.source)
                shard.drop([row.rev])
                change = Change(LoadedDocument(row.source, row.title, text, url=row.url), pieces, row)
                shard.stage((row.rev, entry) for entry in _entries(change, {}, language))
        shard.flush()

    def _entries(self, rev: int, change: Change) -> Iterator[tuple[int, Entry]]:
        """What the shard gets of a document, with the vectors that it knows of the one before."""
        before, known = self._manifest.row(change.row.source), dict[str, Vectored]()
        if before and self._shard.sizes:
            known = {entry.payload["id"]: entry.vectors for entry in self._shard.entries(before.rev)}
        return ((rev, entry) for entry in _entries(change, known, self._setup.language))

    def _sweep(self) -> None:
        hidden = self._shard.hidden = self._manifest.hidden()
        if hidden:
            self._shard.drop(hidden)
            self._manifest.swept(hidden)
        self._shard.hidden = frozenset()

    def _shard_folder(self, language: str) -> Path:
        return self._folder / f"shard-{FORMAT}-{language}"


Vectored = Mapping[str, Sequence[float]]


def _entries(change: Change, known: Mapping[str, Vectored], language: str) -> Iterator[Entry]:
    """What the shard gets of a document, in an assistant's `language`; `known` are vectors by the passages' ids."""
    document, tags = change.document, change.row.tags
    common = {"source": document.source, "title": document.title, "url": document.url}
    language = words.spoken(document.text, language, tag=tags.language)
    for piece in change.pieces:
        place = {"start": piece.start, "end": piece.end, "page": piece.page}
        payload = {"id": piece.id, "text": piece.text, "heading": piece.heading} | common | place
        yield Entry(payload, tags, language, known.get(piece.id, {}))
