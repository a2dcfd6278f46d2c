"""Which intent a text is, by its words and, with vectors, by its meaning; trained in this process from the examples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from core.dialog.routing.features import Vocabulary
from core.dialog.routing.regression import Matrix, softmax, temperature
from core.dialog.routing.views import Meaning, Sight, View, Words

LARGE = 3000
"""Examples from which on features seen once are left out, and one fold is held out instead of all five."""

FOLDS = 5

MEANT = 0.7
"""The weight of meaning beside words in the logarithm of a probability. Chosen on validation data."""

Vectors = Mapping[str, npt.NDArray[np.float32]]
"""The vector of unit length of each text."""


@dataclass(frozen=True, slots=True)
class Guess:
    """`ranked` are the intents with their probabilities, best first. `likeness` is the cosine with the most similar example of
    the best one; `scope` the share of the examples recognised when held out that looked at least as strange as this text.
    `meant`: its meaning was read too, not its words alone."""

    ranked: tuple[tuple[str, float], ...]
    likeness: float
    scope: float
    meant: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """An example as it was judged by what was trained without it: how sure, and whether rightly."""

    confidence: float
    right: bool


@dataclass(frozen=True, slots=True)
class Calibration:
    """What the held-out examples taught: what to divide each view's logits by, then those of both together; and how familiar
    the recognised ones looked, in order."""

    temperatures: tuple[float, ...] = (1.0, 1.0)
    together: float = 1.0
    strangest: npt.NDArray[np.float32] = field(default_factory=lambda: np.array([0, 1], np.float32))
    held: tuple[Held, ...] = ()

    def chances(self, logits: Sequence[Matrix]) -> Matrix:
        parts = [softmax(one / np.float32(t)) for one, t in zip(logits, self.temperatures, strict=False)]
        if len(parts) == 1:
            return parts[0]
        shares = (np.float32(1 - MEANT), np.float32(MEANT))
        words, meaning = (np.log(np.maximum(one, np.float32(1e-9))) * share for one, share in zip(parts, shares, strict=True))
        pooled: Matrix = (words + meaning) / np.float32(self.together)
        return softmax(pooled)


class Classifier:
    """Deterministic: the same examples give the same answers.

    `called` is what people read of an intent, which counts as an example of it. With the `vectors` of all examples a text is
    judged by words and meaning, if its own vector is given, else by words alone.
    """

    def __init__(
        self, examples: Mapping[str, Sequence[str]], called: Mapping[str, str] | None = None, vectors: Vectors | None = None
    ) -> None:
        self.names = tuple(examples)
        given = [[*examples[name], *([called[name]] if called else [])] for name in self.names]
        texts = [text for some in given for text in some]
        large = len(texts) >= LARGE
        self._labels = np.repeat(np.arange(len(given)), [len(some) for some in given])
        self._views: list[View] = [Words(given, Vocabulary(texts, rarest=2 if large else 1))]
        if vectors is not None:
            self._views.append(Meaning(given, vectors))
        places = np.concatenate([_places(len(examples[name]), len(some)) for name, some in zip(self.names, given, strict=True)])
        held, seen = self._hold_out(texts, places, folds=1 if large else FOLDS)
        self._by_words, self._by_both = (self._calibrate(held, seen, views) for views in (1, len(self._views)))
        for view in self._views:
            view.fit(np.ones(len(texts), np.float32))

    def held(self, *, meant: bool) -> tuple[Held, ...]:
        """The held-out examples, by meaning too or by words alone; empty where there are too few to hold any out."""
        return (self._by_both if meant else self._by_words).held

    @property
    def accuracy(self) -> float | None:
        """The share of held-out examples it gets right, None where there are none."""
        held = self._by_both.held
        return sum(one.right for one in held) / len(held) if held else None

    def __call__(self, text: str, vector: Matrix | None = None) -> Guess:
        views = self._views if vector is not None else self._views[:1]
        calibration = self._by_both if vector is not None else self._by_words
        seen = [view.see(text, vector) for view in views]
        chances = calibration.chances([sight.logits for sight in seen])
        order = np.argsort(-chances, kind="stable")
        best = int(order[0])
        looks = familiar(float(chances[best]), [view.near(sight, best) for view, sight in zip(views, seen, strict=True)])
        strangest = calibration.strangest
        scope = float(np.interp(looks, strangest, np.linspace(0, 1, len(strangest))))
        likeness = views[-1].likeness(seen[-1], best)
        return Guess(tuple((self.names[i], float(chances[i])) for i in order), likeness, scope, vector is not None)

    def _hold_out(
        self, texts: Sequence[str], places: npt.NDArray[np.int64], folds: int
    ) -> tuple[npt.NDArray[np.int64], list[list[Sight]]]:
        """Every fifth example in turn, with what the views trained on the rest see of it."""
        order: list[int] = []
        seen: list[list[Sight]] = [[] for _ in self._views]
        for fold in range(folds):
            held = np.flatnonzero((places >= 0) & (places % FOLDS == fold))
            if not len(held):
                continue
            counts = np.ones(len(texts), np.float32)
            counts[held] = 0
            for view, found in zip(self._views, seen, strict=True):
                view.fit(counts)
                found += [view.held(int(i)) for i in held]
            order += held.tolist()
        return np.array(order, np.int64), seen

    def _calibrate(self, held: npt.NDArray[np.int64], seen: list[list[Sight]], views: int) -> Calibration:
        if not len(held):
            return Calibration()
        truth = self._labels[held]
        logits = [np.array([sight.logits for sight in some]) for some in seen[:views]]
        temperatures = tuple(temperature(one, truth) for one in logits)
        first = Calibration(temperatures)
        together = temperature(np.log(np.maximum(first.chances(logits), 1e-12)), truth) if views > 1 else 1.0
        chances = Calibration(temperatures, together).chances(logits)
        best = chances.argmax(1)
        sights = zip(*seen[:views], strict=True)
        near = [
            [view.near(sight, int(label)) for view, sight in zip(self._views, some, strict=False)]
            for some, label in zip(sights, best, strict=True)
        ]
        looks = np.array([familiar(float(row.max()), some) for row, some in zip(chances, near, strict=True)], np.float32)
        hits = best == truth
        strangest = np.concatenate([[0], np.sort(looks[hits]), [1]]).astype(np.float32)
        judged = tuple(Held(float(row.max()), bool(hit)) for row, hit in zip(chances, hits, strict=True))
        return Calibration(temperatures, together, strangest, judged)


def familiar(chance: float, near: Sequence[float]) -> float:
    """How little strange a text looks, 0 to 1: sure of its intent and near to examples, by meaning above all."""
    if len(near) == 1:
        return chance * near[0]
    words, meaning = near
    return (chance + 2 * meaning + words) / 4


def _places(examples: int, rows: int) -> npt.NDArray[np.int64]:
    """An example's number within its intent, by which it is held out; -1 for what never is: of two examples, and a name."""
    return np.concatenate([np.arange(examples) if examples > 2 else np.full(examples, -1), np.full(rows - examples, -1)])
