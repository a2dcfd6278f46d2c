"""The run itself: every case asked of every track, several at once, each answer graded and written down before the next."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
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
"""(answered, of how many, money spent)."""


@dataclass(slots=True)
class Running:
    """`done`: what is answered already, by (case, track); `purse` has been charged for it. `stopped`: why it ended early."""

    asking: Asking
    grade: Grade
    book: Book
    assistant: Assistant
    purse: Purse
    bounds: Bounds
    done: dict[tuple[str, str], Answered] = field(default_factory=dict)
    stopped: str = ""

    async def ask(self, cases: Sequence[Case], tracks: Sequence[Track], *, parallel: int, tell: Tell) -> None:
        """All that is not answered yet, so many at once. Case by case, each of all tracks, in an order that mixes the intents:
        whenever it stops, what there is can be compared. Raises Unavailable when the core is gone."""
        pairs = [pair for pair in self._pairs(cases, tracks) if (pair[0].id, pair[1].name) not in self.done]
        of = len(pairs) + len(self.done)
        waiting = iter(pairs)
        tell(len(self.done), of, self.purse.spent)

        async def work() -> None:
            for case, track in waiting:
                if self.stopped or not await self._one(case, track):
                    return
                tell(len(self.done), of, self.purse.spent)

        async with asyncio.TaskGroup() as group:
            for _ in range(parallel):
                group.create_task(work())

    def _pairs(self, cases: Sequence[Case], tracks: Sequence[Track]) -> Iterator[tuple[Case, Track]]:
        for case in random.Random(0).sample(cases, len(cases)):
            yield from ((case, track) for track in tracks if suits(track.name, case, self.assistant))

    async def _one(self, case: Case, track: Track) -> bool:
        """Whether there was money left to ask it."""
        bound = self.bounds.of(case, track)
        if not self.purse.hold(bound):
            self.stopped = self.stopped or self.purse.told(bound, track.name)
            return False
        answered = await self._asked(case, track)
        self.purse.pay(bound, answered.paid)
        self.book.add(answered)
        self.done[case.id, track.name] = answered
        return True

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
        first=round(heard.first, 2),
        total=turn.timings.get("total", 0.0),
        at=turn.at,
    )
    if turn.outcome == "dead":
        return replace(one, outcome="failed", error=turn.why)
    return replace(one, outcome="cannot", error=turn.why) if turn.track == "none" else one
