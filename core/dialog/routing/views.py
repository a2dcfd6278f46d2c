"""Two views of a text, each with a regression of its own: the words it is written in, and the vector of its meaning."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from core.dialog.routing.features import Columns, Vocabulary, Weights
from core.dialog.routing.regression import Block, Matrix, Regression, sparse_block

WORDS_STRENGTH, MEANING_STRENGTH = 100.0, 100.0
"""How far each regression may go to fit the examples. Chosen on validation data."""

NEIGHBOURS = 5


@dataclass(frozen=True, slots=True)
class Sight:
    """What a view sees of a text. `row` is where it stands among the examples, -1 where it is none of them."""

    columns: Columns
    weights: Weights
    logits: Weights
    row: int = -1


class View(Protocol):
    def fit(self, counts: Weights) -> None:
        """Train on the examples whose count is 1."""

    def see(self, text: str, vector: Matrix | None) -> Sight: ...

    def held(self, row: int) -> Sight:
        """An example, seen by what was last trained, without it."""

    def likeness(self, sight: Sight, intent: int) -> float:
        """The cosine with the most similar example of an intent."""

    def near(self, sight: Sight, intent: int) -> float:
        """How near a text is to what is known, 0 to 1."""


class Words:
    def __init__(self, examples: Sequence[Sequence[str]], vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._vectors = [vocabulary(text) for some in examples for text in some]
        self._blocks: list[Block] = []
        start = 0
        for some in examples:
            self._blocks.append(sparse_block(self._vectors[start : start + len(some)], start))
            start += len(some)
        self._regression = Regression(self._blocks, vocabulary.size, WORDS_STRENGTH)
        self._seen = np.ones(vocabulary.size, bool)

    def fit(self, counts: Weights) -> None:
        self._seen = np.zeros(self._vocabulary.size, bool)
        self._seen[np.concatenate([self._vectors[i][0] for i in np.flatnonzero(counts)])] = True
        self._regression.fit(counts)

    def see(self, text: str, vector: Matrix | None) -> Sight:
        columns, weights = self._vocabulary(text)
        return Sight(columns, weights, self._regression.logits(columns, weights))

    def held(self, row: int) -> Sight:
        columns, weights = self._vectors[row]
        known = self._seen[columns]
        columns, weights = columns[known], weights[known]
        return Sight(columns, weights, self._regression.logits(columns, weights), row)

    def likeness(self, sight: Sight, intent: int) -> float:
        return float(_cosines(self._blocks[intent], sight).max(initial=0.0))

    def near(self, sight: Sight, intent: int) -> float:
        """Its likeness, and how much of it has been seen in examples."""
        return self.likeness(sight, intent) * float(sight.weights @ sight.weights)


class Meaning:
    def __init__(self, examples: Sequence[Sequence[str]], vectors: Mapping[str, npt.NDArray[np.float32]]) -> None:
        rows = [np.stack([vectors[text] for text in some]) for some in examples]
        self._rows = np.concatenate(rows)
        self._columns = np.arange(self._rows.shape[1])
        starts = np.cumsum([0, *map(len, rows)])
        self._blocks = [Block(self._columns, some, slice(at, at + len(some))) for some, at in zip(rows, starts, strict=False)]
        self._regression = Regression(self._blocks, len(self._columns), MEANING_STRENGTH)

    def fit(self, counts: Weights) -> None:
        self._regression.fit(counts)

    def see(self, text: str, vector: Matrix | None) -> Sight:
        assert vector is not None
        return Sight(self._columns, vector, self._regression.logits(self._columns, vector))

    def held(self, row: int) -> Sight:
        return Sight(self._columns, self._rows[row], self._regression.logits(self._columns, self._rows[row]), row)

    def likeness(self, sight: Sight, intent: int) -> float:
        return float(_cosines(self._blocks[intent], sight).max(initial=0.0))

    def near(self, sight: Sight, intent: int) -> float:
        """The mean cosine with the nearest examples of any intent."""
        cosines = self._rows @ sight.weights
        if sight.row >= 0:
            cosines[sight.row] = 0.0
        nearest = np.partition(cosines, -NEIGHBOURS)[-NEIGHBOURS:] if len(cosines) > NEIGHBOURS else cosines
        return float(max(0.0, nearest.mean()))


def _cosines(block: Block, sight: Sight) -> Weights:
    """With each example of an intent but itself."""
    cosines = block.cosines(sight.columns, sight.weights)
    if block.span.start <= sight.row < block.span.stop:
        cosines[sight.row - block.span.start] = 0.0
    return cosines
