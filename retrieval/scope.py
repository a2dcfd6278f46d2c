"""Who may read what, and what a search is narrowed to.

A document's tags become *marks* that the engine filters by before it ranks; a request becomes the *scope* that marks must fit.
Marks are always written out, also where a tag is empty, so a passage that has none is found by nobody.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.knowledge import DocumentRequest, SearchRequest, Tags

EVERYONE = "*"
_NAMED = "="  # before a name, so that no audience can be called what means everyone
_NUMBERED = re.compile(r"^v[.\s]*(?=\d)")


@dataclass(frozen=True, slots=True)
class Scope:
    """Under each key of `one_of` a document's marks must hold one of these values; its date must lie in [since, until)
    (0: no limit), or be unknown."""

    one_of: Mapping[str, frozenset[str]]
    since: float = 0.0
    until: float = 0.0

    def admits(self, tags: Tags) -> bool:
        has = marks(tags)
        dated = not tags.at or (tags.at >= self.since and (not self.until or tags.at < self.until))
        return dated and all(not values.isdisjoint(has[key]) for key, values in self.one_of.items())


def marks(tags: Tags) -> dict[str, Any]:
    """What the engine filters by: lists of words, and the date."""
    return {
        "readers": [_NAMED + name for name in tags.audience] or [EVERYONE],
        "product": [plain(tags.product)],
        "version": [version(tags.version)],
        "language": [primary(tags.language)],
        "at": tags.at,
    }


def scope(request: SearchRequest) -> Scope:
    """A document that is tagged with nothing fits every wish."""
    wishes = {"product": plain(request.product), "version": version(request.version), "language": primary(request.language)}
    wished = {key: frozenset(("", value)) for key, value in wishes.items() if value}
    return Scope(_readers(request) | wished, request.since, request.until)


def readable(request: SearchRequest | DocumentRequest) -> Scope:
    """What may be read at all."""
    return Scope(_readers(request))


def primary(language: str) -> str:
    """A language without its region: `de-AT` → `de`."""
    return re.split("[-_]", plain(language))[0]


def version(name: str) -> str:
    """`v2` and `2` are the same."""
    return _NUMBERED.sub("", plain(name))


def _readers(request: SearchRequest | DocumentRequest) -> dict[str, frozenset[str]]:
    return {"readers": frozenset((EVERYONE, *(_NAMED + name for name in request.audiences)))}


def plain(word: str) -> str:
    return " ".join(word.casefold().split())
