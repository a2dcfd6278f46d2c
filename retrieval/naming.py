"""Naming: a question that names products or versions is searched for among those.

Marks and text are compared without case. A product, or a version like "2.1-beta", is named by itself; a mere number only after
"v", "version" and the like, or after a product's name; a mere word ("nightly") only beside "version". A longer name hides a
shorter one within it.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from core.knowledge import SearchRequest
from retrieval.scope import Scope, plain, readable, scope
from retrieval.stores.contract import Store
from retrieval.words import SCRIPTS

LONGEST = 2000
_LETTER = rf"[^\W{''.join(SCRIPTS.values())}]"  # text without spaces goes on after a name
_NUMBER = re.compile(r"\d+(?:\.\d+)*")
_SORT = r"(?:v|ver|versi[oó]n(?:s|en|es|e|i)?|releases?)"
_JOIN = r"(?:\s*[,/&]\s*|\s+(?:and|or|to|vs\.?|und|oder|auf|et|ou|y|o|a)\s+)"
_LIST = rf"{_NUMBER.pattern}(?:{_JOIN}(?:{_SORT}[.\s]*)?{_NUMBER.pattern})*"
_NUMBERED = re.compile(rf"(?<!{_LETTER}){_SORT}[.\s]*({_LIST})(?!{_LETTER})")
_AFTER = re.compile(rf"\s+({_LIST})(?!{_LETTER})")

Names = Mapping[str, frozenset[str]]
"""Under "product" and "version", as marks are written."""

Spans = dict[tuple[int, int], str]


def narrowed(request: SearchRequest, store: Store) -> tuple[Scope, str]:
    """The scope of a request, narrowed to what its question names of what the asker may read; and what that is, "" mostly.
    What the request itself asks for is not looked for in the words."""
    wanted, reading = scope(request), readable(request)
    known = {key: store.held[f"marks.{key}"] for key in ("product", "version") if key not in wanted.one_of}
    found: dict[str, set[str]] = {}
    for key, names in named(request.query, request.before, known).items():
        there = {name for name in names if store.holds(replace(reading, one_of={**reading.one_of, key: frozenset((name,))}))}
        found |= {key: there} if there else {}
    told = ", ".join(f"{key} {name}" for key, names in found.items() for name in sorted(names))
    return replace(wanted, one_of={**wanted.one_of, **{key: frozenset(("", *names)) for key, names in found.items()}}), told


def named(query: str, before: str, known: Mapping[str, Collection[str]]) -> Names:
    """What a question names of the known; where it names no product, what was said before it tells that, and the version too
    where it names none."""
    asked, earlier = (_named(plain(text[:LONGEST]), known) for text in (query, before))
    return asked if asked["product"] else {key: asked[key] or earlier[key] for key in asked}


def _named(text: str, known: Mapping[str, Collection[str]]) -> Names:
    products, versions = (known.get(key, ()) for key in ("product", "version"))
    things = _longest({span: name for name in products for span in _spans(name, text)})
    kinds = {span: name for name in versions for span in _spoken(name, text)}
    numbers = [found.span(1) for found in _NUMBERED.finditer(text)]
    numbers += [found.span(1) for _, end in things if (found := _AFTER.match(text, end))]
    kinds |= {one.span(): one[0] for start, end in numbers for one in _NUMBER.finditer(text, start, end)}
    return {"product": frozenset(things.values()), "version": frozenset(_longest(kinds).values()) & {*versions}}


def _spoken(version: str, text: str) -> Iterator[tuple[int, int]]:
    """Where a version that is no number stands: one without a digit beside the word "version"."""
    if _NUMBER.fullmatch(version):
        return
    for start, end in _spans(version, text, after=r"(?:v\.?)?"):
        beside = re.search(rf"(?<!{_LETTER}){_SORT}\W*$", text[:start]) or re.match(rf"\W*{_SORT}(?!{_LETTER})", text[end:])
        if beside or any(map(str.isdigit, version)):
            yield start, end


def _spans(name: str, text: str, after: str = "") -> Iterator[tuple[int, int]]:
    """Where a name stands as words of its own, or right after this pattern."""
    if name and name in text:
        yield from (found.span(1) for found in re.finditer(rf"(?<!{_LETTER}){after}({re.escape(name)})(?!{_LETTER})", text))


def _longest(found: Spans) -> Spans:
    kept, reached = {}, -1
    for start, end in sorted(found, key=lambda span: (span[0], -span[1])):
        if end > reached:
            kept[start, end], reached = found[start, end], end
    return kept
