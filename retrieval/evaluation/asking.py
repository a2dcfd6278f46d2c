"""Asking the search every question, as the dialog would, and noting what came and how long it took."""

import time
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from core.errors import TurnoutError
from core.knowledge import SearchRequest, SearchResult
from core.records import Record
from retrieval.evaluation.judging import Marks, fits, judge
from retrieval.evaluation.noise import KINDS
from retrieval.evaluation.questions import Question

Search = Callable[[SearchRequest], Awaitable[SearchResult]]
Tell = Callable[[int, int], None]

DEEP = 50


class Narrowing(Record, frozen=True):
    """What filters did to a question that names a product, version or language: recall with them, without, and of the long
    unfiltered list filtered afterwards by hand (`oracle`, which sees only that list)."""

    filtered: float
    unfiltered: float
    oracle: float


class Asked(Record, frozen=True):
    """A question and what came of it: `found` are the documents shown, best first, `outside` how many passages were shown that
    its filters or its audience forbid, `noisy` the recall when badly written; `score` is how sure the search was."""

    question: Question
    ms: float
    found: tuple[str, ...] = ()
    score: float = 0.0
    marks: Marks | None = None
    outside: int = 0
    narrowing: Narrowing | None = None
    noisy: dict[str, float] = {}

    @property
    def returned(self) -> bool:
        return bool(self.found)

    @property
    def right(self) -> bool:
        """Whether an answer from this could be right: all of what is named is there."""
        return self.marks is not None and self.marks.recall > 0


async def ask(
    search: Search, questions: Sequence[Question], *, k: int, seed: int = 0, noise: bool = True, tell: Tell | None = None
) -> list[Asked]:
    """One after the other, so that the times are those of one person asking."""
    done = []
    for number, question in enumerate(questions, 1):
        done.append(await _one(search, question, k, seed=seed, noise=noise))
        if tell:
            tell(number, len(questions))
    return done


async def _one(search: Search, question: Question, k: int, *, seed: int, noise: bool) -> Asked:
    started = time.perf_counter()
    result = await _search(search, question.request(k))
    ms = (time.perf_counter() - started) * 1000
    shown = result.passages
    asked = Asked(
        question=question,
        ms=round(ms, 3),
        found=tuple(dict.fromkeys(one.source for one in (*shown, *(cell.passage for cell in result.cells)))),
        score=result.confidence,
        outside=sum(not fits(question, passage) for passage in shown),
    )
    if not question.answerable:
        return asked
    ranking = (await _search(search, question.request(DEEP))).passages
    marks = judge(question, shown, ranking)
    return msgspec.structs.replace(
        asked,
        marks=marks,
        narrowing=await _narrowing(search, question, k, marks.recall) if question.filtered else None,
        noisy={name: await _recall(search, spoil(question, seed), k) for name, spoil in KINDS.items()} if noise else {},
    )


async def _narrowing(search: Search, question: Question, k: int, filtered: float) -> Narrowing:
    everything = (await _search(search, question.request(DEEP, narrowed=False))).passages
    fitting = [passage for passage in everything if fits(question, passage)][:k]
    return Narrowing(
        filtered=filtered,
        unfiltered=judge(question, everything[:k], everything).recall,
        oracle=judge(question, fitting, fitting).recall,
    )


async def _recall(search: Search, question: Question, k: int) -> float:
    shown = (await _search(search, question.request(k))).passages
    return judge(question, shown, shown).recall


async def _search(search: Search, request: SearchRequest) -> SearchResult:
    result = await search(request)
    if result.error:
        raise TurnoutError(f"the search refuses {request.query[:60]!r}: {result.error}")
    return result
