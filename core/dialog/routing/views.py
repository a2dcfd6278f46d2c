"""Two views of a text, each with a regression of its own: the words it is written in, and the vector of its meaning."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from core.dialog.routing.features import Columns, Vocabulary, Weights
from core.dialog.routing.regression import Block, Matrix, Regression, sparse_block

WORDS_STRENGTH, MEANING_STRENGTH = 100.0, 100.0
"""How far each regression may go to fit the examples. Chosen on validation data."""

UNKNOWN = 1e-3
"""Below this it makes no difference how little of a text is known."""

LEAST = 0.01
"""The squared distance that examples of unit length lie from their centre at least, also where they are all the same."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What a view sees of a text: its features, what the regression makes of them, and how familiar they are: how much more
    like what the intents say than like anything else, on the view's own scale."""

    columns: Columns
    weights: Weights
    logits: Weights
    familiar: float


class View(Protocol):
    def fit(self, counts: Weights) -> None:
        """Train on the examples whose count is 1."""

    def see(self, text: str, vector: Matrix | None) -> Sight: ...

    def held(self, row: int) -> Sight:
        """An example, seen by what was last trained, without it."""

    def likeness(self, sight: Sight, intent: int) -> float:
        """The cosine with the most similar example of an intent."""


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
        return self._sight(*self._vocabulary(text))

    def held(self, row: int) -> Sight:
        columns, weights = self._vectors[row]
        known = self._seen[columns]
        return self._sight(columns[known], weights[known], row)

    def likeness(self, sight: Sight, intent: int) -> float:
        return _likeness(self._blocks[intent], sight.columns, sight.weights)

    def _sight(self, columns: Columns, weights: Weights, row: int = -1) -> Sight:
        """Familiar by the free energy of its logits (Liu et al. 2020), low where nothing it says speaks for any intent, and by
        how like an example of the likeliest one it is, as far as examples have its words."""
        logits = self._regression.logits(columns, weights)
        highest = float(logits.max())
        energy = highest + math.log(np.exp(logits - highest).sum())
        known = float(weights @ weights) * _likeness(self._blocks[int(logits.argmax())], columns, weights, row)
        return Sight(columns, weights, logits, energy + 0.5 * math.log(max(known, UNKNOWN)))


class Meaning:
    def __init__(self, examples: Sequence[Sequence[str]], vectors: Mapping[str, npt.NDArray[np.float32]]) -> None:
        rows = [np.stack([vectors[text] for text in some]) for some in examples]
        self._rows = np.concatenate(rows)
        self._columns = np.arange(self._rows.shape[1])
        starts = np.cumsum([0, *map(len, rows)])
        self._blocks = [Block(self._columns, some, slice(at, at + len(some))) for some, at in zip(rows, starts, strict=False)]
        self._regression = Regression(self._blocks, len(self._columns), MEANING_STRENGTH)
        self._near = self._far = Cloud(self._rows[:1], self._rows[:1], 1.0)

    def fit(self, counts: Weights) -> None:
        self._regression.fit(counts)
        kept = [block.rows[counts[block.span] > 0] for block in self._blocks]
        rows, centres = np.concatenate(kept), np.stack([some.mean(0) for some in kept])
        self._far = Cloud(rows.mean(0)[None], rows - rows.mean(0), len(rows))
        apart = np.concatenate([some - centre for some, centre in zip(kept, centres, strict=True)])
        self._near = Cloud(centres, apart, max(1, len(rows) - len(kept)))

    def see(self, text: str, vector: Matrix | None) -> Sight:
        assert vector is not None
        return self._sight(vector)

    def held(self, row: int) -> Sight:
        return self._sight(self._rows[row])

    def likeness(self, sight: Sight, intent: int) -> float:
        return _likeness(self._blocks[intent], sight.columns, sight.weights)

    def _sight(self, vector: Matrix) -> Sight:
        """Familiar by how much nearer it is to an intent's centre than to the middle of all examples, each distance in units of
        how examples lie around it: the relative Mahalanobis distance (Ren et al. 2021)."""
        nearer = self._far.distance(vector) - self._near.distance(vector)
        return Sight(self._columns, vector, self._regression.logits(self._columns, vector), nearer)


class Cloud:
    """How vectors lie around their centres: in one shape around all of them, half as they do and half as if it were round, for
    examples are few."""

    def __init__(self, centres: Matrix, apart: Matrix, free: float) -> None:
        """`apart` are the differences to the centres, `free` how many of them are independent."""
        spread = apart.T @ apart / np.float32(free)
        width = len(spread)
        round_one = np.float32(max(float(np.trace(spread)) / width, LEAST / width))
        shape = (spread + round_one * np.eye(width, dtype=np.float32)) / 2
        self._whiten = np.linalg.cholesky(np.linalg.inv(shape)).astype(np.float32)
        self._centres = centres @ self._whiten

    def distance(self, vector: Matrix) -> float:
        """The squared distance from the nearest centre, in the cloud's own units."""
        return float(((self._centres - vector @ self._whiten) ** 2).sum(1).min())


def _likeness(block: Block, columns: Columns, weights: Weights, row: int = -1) -> float:
    """The highest cosine with an example but the one at `row`."""
    cosines = block.cosines(columns, weights)
    if block.span.start <= row < block.span.stop:
        cosines[row - block.span.start] = 0.0
    return float(cosines.max(initial=0.0))
