"""The points at which processes die, by what they do, and the cases made of them: a channel's question and who dies over it.

`python -m tests.e2e.crash_points.cases` prints them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.e2e.town import AT_LENGTH, SLOWLY


def both(*effects: str) -> tuple[str, ...]:
    return tuple(f"{when}:{effect}" for effect in effects for when in ("before", "after"))


def after(*effects: str) -> tuple[str, ...]:
    """Where one effect follows another, after the one is before the other."""
    return tuple(f"after:{effect}" for effect in effects)


TURN = (
    "before:lease",
    *after("lease", "look", "recall", "retrieval", "live"),
    "before:commit",
    *after("commit", "memory-save", "ack", "let-go"),
)
"""A turn in the core: the lane's lease, its next message, memory, a search, a piece of the answer, the log, memory, the end."""
SEARCH = both("search")
"""Retrieval, asked by the core."""
RECEIVE = both("accept")
"""A message is stored; after it, the platform has not yet been told."""
HOOK = both("hook")
"""A webhook call: in the web service on its way to the channel's process, in the channel's process while it is answered."""
DELIVER = (
    "before:lease",
    *after("lease", "look"),
    *both("preview"),
    "before:intent",
    *after("intent", "send", "pause", "next-intent", "next-send", "receipt", "ack", "let-go"),
)
"""A delivery in two messages or more. `pause`: the platform has asked to slow down. `next-intent` is also the receipt of the
message before: what falls there falls between the parts."""
PAGE = both("accept", "delta", "reply")
"""The web service: a message is stored, a piece of an answer and a whole one go to a browser."""

HOW = dict.fromkeys(("next-intent", "next-send"), AT_LENGTH) | dict.fromkeys(("live", "preview", "delta"), SLOWLY)
"""The kind of answer that comes by an effect."""


@dataclass(frozen=True)
class Case:
    """Somebody asks on a channel, and the process dies at each of the points in turn."""

    channel: str
    service: str
    points: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        return [f"{self.service}:{point}" for point in self.points]

    @property
    def how(self) -> str:
        return next((HOW[effect] for point in self.points if (effect := point.partition(":")[2]) in HOW), "")

    def __str__(self) -> str:
        return f"{self.service:<9} {' '.join(self.points):<24} {self.channel}"


def each(channel: str, service: str, points: Sequence[str]) -> Iterator[Case]:
    return (Case(channel, service, (point,)) for point in points)


POLLING = [
    *each("telegram", "telegram", (*RECEIVE, *DELIVER)),
    *each("slack", "slack", RECEIVE),
    *each("web", "web", PAGE),
    *each("web", "retrieval", SEARCH),
]
"""Of a system that polls Telegram and holds a socket to Slack."""
CALLED = [
    *each("slack", "slack", (*RECEIVE, *HOOK, *DELIVER)),
    *(Case("slack", "slack", ("after:send", point)) for point in both("find")),
    *each("telegram", "telegram", (*RECEIVE, *HOOK)),
    *(case for channel in ("telegram", "slack") for case in each(channel, "web", HOOK)),
]
"""Of one that Telegram and Slack call. A delivery is the same in both, so each channel's stands in one of them."""
CORE = [case for point in TURN for channel in ("telegram", "slack", "web") for case in each(channel, "core", (point,))]
"""The deaths of the core come alone: a question that is in its hands at three of them counts as poison."""


if __name__ == "__main__":
    print(*POLLING, *CALLED, *CORE, sep="\n")
