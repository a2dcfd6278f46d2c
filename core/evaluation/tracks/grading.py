"""Answers graded as they come, with the documents they cite as these stand at that moment."""

from dataclasses import dataclass

from msgspec.structs import replace

from core.bus import Bus
from core.evaluation.judging.checks import Checks
from core.evaluation.tracks.fingerprints import document
from core.evaluation.tracks.records import Answered, Case


@dataclass(frozen=True, slots=True)
class Grading:
    checks: Checks
    bus: Bus

    async def __call__(self, case: Case, one: Answered) -> Answered:
        if one.outcome == "answered" and self.checks.declines(one.text, case):
            one = replace(one, outcome="declined")
        cited = dict.fromkeys(citation.source for citation in one.citations)
        documents = {source: (await document(self.bus, source, case.audience)).text for source in cited}
        return replace(one, grades=self.checks.grade(case, one, documents))
