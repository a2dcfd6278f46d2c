"""LangChain loaders: `knowledge.paths` may name one as module:attribute, beside files and folders."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable

from langchain_core.document_loaders import BaseLoader
from langchain_core.documents import Document

from core.errors import ConfigError
from retrieval.embeddings import load
from retrieval.readers.contract import Empty, LoadedDocument, Unreadable
from retrieval.readers.text import clean

_SPEC = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")


def is_loader(path: str) -> bool:
    return bool(_SPEC.fullmatch(path))


def documents(spec: str) -> list[LoadedDocument]:
    """What the loader at module:attribute loads; Documents of one source are one document.

    Raises ConfigError when there is no such loader, Unreadable when it fails."""
    found = load(spec, "knowledge.paths")
    try:
        loader = found if isinstance(found, BaseLoader) else found()
        loaded = list(loader.lazy_load()) if isinstance(loader, BaseLoader) else None
    except Exception as error:
        raise Unreadable(f"the loader failed: {error}") from error
    if loaded is None:
        raise ConfigError(f"knowledge.paths: {spec} is no LangChain BaseLoader but a {type(loader).__name__}")
    by_source: dict[str, list[Document]] = defaultdict(list)
    for number, document in enumerate(loaded, 1):
        by_source[str(document.metadata.get("source") or f"{spec}/{number}")].append(document)
    if not by_source:
        raise Empty(f"{spec} loads no documents")
    return [_joined(source, parts) for source, parts in by_source.items()]


def digest(document: LoadedDocument) -> str:
    """Changes when the document does."""
    return hashlib.sha256("\x1f".join((document.title, document.url, document.text)).encode()).hexdigest()


def _joined(source: str, parts: Iterable[Document]) -> LoadedDocument:
    """The parts as pages of one text."""
    text, pages, title = "", [], ""
    for part in parts:
        title = title or str(part.metadata.get("title") or "")
        pages.append(len(text))
        text += clean(part.page_content).strip() + "\n\n"
    url = source if source.startswith(("http://", "https://")) else ""
    return LoadedDocument(source, title or source, text.rstrip(), pages=tuple(pages) if len(pages) > 1 else (), url=url)
