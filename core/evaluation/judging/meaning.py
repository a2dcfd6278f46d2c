"""Facts in other words, by the vectors of the retrieval service: nearer than a model judge, and dearer than reading words.

A vector knows neither numbers nor a "not": only sentences with the fact's own amounts, which deny no more than it does, are
compared. From which likeness on a sentence says it is learned from people's labels, and judged on others of them.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from msgspec.structs import replace

from core.bus import Bus
from core.dialog.sensing import vectors
from core.evaluation.judging import calibration
from core.evaluation.judging.calibration import Judged, Label, kappa
from core.evaluation.judging.model import Opinion
from core.evaluation.judging.wording import may_say, plain, states
from core.evaluation.tracks.records import Judge

NAME = "embeddings"
FOLDS = 5
NEVER = 2.0
"""A likeness that nothing has."""

Said = tuple[Sequence[str], str]
"""A fact's wordings, and the answer that may state it."""


@dataclass(frozen=True, slots=True)
class Meaning:
    bus: Bus

    async def likeness(self, some: Sequence[Said]) -> tuple[list[float], str]:
        """How like the nearest sentence is to the fact, −1 where none could say it or its language is not read; and by whose
        vectors. Raises CannotServe."""
        near = [[(plain(wording), may_say(answer, wording)) for wording in claim] for claim, answer in some]
        texts = [text for pairs in near for wording, sentences in pairs if sentences for text in (wording, *sentences)]
        rows, name = await vectors(self.bus, texts)

        def like(wording: str, sentence: str) -> float:
            return float(rows[wording] @ rows[sentence]) if wording in rows and sentence in rows else -1.0

        best = [max((like(wording, one) for wording, some in pairs for one in some), default=-1.0) for pairs in near]
        return best, name

    async def measured(self, labels: Sequence[Label]) -> Judge:
        """What it is worth on the labels that words alone do not decide. Raises CannotServe."""
        open_ = [label for label in labels if not states(label.answer, label.claim)]
        likeness, name = await self.likeness([(label.claim, label.answer) for label in open_])
        judged = [Judged(label, Opinion(said, said)) for label, said in zip(open_, _held_out(open_, likeness), strict=True)]
        least = threshold([label.stated for label in open_], likeness)
        return replace(calibration.measured(NAME, judged, ()), threshold=round(least, 4), embedder=name)


def threshold(stated: Sequence[bool], likeness: Sequence[float]) -> float:
    """From which likeness on a yes agrees best with people; of several that do the highest."""
    ends = sorted({value for value in likeness if value > -1})
    between = [(one + other) / 2 for one, other in pairwise(ends)]
    worth = {least: kappa([(yes, value >= least) for yes, value in zip(stated, likeness, strict=True)]) for least in between}
    best = max(worth.values(), default=0.0)
    return max((least for least, value in worth.items() if value == best), default=NEVER) if best > 0 else NEVER


def _held_out(labels: Sequence[Label], likeness: Sequence[float]) -> list[bool]:
    """What is said of each label by a threshold that was learned from labels of other questions."""
    folds = np.array([int.from_bytes(hashlib.sha256(label.question.encode()).digest()[:4]) % FOLDS for label in labels])
    stated, values = np.array([label.stated for label in labels]), np.array(likeness)
    least = [threshold(stated[folds != fold].tolist(), values[folds != fold].tolist()) for fold in range(FOLDS)]
    return [bool(value >= least[fold]) for value, fold in zip(values, folds, strict=True)]
