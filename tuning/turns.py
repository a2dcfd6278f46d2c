"""The log as conversations."""

from collections import Counter
from dataclasses import dataclass, field

from core import keys
from core.bus import Bus, so_far
from core.errors import RecordError
from core.records import Turn, decode

LOG = "log.>"
PAUSE = 24 * 3600.0
"""Seconds of silence after which a lane's next turn begins another conversation."""


@dataclass(slots=True)
class Conversation:
    """The usable turns of a lane between two long silences; `number` counts those of the lane from 0."""

    lane: str
    number: int
    turns: list[Turn]


@dataclass(slots=True)
class Reading:
    """What was read: log sequences `first` to `last`, `turns` of them in all, and why some are `left_out`."""

    first: int = 0
    last: int = 0
    turns: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    conversations: list[Conversation] = field(default_factory=list)


async def read(bus: Bus, *, since: float = 0.0) -> Reading:
    """Every conversation of the log up to its present end, from `since` (Unix seconds) on."""
    reading = Reading()
    open_lanes: dict[str, Conversation] = {}
    async for message in so_far(bus, "LOG", LOG):
        reading.first = reading.first or message.seq
        reading.last = message.seq
        try:
            turn = decode(Turn, message.data)
        except RecordError:
            reading.left_out["unreadable"] += 1
            continue
        if turn.at < since:
            continue
        reading.turns += 1
        if why := _unusable(turn):
            reading.left_out[why] += 1
            continue
        current = open_lanes.get(turn.lane)
        if current is None or turn.at - current.turns[-1].at > PAUSE:
            current = Conversation(turn.lane, current.number + 1 if current else 0, [])
            open_lanes[turn.lane] = current
            reading.conversations.append(current)
        current.turns.append(turn)
    return reading


def _unusable(turn: Turn) -> str:
    """Why nothing can be learned from a turn, "" where something can."""
    if turn.channel == keys.EVALUATION:
        return "asked to measure"
    if turn.outcome != "answered":
        return turn.outcome
    if turn.track == "template":
        return "template"
    return "" if turn.asked.strip() and turn.text.strip() else "empty"
