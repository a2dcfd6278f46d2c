"""How well each sentence, list item or table row of some passages answers a question, without any model.

Words of the question in a unit or in what it stands under count, rare ones more; so does holding the kind of thing that is
asked for (a price, a time…), and standing in a passage that search put far up. The constants were chosen on the example
assistant's questions and on XQuAD's, together.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.dialog.models.sentences import Unit, cells, units
from core.dialog.models.terms import terms
from core.knowledge import Passage

CONTEXT = 0.6
KIND = 0.4
EXPECTED = 1.7
NAMED = 1.4
RANK = 0.2
AROUND = 0.5
LONGEST = 2000

_NUMBER = r"\b(?:\d+|one|two|three|four|five|six|seven|eight|nine|ten|twelve|fourteen|twenty|thirty|sixty|ninety)"
_EXPECTS = tuple(
    (re.compile(asked, re.I), re.compile(held, re.I))
    for asked, held in (
        (
            r"\bhow (?:long|soon|fast|quickly|often)\b|\bwhen\b|\bwie lange\b|\bwann\b|\bcu[áa]ndo\b|\bopen\b|\bhours\b",
            _NUMBER + r"[ -]?(?:min|hour|day|week|month|year|second|stund|tag|woche|monat|jahr|d[ií]a|mes|a[ñn]o)|\d[:.]\d\d\b",
        ),
        (
            r"\bhow (?:much|expensive)\b|\bcosts?\b|\bprices?\b|\bfees?\b|\bcharges?\b|\bkostet\b|\bcuesta\b|\bcheap",
            r"[€$£¥]\s?\d|\d\s?(?:[€$£¥]|eur|usd|gbp|euros?|dollars?)\b|price\w*: \d|\bfree\b|\bkostenlos\b|\bgratis\b",
        ),
        (r"\bhow (?:many|far|big|heavy|tall|old)\b|\bwie viele\b|\bcu[áa]nt[oa]s\b", _NUMBER),
        (r"\bphone\b|\bcall\b|\btelephone\b", r"\+?\d[\d ()/-]{6,}\d"),
        (r"\be-?mail\b|\bcontact\b", r"\S+@\S+\.\w+"),
    )
)


@dataclass(slots=True)
class Place:
    """A unit where it stands: its passage, its number `at` in it, the terms it holds and those of what it stands under.
    The column names of a row are what it stands under; `name` has the terms of its first cell."""

    passage: int
    at: int
    unit: Unit
    text: str
    own: frozenset[str]
    frame: frozenset[str]
    name: frozenset[str]
    score: float = 0.0

    @property
    def quotable(self) -> bool:
        return self.unit.kind not in ("heading", "lead")


class Question:
    """What is asked: its terms, those of what it carries on from, and the kind of thing expected for an answer."""

    def __init__(self, text: str, context: str = "") -> None:
        text, context = text[:LONGEST], context[:LONGEST]
        self.asked = frozenset(terms(text)) or frozenset(terms(context))
        expected = [(asked, held) for asked, held in _EXPECTS if asked.search(text)]
        self._held = [held for _, held in expected]
        self.answered_by_kind = frozenset(
            term for asked, _ in expected for match in asked.finditer(text) for term in terms(match[0])
        )
        self.weights = {
            **dict.fromkeys(terms(context), CONTEXT),
            **dict.fromkeys(self.asked, 1.0),
            **dict.fromkeys(self.answered_by_kind, KIND),
        }

    def expects(self, text: str) -> bool:
        return any(held.search(text, 0, LONGEST) for held in self._held)


@dataclass(frozen=True, slots=True)
class Ranking:
    """The units of each passage; those that can be quoted, best first; the share of what is asked that the best one holds."""

    passages: list[list[Place]]
    best: list[Place]
    covered: float


def rank(passages: Sequence[Passage], question: Question) -> Ranking:
    """How the units of these passages, given in the order search found them, answer a question."""
    found = [_places(number, passage) for number, passage in enumerate(passages)]
    everything = [place for places in found for place in places]
    spread = Counter(term for place in everything for term in place.own)
    rare = {term: math.log(1 + len(everything) / max(1, spread[term])) for term in question.weights}
    for place in everything:
        place.score = _score(place, question, rare)
    best = sorted((place for place in everything if place.quotable), key=lambda place: -place.score)
    return Ranking(found, best, _covered(best[0], found[best[0].passage], question, rare) if best else 0.0)


def _score(place: Place, question: Question, rare: Mapping[str, float]) -> float:
    near = place.own | place.frame
    held = sum(weight * rare[term] for term, weight in question.weights.items() if term in near)
    if question.expects(place.text):
        held *= EXPECTED
    if place.name and 2 * len(question.asked & place.name) >= len(place.name):
        held *= NAMED
    share = len(question.asked & near) / (len(question.asked) or 1)
    return held * math.sqrt(share) / (1 + RANK * place.passage)


def _covered(place: Place, passage: Sequence[Place], question: Question, rare: Mapping[str, float]) -> float:
    """The share of what is asked, rare words counting more, that a unit holds; what only its passage holds counts in part."""
    asked = question.asked - question.answered_by_kind if question.expects(place.text) else question.asked
    if not asked:
        return 1.0
    near = place.own | place.frame
    around = frozenset().union(*(other.own for other in passage))
    held = sum(rare[term] * (1.0 if term in near else AROUND if term in around else 0.0) for term in asked)
    return held / sum(rare[term] for term in asked)


def _places(number: int, passage: Passage) -> list[Place]:
    head = frozenset(terms(f"{passage.title} {passage.heading} {passage.tags.said}"))
    found = []
    for at, unit in enumerate(units(passage.text, passage.heading)):
        text = passage.text[unit.start : unit.end]
        row = cells(text, unit.columns) if unit.kind == "row" else []
        columns = frozenset(terms(" ".join(column for column, _ in row)))
        own = frozenset(terms(" ".join(value for _, value in row) if row else text))
        name = frozenset(terms(row[0][1])) if row else frozenset()
        found.append(Place(number, at, unit, text, own, head | columns | frozenset(terms(unit.under)), name))
    return found
