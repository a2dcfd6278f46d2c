"""What an index needs of its store, and the words that all stores share.

A point is a passage of one revision of a document. Points of *hidden* revisions are there but never found: a revision is
hidden while it is written and again from the moment another takes its place, so a reader sees whole documents only.
The lexical leg is stored with the point; its dense vector may come later (`without_vector`, `give_vectors`).
"""

import hashlib
import re
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from core.errors import TurnoutError
from core.knowledge import Tags
from retrieval.scope import Scope, marks

BM25 = "bm25"
BATCH, LIMITLESS = 100, 1 << 24
SEARCHED = ("title", "heading", "text")
MARKS = ("marks.readers", "marks.product", "marks.version", "marks.language")
SPOKEN = "spoken"
OURS = ("tags", "marks", SPOKEN, "rev")
"""What stands in a stored payload beside an entry's own."""

_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*(?: \"[^\"]*\")?\)")

Ranked = list[tuple[uuid.UUID, float]]


class Broken(TurnoutError):
    """The store is there, but cannot be opened."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is stored of a passage: `payload` is what comes back, its `id` the passage's, and what both legs search in; its
    `tags` say who may find it, its words are those of a `language`."""

    payload: Mapping[str, Any]
    tags: Tags
    language: str
    vectors: Mapping[str, Sequence[float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Legs:
    """What each leg found, best first, with BM25 scores and cosines. `bare`: passages that the dense leg cannot know yet."""

    lexical: Ranked
    dense: Ranked
    bare: frozenset[uuid.UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class Asked:
    """A question: its words, those said before, its vector where the dense leg is asked too, and what may be found. `alone`: it
    is understood without what was said before."""

    query: str
    before: str
    vector: Sequence[float] | None
    scope: Scope
    field: str = ""
    alone: bool = False

    @property
    def meant(self) -> str:
        """The words said before that it takes to understand it."""
        return "" if self.alone else self.before


@dataclass(frozen=True, slots=True)
class Lack:
    """Passages of these revisions, in these languages (none: all), without a vector of that name: only these revisions are
    looked at, because to look for what is not there costs a look at each."""

    field: str
    revs: Collection[int]
    languages: Sequence[str] = ()


class Store(Protocol):
    """All methods block, and may be called from any thread. `hidden`: the revisions that no reader may see. `held`: what stood
    under each mark at any time. `sizes`: the dense vectors there is room for, by name. `made`: it was not there before. Raises
    StoreUnavailable when it does not answer."""

    hidden: frozenset[int]
    held: "Held"
    sizes: dict[str, int]
    made: bool

    def close(self) -> None: ...

    def has_dense(self, field: str, size: int) -> None:
        """Make room for vectors of this name and size; 0: nobody knows yet."""

    def drop_dense(self, field: str) -> None:
        """Forget every vector of this name. No search runs meanwhile."""

    def stage(self, staged: Iterable[tuple[int, Entry]]) -> None:
        """Store passages of revisions; hide these first."""

    def drop(self, revs: Collection[int]) -> None:
        """Delete revisions' passages. No search runs meanwhile, so none sees one half gone."""

    def mark(self, rev: int, tags: Tags) -> None:
        """Give a revision's passages other tags. No search runs meanwhile."""

    def respeak(self, rev: int, language: str) -> None:
        """Take a revision's words anew, in another language."""

    def flush(self) -> None:
        """What was written survives a power cut from here on."""

    def count(self, rev: int | None = None) -> int:
        """How many passages there are, of this revision or of all."""

    def holds(self, scope: Scope) -> bool:
        """Whether there is a passage that a search in this scope may find."""

    def entries(self, rev: int) -> list[Entry]:
        """What is stored of a revision, in no order."""

    def search(self, asked: Asked, limit: int, *, all_vectors: bool = True) -> Legs:
        """The best passages of each leg. Without `all_vectors`, also which of the lexical ones have no vector yet."""

    def payloads(self, points: Sequence[uuid.UUID]) -> list[Mapping[str, Any]]:
        """What is stored of these points, in their order; those gone since are left out."""

    def without_vector(self, lack: Lack, limit: int) -> list[tuple[uuid.UUID, str]]:
        """(point, text) of passages that lack a vector, those written last first."""

    def waiting(self, lack: Lack) -> int:
        """How many passages lack a vector."""

    def give_vectors(self, field: str, vectors: Mapping[uuid.UUID, Sequence[float]]) -> None:
        """Store dense vectors under a name; points deleted meanwhile are passed over."""


class Held:
    """All that stands under each key of any passage, so that what holds of all of them is not asked: that costs a look at each.
    What it lacks is taken to stand nowhere, so it is told before anything is written."""

    def __init__(self, values: Mapping[str, frozenset[str]]) -> None:
        self._values = dict(values)

    def __getitem__(self, key: str) -> frozenset[str]:
        return self._values[key]

    def add(self, tags: Tags, *languages: str) -> None:
        self._values[SPOKEN] |= {*languages}
        for key in MARKS:
            self._values[key] |= {*marks(tags)[key.removeprefix("marks.")]}

    def conditions(self, scope: Scope) -> dict[str, list[str]]:
        """Under which keys a passage must have one of which values."""
        asked = {f"marks.{key}": values for key, values in scope.one_of.items()}
        return {key: sorted(values) for key, values in asked.items() if not self._values[key] <= values}


def point(rev: int, entry: Entry) -> uuid.UUID:
    """A passage's id in a store; `revision` tells the revision again."""
    name = hashlib.sha256(entry.payload["id"].encode()).digest()[:8]
    return uuid.UUID(bytes=rev.to_bytes(8, "big") + name)


def revision(point: uuid.UUID) -> int:
    """The revision a point belongs to: its passages have this in common."""
    return point.int >> 64


def stored(rev: int, entry: Entry) -> dict[str, Any]:
    """The payload of a point."""
    return {**entry.payload, **tagged(entry.tags), SPOKEN: entry.language, "rev": rev}


def entry(payload: Mapping[str, Any], vectors: Mapping[str, Sequence[float]]) -> Entry:
    """What was stored as this."""
    own = {key: value for key, value in payload.items() if key not in OURS}
    dense = {name: vector for name, vector in vectors.items() if name != BM25}
    return Entry(own, msgspec.convert(payload["tags"], Tags), payload[SPOKEN], dense)


def tagged(tags: Tags) -> dict[str, Any]:
    """What of the tags is stored with a passage: to be shown, and to filter by."""
    return {"tags": msgspec.to_builtins(tags), "marks": marks(tags)}


def searched(payload: Mapping[str, Any]) -> str:
    """What both legs see of a passage: its words under its document's title and its headings, of a link what it shows."""
    return _LINK.sub(r"\1", "\n".join(str(payload[field]) for field in SEARCHED if payload[field]))


def weighed(payload: Mapping[str, Any]) -> str:
    """The same for the lexical leg: the title's words count twice."""
    return f"{payload['title']}\n{searched(payload)}"
