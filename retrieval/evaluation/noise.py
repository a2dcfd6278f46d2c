"""The same question, badly written: how people type, search and chat. Always the same for a seed, so that runs compare."""

import random
import re

import msgspec

from retrieval.evaluation.questions import Question

ONE_IN = 5
SHORTEST = 4
_WORD = re.compile(r"\w+")
_SMALL = """
a an and are as at be been but by can could did do does for from had has have how i if in into is it its may me might my no
of on or our shall should so that the their there they this to up us was we were what when where which who why will with
would you your aber als am an auf bei bin bis da das dem den der des die du ein eine einem einen einer es für hat ich ihr im
in ist kann man mein mit nach oder sie sind und von war was welche wenn wer wie wir wird wo zu zum zur
"""
_LEFT_OUT = frozenset(_SMALL.split())


def typos(question: Question, seed: int) -> Question:
    """One word in five misspelt (at least one): two letters swapped, one left out, or one doubled."""
    rng = random.Random(f"{seed}:typos:{question.id}")
    words = [found for found in _WORD.finditer(question.question) if len(found[0]) >= SHORTEST]
    chosen = rng.sample(words, min(len(words), max(1, round(len(words) / ONE_IN))))
    text = question.question
    for found in sorted(chosen, key=lambda found: found.start(), reverse=True):
        text = text[: found.start()] + _misspelt(found[0], rng) + text[found.end() :]
    return _asking(question, text)


def keywords(question: Question, seed: int) -> Question:
    """As one types into a search box: without small words, in small letters, half the time in another order."""
    rng = random.Random(f"{seed}:keywords:{question.id}")
    words = [word for word in _WORD.findall(question.question.lower()) if word not in _LEFT_OUT]
    if rng.random() < 0.5:
        rng.shuffle(words)
    return _asking(question, " ".join(words) or question.question)


def chatty(question: Question, seed: int) -> Question:
    """Wrapped in what people say besides."""
    rng = random.Random(f"{seed}:chatty:{question.id}")
    before = rng.choice(
        ("Hi there, hope you are well. ", "Sorry to bother you, ", "hey, quick one: ", "Good morning! I was wondering, ")
    )
    after = rng.choice((" Thanks a lot in advance!", " Any help is welcome.", " I already looked everywhere…", " cheers"))
    return _asking(question, before + question.question + after)


KINDS = {"typos": typos, "keywords": keywords, "chatty": chatty}


def _misspelt(word: str, rng: random.Random) -> str:
    place = rng.randrange(1, len(word) - 1)
    how = rng.choice(("swapped", "left out", "doubled"))
    if how == "swapped" and word[place] != word[place + 1]:
        return word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    if how == "doubled":
        return word[:place] + word[place] + word[place:]
    return word[:place] + word[place + 1 :]


def _asking(question: Question, text: str) -> Question:
    return msgspec.structs.replace(question, question=text)
