"""The vectors of texts, by whatever embeds for retrieval: asked by subject, in batches; those of examples are kept on disk."""

import asyncio
import hashlib
import os
import zipfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.bus import Bus
from core.errors import CannotServe, RecordError, Unavailable
from core.knowledge import Embedded, EmbedRequest
from core.records import decode, encode

SUBJECT = "retrieval.embed"
AT_ONCE = 32
PATIENCE = 60.0
"""Seconds for a batch of examples; nobody waits for them."""

HURRY = 1.0
"""Seconds for the vectors of a message; it is judged by its words after that."""

Vectors = Mapping[str, npt.NDArray[np.float32]]
Known = dict[str, tuple[npt.NDArray[np.float32], bool]]
"""A text's vector and whether its language is read, by the text's print."""

Sense = Callable[[Sequence[str]], Awaitable[tuple[Vectors, str]]]
"""The vectors of texts that a person waits for, and why there are none, "" where there are."""


@dataclass(frozen=True, slots=True)
class Taught:
    """`vectors` of all texts, and of them what is `heard` when somebody writes it: what is in a language that is read."""

    vectors: Vectors
    heard: Vectors


class NoEmbedder(CannotServe):
    """Retrieval has no embeddings: install the local ones or set knowledge.embeddings."""


@dataclass(frozen=True, slots=True)
class Senses:
    """`folder` is where vectors of examples are kept, one file for each embedder."""

    bus: Bus
    folder: Path

    async def taught(self, texts: Sequence[str]) -> Taught:
        """Of all these texts, from disk as far as they are there. Raises NoEmbedder, and CannotServe: try again later."""
        asked = await self._ask((), PATIENCE)
        path = self.folder / f"{_print(asked.name)}.npz"
        known = await asyncio.to_thread(_load, path)
        missing = [text for text in dict.fromkeys(texts) if _print(text) not in known]
        for start in range(0, len(missing), AT_ONCE):
            some = missing[start : start + AT_ONCE]
            found = await self._ask(some, PATIENCE)
            rows = enumerate(zip(some, _rows(found), strict=True))
            known |= {_print(text): (row, n not in found.unread) for n, (text, row) in rows}
        if missing:
            await asyncio.to_thread(_save, path, {key: known[key] for key in map(_print, texts)})
        rows_of = {text: known[_print(text)] for text in texts}
        return Taught(
            {text: row for text, (row, _) in rows_of.items()}, {text: row for text, (row, read) in rows_of.items() if read}
        )

    async def now(self, texts: Sequence[str]) -> tuple[Vectors, str]:
        """Of a message; none of what is in a language that the embeddings do not read."""
        try:
            found = await self._ask(texts, HURRY)
        except CannotServe as error:
            return {}, f"by words alone: {error}"
        rows = _understood(texts, found)
        return rows, "" if texts[0] in rows else f"by words alone: {found.name} does not read this language"

    async def _ask(self, texts: Sequence[str], timeout: float) -> Embedded:
        return await _embed(self.bus, texts, timeout)


async def vectors(bus: Bus, texts: Sequence[str]) -> tuple[Vectors, str]:
    """Of all texts whose language is read, and the embedder's name. Raises NoEmbedder, and CannotServe: try again later."""
    every, rows = [*dict.fromkeys(texts)], dict[str, npt.NDArray[np.float32]]()
    name = (await _embed(bus, (), PATIENCE)).name
    for start in range(0, len(every), AT_ONCE):
        some = every[start : start + AT_ONCE]
        found = await _embed(bus, some, PATIENCE)
        if found.name != name:
            raise CannotServe(f"retrieval embeds by {found.name} now, and did by {name}: begin again")
        rows |= _understood(some, found)
    return rows, name


async def _embed(bus: Bus, texts: Sequence[str], timeout: float) -> Embedded:
    try:
        data = await bus.request(SUBJECT, encode(EmbedRequest(texts=tuple(texts))), timeout=timeout)
        found = decode(Embedded, data)
    except (Unavailable, RecordError) as error:
        raise CannotServe(f"retrieval does not embed: {error}") from None
    if not found.name:
        raise NoEmbedder
    if found.error or len(found.data) != len(texts) * found.width * 4:
        raise CannotServe(f"retrieval cannot embed: {found.error or 'it sent another number of vectors'}")
    return found


async def pending(_texts: Sequence[str]) -> tuple[Vectors, str]:
    """Until the examples have their vectors."""
    return {}, "by words alone: the examples have no vectors yet"


def _understood(texts: Sequence[str], found: Embedded) -> dict[str, npt.NDArray[np.float32]]:
    """The vectors of those whose language is read."""
    return {text: row for n, (text, row) in enumerate(zip(texts, _rows(found), strict=True)) if n not in found.unread}


def _rows(found: Embedded) -> npt.NDArray[np.float32]:
    rows = np.frombuffer(found.data, "<f4").reshape(-1, found.width) if found.data else np.zeros((0, 1), np.float32)
    unit: npt.NDArray[np.float32] = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return unit.astype(np.float32)


def _print(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _load(path: Path) -> Known:
    """What is kept; nothing where there is no file, or half of one."""
    try:
        with np.load(path) as kept:
            return dict(zip(kept["keys"].tolist(), zip(kept["rows"], kept["read"].tolist(), strict=True), strict=True))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return {}


def _save(path: Path, known: Known) -> None:
    """In one step, so that a reader sees the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(f".{os.getpid()}.half")
    with half.open("wb") as file:
        rows, read = zip(*known.values(), strict=True)
        np.savez(file, keys=np.array([*known]), rows=np.stack(rows), read=np.array(read))
    half.replace(path)
