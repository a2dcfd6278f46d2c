"""Questions from the log: those whose answer was cited and got a thumb up. What was cited counts as what answers them, so they
tell whether it is still found, not whether something better is missed."""

from typing import TypeVar

import structlog

from core.bus import Bus, so_far
from core.errors import RecordError
from core.evaluation.lines import name_of
from core.records import Event, Turn, decode
from core.scrub import scrub
from retrieval.evaluation.questions import Question

LOG, IN = "log.>", "in.>"
UP = "up"
SHORT = 3

Kind = TypeVar("Kind")

log = structlog.get_logger("retrieval.evaluation")


async def liked(bus: Bus) -> list[Question]:
    """In the order they were asked; of the same question the last one liked. Personal data is taken out."""
    votes: dict[str, str] = {}
    async for stored in so_far(bus, "IN", IN):
        event = _record(Event, stored.data)
        if event is not None and event.kind == "feedback":
            votes[event.target] = event.text
    found, before = dict[str, Question](), dict[str, str]()
    async for stored in so_far(bus, "LOG", LOG):
        turn = _record(Turn, stored.data)
        if turn is None or turn.outcome != "answered" or not turn.asked.strip():
            continue
        if votes.get(turn.id) == UP and turn.citations:
            question = _question(turn, before.get(turn.lane, ""))
            found[question.id] = question
        before[turn.lane] = turn.asked
    return list(found.values())


def _question(turn: Turn, before: str) -> Question:
    """A short one carries on what was asked before it, as it does for the dialog."""
    asked = scrub(turn.asked)[0]
    earlier = (scrub(before)[0],) if before and len(asked.split()) <= SHORT else ()
    return Question(
        question=asked,
        id=name_of(asked, earlier),
        before=earlier,
        sources=tuple(dict.fromkeys(citation.source for citation in turn.citations)),
        kind="log",
        slice=turn.intent,
        group=turn.lane,
    )


def _record(kind: type[Kind], data: bytes) -> Kind | None:
    """None, with a line in the log, for what is no such record: one bad message is no reason to measure nothing."""
    try:
        return decode(kind, data)
    except RecordError as error:
        log.warning("passed over", kind=kind.__name__, reason=str(error))
        return None
