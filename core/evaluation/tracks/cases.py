"""The file of cases: the lines of `core.evaluation.lines` as `Case`s, and whether they fit the assistant."""

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from core.assistant import Assistant
from core.evaluation import lines
from core.evaluation.lines import ALTERNATIVE, BadQuestions, Form, name_of
from core.evaluation.tracks.records import JSON_TYPES, Case

EXAMPLE = '{"question": "How long may I return a bike?", "claims": ["30 days"], "sources": ["returns.md"], "intent": "returns"}'


def read(path: Path) -> list[Case]:
    """Raises BadQuestions, naming file, line and what is wrong. A file made for `turnout eval retrieval` will do: its `quotes`
    are then the facts that an answer must hold."""
    lists = ("before", "claims", "quotes", "forbidden", "sources", "audience")
    form = Form(Case, _complete, EXAMPLE, lists, prepare=_prepared, more=("quotes",))
    return lines.read(path, form)


def check(cases: Sequence[Case], assistant: Assistant) -> None:
    """Raises BadQuestions for what the assistant file does not know, and for changes that exclude one another."""
    known = {intent.name for intent in assistant.intents}
    strange = {case.intent: case for case in cases if case.intent and case.intent not in known}
    wrong = [f"{case.id} ({case.question[:40]!r}): {_unknown('intent', name, known)}" for name, case in strange.items()]
    audiences = {audience.name for audience in assistant.audiences}
    unknown = {name: case for case in cases for name in case.audience if name not in audiences}
    wrong += [f"{case.id} ({case.question[:40]!r}): {_unknown('audience', name, audiences)}" for name, case in unknown.items()]
    wrong += _clashes(cases)
    if wrong:
        raise BadQuestions("\n".join(wrong[: lines.TOLD]))


def asked_as(cases: Iterable[Case], audience: tuple[str, ...]) -> list[Case]:
    """The cases asked as somebody of these audiences, where they do not say themselves as whom."""
    return [case if case.audience else replace(case, audience=audience) for case in cases]


def _unknown(what: str, name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    meant = f": did you mean {close[0]!r}?" if close else f": known are {', '.join(sorted(known)) or 'none'}"
    return f"no {what} is called {name!r}{meant}"


def _clashes(cases: Iterable[Case]) -> Iterator[str]:
    """Two changes of the same words to different ones cannot both be true at once."""
    first: dict[tuple[str, str], Case] = {}
    for case in cases:
        if case.change is None:
            continue
        other = first.setdefault((case.change.source, case.change.old), case)
        if other.change and other.change.new != case.change.new:
            yield f"{case.id} changes {case.change.old!r} in {case.change.source} otherwise than {other.id} does"


def _prepared(fields: dict[str, Any]) -> dict[str, Any]:
    quoted = fields.get("quotes") or []
    claims = fields.get("claims") or quoted
    if not isinstance(claims, list):
        raise ValueError("`claims` must be a list of facts, each a text or a list of wordings")
    made = {**fields, "claims": [_wordings(claim) for claim in claims]}
    if claims:
        made["answerable"] = True
    elif fields.get("out_of_scope"):
        made["answerable"] = False
    return made


def _wordings(claim: Any) -> Any:
    """A fact's wordings: of a list as they are, of a text parted by " / "."""
    return [word.strip() for word in claim.split(ALTERNATIVE)] if isinstance(claim, str) else claim


def _complete(case: Case) -> Case:
    if not case.question.strip():
        raise ValueError("the question has no words")
    if any(not wording.strip() for claim in case.claims for wording in claim) or not all(case.claims):
        raise ValueError("one of its `claims` is empty")
    if any(not word.strip() for word in (*case.sources, *case.forbidden)):
        raise ValueError("one of its `sources` or `forbidden` words is empty")
    _checked_format(case)
    if case.answerable and not case.claims and not case.format.told:
        raise ValueError("nothing says what a right answer is: give `claims`, `quotes` or a `format`, or `answerable`: false")
    if case.change and (not case.change.old.strip() or case.change.old == case.change.new):
        raise ValueError("`change` must turn words (`old`) into other words (`new`)")
    return case if case.id else replace(case, id=name_of(case.question, case.before))


def _checked_format(case: Case) -> None:
    try:
        re.compile(case.format.pattern)
    except re.error as error:
        raise ValueError(f"`format.pattern` is no regular expression ({error})") from None
    for name, kind in case.format.json.items():
        if kind not in JSON_TYPES:
            raise ValueError(f"`format.json` says {name} is {kind!r}: known are {', '.join(JSON_TYPES)}")
