"""What the classifier sees of a text: word 1–2-grams, and 2–5 letters in a row within a word (they forgive typos and endings).

Both kinds are weighted by TF-IDF and brought to the same length, so neither drowns the other. Features that no example has
count towards that length too: a text full of unknown words looks like nothing known.
"""

import itertools
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Columns = npt.NDArray[np.int64]
Weights = npt.NDArray[np.float32]

_WORD = re.compile(r"\w+")


def words(text: str) -> list[str]:
    """Lower-case words without punctuation; apostrophes are dropped, so "what's" and "whats" are the same word."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace("'", "").replace("’", "")
    return _WORD.findall(plain)


def word_grams(tokens: Sequence[str]) -> Counter[str]:
    return Counter([*tokens, *(f"{a} {b}" for a, b in itertools.pairwise(tokens))])


def letter_grams(tokens: Sequence[str]) -> Counter[str]:
    """Runs of letters, marked with "_" where a word begins or ends."""
    return Counter(itertools.chain.from_iterable(map(_runs, tokens)))


@lru_cache(8192)  # words come again and again; this is most of what classifying a message costs
def _runs(token: str) -> tuple[str, ...]:
    padded = f"_{token[:40]}_"
    return tuple(padded[i : i + size] for size in (2, 3, 4, 5) for i in range(max(1, len(padded) - size + 1)))


class Vocabulary:
    """Learned from the examples: a column and an inverse document frequency for each feature."""

    def __init__(self, texts: Iterable[str], *, rarest: int = 1) -> None:
        """`rarest`: features in fewer texts than this get no column."""
        seen: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
        count = 0
        for text in texts:
            tokens = words(text)
            seen[0].update(word_grams(tokens).keys())
            seen[1].update(letter_grams(tokens).keys())
            count += 1
        self._tables: list[dict[str, tuple[int, float]]] = []
        self._unknown = math.log(1 + count) + 1
        size = 0
        for frequencies in seen:
            kept = sorted(gram for gram, n in frequencies.items() if n >= rarest)
            table = {gram: (size + i, math.log((1 + count) / (1 + frequencies[gram])) + 1) for i, gram in enumerate(kept)}
            self._tables.append(table)
            size += len(table)
        self.size = size

    def __call__(self, text: str) -> tuple[Columns, Weights]:
        """The columns of a text, each once, and their weights; both empty when nothing of the text is known."""
        tokens = words(text)
        columns: list[int] = []
        weights: list[float] = []
        for table, grams in zip(self._tables, (word_grams(tokens), letter_grams(tokens)), strict=True):
            found: list[float] = []
            norm = 0.0
            for gram, times in grams.items():
                column, rarity = table.get(gram, (-1, self._unknown))
                weight = rarity if times == 1 else rarity * (1 + math.log(times))
                norm += weight * weight
                if column >= 0:
                    columns.append(column)
                    found.append(weight)
            scale = math.sqrt(0.5 / norm) if norm else 0.0
            weights.extend(weight * scale for weight in found)
        return np.array(columns, np.int64), np.array(weights, np.float32)
