"""Which intent a text is, by its words and, with vectors, by its meaning; trained in this process from the examples."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from core.dialog.routing.features import Vocabulary
from core.dialog.routing.regression import Matrix, shares, softmax, weighed
from core.dialog.routing.views import Meaning, Sight, View, Words

LARGE = 3000
"""Examples from which on features seen once are left out, and one fold is held out instead of all five."""

FOLDS = 5

Vectors = Mapping[str, npt.NDArray[np.float32]]
"""The vector of unit length of each text."""


@dataclass(frozen=True, slots=True)
class Guess:
    """`ranked` are the intents with their probabilities, best first. `likeness` is the cosine with the most similar example of
    the best one; `scope` the share of the examples recognised when held out that looked at least as strange as this text, or,
    where there is one intent or too few examples to hold any out, the likeness.
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
    """What the held-out examples taught: how much each view's logits count; how familiar examples usually look to each view and
    how far that varies; and how familiar the recognised ones look to all views, in order. `strangest` is empty where nothing
    could be held out."""

    shares: tuple[float, ...] = (1.0, 1.0)
    usual: tuple[float, ...] = (0.0, 0.0)
    spread: tuple[float, ...] = (1.0, 1.0)
    strangest: Matrix = field(default_factory=lambda: np.array([], np.float32))
    held: tuple[Held, ...] = ()

    def chances(self, logits: Sequence[Matrix]) -> Matrix:
        return softmax(weighed(logits, self.shares))

    def familiar(self, seen: Sequence[float]) -> float:
        """Of how familiar a text looks to each view one number between 0 and 1."""
        parts = zip(seen, self.usual, self.spread, strict=False)
        total = sum((one - usual) / spread for one, usual, spread in parts)
        return 1 / (1 + math.exp(-min(50.0, max(-50.0, total))))

    def scope(self, looks: float) -> float:
        return float(np.interp(looks, self.strangest, np.linspace(0, 1, len(self.strangest))))


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
        likeness = views[-1].likeness(seen[-1], best)
        looks = calibration.familiar([sight.familiar for sight in seen])
        scope = calibration.scope(looks) if len(calibration.strangest) else likeness
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
        if not len(held) or len(self.names) == 1:  # of a single intent everything is sure, and nothing says how strange it is
            return Calibration()
        truth = self._labels[held]
        logits = [np.array([sight.logits for sight in some]) for some in seen[:views]]
        first = Calibration(shares(logits, truth))
        chances = first.chances(logits)
        hits = chances.argmax(1) == truth
        judged = tuple(Held(float(row.max()), bool(hit)) for row, hit in zip(chances, hits, strict=True))
        looks = np.array([[sight.familiar for sight in some] for some in seen[:views]])
        usual, spread = tuple(looks.mean(1).tolist()), tuple(np.maximum(looks.std(1), 1e-6).tolist())
        scaled = replace(first, usual=usual, spread=spread)
        known = sorted(scaled.familiar(one) for one in looks.T[hits].tolist())
        return replace(scaled, strangest=np.array([0, *known, 1], np.float32), held=judged)


def _places(examples: int, rows: int) -> npt.NDArray[np.int64]:
    """An example's number within its intent, by which it is held out; -1 for what never is: of two examples, and a name."""
    return np.concatenate([np.arange(examples) if examples > 2 else np.full(examples, -1), np.full(rows - examples, -1)])
