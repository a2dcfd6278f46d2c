"""One lane in a worker's hands: where it stands, what waits in it, and the fenced commit. `core.lanes` hands lanes out."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from core.bus import Bus, Stored
from core.errors import Conflict, Full, Unavailable

DELAYS = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0, None)
"""Seconds between the tries of a commit: an answer that took half a minute to make is not thrown away lightly."""


@dataclass(frozen=True, slots=True)
class Line:
    """`sink_subject` builds the sink's subject of a lane from (channel, lane); `done` reads from a sink message up to which
    source sequence the lane is finished. `deaths`: how many holders may die over one message before it is given up."""

    source: str
    subject: str
    durable: str
    sink: str
    sink_subject: Callable[[str, str], str]
    done: Callable[[bytes], int]
    deaths: int = 3


@dataclass(slots=True)
class Lane:
    """One conversation's line in our hands. `upto` is the source sequence up to which it is finished, `at` the sequence of its
    last message in the sink (0: none). `left` is that message when the last holder crashed. `newer` is set when another
    message arrived while we work.
    """

    bus: Bus
    line: Line
    channel: str
    id: str
    subject: str
    upto: int = 0
    at: int = 0
    left: Stored | None = None
    newer: asyncio.Event = field(default_factory=asyncio.Event)

    async def after(self, seq: int) -> Stored | None:
        """The lane's first message in the source after a sequence."""
        return await self.bus.first_after(self.line.source, self.subject, seq)

    async def commit(self, data: bytes, *, id: str, upto: int) -> int:
        """Store `data` as the lane's next message in the sink; returns its sequence. Waits while the bus is away or full.

        Raises Conflict when the sink moved on, by another worker or by this very commit whose reply was lost: what counts
        is then what stands in the sink.
        """
        subject = self.line.sink_subject(self.channel, self.id)
        for delay in DELAYS:
            try:
                ack = await self.bus.publish(subject, data, id=id, last=self.at)
                break
            except (Unavailable, Full):
                if delay is None:
                    raise
                await asyncio.sleep(delay)
        if ack.duplicate:
            raise Conflict(f"{id} is committed already")
        self.at, self.upto = ack.seq, max(self.upto, upto)
        return ack.seq

    def skip(self, seq: int) -> None:
        """Leave a message without a commit: it was answered under another sequence."""
        self.upto = max(self.upto, seq)

    async def look(self) -> None:
        """Learn from the sink where the lane stands; at its beginning, where the sink holds nothing of it."""
        self.left = await self.bus.last(self.line.sink, self.line.sink_subject(self.channel, self.id))
        self.at, self.upto = (self.left.seq, self.line.done(self.left.data)) if self.left else (0, 0)

    @property
    def note(self) -> str:
        return f"{self.upto}:{self.at}"

    def read_note(self, note: str) -> None:
        upto, _, at = note.partition(":")
        self.upto, self.at = int(upto), int(at)


Work = Callable[[Lane, Stored], Awaitable[None]]
"""Carries one message to its commit (or `skip`). Raising counts as a failed try."""
GiveUp = Callable[[Lane, Stored, str, int], Awaitable[None]]
"""Commits that a message is given up, for a reason, after so many tries."""
