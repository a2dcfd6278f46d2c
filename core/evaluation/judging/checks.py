"""The marks of an answer by exact and structured checks: no model is asked, and done twice it is the same."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.evaluation.judging.citations import supported, valid
from core.evaluation.judging.languages import language_of
from core.evaluation.judging.refusing import declines
from core.evaluation.judging.wording import banned, claimed, holds, plain
from core.evaluation.tracks.records import JSON_TYPES, Answered, Case, Format, Grades

_FENCED = re.compile(r"```(?:json)?\s*(\{.*?\})\s*```|(\{.*\})", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Checks:
    """`documents`: the texts of those cited, by name. `phrases` no answer may hold; `sayings` with which the assistant
    declines."""

    phrases: Sequence[str] = ()
    sayings: Sequence[str] = ()

    def grade(self, case: Case, one: Answered, documents: Mapping[str, str]) -> Grades:
        """Of an answer that was given; one that never came has claimed nothing."""
        if one.outcome in ("cannot", "failed"):
            return Grades(claims=0.0 if case.answerable else None, abstention=0.0)
        declined = one.outcome == "declined"
        found = (*banned(one.text, self.phrases), *claimed(one.text, case.forbidden))
        return Grades(
            claims=self._claims(case, one.text, declined),
            support=supported(one.text, one.citations, documents, case.question),
            citations=valid(one.citations, case.sources, documents),
            format=None if declined or not case.format.told else float(keeps(one.text, case.format, cited=bool(one.citations))),
            language=_language(one.text, case.language),
            abstention=float(declined != case.answerable),
            banned=found,
        )

    def declines(self, text: str, case: Case) -> bool:
        """Whether an answer gives none. One that holds the facts asked for has answered, however it began."""
        return declines(text, self.sayings) and not (case.claims and holds(text, case.claims) == 1)

    def _claims(self, case: Case, text: str, declined: bool) -> float | None:
        if not case.claims:
            return None
        return 0.0 if declined else holds(text, case.claims)


def keeps(text: str, wanted: Format, *, cited: bool) -> bool:
    """Whether an answer looks as it must."""
    if wanted.cite and not cited:
        return False
    if wanted.words and len(plain(text).split()) > wanted.words:
        return False
    if wanted.pattern and not re.search(wanted.pattern, text):
        return False
    return not wanted.json or _members(_object(text), wanted.json)


def _object(text: str) -> Any:
    found = _FENCED.search(text)
    try:
        return json.loads(found[1] or found[2]) if found else None
    except json.JSONDecodeError:
        return None


def _members(found: Any, wanted: Mapping[str, str]) -> bool:
    if not isinstance(found, dict):
        return False

    def fits(name: str, kind: str) -> bool:
        value = found.get(name)
        return isinstance(value, JSON_TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))

    return all(fits(name, kind) for name, kind in wanted.items())


def _language(text: str, wanted: str) -> float | None:
    seen = language_of(text) if wanted else ""
    return float(seen == wanted.lower()[:2]) if seen else None
