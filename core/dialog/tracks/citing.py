"""Citations that hold: each claim of an answer checked against the passages it cites, marks renumbered, quotes attached.

A mark is `[2]`, `[1, 3]` or `【2】` outside code. One that refers to no passage is taken out, and so is a link behind one. A
claim is what a sentence says up to its mark; a sentence without one is a claim where it states an amount or quotes.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

from prometheus_client import Counter

from core.dialog.models.extractive import cite, quote
from core.dialog.models.sentences import units
from core.dialog.models.terms import terms
from core.dialog.tracks.support import Evidence
from core.knowledge import Passage
from core.records import Citation

CLAIMS = Counter("turnout_claims", "Claims of answers, checked against the passages they cite", ["result"])

_CODE = re.compile(r"(```.*?(?:```|\Z)|`[^`\n]*`)", re.DOTALL)
_MARK = re.compile(r"[ \t]?(?:\[\^?(\d{1,2}(?:\s*[,;]\s*\d{1,2})*)\](?:\([^)\s]*\))?|【(\d{1,2})[^】]*】)")
_MARKS = re.compile(rf"(?:{_MARK.pattern})+")
_BULLET = re.compile(r"\s*(?:[-*+•]|\d{1,3}[.)])\s+")
_LEFT = re.compile(r"[ \t]+(?=\n|$)|(?<=\n\n)\n+")


@dataclass(frozen=True, slots=True)
class Rule:
    """What becomes of a claim that its passages do not bear out: `mark` writes `sign` behind it in place of the citation,
    `drop` leaves its sentence out, `keep` leaves it as it is."""

    unsupported: Literal["drop", "mark", "keep"] = "mark"
    sign: str = "(?)"


@dataclass(slots=True)
class Resolved:
    """The text as it goes out, with a citation for each mark counted from 1; and how many of the `claims` nothing bears out."""

    text: str = ""
    citations: tuple[Citation, ...] = ()
    claims: int = 0
    unsupported: list[str] = field(default_factory=list)

    @property
    def why(self) -> str:
        """What to say about it, "" where all is well."""
        if not self.unsupported:
            return ""
        return f"{len(self.unsupported)} of {self.claims} claims not borne out: {self.unsupported[0]}"


def resolve(
    text: str, passages: Sequence[Passage], question: str = "", rule: Rule = Rule(), *, word_for_word: str = ""
) -> Resolved:
    """What goes out of a written text; and behind it, if any of it is left, what stands `word_for_word` in the passages."""
    return _Reading(passages, question, rule).read(text, word_for_word)


def marked(text: str, known: int) -> tuple[int, ...]:
    """The passages, counted from 1 up to `known`, that the marks of a text refer to."""
    cited = (int(n) for mark in _MARK.finditer(text) for n in re.findall(r"\d+", mark[1] or mark[2]))
    return tuple(number for number in dict.fromkeys(cited) if 1 <= number <= known)


class _Reading:
    """One answer, read against its passages. Cited passages are numbered in the order in which they appear."""

    def __init__(self, passages: Sequence[Passage], question: str, rule: Rule) -> None:
        self._passages, self._question, self._rule = passages, question, rule
        self._numbers: dict[int, int] = {}
        self._claimed: dict[int, str] = {}
        self._evidence = cache(lambda cited: Evidence([passages[number - 1] for number in cited]))
        self._found = Resolved()

    def read(self, text: str, certain: str) -> Resolved:
        stretches = _CODE.split(text)
        done = "".join(stretch if at % 2 else self._prose(stretch) for at, stretch in enumerate(stretches))
        left = [_LEFT.sub("", done).strip()]
        if certain and (left[0] or not text):
            left.append(_MARKS.sub(lambda marks: self._certain(marks, certain), certain))
        self._found.text = "\n\n".join(filter(None, left))
        self._found.citations = tuple(self._citation(number, n) for number, n in self._numbers.items())
        unsupported = len(self._found.unsupported)
        CLAIMS.labels("unsupported").inc(unsupported)
        CLAIMS.labels("supported").inc(self._found.claims - unsupported)
        return self._found

    def _citation(self, number: int, n: int) -> Citation:
        passage = self._passages[number - 1]
        return cite(n, passage, quote(f"{self._claimed[number]} {self._question}", passage))

    def _prose(self, text: str) -> str:
        done: list[str] = []
        last = 0
        for start, end in _sentences(text):
            done += [text[last:start], self._sentence(text[start:end])]
            last = end
        return "".join([*done, text[last:]])

    def _sentence(self, text: str) -> str:
        """The sentence as it goes out."""
        claims = list(_claims(text))
        done: list[str] = []
        last = 0
        for words, start, end in claims:
            cited = marked(text[start:end], len(self._passages))
            if why := self._against(words, cited):
                self._found.unsupported.append(why)
                if self._rule.unsupported == "drop":
                    return ""
            shown = self._shown(text[start:end], cited, words) if not why or self._rule.unsupported == "keep" else ""
            if why and self._rule.unsupported == "mark":
                shown = f" {self._rule.sign}"
            done += [text[last:start], shown]
            last = end
        return "".join([*done, text[last:]])

    def _against(self, words: str, cited: tuple[int, ...]) -> str:
        """What speaks against a claim. One that cites nothing is checked for its amounts and quotes, against every passage."""
        everything = tuple(range(1, len(self._passages) + 1))
        evidence: Evidence = self._evidence(cited or everything)
        if not evidence.states(words) and (not cited or len(terms(words)) < 2):
            return ""
        self._found.claims += 1
        return evidence.against(words, known=self._question, words=bool(cited))

    def _certain(self, marks: re.Match[str], text: str) -> str:
        line = text[text.rfind("\n", 0, marks.start()) + 1 : marks.start()]
        return self._shown(marks[0], marked(marks[0], len(self._passages)), line)

    def _shown(self, marks: str, cited: tuple[int, ...], words: str) -> str:
        for number in cited:
            self._claimed.setdefault(number, words)
        shown = "".join(f"[{self._numbers.setdefault(number, len(self._numbers) + 1)}]" for number in cited)
        return f" {shown}" if shown and marks[:1].isspace() else shown


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    """Where each sentence, item or row stands, with the marks behind it. Marks are hidden as closing brackets meanwhile."""
    hidden = _MARK.sub(lambda mark: mark[0][: len(mark[0]) - len(mark[0].lstrip())] + "]" * len(mark[0].lstrip()), text)
    spans: list[list[int]] = []
    for unit in units(hidden):
        start = unit.start
        while spans and start < unit.end and hidden[start] in "] ":
            start += 1
        if start > unit.start and spans:
            spans[-1][1] = start
        if start < unit.end:
            spans.append([start, unit.end])
    return ((start, end) for start, end in spans)


def _claims(text: str) -> Iterator[tuple[str, int, int]]:
    """(what is claimed, where its marks begin, where they end). What stands behind the last mark belongs to the last claim."""
    said = _BULLET.match(text)
    last = said.end() if said else 0
    marks = list(_MARKS.finditer(text))
    for number, mark in enumerate(marks):
        words = text[last : mark.start()]
        behind = text[mark.end() :] if number == len(marks) - 1 else ""
        yield words + behind, mark.start(), mark.end()
        last = mark.end()
    if not marks:
        end = len(text.rstrip().rstrip(".!?。！？"))
        yield text[last:], end, end
