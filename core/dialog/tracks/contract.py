"""What a track is: one function that answers one ask, or raises CannotServe so that the route's next track is asked."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from core.audience import EVERYONE, Reader
from core.dialog.models.contract import Model
from core.knowledge import SearchRequest, SearchResult
from core.memory import Conversation
from core.records import Citation, Ground, Part, Usage

Say = Callable[[str], Awaitable[None]]
"""Shows a piece of the answer live, while it is made. What is said but not returned is not part of the answer."""

Search = Callable[[SearchRequest], Awaitable[SearchResult]]
"""Passages for a query, of those its audiences may read. Raises CannotServe when retrieval does not answer."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What a person wants answered now, and all a track may know about it.

    `before` is the user's earlier message that the text leans on, "" where it stands alone; `reader` who hears the answer, and
    may read what it says; `disagree` what a conflict between sources is told with.
    """

    text: str
    conversation: Conversation
    persona: str
    assistant: str
    intent: str = ""
    template: str = ""
    lane: str = ""
    before: str = ""
    reader: Reader = EVERYONE
    disagree: str = "The sources say different things about:"

    @property
    def query(self) -> str:
        """All that is searched for, as one text."""
        return f"{self.before}\n{self.text}".strip()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a track returns. `why` says in a few words what the answer rests on ("3 passages", "template small_talk"), `grounds`
    whose words it may hold. `more`: who asked may read more about it where nobody else does."""

    parts: tuple[Part, ...]
    citations: tuple[Citation, ...] = ()
    model: str = ""
    usage: Usage = Usage()
    why: str = ""
    timings: tuple[tuple[str, float], ...] = ()
    grounds: tuple[Ground, ...] = ()
    more: bool = False


@dataclass(frozen=True, slots=True)
class Means:
    """What tracks work with. `model` is the general model; `tuned`, `strong` None where none is configured."""

    model: Model
    tuned: Model | None
    search: Search
    strong: Model | None = None


Track = Callable[[Ask, Means, Say], Awaitable[Answer]]
Tracks = Mapping[str, Track]
