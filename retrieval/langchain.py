"""Turnout's knowledge for a LangChain program: `TurnoutRetriever` asks the running retrieval service, `TurnoutVectorStore`
keeps an index of its own, with the same search by words and meaning."""

import asyncio
import json
import time
import uuid
from collections.abc import Coroutine, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self, TypeVar

from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.retrievers import BaseRetriever
from langchain_core.vectorstores import VectorStore

from core import embedded, settings
from core.bus_nats import connect
from core.errors import TurnoutError
from core.knowledge import DocumentRequest, Passage, SearchRequest, SearchResult
from core.records import decode, encode
from retrieval.embeddings import Embedder
from retrieval.fusion import Weights
from retrieval.index import Index, Setup
from retrieval.manifest import Change, Row
from retrieval.readers.contract import LoadedDocument
from retrieval.splitting import Piece
from retrieval.stores.rest import Server

PATIENCE = 10.0
EVERYTHING = -1.0
"""No cosine is lower: a vector store answers with the nearest, however far."""

Answer = TypeVar("Answer")


class TurnoutRetriever(BaseRetriever):
    """The `k` best passages as Documents, with source, title, heading, url, score, page and offsets as metadata.

    `nats_url` "": where TURNOUT_DATA or NATS_URL says. `audiences`: what the asker may read beside what everyone may. Raises
    Unavailable when the service does not answer.
    """

    k: int = 6
    nats_url: str = ""
    audiences: tuple[str, ...] = ()

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, k: int | None = None
    ) -> list[Document]:
        return _blocking(self._search(query, k or self.k))

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun, k: int | None = None
    ) -> list[Document]:
        return await self._search(query, k or self.k)

    async def _search(self, query: str, k: int) -> list[Document]:
        url = self.nats_url or embedded.locate(settings.load()).nats_url
        request = SearchRequest(query=query, k=k, audiences=self.audiences, once=True)
        async with connect(url, name="langchain") as bus:
            answer = await bus.request("retrieval.search", encode(request), timeout=PATIENCE)
        result = decode(SearchResult, answer)
        if result.error:
            raise TurnoutError(result.error)
        return [as_document(passage) for passage in result.passages]


class TurnoutVectorStore(VectorStore):
    """An index in a folder, for one process. Each Document is one passage, whole; adding one of a known id replaces it. Without
    an `embedding` it is searched by words alone. `server`: a new one's passages lie on this Qdrant server (`retrieval.stores`),
    while their texts stay in the folder."""

    def __init__(
        self,
        folder: Path | str,
        embedding: Embeddings | None = None,
        *,
        language: str = "en",
        server: Server | None = None,
    ) -> None:
        name = f"{type(embedding).__module__}:{type(embedding).__qualname__}"
        embedder = Embedder(name, embedding) if embedding else None
        weights = Weights(floor=EVERYTHING) if embedder else Weights(dense=0.0)
        self._index, self._embedding = Index(Path(folder), Setup(language, embedder, weights), server), embedding

    @property
    def embeddings(self) -> Embeddings | None:
        return self._embedding

    @classmethod
    def from_texts(
        cls, texts: list[str], embedding: Embeddings, metadatas: list[dict[str, Any]] | None = None, **kwargs: Any
    ) -> Self:
        """`folder` is asked for among the keywords."""
        ids = kwargs.pop("ids", None)
        store = cls(kwargs.pop("folder"), embedding, **kwargs)
        store.add_texts(texts, metadatas, ids=ids)
        return store

    def add_texts(
        self,
        texts: Iterable[str],
        metadatas: Sequence[dict[str, Any]] | None = None,
        *,
        ids: Sequence[str | None] | None = None,
        **kwargs: Any,
    ) -> list[str]:
        """The ids under which they stand now. Metadata is anything that JSON can say."""
        given = list(texts)
        named = [name or str(uuid.uuid4()) for name in ids or [None] * len(given)]
        each = zip(named, given, metadatas or [{}] * len(given), strict=True)
        changes = [_change(*one) for one in each]
        self._index.put_all(list({change.row.source: change for change in changes}.values()))
        while self._index.embed_some():
            pass
        return named

    def delete(self, ids: Sequence[str] | None = None, **kwargs: Any) -> bool:
        """Forget these, or all; whether each was there."""
        names = ids if ids is not None else [row.source for row in self._index.rows()]
        return all([self._index.remove(name) for name in names])

    def get_by_ids(self, ids: Sequence[str], /) -> list[Document]:
        return [document for name in ids if (document := self._document(name))]

    def similarity_search(self, query: str, k: int = 4, **kwargs: Any) -> list[Document]:
        return [document for document, _ in self.similarity_search_with_score(query, k, **kwargs)]

    def similarity_search_with_score(self, query: str, k: int = 4, **kwargs: Any) -> list[tuple[Document, float]]:
        """Scores are comparable within one answer only; more is better."""
        found = self._index.search(SearchRequest(query=query, k=k)).passages
        return [(document, passage.score) for passage in found if (document := self._document(passage.source))]

    def close(self) -> None:
        self._index.close()

    def _document(self, name: str) -> Document | None:
        row = self._index.row(name)
        if row is None:
            return None
        return Document(
            id=name, page_content=self._index.document(DocumentRequest(source=name)).text, metadata=json.loads(row.path)
        )


def as_document(passage: Passage) -> Document:
    """A passage as LangChain knows it."""
    metadata = {name: getattr(passage, name) for name in Passage.__struct_fields__ if name not in ("id", "text")}
    return Document(page_content=passage.text, metadata=metadata, id=passage.id)


def _change(name: str, text: str, metadata: dict[str, Any]) -> Change:
    """Its metadata says where it is from."""
    row = Row(name, 0, json.dumps(metadata), "langchain", "", "", "", 0, time.time())
    return Change(LoadedDocument(name, "", text), [Piece(name, text, "", 0, len(text), 0)], row)


def _blocking(work: Coroutine[Any, Any, Answer]) -> Answer:
    """Its result, also where the calling thread runs an event loop, as a notebook's does."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()
