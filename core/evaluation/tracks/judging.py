"""The model judge's part in a run: asked of facts that no exact check found, so that other words count, and believed only if
people would agree with it."""

from dataclasses import dataclass

from msgspec.structs import replace

from core.errors import ModelError
from core.evaluation.judging.model import ModelJudge
from core.evaluation.judging.wording import states
from core.evaluation.tracks.matching import settled
from core.evaluation.tracks.money import paid
from core.evaluation.tracks.records import Answered, Case, Judge, Opinion, Price, Track
from core.evaluation.tracks.running import Running, Tell, each
from core.records import Usage

BOUND = Usage(prompt_tokens=1500, completion_tokens=20)
"""The most that one fact takes, both orders together."""


@dataclass(slots=True)
class Judging:
    judge: ModelJudge
    worth: Judge
    running: Running
    tell: Tell
    done: int = 0

    async def all(self, *, parallel: int) -> None:
        """Every answer that lacks a fact and was not judged yet."""
        cases = {case.id: case for case in self.running.cases}
        every = [(cases[case], Track(name=track)) for case, track in self.running.done if case in cases]
        pairs = [pair for pair in every if self._open(*pair)]

        async def one(case: Case, track: Track) -> bool:
            held = len(case.claims) * paid(self._price, BOUND, calls=2)
            if not self.running.hold(held, Track(name=f"the judge {self.worth.model}")):
                return False
            before = self.running.done[case.id, track.name]
            after = await self._judged(case, before)
            self.running.purse.pay(held, after.paid - before.paid)
            self.running.keep(after)
            self.done += 1
            self.tell(self.done, len(pairs), self.running.purse.spent)
            return True

        await each(pairs, one, parallel=parallel)

    @property
    def _price(self) -> Price:
        return self.running.bounds.prices.get(self.worth.model, Price())

    def _open(self, case: Case, track: Track) -> bool:
        one = self.running.done.get((case.id, track.name))
        return one is not None and one.outcome == "answered" and bool(case.claims) and one.grades.judged is None

    async def _judged(self, case: Case, one: Answered) -> Answered:
        """With every opinion written down before the next is asked for: what was paid is not paid again, whatever is killed."""
        missing = [place for place in range(len(case.claims)) if not _found(case, one, place)]
        for place, fact_first in ((place, first) for place in missing for first in (True, False)):
            if _known(one, self.worth.model, place, fact_first=fact_first) is not None:
                continue
            try:
                one = await self._asked(case, one, place, fact_first=fact_first)
            except ModelError:
                return one
        stated = sum(self._states(one, place) for place in missing)
        judged = (len(case.claims) - len(missing) + stated) / len(case.claims)
        grades = replace(one.grades, judged=judged)
        if self.worth.decides:
            grades = replace(grades, claims=judged, by="judge")
        return replace(one, grades=grades)

    def _states(self, one: Answered, place: int) -> bool:
        """Whether it said yes in both orders."""
        opinions = [_known(one, self.worth.model, place, fact_first=first) for first in (True, False)]
        return all(opinion is not None and opinion.yes for opinion in opinions)

    async def _asked(self, case: Case, one: Answered, claim: int, *, fact_first: bool) -> Answered:
        yes, usage = await self.judge.once(case.question, case.claims[claim], one.text, fact_first=fact_first)
        opinion = Opinion(judge=self.worth.model, claim=claim, fact_first=fact_first, yes=yes)
        told = replace(one, opinions=(*one.opinions, opinion), paid=one.paid + paid(self._price, usage))
        self.running.keep(told)
        return told


def _found(case: Case, one: Answered, place: int) -> bool:
    """Whether words, or vectors that may decide, have found the fact at a place of the case's."""
    return settled(one, place) or states(one.text, case.claims[place])


def _known(one: Answered, judge: str, claim: int, *, fact_first: bool) -> Opinion | None:
    """What this judge said of it already."""
    wanted = judge, claim, fact_first
    return next((said for said in one.opinions if (said.judge, said.claim, said.fact_first) == wanted), None)
