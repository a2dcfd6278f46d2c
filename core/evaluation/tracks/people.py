"""What people answered, from a file: a track like the others in the report, with what their time cost.

Nobody is asked by a run, and no route can lead there: it stands beside the tracks that can answer by themselves.
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from core.assistant import Assistant
from core.errors import ConfigError
from core.evaluation import lines
from core.evaluation.lines import BadQuestions, Form, name_of
from core.evaluation.tracks.available import PERSON
from core.evaluation.tracks.records import Answered, Case, Track
from core.records import Record

EXAMPLE = '{"question": "How long may I return a bike?", "answer": "30 days.", "seconds": 45}'


class Spoken(Record, frozen=True):
    """What a person answered, and the seconds it took. To which question: its `id`, or its words (and those said `before`)."""

    answer: str
    seconds: float
    id: str = ""
    question: str = ""
    before: tuple[str, ...] = ()


def read(path: Path) -> list[Spoken]:
    """Raises BadQuestions, naming file, line and what is wrong."""
    return lines.read(path, Form(Spoken, _complete, EXAMPLE, lists=("before",), flags=(), columns=("question", "id")))


def _complete(spoken: Spoken) -> Spoken:
    if not spoken.id and not spoken.question.strip():
        raise ValueError("nothing says which question it answers: give its `id`, or its `question`")
    if not spoken.answer.strip():
        raise ValueError("the answer has no words")
    if not 0 < spoken.seconds < float("inf"):
        raise ValueError("`seconds` must say how long it took, more than 0")
    return spoken if spoken.id else replace(spoken, id=name_of(spoken.question, spoken.before))


def of(spoken: Sequence[Spoken], cases: Sequence[Case]) -> dict[str, Spoken]:
    """The answers by the case they answer; those to other questions are left out. Raises BadQuestions where none fits."""
    named = {case.id: case.id for case in cases} | {name_of(case.question, case.before): case.id for case in cases}
    found = {named[one.id]: one for one in spoken if one.id in named}
    if not found:
        raise BadQuestions("none of the person's answers is to one of the questions: their `id` or `question` must be the same")
    return found


def track(path: Path, file: Assistant) -> Track:
    """Raises ConfigError where nobody says what a person's time costs."""
    person = file.measure.person
    if person is None or person.minute is None:
        raise ConfigError("what a person's time costs is not said: set `minute` in [measure.person], or minute = 0")
    return Track(name=PERSON, filed=hashlib.sha256(path.read_bytes()).hexdigest()[:16], minute=person.minute)


def taken(case: Case, spoken: Spoken, by: Track) -> Answered:
    """What a person said, as a run keeps it, not graded yet. Who waits for a person sees the whole answer at once."""
    milliseconds = 1000 * spoken.seconds
    return Answered(
        case=case.id,
        track=by.name,
        served=by.name,
        outcome="answered",
        intent=case.intent,
        text=spoken.answer,
        cost=by.minute * spoken.seconds / 60,
        first=milliseconds,
        total=milliseconds,
    )


def told(found: Mapping[str, Spoken], spoken: Sequence[Spoken], cases: Sequence[Case]) -> str:
    """How many of the answers fit, in words."""
    rest = f", {len(spoken) - len(found)} answers are to other questions" if len(spoken) > len(found) else ""
    return f"a person answered {len(found)} of {len(cases)} questions{rest}"
