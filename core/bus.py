"""The bus: everything services say to each other goes through this contract.

Two kinds of message. *Stored* ones live in streams (`STREAMS`), are published with an id (the same id twice is stored
once within the duplicate window) and, where asked, only if the subject still stands where the writer believes it does.
*Passing* ones (`emit`, `request`) are gone when nobody listens.

The stream KV_turnout is a key-value bucket of NATS (`nats kv get turnout KEY`): the subject `$KV.turnout.KEY` is a key and its
last message the value, so `last` gets, `publish` with the place it stands at compares and sets, and `follow` watches.

`core.bus_nats.connect` is NATS with JetStream; `core.bus_memory.MemoryBus` its in-memory twin, which passes the same suite.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

Handler = Callable[[bytes], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream's settings. `days` (0: for ever) and `megabytes` bound it; when full it refuses new messages, never drops old
    ones. `history`: of each subject so many messages are kept, and a newer one takes the oldest's place (0: all are kept)."""

    name: str
    subjects: tuple[str, ...]
    days: int
    megabytes: int
    history: int = 0


STREAMS = (
    Stream("IN", ("in.>",), days=14, megabytes=2048),
    Stream("LOG", ("log.>",), days=3650, megabytes=16384),
    Stream("SENT", ("sent.>",), days=30, megabytes=2048),
    Stream("DEAD", ("dead.>",), days=90, megabytes=512),
    Stream("KV_turnout", ("$KV.turnout.>",), days=0, megabytes=256, history=1),
)

ACK_WAIT = 8.0
"""Seconds after which a delivery that was neither acknowledged nor touched comes again: lease and this bound a recovery."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A message of a stream; `seq` is its place there, counted from 1."""

    subject: str
    data: bytes
    seq: int


@dataclass(frozen=True, slots=True)
class Ack:
    """What a publish returns: the place it is stored at, and whether that id was there before."""

    seq: int
    duplicate: bool = False


class Delivery(Protocol):
    """A stored message handed to one worker of a durable consumer, until it is acknowledged or given back. No method raises:
    what the server did not hear comes again."""

    @property
    def message(self) -> Stored: ...

    @property
    def tries(self) -> int:
        """How often it has been delivered, this time included."""

    async def ack(self) -> None: ...

    async def back(self, delay: float) -> None:
        """Give it back: it is delivered again after `delay` seconds, to any worker."""

    async def touch(self) -> None:
        """Say that it is still being worked on."""


class Bus(Protocol):
    """Raises Unavailable when the server does not answer in time; every other error is named at its method."""

    async def publish(self, subject: str, data: bytes, *, id: str, last: int | None = None) -> Ack:
        """Store a message; returns once it is on disk. With `last`, only if the subject's last message has that sequence
        (0: it has none), else Conflict. Full when the stream takes no more."""

    async def first_after(self, stream: str, subject: str, seq: int) -> Stored | None:
        """The first message of exactly this subject with a sequence greater than `seq`."""

    async def last(self, stream: str, subject: str) -> Stored | None:
        """The last message of this subject (wildcards allowed)."""

    async def read(self, stream: str, seq: int) -> Stored | None:
        """The message at a sequence, None where it has gone."""

    def consume(self, stream: str, durable: str, subject: str) -> AbstractAsyncContextManager[AsyncIterator[Delivery]]:
        """Deliveries of a durable consumer (made if missing), shared with every other worker that names it."""

    async def waiting(self, stream: str, durable: str) -> int:
        """How many messages a durable consumer is not through with: not delivered yet, or not acknowledged. 0 where nobody has
        consumed yet."""

    def follow(self, stream: str, subject: str, after: int) -> AbstractAsyncContextManager[AsyncIterator[Stored]]:
        """Every message of the subject (wildcards allowed) after a sequence, in order, then new ones as they come."""

    async def emit(self, subject: str, data: bytes) -> None:
        """To whoever listens now; at most once."""

    def listen(self, subject: str) -> AbstractAsyncContextManager[AsyncIterator[Stored]]:
        """Passing messages of a subject (wildcards allowed); `seq` is 0. A slow listener loses the oldest."""

    async def request(self, subject: str, data: bytes, *, timeout: float) -> bytes:
        """Ask one of those who serve the subject. Unavailable when nobody does or the time is over."""

    def serve(self, service: str, handlers: Mapping[str, Handler]) -> AbstractAsyncContextManager[None]:
        """Answer requests by subject, as a discoverable micro service; its replicas share the load."""


async def so_far(bus: Bus, stream: str, subject: str) -> AsyncIterator[Stored]:
    """Every message of the subject (wildcards allowed) up to its present end, in order."""
    newest = await bus.last(stream, subject)
    if newest is None:
        return
    async with bus.follow(stream, subject, after=0) as messages:
        async for message in messages:
            yield message
            if message.seq >= newest.seq:
                return
