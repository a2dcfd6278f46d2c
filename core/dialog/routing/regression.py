"""Multinomial logistic regression with a ridge, on the examples of each intent as a small dense matrix."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.dialog.routing.features import Columns, Weights
from core.dialog.routing.lbfgs import Vector, minimise

Matrix = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Block:
    """The examples of one intent over the columns they use: small, so training is plain matrix products. `span` is where they
    stand among all examples."""

    columns: Columns
    rows: Matrix
    span: slice

    def cosines(self, columns: Columns, weights: Weights) -> Weights:
        """With each of its rows."""
        at = np.searchsorted(self.columns, columns)
        at[at == len(self.columns)] = 0
        known = self.columns[at] == columns
        found: Weights = self.rows[:, at[known]] @ weights[known]
        return found


def sparse_block(vectors: Sequence[tuple[Columns, Weights]], start: int) -> Block:
    columns = np.unique(np.concatenate([columns for columns, _ in vectors]))
    rows = np.zeros((len(vectors), len(columns)), np.float32)
    for row, (own, weights) in zip(rows, vectors, strict=True):
        row[np.searchsorted(columns, own)] = weights
    return Block(columns, rows, slice(start, start + len(vectors)))


class Regression:
    """One row of weights for each of `size` columns, one column for each block. Deterministic."""

    def __init__(self, blocks: Sequence[Block], size: int, strength: float) -> None:
        """`strength`: how far the weights may go to fit the examples, against the ridge (scikit-learn's C)."""
        self._blocks, self._strength = blocks, strength
        self.weights = np.zeros((size, len(blocks)), np.float32)
        self.bias = np.zeros(len(blocks), np.float32)

    def logits(self, columns: Columns, weights: Weights) -> Weights:
        found: Weights = weights @ self.weights[columns] + self.bias
        return found

    def fit(self, counts: Weights) -> None:
        """Fit to the examples whose count is 1, starting from the weights that stand."""
        classes = len(self._blocks)
        total = float(counts.sum())
        penalty = np.float32(1 / (self._strength * total))

        def objective(flat: Vector) -> tuple[float, Vector]:
            weights, bias = flat[:-classes].reshape(-1, classes), flat[-classes:]
            gradient = flat * penalty
            gradient[-classes:] = 0
            slope = gradient[:-classes].reshape(-1, classes)
            loss = 0.5 * float(penalty) * float(np.vdot(weights, weights))
            for number, block in enumerate(self._blocks):
                count = counts[block.span]
                residual = softmax(block.rows @ weights[block.columns] + bias)
                loss -= float((np.log(np.maximum(residual[:, number], 1e-30)) * count).sum()) / total
                residual[:, number] -= 1
                residual *= (count / np.float32(total))[:, None]
                slope[block.columns] += block.rows.T @ residual
                gradient[-classes:] += residual.sum(0)
            return loss, gradient

        best = minimise(objective, np.concatenate([self.weights.ravel(), self.bias]))
        self.weights, self.bias = best[:-classes].reshape(-1, classes).copy(), best[-classes:].copy()


def softmax(logits: Matrix) -> Matrix:
    chances: Matrix = np.exp(logits - logits.max(-1, keepdims=True))
    chances /= chances.sum(-1, keepdims=True)
    return chances


def weighed(logits: Sequence[Matrix], counts: Iterable[float]) -> Matrix:
    """Their sum, each as much as it counts."""
    total = np.zeros_like(logits[0])
    for one, count in zip(logits, counts, strict=False):
        total += one * np.float32(count)
    return total


def shares(logits: Sequence[Matrix], truth: npt.NDArray[np.int64]) -> tuple[float, ...]:
    """How much several views' logits count in their sum, so that held-out probabilities are as likely as possible: temperature
    scaling (Guo et al. 2017) that weighs the views against each other, too. With few examples they stay near 1."""
    rows = np.arange(len(truth))

    def objective(counts: Vector) -> tuple[float, Vector]:
        chances = softmax(weighed(logits, counts))
        loss = -float(np.log(np.maximum(chances[rows, truth], 1e-30)).mean())
        slope = np.array([((chances * one).sum(1) - one[rows, truth]).mean() for one in logits], np.float32)
        away = (counts - 1) / np.float32(len(truth))
        return loss + 0.5 * float(away @ (counts - 1)), slope + away

    best = minimise(objective, np.ones(len(logits), np.float32))
    return tuple(max(0.0, float(one)) for one in best)
