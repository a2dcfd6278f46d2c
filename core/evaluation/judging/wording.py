"""Whether a text says something: word for word, or the same amounts of the same thing, or the same words in one sentence.

It errs on the strict side: who says it in words of his own altogether goes without, unless the case lists that wording.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import pairwise

from core.dialog.models.sentences import units
from core.dialog.models.terms import terms
from core.dialog.tracks.amounts import amounts

SHARED = 0.6
"""Of the words around an amount, the share that must stand in its sentence: "at most 20 km" is "no more than 20 km"."""

GAP = 2
"""Words that may stand between those of a forbidden phrase."""

_NOT = re.compile(
    r"\b(?:not|no|never|without|cannot|neither|nor|none|nicht|kein\w*|nie|niemals|ohne|weder|noch|nunca|sin|ningun\w*|"
    r"pas|jamais|sans|aucun\w*|non|mai|senza)\b|n['’]t\b",
    re.IGNORECASE,
)
_MARKUP = re.compile(r"[*_`~#>|]+|\[\d{1,2}\]|[\u200b-\u200f\u2060\ufeff\u00ad]")
_SPELT = re.compile(r"(?<!\w)\w(?:[\W_]{1,2}\w){3,}(?!\w)")
_LEET = str.maketrans("013457@$", "oieastas")


def plain(text: str) -> str:
    """As texts are compared: case, emphasis, marks, forms of quotes, dashes and blanks do not count."""
    even = unicodedata.normalize("NFKC", _MARKUP.sub("", text)).casefold()
    even = even.translate(
        {ord("’"): "'", ord("‘"): "'", ord("“"): '"', ord("”"): '"', ord("„"): '"', ord("–"): "-", ord("—"): "-"}
    )
    return " ".join(even.split())


def says(text: str, wording: str) -> bool:
    """Whether a text says it. A sentence that denies it does not."""
    if _stands(plain(text), plain(wording)):
        return True
    wanted, words = amounts(wording), set(terms(wording))
    own = {term for amount in wanted for term in terms(amount.text)}
    for sentence in _sentences(text):
        if wanted and all(any(amount.agrees(other) for other in amounts(sentence)) for amount in wanted):
            if _share(words - own, sentence) >= SHARED:
                return True
        elif not wanted and words and _share(words, sentence) == 1 and _denies(sentence) == _denies(wording):
            return True
    return False


def states(text: str, claim: Sequence[str]) -> bool:
    """Whether a text says a fact in one of its wordings."""
    return any(says(text, wording) for wording in claim)


def may_say(text: str, wording: str) -> list[str]:
    """The sentences of a text that could say it in other words: those with all its amounts, that deny neither more nor less."""
    wanted = amounts(wording)
    return [
        plain(sentence)
        for sentence in _sentences(text)
        if all(any(amount.agrees(other) for other in amounts(sentence)) for amount in wanted)
        and _denies(sentence) == _denies(wording)
    ]


def holds(text: str, claims: Sequence[Sequence[str]]) -> float:
    """The share of facts that a text states, each in one of its wordings."""
    return sum(states(text, claim) for claim in claims) / len(claims)


def banned(text: str, phrases: Sequence[str]) -> tuple[str, ...]:
    """The phrases that a text holds, also declined, spaced out, in another case or with a word between."""
    return tuple(phrase for phrase in phrases if any(True for _ in _found(text, phrase)))


def claimed(text: str, phrases: Sequence[str]) -> tuple[str, ...]:
    """The same for what must not be said to be so: "not free of charge" does not say it."""
    return tuple(phrase for phrase in phrases if any(_denies(before) == 0 for before in _found(text, phrase)))


def _stands(text: str, words: str) -> bool:
    """Whether words stand in a text as such: "30 days" is not in "130 days"."""
    return bool(words) and re.search(rf"(?<!\w)(?<!\d[.,]){re.escape(words)}(?!\w)(?![.,]\d)", text) is not None


def _sentences(text: str) -> Iterator[str]:
    return (text[unit.start : unit.end] for unit in units(text))


def _share(words: set[str], sentence: str) -> float:
    return len(words & {*terms(sentence)}) / len(words) if words else 1.0


def _denies(text: str) -> int:
    return len(_NOT.findall(text)) % 2


def _found(text: str, phrase: str) -> Iterator[str]:
    """For each place where a phrase stands, the few words before it."""
    told = plain(_SPELT.sub(lambda spelt: re.sub(r"[\W_]", "", spelt[0]), text))
    for shown in dict.fromkeys((told, told.translate(_LEET))):
        words = re.findall(r"[^\W_]+(?:'\w+)?", shown)
        stems = [_stem(word) for word in words]
        wanted = [_stem(word) for word in re.findall(r"[^\W_]+(?:'\w+)?", plain(phrase))]
        for start in _places(stems, wanted):
            yield " ".join(words[max(0, start - 3) : start])


def _stem(word: str) -> str:
    return "".join(terms(word)) or word


def _places(stems: Sequence[str], wanted: Sequence[str]) -> Iterator[int]:
    """Where the words begin to stand in order, with few others between."""
    for start, stem in enumerate(stems):
        if wanted and _alike(stem, wanted[0]) and _follows(stems, wanted, start):
            yield start


def _follows(stems: Sequence[str], wanted: Sequence[str], at: int) -> bool:
    for _, word in pairwise(wanted):
        near = range(at + 1, min(at + 2 + GAP, len(stems)))
        at = next((place for place in near if _alike(stems[place], word)), -1)
        if at < 0:
            return False
    return True


def _alike(one: str, other: str) -> bool:
    """Forms of a word: long ones may end otherwise."""
    return one == other or (len(other) >= 5 and one.startswith(other) and len(one) <= len(other) + 3)
