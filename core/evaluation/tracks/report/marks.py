"""The marks once more, from the words of the answers: those that need neither documents nor a model."""

import math

from core.evaluation.judging.checks import keeps
from core.evaluation.judging.wording import claimed, holds
from core.evaluation.tracks.records import COULD_NOT, Answered, Case, Run
from core.evaluation.tracks.report.words import some


def marked(run: Run) -> str:
    cases = {case.id: case for case in run.cases}
    given = [one for one in run.answered if one.outcome not in COULD_NOT and one.case in cases]
    wrong = [f"{one.case} of {one.track}" for one in given if not _right(cases[one.case], one)]
    return f"the marks of {some(wrong, 'answer')} are not what their words make" if wrong else ""


def _right(case: Case, one: Answered) -> bool:
    grades, declined = one.grades, one.outcome == "declined"
    if grades.by == "text" and not _same(grades.claims, _claims(case, one.text, declined=declined)):
        return False
    formed = None if declined or not case.format.told else float(keeps(one.text, case.format, cited=bool(one.citations)))
    if not _same(grades.format, formed) or not _same(grades.abstention, float(declined != case.answerable)):
        return False
    return {*claimed(one.text, case.forbidden)} <= {*grades.banned}


def _claims(case: Case, text: str, *, declined: bool) -> float | None:
    if not case.claims:
        return None
    return 0.0 if declined else holds(text, case.claims)


def _same(one: float | None, other: float | None) -> bool:
    return one == other if one is None or other is None else math.isclose(one, other, abs_tol=1e-9)
