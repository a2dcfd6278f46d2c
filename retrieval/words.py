"""Words: what the lexical leg sees of a text, in the text's own language.

A document is stemmed and rid of stop words by its own language. A question may meet documents in several: its words are taken
in every language that the index holds, so that each document meets the question as its own language cuts it, and nobody has to
guess what language three words are in. Scripts that are written without spaces are cut into pairs of letters instead, whatever
the language, because the engine's own cutting of them depends on the words around.
"""

import re
from collections.abc import Collection
from functools import cache

import qdrant_edge as q

from retrieval.scope import primary

AVERAGE_WORDS = 90
K, B = 0.9, 0.4
BEFORE = 0.4
SEEN = 2000
"""Letters of a document by which its language is told."""

FEWEST, PLAINLY = 3, 1.5
"""Stop words that must be seen to believe in another language than the assistant's, and how many times as many as of that."""

SCRIPTS = {"ja": "\u3040-\u30ff", "ko": "\uac00-\ud7af", "th": "\u0e00-\u0e7f", "zh": "\u3400-\u9fff\uf900-\ufaff"}
STEMMED = ("ar", "da", "de", "el", "en", "es", "fi", "fr", "hu", "it", "nl", "no", "pt", "ro", "ru", "sv", "tr")
_UNSPACED = re.compile(f"[{''.join(SCRIPTS.values())}]+")
_SCRIPT = {language: re.compile(f"[{letters}]") for language, letters in SCRIPTS.items()}
_TONES = re.compile("[\u0e47-\u0e4e]")


def document(text: str, language: str) -> q.SparseVector:
    return _bm25(language).embed_document(_cut(text, singles=True))


def query(text: str, before: str, languages: Collection[str]) -> q.SparseVector:
    """The words of a question in each of these languages, and those said before it, which count less. One that is the same in
    several languages counts once."""
    found: dict[int, float] = {}
    for language in sorted(languages):
        for part, weight in ((before, BEFORE), (text, 1.0)):
            vector = _bm25(language).embed_query(_cut(part, singles=False))
            found |= {index: value * weight for index, value in zip(vector.indices, vector.values, strict=True)}
    return q.SparseVector(list(found), list(found.values()))


def spoken(text: str, language: str, *, tag: str = "") -> str:
    """The language of a text: as tagged, else by its script or its stop words where they plainly tell, else `language`."""
    if tag:
        return primary(tag)
    text = text[:SEEN]
    for other, letters in _SCRIPT.items():
        if len(letters.findall(text)) * 4 > len(text):
            return other
    usual = primary(language)
    words = len(_neutral().embed_query(text).indices)
    seen = {other: words - len(_stopping(other).embed_query(text).indices) for other in STEMMED}
    best = max(seen, key=lambda other: (seen[other], other == usual))
    return best if seen[best] >= max(FEWEST, PLAINLY * seen.get(usual, 0)) else usual


def _cut(text: str, *, singles: bool) -> str:
    """Pairs of letters in place of text without spaces. `singles`: each letter too, for questions of one letter."""

    def pairs(found: re.Match[str]) -> str:
        run = _TONES.sub("", found[0])
        cut = [run[place : place + 2] for place in range(len(run) - 1)]
        return f" {' '.join([*cut, *run] if singles or not cut else cut)} "

    return _UNSPACED.sub(pairs, text)


@cache
def _bm25(language: str) -> q.Bm25:
    """Stemmed and without stop words where the language is known, by words alone where it is not."""
    try:
        return q.Bm25(q.Bm25Config(language=language, k=K, b=B, avg_len=AVERAGE_WORDS))
    except ValueError:
        return _neutral()


@cache
def _neutral() -> q.Bm25:
    nothing, plain, word = q.StopwordsSet(), q.DisabledStemmer(), q.TokenizerType.Word
    return q.Bm25(q.Bm25Config(k=K, b=B, avg_len=AVERAGE_WORDS, tokenizer=word, stemmer=plain, stopwords=nothing))


@cache
def _stopping(language: str) -> q.Bm25:
    """Without stop words, but not stemmed."""
    return q.Bm25(q.Bm25Config(language=language, stemmer=q.DisabledStemmer()))
