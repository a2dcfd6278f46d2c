"""Embeddings: which LangChain `Embeddings` the assistant's knowledge is searched with, and how sure one may be of its language.

`find` returns the one that `[knowledge] embeddings` names (a dotted path, or openai:MODEL for a server), else the local MiniLM
where its wheel is installed, else None: search is then lexical alone.
"""

import importlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
import structlog
from langchain_core.embeddings import Embeddings

from core import settings
from core.assistant import Knowledge
from core.errors import ConfigError
from core.knowledge import Embedded
from retrieval.words import spoken

BUILT_IN = "all-MiniLM-L6-v2"
log = structlog.get_logger("retrieval.embeddings")

SERVED, OF = "openai:", " of "


@dataclass(frozen=True, slots=True)
class Embedder:
    """An Embeddings with the name its vectors are kept under: vectors of another name are never compared with its own.
    `at_once`: how many passages it is best given."""

    name: str
    model: Embeddings
    languages: tuple[str, ...] = ()
    at_once: int = 8


def find(knowledge: Knowledge) -> Embedder | None:
    """Raises ConfigError when what is named cannot be loaded or is no Embeddings."""
    if knowledge.dense == "off":
        return None
    if knowledge.embeddings.startswith(SERVED):
        return _served(knowledge.embeddings, knowledge.embeddings_url)
    if knowledge.embeddings:
        return Embedder(knowledge.embeddings, _named(knowledge.embeddings))
    from retrieval.embeddings.minilm import WHEEL, MiniLM

    if find_spec(WHEEL) is None:
        return None

    return Embedder(BUILT_IN, MiniLM(), languages=("en",))


def again(name: str) -> Embedder | None:
    """The embedder by the name of its vectors; None, with a line in the log, where it cannot be had any more."""
    model, _, server = name.partition(OF)
    try:
        found = find(Knowledge(embeddings="" if name == BUILT_IN else model, embeddings_url=server))
    except ConfigError as error:
        log.warning("an embedder is no longer there", embedder=name, reason=str(error))
        return None
    return found if found and found.name == name else None


def _served(named: str, url: str) -> Embedder:
    """The same model of another server may be another one, so that its address is part of the name."""
    given = settings.load()
    model, base = named.removeprefix(SERVED), url or given.openai_base_url
    if not model or not (base or given.openai_api_key):
        raise ConfigError(f"knowledge.embeddings: {named} needs a model and a server: set embeddings_url or OPENAI_BASE_URL")
    from retrieval.embeddings.endpoint import AT_ONCE, Endpoint

    place = f"{OF}{base.partition('://')[0]}://{settings.shown(base)}" if base else ""  # without a password
    return Embedder(f"{named}{place}", Endpoint(model, api_key=given.openai_api_key, base_url=base), at_once=AT_ONCE)


def _named(path: str) -> Embeddings:
    found = load(path, "knowledge.embeddings")
    if isinstance(found, type) or (callable(found) and not isinstance(found, Embeddings)):
        found = found()
    if not isinstance(found, Embeddings):
        raise ConfigError(f"knowledge.embeddings: {path} is no LangChain Embeddings but a {type(found).__name__}")
    return found


def load(path: str, key: str) -> Any:
    """The object at `module:attribute`; modules beside where the service was started are found too."""
    module, _, attribute = path.partition(":")
    if not module or not attribute:
        raise ConfigError(f"{key}: {path!r} must be module:attribute")
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"{key}: cannot load {path}: {error}") from None


def embedded(embedder: Embedder | None, texts: Sequence[str], language: str) -> Embedded:
    """The vectors of some texts, all as passages are embedded, so that they can be compared; `language` is the assistant's."""
    if embedder is None:
        return Embedded()
    unread = [n for n, text in enumerate(texts) if embedder.languages and spoken(text, language) not in embedder.languages]
    try:
        rows = np.asarray(embedder.model.embed_documents([*texts]) if texts else [], "<f4")
    except Exception as error:  # noqa: BLE001  # anybody's Embeddings
        log.warning("the embedder failed, intents are told by words alone", embedder=embedder.name, reason=str(error))
        return Embedded(name=embedder.name, error=str(error) or type(error).__name__)
    return Embedded(name=embedder.name, width=rows.shape[-1] if texts else 0, data=rows.tobytes(), unread=tuple(unread))
