"""Opening: a store as the manifest wants it. What a crash left behind is swept, what it left half done is done, and whatever is
missing is written again from the texts."""

from collections.abc import Iterator, Mapping, Sequence

import structlog

from core.knowledge import Tags
from retrieval import words
from retrieval.manifest import DRAWN, Change, Manifest, Row
from retrieval.readers.contract import LoadedDocument
from retrieval.stores import Stores
from retrieval.stores.contract import Broken, Entry, Store

MARKING = "marking"
"""The document whose tags are being changed in the store."""

Vectored = Mapping[str, Sequence[float]]

log = structlog.get_logger("retrieval.index")


def opened(stores: Stores, manifest: Manifest, language: str) -> Store:
    """The store that is searched, in an assistant's `language`. Raises StoreUnavailable, or ConfigError."""
    kind = stores.kind
    stores.tidy()
    try:
        store = stores.open(kind, language)
    except Broken as error:
        log.error("the index is broken and is made anew from the texts", reason=str(error))
        store = stores.anew(kind, language)
    if hidden := manifest.hidden():
        store.drop(hidden)
        manifest.swept(hidden)
    if (half_marked := manifest.row(manifest.get(MARKING))) is not None:
        store.mark(half_marked.rev, half_marked.tags)
        respeak(store, manifest, half_marked, half_marked.tags, language=language)
        manifest.put(MARKING, "")
    documents, passages = manifest.counts()
    if store.count() != passages:
        log.info("filling the index from the texts", documents=documents, passages=passages)
        _fill(store, manifest, language)
    if store.made:
        manifest.put(DRAWN, "0")
    return store


def respeak(store: Store, manifest: Manifest, row: Row, tags: Tags, *, language: str) -> None:
    """Take a document's words in the language that these tags say."""
    text, _ = manifest.content(row.source)
    store.respeak(row.rev, words.spoken(text, language, tag=tags.language))


def entries(change: Change, known: Mapping[str, Vectored], language: str) -> Iterator[Entry]:
    """What a store gets of a document, in an assistant's `language`; `known` are vectors by the passages' ids."""
    document, tags = change.document, change.row.tags
    common = {"source": document.source, "title": document.title, "url": document.url}
    language = words.spoken(document.text, language, tag=tags.language)
    for piece in change.pieces:
        place = {"start": piece.start, "end": piece.end, "page": piece.page}
        payload = {"id": piece.id, "text": piece.text, "heading": piece.heading} | common | place
        yield Entry(payload, tags, language, known.get(piece.id, {}))


def _fill(store: Store, manifest: Manifest, language: str) -> None:
    for row in manifest.rows():
        if store.count(row.rev) != row.passages:
            text, pieces = manifest.content(row.source)
            store.drop([row.rev])
            change = Change(LoadedDocument(row.source, row.title, text, url=row.url), pieces, row)
            store.stage((row.rev, entry) for entry in entries(change, {}, language))
    store.flush()
