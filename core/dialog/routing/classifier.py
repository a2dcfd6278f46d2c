"""Which intent a text is: multinomial logistic regression on n-grams, trained in this process from the assistant's examples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.dialog.routing.features import Columns, Vocabulary, Weights
from core.dialog.routing.lbfgs import Vector, minimise

STRENGTH = 100.0
"""How far the weights may go to fit the examples, against the ridge penalty (scikit-learn's C). Chosen on validation data."""

LARGE = 3000
"""Examples from which on features seen once are left out, and one fold is held out instead of all five."""

FOLDS = 5


@dataclass(frozen=True, slots=True)
class Guess:
    """`ranked` are the intents with their probabilities, best first. `likeness` is the cosine with the most similar example of
    the best one; `scope` the share of the examples recognised when held out that looked at least as strange as this text."""

    ranked: tuple[tuple[str, float], ...]
    likeness: float
    scope: float


@dataclass(frozen=True, slots=True)
class _Block:
    """The examples of one intent as a dense matrix over the columns they use: small, so training is plain matrix products."""

    columns: Columns
    rows: npt.NDArray[np.float32]
    span: slice

    def likeness(self, columns: Columns, weights: Weights, skip: int = -1) -> float:
        """The cosine of a text with the most similar row."""
        at = np.searchsorted(self.columns, columns)
        at[at == len(self.columns)] = 0
        known = self.columns[at] == columns
        cosines = self.rows[:, at[known]] @ weights[known]
        if skip >= 0:
            cosines[skip] = 0.0
        return float(cosines.max(initial=0.0))


class Classifier:
    """Deterministic: the same examples give the same answers. `accuracy` is the share of held-out examples it gets right, None
    where there are too few to hold any out."""

    def __init__(self, examples: Mapping[str, Sequence[str]]) -> None:
        self.names = tuple(examples)
        texts = [text for name in self.names for text in examples[name]]
        large = len(texts) >= LARGE
        self.vocabulary = Vocabulary(texts, rarest=2 if large else 1)
        vectors = [self.vocabulary(text) for text in texts]
        self._blocks: list[_Block] = []
        labels: list[int] = []
        places: list[int] = []
        start = 0
        for number, name in enumerate(self.names):
            size = len(examples[name])
            self._blocks.append(_block(vectors[start : start + size], start))
            labels += [number] * size
            places += list(range(size)) if size > 2 else [-1] * size
            start += size
        self._labels = np.array(labels)
        self._weights = np.zeros((self.vocabulary.size, len(self.names)), np.float32)
        self._bias = np.zeros(len(self.names), np.float32)
        self._temperature = 1.0
        self._strangest = np.array([0.0, 1.0])
        self.accuracy: float | None = None
        self._calibrate(vectors, np.array(places), folds=1 if large else FOLDS)
        self._train(np.ones(len(texts), np.float32))

    def __call__(self, text: str) -> Guess:
        columns, weights = self.vocabulary(text)
        chances = _softmax((weights @ self._weights[columns] + self._bias) / np.float32(self._temperature))
        order = np.argsort(-chances, kind="stable")
        likeness = self._blocks[order[0]].likeness(columns, weights)
        familiar = float(chances[order[0]]) * likeness * _known(weights)
        scope = float(np.interp(familiar, self._strangest, np.linspace(0, 1, len(self._strangest))))
        return Guess(tuple((self.names[i], float(chances[i])) for i in order), likeness, scope)

    def _train(self, counts: npt.NDArray[np.float32]) -> None:
        """Fit weights to the examples whose count is 1, starting from the weights that stand."""
        classes = len(self.names)
        total = float(counts.sum())
        target = np.zeros((len(counts), classes), np.float32)
        target[np.arange(len(counts)), self._labels] = 1
        penalty = np.float32(1 / (STRENGTH * total))

        def objective(flat: Vector) -> tuple[float, Vector]:
            weights, bias = flat[:-classes].reshape(-1, classes), flat[-classes:]
            gradient = flat * penalty
            gradient[-classes:] = 0
            slope = gradient[:-classes].reshape(-1, classes)
            loss = 0.5 * float(penalty) * float(np.vdot(weights, weights))
            for block in self._blocks:
                chances = _softmax(block.rows @ weights[block.columns] + bias)
                wanted, count = target[block.span], counts[block.span, None]
                loss -= float((np.log(np.maximum((chances * wanted).sum(1), 1e-30)) * count[:, 0]).sum()) / total
                residual = (chances - wanted) * (count / np.float32(total))
                slope[block.columns] += block.rows.T @ residual
                gradient[-classes:] += residual.sum(0)
            return loss, gradient

        start = np.concatenate([self._weights.ravel(), self._bias])
        best = minimise(objective, start)
        self._weights, self._bias = best[:-classes].reshape(-1, classes).copy(), best[-classes:].copy()

    def _calibrate(self, vectors: list[tuple[Columns, Weights]], places: npt.NDArray[np.int64], folds: int) -> None:
        """Hold out every fifth example in turn: what the rest makes of them sets the temperature and what counts as strange."""
        logits, truth, nearest = [], [], []
        for fold in range(folds):
            held = np.flatnonzero((places >= 0) & (places % FOLDS == fold))
            if not len(held):
                continue
            counts = np.ones(len(places), np.float32)
            counts[held] = 0
            self._train(counts)
            seen = np.zeros(self.vocabulary.size, bool)
            seen[np.concatenate([vectors[i][0] for i in np.flatnonzero(counts)])] = True
            for i in held:
                columns, weights = vectors[i]
                columns, weights = columns[seen[columns]], weights[seen[columns]]
                row = weights @ self._weights[columns] + self._bias
                block = self._blocks[int(row.argmax())]
                own = i - block.span.start if block.span.start <= i < block.span.stop else -1
                nearest.append(block.likeness(columns, weights, skip=own) * _known(weights))
                logits.append(row)
                truth.append(self._labels[i])
        if not logits:
            return
        held_out, right = np.array(logits, np.float32), np.array(truth)
        self._temperature = _temperature(held_out, right)
        hits = held_out.argmax(1) == right
        self.accuracy = float(hits.mean())
        familiar = _softmax(held_out / np.float32(self._temperature)).max(1) * np.array(nearest)
        self._strangest = np.concatenate([[0.0], np.sort(familiar[hits]), [1.0]])


def _known(weights: Weights) -> float:
    """How much of a text has been seen in examples, 0 to 1."""
    return float(weights @ weights)


def _block(vectors: list[tuple[Columns, Weights]], start: int) -> _Block:
    columns = np.unique(np.concatenate([columns for columns, _ in vectors]))
    rows = np.zeros((len(vectors), len(columns)), np.float32)
    for row, (own, weights) in zip(rows, vectors, strict=True):
        row[np.searchsorted(columns, own)] = weights
    return _Block(columns, rows, slice(start, start + len(vectors)))


def _softmax(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    chances: npt.NDArray[np.float32] = np.exp(logits - logits.max(-1, keepdims=True))
    chances /= chances.sum(-1, keepdims=True)
    return chances


def _temperature(logits: npt.NDArray[np.float32], truth: npt.NDArray[np.int64]) -> float:
    """What to divide the logits by so that held-out probabilities are as likely as possible (Guo et al. 2017)."""
    choices = np.geomspace(0.1, 10, 81)
    rows = np.arange(len(truth))
    losses = [-np.log(np.maximum(_softmax(logits / np.float32(t))[rows, truth], 1e-12)).sum() for t in choices]
    return float(choices[int(np.argmin(losses))])
