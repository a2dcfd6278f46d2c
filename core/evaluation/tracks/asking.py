"""One question asked of one track through the running services, as any channel would: published on IN, answered in LOG.

Ids are made of the run, the case and the track, so that what was asked before a crash is found in the log and not asked again.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from core import keys
from core.bus import Bus
from core.errors import Unavailable
from core.evaluation.tracks.records import Case
from core.records import Event, Live, Turn, Usage, decode, encode

EVERY = "*"
HEALTH_SECONDS = 10.0
GRACE = 60.0
"""Seconds more than a whole answer may take until it is believed that none will come."""


@dataclass(frozen=True, slots=True)
class Heard:
    """The turn that answers a case; `usage` of all turns it took, `first` milliseconds to the first token; `reused`: the log
    had it already."""

    turn: Turn
    usage: Usage
    first: float
    calls: int
    reused: bool


@dataclass(slots=True)
class _Watch:
    """A turn that is waited for, and when its first words came."""

    done: "asyncio.Future[Turn]"
    began: float = 0.0
    first: float = 0.0


@dataclass(slots=True)
class Asking:
    """Asks for one run; made by `asking`, which listens for it."""

    bus: Bus
    keys: keys.Keys
    run: str
    seconds: float
    _waiting: dict[str, _Watch] = field(default_factory=dict)

    async def ask(self, case: Case, track: str, *, again: int = 0) -> Heard:
        """What the track makes of the case, in a conversation of its own in which `before` was said first. `again` asks so many
        questions later in the same conversation. Raises Unavailable when no answer comes."""
        lane = self.keys.lane(keys.EVALUATION, self.run, case.id, track)
        usage, calls, heard = Usage(), 0, None
        for number, text in enumerate((*case.before, *([case.question] * (again + 1)))):
            event = self._event(case, track, lane, number, text)
            heard = await self._answered(event)
            usage, calls = usage + heard.turn.usage, calls + 1
        assert heard is not None, "a case has a question"
        return Heard(heard.turn, usage, heard.first, calls, heard.reused)

    async def check(self) -> None:
        """Raises Unavailable where no core answers."""
        try:
            await self.bus.request(keys.health("core"), b"", timeout=HEALTH_SECONDS)
        except Unavailable as error:
            told = "the core does not answer: start it with `turnout up` or `turnout serve core`, then go on"
            raise Unavailable(f"{told} ({error})") from None

    def _event(self, case: Case, track: str, lane: str, number: int, text: str) -> Event:
        return Event(
            id=self.keys.event(keys.EVALUATION, self.run, f"{case.id}/{track}/{number}"),
            channel=keys.EVALUATION,
            lane=lane,
            text=text,
            at=time.time(),
            group="",
            track=track,
            intent=case.intent,
            audiences=case.audience,
        )

    async def _answered(self, event: Event) -> Heard:
        watch = self._waiting[event.id] = _Watch(asyncio.get_running_loop().create_future())
        try:
            if known := await self._known(event):
                return Heard(known, known.usage, _told_first(known), 1, reused=True)
            await self.bus.publish(keys.into(event.channel, event.lane), encode(event), id=event.id)
            async with asyncio.timeout(self.seconds + GRACE):
                turn = await watch.done
        except TimeoutError:
            raise Unavailable(f"no answer in {self.seconds + GRACE:.0f} s") from None
        finally:
            del self._waiting[event.id]
        first = (watch.first - watch.began) * 1000 if watch.first and watch.began else _told_first(turn)
        return Heard(turn, turn.usage, first, 1, reused=False)

    async def _known(self, event: Event) -> Turn | None:
        """The turn that the log holds of it already."""
        subject, seq = keys.log(event.channel, event.lane), 0
        while stored := await self.bus.first_after("LOG", subject, seq):
            seq, turn = stored.seq, decode(Turn, stored.data)
            if event.id in turn.events:
                return turn
        return None

    async def follow(self, after: int) -> None:
        async with self.bus.follow("LOG", keys.log(keys.EVALUATION, EVERY), after) as turns:
            async for stored in turns:
                self._heard(decode(Turn, stored.data))

    def _heard(self, turn: Turn) -> None:
        for id in turn.events:
            if (watch := self._waiting.get(id)) and not watch.done.done():
                watch.done.set_result(turn)

    async def listen(self) -> None:
        """When the making of an answer began, and when its first words came."""
        async with self.bus.listen(keys.live(keys.EVALUATION, EVERY)) as pieces:
            async for piece in pieces:
                live = decode(Live, piece.data)
                watch = self._waiting.get(live.turn)
                if watch and live.state == "working":
                    watch.began = time.perf_counter()
                elif watch and live.text and not watch.first:
                    watch.first = time.perf_counter()


def _told_first(turn: Turn) -> float:
    """Milliseconds to the first token, as the turn's own clock tells where nobody listened; 0 where it does not."""
    first = turn.timings.get("first_token", 0.0)
    return first + sum(turn.timings.get(step, 0.0) for step in ("memory", "intent", "retrieve")) if first else 0.0


@asynccontextmanager
async def asking(bus: Bus, secret: bytes, run: str, *, seconds: float) -> AsyncIterator[Asking]:
    """`seconds`: what a whole answer may take. Raises Unavailable where no core answers."""
    made = Asking(bus, keys.Keys(secret), run, seconds)
    await made.check()
    last = await bus.last("LOG", keys.log(keys.EVALUATION, EVERY))
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(made.follow(last.seq if last else 0)), group.create_task(made.listen())]
        yield made
        for task in tasks:
            task.cancel()
