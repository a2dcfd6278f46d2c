"""The index made again from the texts it holds, cut another way, in a folder of our own: nothing that is served is touched."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from langchain_core.embeddings import Embeddings

from core.errors import ConfigError
from retrieval.embeddings import Embedder
from retrieval.index import Index, Setup
from retrieval.manifest import Change, Manifest, Row
from retrieval.readers.contract import Heading, LoadedDocument
from retrieval.splitting import Piece, split

AT_ONCE = 64
"""Documents written in one step."""

Tell = Callable[[int, int], None]


class Library:
    """A copy of what an index holds, made while its service runs. `index(words)` is an index of it whose passages have so many
    words at most; no text is embedded twice."""

    def __init__(self, source: Path, folder: Path, setup: Setup) -> None:
        _copy(source / "manifest.sqlite3", folder / "copy.sqlite3")
        self._manifest, self._folder = Manifest(folder / "copy.sqlite3"), folder
        embedder = setup.embedder
        self.setup = replace(setup, embedder=embedder and replace(embedder, model=Remembering(embedder)))

    def close(self) -> None:
        self._manifest.close()

    @contextmanager
    def index(self, words: int, tell: Tell) -> Iterator[Index]:
        with closing(Index(self._folder / str(words), self.setup)) as index:
            rows = self._manifest.rows() if not index.counts()[0] else []
            for first in range(0, len(rows), AT_ONCE):
                index.put_all([self._cut(row, words) for row in rows[first : first + AT_ONCE]])
            of, done = index.waiting(), 0
            while some := index.embed_some():
                done += some
                tell(done, of)
            yield index

    def _cut(self, row: Row, words: int) -> Change:
        document = restored(row, *self._manifest.content(row.source))
        return Change(document, split(document, words), row)


class Remembering(Embeddings):
    """Another one's vectors, each text's asked for once."""

    def __init__(self, embedder: Embedder) -> None:
        self._model = embedder.model
        self._known: dict[str, list[float]] = {}

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            self._known |= zip(new, self._model.embed_documents(new), strict=True)
        return [self._known[text] for text in texts]

    def embed_query(self, text: str) -> list[float]:
        return self._model.embed_query(text)


def restored(row: Row, text: str, pieces: list[Piece]) -> LoadedDocument:
    """A document as its reader gave it, as far as its passages tell: a section is a run of them under one heading."""
    headings = [
        Heading(1, piece.heading, before.end if before else 0, piece.start)
        for before, piece in zip([None, *pieces], pieces, strict=False)
        if before is None or before.heading != piece.heading
    ]
    last = max((piece.page for piece in pieces), default=0)
    pages = [next(piece.start for piece in pieces if piece.page >= page) for page in range(1, last + 1)]
    return LoadedDocument(row.source, row.title, text, tuple(headings), tuple(pages), url=row.url)


def _copy(source: Path, target: Path) -> None:
    if not source.exists():
        raise ConfigError(f"there is no index at {source.parent} to try settings on: start the service, and ingest something")
    target.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as held, closing(sqlite3.connect(target)) as copy:
        held.backup(copy)
