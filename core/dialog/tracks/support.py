"""Whether passages bear a claim out: what it quotes stands in them, its amounts agree, and it speaks of the same.

An amount has to stand where the passage speaks of what the claim speaks of: "within 5 days" is not borne out by a passage that
gives 30 days for it and 5 for something else. What is said without amounts, quotes or new words can be wrong all the same:
nobody here understands the text.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from core.dialog.models.sentences import cells, units
from core.dialog.models.terms import terms
from core.dialog.tracks.amounts import Amount, amounts
from core.knowledge import Passage

SHARED = 0.34
"""The share of a claim's words that its passages must hold."""

NEARLY = 0.75
"""How near the place of an amount must come to the best place of another amount of its kind."""

FIRST, REST = 1.5, 0.5
"""What counts more, and less, than the words of the clause that an amount stands in: a claim's first word, which is mostly its
subject, and its other clauses."""

Row = list[tuple[str, str]]
"""(column, value) of its cells."""

LONGEST_CELL = 80
ANOTHER_LANGUAGE = 0.34
_STEM = 5
_QUOTED = re.compile(r"[“„«]([^“”„«»]{2,400})[”“»]|(?<!\w)\"([^\"\n]{2,400})\"(?!\w)|「([^」]{2,200})」")
_CLAUSE = re.compile(r"[;()–—]|[:,](?!\d)|\s(?:and|but|while|und|aber|sowie|y|pero|et|mais)\s", re.IGNORECASE)
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[^\W\d_a-z])")
_LETTERS = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Spot:
    """A clause or a table cell of a passage: its amounts, its words, and those of what it stands in, which count half. `column`
    is a cell's."""

    amounts: tuple[Amount, ...]
    words: frozenset[str]
    around: frozenset[str]
    column: str = ""

    def competes(self, amount: Amount, columns: set[str]) -> bool:
        """Whether it says something else of the same kind, or in the same column."""
        return any(map(amount.competes, self.amounts)) or (bool(self.amounts) and self.column in columns)


class Evidence:
    """Passages, read for checking claims against them."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        whole = [f"{passage.title}\n{passage.heading}\n{passage.text}" for passage in passages]
        self._text = _even(" ".join(whole))
        self._words = {word.lower() for text in whole for word in _LETTERS.findall(text)}
        self._stems = {term[:_STEM] for text in whole for term in terms(text)}
        self._rows = [row for passage in passages for row in _rows(passage.text, passage.heading)]
        self._spots = [spot for passage in passages for spot in _spots(passage)]
        self._spread = Counter(term for spot in self._spots for term in spot.words | spot.around)
        self._amounts = [amount for text in whole for amount in amounts(text)]

    def against(self, claim: str, *, known: str = "", words: bool = True) -> str:
        """What speaks against a claim, "" where nothing does. Numbers of `known`, which nobody claims, need no evidence."""
        if _even(claim).strip(" .!?") in self._text:
            return ""
        for told in _rows(claim):
            if row := self._row_of(told):
                return next(
                    (f"{value} does not stand under {column}" for column, value in told if _other(row, column, value)), ""
                )
        if missing := next((quoted for quoted in _quotes(claim) if not self._holds(quoted)), ""):
            return f"the words “{missing}” are not in the passage"
        for clause, amount in _stated(claim):
            if self._checked(amount, known) and (why := self._misfit(claim, clause, amount)):
                return why
        if words and not self._speaks_of(claim):
            return "the passage speaks of something else"
        return ""

    def states(self, claim: str) -> bool:
        """Whether it has amounts with a unit or quotes: what can be checked without knowing which passage is meant."""
        return bool(_quotes(claim)) or any(amount.family for amount in amounts(claim))

    def _holds(self, quoted: str) -> bool:
        """Whether the words stand in the text, in their order where an ellipsis leaves some out."""
        at = 0
        for stretch in filter(None, (_even(part) for part in re.split(r"…|\.\.\.|\[…\]", quoted))):
            found = self._text.find(stretch.strip(".,;:!?"), at)
            if found < 0:
                return False
            at = found + 1
        return True

    def _row_of(self, row: Row) -> Row | None:
        """The row of a table that begins as this one does and has its columns: the one that has most of its cells."""
        alike = [known for known in self._rows if known[0] == row[0] and {column for column, _ in row} <= {*dict(known)}]
        return max(alike, key=lambda known: len({*known} & {*row}), default=None)

    def _checked(self, amount: Amount, known: str) -> bool:
        """A number in letters counts as an amount where the passages count the same things."""
        if amount.spelt and not amount.family:
            return bool(amount.noun) and any(amount.noun == other.noun for other in self._amounts)
        names = amount.family == "code" or (not amount.family and len(amount.text) >= 4)
        return not (names and re.search(rf"(?<!\w){re.escape(amount.text)}(?!\w)", known))

    def _misfit(self, claim: str, clause: str, amount: Amount) -> str:
        if not any(amount.agrees(other) for other in self._amounts):
            return f"{amount.text.strip()} is not in the passage"
        if self._in_another_language(claim):
            return ""
        own = set(terms(amount.text))
        subject = next((term for term in terms(claim) if term not in own), "")
        wanted = {term: REST for term in terms(claim)} | dict.fromkeys(terms(clause), 1.0) | {subject: FIRST}
        wanted = {term: weight for term, weight in wanted.items() if term not in own}
        here = [spot for spot in self._spots if any(map(amount.agrees, spot.amounts))]
        columns = {spot.column for spot in here if spot.column}
        other = [spot for spot in self._spots if spot not in here and spot.competes(amount, columns)]
        best = max((self._fit(wanted, spot) for spot in here), default=0.0)
        better = max((self._fit(wanted, spot) for spot in other), default=0.0)
        return f"{amount.text.strip()} belongs to something else in the passage" if best < NEARLY * better else ""

    def _fit(self, wanted: dict[str, float], spot: Spot) -> float:
        """How much of what is wanted a spot speaks of; rare words count more."""

        def counted(term: str) -> float:
            here = 1.0 if term in spot.words else 0.5 if term in spot.around else 0.0
            return wanted[term] * here * math.log(1 + len(self._spots) / max(1, self._spread[term]))

        return sum(map(counted, wanted))

    def _speaks_of(self, claim: str) -> bool:
        return self._shares(claim) or self._in_another_language(claim)

    def _shares(self, claim: str) -> bool:
        wanted = {term for term in terms(claim) if not term.isdigit()}
        return sum(term[:_STEM] in self._stems for term in wanted) >= SHARED * len(wanted)

    def _in_another_language(self, claim: str) -> bool:
        """Whether neither the words nor the little words of a claim are those of the passages."""
        if self._shares(claim):
            return False
        little = [word.lower() for word in _LETTERS.findall(claim) if word.isalpha() and not terms(word)]
        if not little:
            return claim.isascii() != self._text.isascii() and not (set(claim) & set(self._text) - set(" .,"))
        return len(little) >= 3 and sum(word in self._words for word in little) < ANOTHER_LANGUAGE * len(little)


def _even(text: str) -> str:
    """Text as quotes are compared: case, white space, emphasis and the forms of quotation marks and dashes do not count."""
    plain = text.replace("’", "'").replace("‘", "'").replace("–", "-").replace("—", "-").lower()
    return " ".join(re.sub(r"[*_`“”„\"«»]|\[\d{1,2}\]", "", plain).split())


def _quotes(claim: str) -> list[str]:
    return [next(filter(None, found)) for found in _QUOTED.findall(claim)]


def _stated(claim: str) -> Iterator[tuple[str, Amount]]:
    """Each amount of a claim with the clause it stands in."""
    places = [0, *(at for match in _CLAUSE.finditer(claim) for at in match.span()), len(claim)]
    for amount in amounts(claim):
        start = max(place for place in places if place <= amount.start)
        end = min((place for place in places if place >= amount.start + len(amount.text)), default=len(claim))
        yield claim[start:end], amount


def _rows(text: str, heading: str = "") -> Iterator[Row]:
    """The rows of a text's tables whose columns are known."""
    for unit in units(text, heading):
        row = cells(text[unit.start : unit.end], unit.columns) if unit.kind == "row" else []
        if any(column for column, _ in row):
            yield [(_even(column), _even(value)) for column, value in row]


def _other(known: Row, column: str, value: str) -> bool:
    """Whether a row has something else in this column: not these words to begin with, nor the same amounts in other words."""
    there = [cell for name, cell in known if name == column]
    stated = amounts(value)
    agreeing = stated and all(any(map(one.agrees, amounts(" ".join(there)))) for one in stated)
    return not agreeing and not any(cell.startswith(value) for cell in there)


def _spots(passage: Passage) -> Iterator[Spot]:
    head = frozenset(terms(f"{passage.title} {passage.heading}"))
    for unit in units(passage.text, passage.heading):
        text = passage.text[unit.start : unit.end]
        if unit.kind == "lead" and text.startswith("|"):
            continue
        frame = head | frozenset(terms(unit.under))
        row = cells(text, unit.columns) if unit.kind == "row" else []
        told = all(len(value) <= LONGEST_CELL for _, value in row)
        yield from _of_row(row, frame) if row and told else _clauses(text, frame)


def _of_row(row: list[tuple[str, str]], frame: frozenset[str]) -> Iterator[Spot]:
    """The cells of a row, each with its column and the row's name."""
    name = frozenset(terms(row[0][1]))
    for column, value in row:
        yield Spot(tuple(amounts(value)), name | frozenset(terms(f"{column} {value}")), frame, column)


def _clauses(text: str, frame: frozenset[str]) -> Iterator[Spot]:
    for sentence in _SENTENCE.split(text):
        around = frame | frozenset(terms(sentence))
        cuts = [0, *(match.end() for match in _CLAUSE.finditer(sentence)), len(sentence)]
        for start, end in pairwise(cuts):
            clause = sentence[start:end]
            yield Spot(tuple(amounts(clause)), frozenset(terms(clause)), around)
