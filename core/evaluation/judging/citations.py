"""Whether the citations of an answer hold: the document is there and allowed, the quoted words stand in it, and what the answer
states is borne out by what it cites."""

from collections.abc import Mapping, Sequence

from core.dialog.tracks.citing import Rule, resolve
from core.evaluation.judging.wording import plain
from core.knowledge import Passage
from core.records import Citation

AROUND = 900
"""Letters of a document before and behind a quote that count as what is cited."""


def valid(citations: Sequence[Citation], allowed: Sequence[str], documents: Mapping[str, str]) -> float | None:
    """The share of citations that hold; None where there are none. `documents`: texts by their names."""
    return sum(_holds(one, allowed, documents) for one in citations) / len(citations) if citations else None


def supported(text: str, citations: Sequence[Citation], documents: Mapping[str, str], question: str) -> float | None:
    """Of what a text states, the share that the places it cites bear out; None where it states nothing that could be checked,
    or cites nothing."""
    if not citations:
        return None
    passages = [_place(one, documents.get(one.source, "")) for one in sorted(citations, key=lambda one: one.n)]
    found = resolve(text, passages, question, Rule("keep"))
    return 1 - len(found.unsupported) / found.claims if found.claims else None


def _holds(one: Citation, allowed: Sequence[str], documents: Mapping[str, str]) -> bool:
    named = not allowed or any(one.source == name or one.source.endswith(f"/{name}") for name in allowed)
    text = documents.get(one.source, "")
    return named and bool(text) and (not one.quote or plain(one.quote) in plain(text))


def _place(one: Citation, text: str) -> Passage:
    start = max(0, one.start - AROUND)
    return Passage(id=str(one.n), source=one.source, title=one.title, text=text[start : one.start + len(one.quote) + AROUND])
