"""The part of vectors in a run: facts that no exact check found are looked for in other words, before a model judge is."""

from collections.abc import Iterable
from dataclasses import dataclass

from msgspec.structs import replace

from core.errors import CannotServe
from core.evaluation.judging.meaning import NAME, Meaning
from core.evaluation.judging.wording import states
from core.evaluation.tracks.records import Answered, Case, Judge, Opinion
from core.evaluation.tracks.running import Running


@dataclass(slots=True)
class Matching:
    """`worth`: what the vectors were found to be worth on people's labels."""

    meaning: Meaning
    worth: Judge
    running: Running

    async def all(self) -> Judge:
        """Every answer that lacks a fact; what the vectors may do now. Without a threshold nothing is matched."""
        if not self.worth.labels:
            return self.worth
        cases = {case.id: case for case in self.running.cases}
        lacking = [one for one in self.running.done.values() if one.case in cases and _open(one, cases[one.case])]
        places = [(one, place) for one in lacking for place in _missing(one, cases[one.case])]
        try:
            likeness, name = await self.meaning.likeness([(cases[one.case].claims[place], one.text) for one, place in places])
        except CannotServe as error:
            return replace(self.worth, decides=False, why=f"{error}")
        worth = self.worth
        if name != worth.embedder:
            worth = replace(worth, decides=False, why=f"it was measured with the vectors of {worth.embedder}, not of {name}")
        found = {(one.case, one.track, place): value for (one, place), value in zip(places, likeness, strict=True)}
        for one in lacking:
            said = {place: found[one.case, one.track, place] >= worth.threshold for place in _missing(one, cases[one.case])}
            self.running.keep(_matched(one, cases[one.case], said, decides=worth.decides))
        return worth


def settled(one: Answered, place: int) -> bool:
    """Whether vectors that may decide have found the fact at a place of the case's."""
    return one.grades.by == NAME and any(said.yes for said in one.opinions if (said.judge, said.claim) == (NAME, place))


def _open(one: Answered, case: Case) -> bool:
    return one.outcome == "answered" and bool(case.claims) and one.grades.matched is None


def _missing(one: Answered, case: Case) -> list[int]:
    """The facts that exact checks do not find, by their place."""
    return [place for place, claim in enumerate(case.claims) if not states(one.text, claim)]


def _matched(one: Answered, case: Case, said: dict[int, bool], *, decides: bool) -> Answered:
    opinions: Iterable[Opinion] = (Opinion(judge=NAME, claim=place, fact_first=True, yes=yes) for place, yes in said.items())
    share = (len(case.claims) - len(said) + sum(said.values())) / len(case.claims)
    grades = replace(one.grades, matched=share)
    if decides and any(said.values()):
        grades = replace(grades, claims=share, by=NAME)
    return replace(one, opinions=(*one.opinions, *opinions), grades=grades)
