"""The in-memory twin of the bus: the same meaning within one process, for tests and for trying a channel without servers.

It keeps everything until the process ends (streams' `days` are not applied) and passes the suite of the real one.
"""

import asyncio
import itertools
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import structlog

from core.bus import ACK_WAIT, STREAMS, Ack, Delivery, Handler, Stored, Stream
from core.errors import BusError, Conflict, Full, Unavailable
from core.leases import now

log = structlog.get_logger("core.bus")

HEARD = 4096
DUPLICATES = 600.0


def matches(pattern: str, subject: str) -> bool:
    """NATS wildcards: `*` is one token, `>` at the end one or more."""
    wanted, tokens = pattern.split("."), subject.split(".")
    for place, token in enumerate(wanted):
        if token == ">":
            return len(tokens) > place
        if place >= len(tokens) or token not in ("*", tokens[place]):
            return False
    return len(tokens) == len(wanted)


@dataclass
class _Kept:
    """One stream; sequence n is at place n - 1, None where a newer message of its subject took its place."""

    settings: Stream
    messages: list[Stored | None] = field(default_factory=list)
    by_subject: dict[str, list[Stored]] = field(default_factory=dict)
    ids: dict[str, tuple[int, float]] = field(default_factory=dict)
    size: int = 0


@dataclass
class _Durable:
    """A durable consumer: the next sequence never delivered, and what is out with the time it comes back."""

    subject: str
    next: int = 1
    out: dict[int, float] = field(default_factory=dict)
    tries: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MemoryDelivery:
    bus: "MemoryBus"
    durable: _Durable
    message: Stored
    tries: int

    async def ack(self) -> None:
        self.durable.out.pop(self.message.seq, None)

    async def back(self, delay: float) -> None:
        self._until(delay)

    async def touch(self) -> None:
        self._until(self.bus.ack_wait)

    def _until(self, seconds: float) -> None:
        if self.message.seq in self.durable.out:
            self.durable.out[self.message.seq] = self.bus.clock() + seconds
            self.bus.wake()


class MemoryBus:
    """`clock` gives seconds and decides when a delivery comes back and an id is forgotten."""

    def __init__(
        self,
        *,
        streams: Sequence[Stream] = STREAMS,
        ack_wait: float = ACK_WAIT,
        clock: Callable[[], float] = now,
    ) -> None:
        self.ack_wait, self.clock = ack_wait, clock
        self._kept = {stream.name: _Kept(stream) for stream in streams}
        self._durables: dict[tuple[str, str], _Durable] = {}
        self._listeners: list[tuple[str, deque[Stored], asyncio.Event]] = []
        self._handlers: dict[str, list[Handler]] = {}
        self._turns = itertools.count()
        self._changed = asyncio.Event()

    def wake(self) -> None:
        """Let everyone who waits for messages look again."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def publish(self, subject: str, data: bytes, *, id: str, last: int | None = None) -> Ack:
        kept = self._stream_of(subject)
        seq, at = kept.ids.get(id, (0, 0.0))
        if seq and self.clock() - at < DUPLICATES:
            return Ack(seq, duplicate=True)
        line = kept.by_subject.setdefault(subject, [])
        stands = line[-1].seq if line else 0
        if last is not None and last != stands:
            again = next((message for message in line if message.seq > last), None)
            if seq and again is not None and again.seq == seq:
                return Ack(seq, duplicate=True)
            raise Conflict(f"wrong last sequence: {stands} ({subject})")
        if kept.size + len(data) > kept.settings.megabytes * 1024 * 1024:
            raise Full(f"maximum bytes exceeded ({subject})")
        message = Stored(subject, data, len(kept.messages) + 1)
        kept.messages.append(message)
        line.append(message)
        kept.ids[id] = (message.seq, self.clock())
        kept.size += len(data)
        if kept.settings.history and len(line) > kept.settings.history:
            gone = line.pop(0)
            kept.messages[gone.seq - 1] = None
            kept.size -= len(gone.data)
        self.wake()
        return Ack(message.seq)

    async def first_after(self, stream: str, subject: str, seq: int) -> Stored | None:
        return next((message for message in self._kept[stream].by_subject.get(subject, ()) if message.seq > seq), None)

    async def last(self, stream: str, subject: str) -> Stored | None:
        lines = (line for name, line in self._kept[stream].by_subject.items() if line and matches(subject, name))
        return max((line[-1] for line in lines), key=lambda message: message.seq, default=None)

    async def read(self, stream: str, seq: int) -> Stored | None:
        messages = self._kept[stream].messages
        return messages[seq - 1] if 0 < seq <= len(messages) else None

    @asynccontextmanager
    async def consume(self, stream: str, durable: str, subject: str) -> AsyncIterator[AsyncIterator[Delivery]]:
        kept, state = self._kept[stream], self._durables.setdefault((stream, durable), _Durable(subject))

        async def deliveries() -> AsyncIterator[Delivery]:
            while True:
                changed = self._changed
                message = self._due(kept, state, subject)
                if message is None:
                    await self._wait(changed, min(state.out.values()) - self.clock() if state.out else None)
                    continue
                state.out[message.seq] = self.clock() + self.ack_wait
                state.tries[message.seq] = state.tries.get(message.seq, 0) + 1
                yield MemoryDelivery(self, state, message, state.tries[message.seq])

        yield deliveries()

    async def waiting(self, stream: str, durable: str) -> int:
        state = self._durables.get((stream, durable))
        if state is None:
            return 0
        behind = self._kept[stream].messages[state.next - 1 :]
        return len(state.out) + sum(matches(state.subject, message.subject) for message in behind if message)

    @asynccontextmanager
    async def follow(self, stream: str, subject: str, after: int) -> AsyncIterator[AsyncIterator[Stored]]:
        kept = self._kept[stream]

        async def messages() -> AsyncIterator[Stored]:
            seen = after
            while True:
                changed = self._changed
                for seq, message in enumerate(kept.messages[seen:], seen + 1):
                    seen = seq
                    if message and matches(subject, message.subject):
                        yield message
                if seen >= len(kept.messages):
                    await self._wait(changed, None)

        yield messages()

    async def emit(self, subject: str, data: bytes) -> None:
        for pattern, heard, some in self._listeners:
            if matches(pattern, subject):
                heard.append(Stored(subject, data, 0))
                some.set()

    @asynccontextmanager
    async def listen(self, subject: str) -> AsyncIterator[AsyncIterator[Stored]]:
        heard: deque[Stored] = deque(maxlen=HEARD)
        some = asyncio.Event()

        async def messages() -> AsyncIterator[Stored]:
            while True:
                await some.wait()
                while heard:
                    yield heard.popleft()
                some.clear()

        entry = (subject, heard, some)
        self._listeners.append(entry)
        try:
            yield messages()
        finally:
            self._listeners.remove(entry)

    async def request(self, subject: str, data: bytes, *, timeout: float) -> bytes:
        handlers = self._handlers.get(subject)
        if not handlers:
            raise Unavailable(f"nobody answers on {subject}")
        handler = handlers[next(self._turns) % len(handlers)]
        try:
            async with asyncio.timeout(timeout) as limit:
                return await handler(data)
        except Exception as error:  # the boundary: whatever a handler raises is the requester's to know
            if isinstance(error, TimeoutError) and limit.expired():
                raise Unavailable(f"no answer on {subject} within {timeout:g} s") from None
            log.exception("request failed", subject=subject)
            raise Unavailable(f"{subject}: {type(error).__name__}: {error}") from None

    @asynccontextmanager
    async def serve(self, service: str, handlers: Mapping[str, Handler]) -> AsyncIterator[None]:
        for subject, handler in handlers.items():
            self._handlers.setdefault(subject, []).append(handler)
        try:
            yield
        finally:
            for subject, handler in handlers.items():
                self._handlers[subject].remove(handler)

    def _stream_of(self, subject: str) -> _Kept:
        for kept in self._kept.values():
            if any(matches(pattern, subject) for pattern in kept.settings.subjects):
                return kept
        raise BusError(f"no stream takes {subject}")

    def _due(self, kept: _Kept, state: _Durable, subject: str) -> Stored | None:
        now = self.clock()
        for seq in sorted(state.out):
            if state.out[seq] > now:
                continue
            if again := kept.messages[seq - 1]:
                return again
            del state.out[seq]
        for seq, message in enumerate(kept.messages[state.next - 1 :], state.next):
            state.next = seq + 1
            if message and matches(subject, message.subject):
                return message
        return None

    async def _wait(self, changed: asyncio.Event, seconds: float | None) -> None:
        try:
            async with asyncio.timeout(seconds):
                await changed.wait()
        except TimeoutError:
            return
