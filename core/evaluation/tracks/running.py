"""The run itself: every case asked of every track, several at once, each answer graded and written down before the next."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from core.assistant import Assistant
from core.errors import Unavailable
from core.evaluation.tracks.asking import Asking, Heard
from core.evaluation.tracks.available import suits
from core.evaluation.tracks.keeping import Book
from core.evaluation.tracks.money import Bounds, Purse, paid, share_of_training
from core.evaluation.tracks.records import Answered, Case, Price, Track

Grade = Callable[[Case, Answered], Awaitable[Answered]]
"""The answer with its marks, and with whether it declined."""

Tell = Callable[[int, int, float], None]
"""(done, of how many, money spent)."""

Pair = tuple[Case, Track]


async def each(pairs: Iterable[Pair], do: Callable[[Case, Track], Awaitable[bool]], *, parallel: int) -> None:
    """Do it for all of them, so many at once, until one says that it is enough."""
    waiting, enough = iter(pairs), asyncio.Event()

    async def work() -> None:
        for case, track in waiting:
            if enough.is_set():
                return
            if not await do(case, track):
                enough.set()

    async with asyncio.TaskGroup() as group:
        for _ in range(parallel):
            group.create_task(work())


@dataclass(slots=True)
class Running:
    """`done`: what is answered already, by (case, track); `purse` has been charged for it. `stopped`: why it ended early."""

    asking: Asking
    grade: Grade
    book: Book
    assistant: Assistant
    purse: Purse
    bounds: Bounds
    cases: Sequence[Case]
    tracks: Sequence[Track]
    done: dict[tuple[str, str], Answered] = field(default_factory=dict)
    stopped: str = ""

    async def ask(self, *, parallel: int, tell: Tell) -> None:
        """All that is not answered yet. Raises Unavailable when the core is gone."""
        every = self.pairs()
        left = [(case, track) for case, track in every if (case.id, track.name) not in self.done]
        tell(len(self.done), len(every), self.purse.spent)

        async def one(case: Case, track: Track) -> bool:
            bound = self.bounds.of(case, track)
            if not self.hold(bound, track):
                return False
            answered = await self._asked(case, track)
            self.purse.pay(bound, answered.paid)
            self.keep(answered)
            tell(len(self.done), len(every), self.purse.spent)
            return True

        await each(left, one, parallel=parallel)

    def pairs(self) -> list[Pair]:
        """Case by case, each with all tracks, in an order that mixes the intents: whenever a run stops, what there is can be
        compared."""
        cases = random.Random(0).sample(self.cases, len(self.cases))
        return [(case, track) for case in cases for track in self.tracks if suits(track.name, case, self.assistant)]

    def hold(self, bound: float, track: Track) -> bool:
        """Whether there is money left for a question."""
        if self.purse.hold(bound):
            return True
        self.stopped = self.stopped or self.purse.told(bound, track.name)
        return False

    def keep(self, answered: Answered) -> None:
        self.book.add(answered)
        self.done[answered.case, answered.track] = answered

    async def _asked(self, case: Case, track: Track) -> Answered:
        try:
            heard = await self.asking.ask(case, track.name)
        except Unavailable as error:
            await self.asking.check()
            return Answered(case=case.id, track=track.name, outcome="failed", error=str(error), at=time.time())
        self.bounds.learn(track, heard.turn.usage)
        return await self.grade(case, taken(case, track, heard, self.bounds.prices.get(track.model, Price())))


def taken(case: Case, track: Track, heard: Heard, price: Price) -> Answered:
    """What was heard, as a run keeps it, not graded yet."""
    turn = heard.turn
    total = turn.timings.get("total", 0.0)
    one = Answered(
        case=case.id,
        track=track.name,
        outcome="answered",
        turn=turn.id,
        intent=turn.intent,
        served=turn.track,
        text=turn.text,
        citations=turn.citations,
        model=turn.model,
        usage=turn.usage,
        cost=paid(price, turn.usage) + share_of_training(price),
        paid=paid(price, heard.usage, heard.calls),
        first=round(min(heard.first, total), 2),
        total=total,
        at=turn.at,
    )
    if turn.outcome == "dead":
        return replace(one, outcome="failed", error=turn.why)
    return replace(one, outcome="cannot", error=turn.why) if turn.track == "none" else one
