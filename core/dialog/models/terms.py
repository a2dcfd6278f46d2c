"""Words reduced to what two ways of writing them share, for matching a question with a sentence.

Words are lower-cased, freed of accents and lightly stemmed; scripts written without spaces become pairs of letters. Function
words of English, German, Spanish and French count for nothing.
"""

import re
import unicodedata
from functools import cache, lru_cache
from importlib.resources import files

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+")
_ENDINGS = (
    "ations",
    "ation",
    "ments",
    "ment",
    "ables",
    "able",
    "ings",
    "ing",
    "ers",
    "ies",
    "edly",
    "ed",
    "es",
    "en",
    "er",
    "ly",
    "s",
)
_ACCENTS = re.compile(r"[\u0300-\u036f]")
_LEAST = 4
_LONGEST = 60


def terms(text: str) -> list[str]:
    """The content words of a text as stems, in order."""
    found: list[str] = []
    for word in _WORD.findall(_folded(text)):
        if _UNSPACED.search(word):
            found += _pairs(word)
        elif word not in _function_words() and len(word) <= _LONGEST:
            found.append(stem(word))
    return found


def _folded(text: str) -> str:
    """Lower case, without accents: many write without them."""
    return unicodedata.normalize("NFKC", _ACCENTS.sub("", unicodedata.normalize("NFKD", text))).lower()


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """A word without its ending: returns, returned and returning are one."""
    word = re.sub(r"['’]s?$", "", word).replace("’", "'")
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _LEAST - 1 and not word.endswith(("ss", "us")):
            word = word.removesuffix(ending)
            break
    if len(word) > _LEAST and word[-1] == word[-2] and word[-1] not in "aeiouls":
        word = word[:-1]
    return word.rstrip("ey") if len(word) > _LEAST - 1 else word


def _pairs(word: str) -> list[str]:
    pairs: list[str] = []
    for run in _UNSPACED.findall(word):
        pairs += [run[at : at + 2] for at in range(max(1, len(run) - 1))]
    return pairs + [stem(rest) for rest in _UNSPACED.sub(" ", word).split()]


@cache
def _function_words() -> frozenset[str]:
    return frozenset(_folded(files("core.dialog.models").joinpath("function_words.txt").read_text("utf-8")).split())
