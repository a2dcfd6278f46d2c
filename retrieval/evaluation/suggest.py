"""`turnout eval retrieval --suggest`: try settings on one part of the questions, and show on the other what the best is worth.

The parts share no document and no conversation. The held-out part is looked at once, for two settings: today's and the best.
"""

import asyncio
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from core.errors import TurnoutError
from core.evaluation.intervals import Figure, difference, needed
from core.knowledge import SearchRequest, SearchResult
from retrieval.evaluation import asking
from retrieval.evaluation.asking import Asked
from retrieval.evaluation.questions import Question
from retrieval.evaluation.rebuilding import Library
from retrieval.fusion import Weights
from retrieval.index import Index

FEW = 8
"""Documents or conversations on each side, below which nothing could be told."""
BOTH = "both"
SIZES = (90, 120, 180, 270)
SHARES = tuple(tenth / 10 for tenth in range(11))
DEPTHS = (2, 3, 4, 6, 9, 12, 16)


@dataclass(frozen=True, slots=True)
class Candidate:
    """Settings to try: words a passage, passages an answer, and the share of the words' score (None: no embedder is there)."""

    words: int
    passages: int
    share: float | None

    def __str__(self) -> str:
        weight = "" if self.share is None else f", words weigh {self.share:g}"
        return f"{self.passages} passages of {self.words} words{weight}"

    def lines(self, now: "Candidate") -> list[str]:
        """What to write into the assistant file to have these instead of today's."""
        named = {"passage_words": self.words, "passages": self.passages, "word_weight": self.share}
        today = {"passage_words": now.words, "passages": now.passages, "word_weight": now.share}
        return [f"{name} = {value:g}" for name, value in named.items() if value is not None and value != today[name]]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What came of it: `gains` are the differences on the held-out questions by measure, `depths` the recall of the training
    questions by passages an answer, for the best settings."""

    now: Candidate
    best: Candidate
    tried: int
    training: int
    held_out: int
    before: dict[str, float]
    after: dict[str, float]
    gains: dict[str, Figure]
    more: int
    depths: dict[int, float]

    @property
    def sure(self) -> bool:
        return self.best != self.now and self.gains[BOTH].low > 0


def _mark(name: str) -> Callable[[Asked], float]:
    return lambda asked: float(getattr(asked.marks, name))


WORTH: dict[str, Callable[[Asked], float]] = {
    "recall": _mark("recall"),
    "nDCG@10": _mark("ndcg"),
    BOTH: lambda asked: (_mark("recall")(asked) + _mark("ndcg")(asked)) / 2,
}
"""What a question is worth: half for what the answer is made of, half for the order."""

Say = Callable[[str], None]


class Trial:
    """Tries settings on questions. `say` is told how far it is."""

    def __init__(self, library: Library, now: Candidate, say: Say) -> None:
        self._library, self._now, self._say = library, now, say

    async def suggest(self, questions: Sequence[Question], seed: int) -> Suggestion:
        training, held_out = halves([question for question in questions if question.answerable], seed)
        scores = await self._scores(training)
        best = max(scores, key=lambda candidate: (round(scores[candidate], 4), candidate == self._now))
        before, after = await self._proven(self._now, held_out), await self._proven(best, held_out)
        clusters = [one.question.cluster for one in before]
        gaps = {
            name: [value(new) - value(old) for old, new in zip(before, after, strict=True)] for name, value in WORTH.items()
        }
        return Suggestion(
            now=self._now,
            best=best,
            tried=len(scores),
            training=len(training),
            held_out=len(held_out),
            before={name: fmean(map(value, before)) for name, value in WORTH.items()},
            after={name: fmean(map(value, after)) for name, value in WORTH.items()},
            gains={name: difference(gap, clusters) for name, gap in gaps.items()},
            more=needed(gaps[BOTH], clusters),
            depths=await self._depths(best, training),
        )

    async def _scores(self, questions: Sequence[Question]) -> dict[Candidate, float]:
        scores: dict[Candidate, float] = {}
        for words in sorted({*SIZES, self._now.words}):
            with self._library.index(words, self._telling(words)) as index:
                for candidate in candidates(self._now, words):
                    self._say(f"trying {candidate}")
                    scores[candidate] = fmean(map(WORTH[BOTH], await self._asked(index, candidate, questions)))
        return scores

    async def _proven(self, candidate: Candidate, questions: Sequence[Question]) -> list[Asked]:
        with self._library.index(candidate.words, self._telling(candidate.words)) as index:
            return await self._asked(index, candidate, questions)

    async def _depths(self, candidate: Candidate, questions: Sequence[Question]) -> dict[int, float]:
        with self._library.index(candidate.words, self._telling(candidate.words)) as index:
            found = {k: await self._asked(index, replace(candidate, passages=k), questions) for k in DEPTHS}
        return {k: fmean(map(WORTH["recall"], asked)) for k, asked in found.items()}

    async def _asked(self, index: Index, candidate: Candidate, questions: Sequence[Question]) -> list[Asked]:
        setup = self._library.setup
        if candidate.share is not None:
            setup = replace(setup, weights=Weights(candidate.share, 1 - candidate.share, setup.weights.floor))
        await asyncio.to_thread(index.use, setup)

        async def search(request: SearchRequest) -> SearchResult:
            return await asyncio.to_thread(index.search, request)

        return await asking.ask(search, questions, k=candidate.passages, noise=False)

    def _telling(self, words: int) -> Callable[[int, int], None]:
        return lambda done, of: self._say(f"passages of {words} words: {done}/{of} embedded")


def candidates(now: Candidate, words: int) -> Iterator[Candidate]:
    """Every share for passages of this size; as many passages as make an answer of as many words as today's."""
    passages = max(1, min(50, round(now.words * now.passages / words)))
    shares = {*SHARES, now.share} if now.share is not None else {None}
    for share in sorted(shares, key=lambda share: share or 0.0):
        yield Candidate(words, passages, share)


def halves(questions: Sequence[Question], seed: int) -> tuple[list[Question], list[Question]]:
    """Questions that share a document or a conversation stay together. Raises TurnoutError when there are too few."""
    groups = _together(questions)
    random.Random(seed).shuffle(groups)
    training: list[Question] = []
    held_out: list[Question] = []
    for group in groups:
        (training if len(training) <= len(held_out) else held_out).extend(group)
    if len(groups) < 2 * FEW:
        raise TurnoutError(
            f"cannot tell: the questions are about {len(groups)} documents or conversations, and it takes {2 * FEW} to learn"
            " from some and prove it on others"
        )
    return training, held_out


def _together(questions: Sequence[Question]) -> list[list[Question]]:
    groups: list[tuple[set[str], list[Question]]] = []
    for question in questions:
        names = {f"group {question.group}"} if question.group else set()
        names |= {f"source {source}" for source in question.sources} or {f"id {question.id}"}
        some = [question]
        for known in [group for group in groups if group[0] & names]:
            groups.remove(known)
            names, some = names | known[0], [*known[1], *some]
        groups.append((names, some))
    return [some for _, some in groups]


def told(found: Suggestion) -> str:
    """For people."""
    lines = [
        f"{found.training + found.held_out} questions that have an answer: {found.training} to learn from, {found.held_out}"
        " held out; no document or conversation is in both",
        f"{found.tried} settings tried; the best on the questions to learn from: {found.best} (now: {found.now})",
        "",
        f"{'held out':16}{'now':>8}{'best':>8}   difference, 95 % interval",
    ]
    for name, gain in found.gains.items():
        figures = f"{found.before[name]:8.3f}{found.after[name]:8.3f}"
        lines.append(f"{name:16}{figures}   {gain.value:+.3f} ({gain.low:+.3f} to {gain.high:+.3f})")
    depths = ", ".join(f"{k}: {recall:.3f}" for k, recall in found.depths.items())
    lines += ["", f"recall by passages an answer, with the best settings, learned from: {depths}", ""]
    if found.sure:
        lines += ["In the assistant file:", "[knowledge]", *found.best.lines(found.now)]
    elif found.best == found.now:
        lines.append("nothing that was tried is better than what you have")
    elif found.gains[BOTH].value <= 0:
        lines.append("what is best on the questions to learn from is no better on the rest: keep what you have")
    else:
        lines.append(f"cannot tell: about {found.more} more questions needed to show a gain of this size")
    return "\n".join(lines)
