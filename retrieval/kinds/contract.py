"""What a source offers: documents with stable names, each of which can be looked at.

A look costs little where nothing has changed. It tells what the document is (`digest`), when its text was last changed, and
brings the content only when that is wanted.
"""

import fnmatch
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from core.assistant import Source
from retrieval.addresses import Resolve, resolve
from retrieval.fetching import Dial, dial
from retrieval.readers.contract import LoadedDocument
from retrieval.records import Skipped


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes to be read as a file of this name would be."""

    name: str
    data: bytes


Content = Path | Blob | LoadedDocument


@dataclass(frozen=True, slots=True)
class Seen:
    """A document as it is now. `stamp`: what a later look is given, and may know by that nothing has changed."""

    digest: str
    content: Callable[[], Awaitable[Content]]
    stamp: str = ""
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Offer:
    """A document of a source. `path` is where it is read. A `stamp` that is the one remembered means that nothing has changed;
    "": only a look tells. `look` is given the stamp remembered, "" where nothing is, and answers None when that is still right.
    It raises an Unreadable or OSError; Gone when there is no such document any more."""

    name: str
    path: str
    look: Callable[[str], Awaitable[Seen | None]]
    stamp: str = ""
    url: str = ""


@dataclass(slots=True)
class Listing:
    """All that a source offers, and what of it could not even be offered. What is no longer offered is forgotten, if the list
    is `complete`."""

    offers: list[Offer] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Place:
    """Where we are: the assistant file's folder, a folder for what sources keep, and the way to the net."""

    base: Path
    folder: Path
    resolve: Resolve = resolve
    dial: Dial = dial


Cut = tuple[int, int]
"""Where a document begins and ends in an export, in bytes."""


def piece(path: Path, cut: Cut) -> bytes:
    with path.open("rb") as file:
        file.seek(cut[0])
        return file.read(cut[1] - cut[0])


def meant(source: Source, name: str) -> bool:
    """Whether a name is one of those that the source's `only` wants."""
    return not source.only or any(fnmatch.fnmatchcase(name, pattern) for pattern in source.only)
