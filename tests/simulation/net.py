"""The simulated network between the processes and bus, store, platforms: every call is a request and a reply, each under way
for a drawn time, and either may be lost.

A request that has left its process takes effect even if that process is killed or gives up waiting: what counts is what the
server has done, whoever still listens.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from contextvars import Context
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.simulation.loop import Loop, Process

OUTSIDE = Context()


@dataclass(frozen=True, slots=True)
class Storm:
    """Calls to a server fail by chance for a while. `refused`: at once, before any effect. `dropped`: the request goes astray.
    `deaf`: the work is done and the reply is lost. `slow`: the reply comes late."""

    server: str
    kind: str
    start: float
    end: float
    chance: float


@dataclass(slots=True)
class Link:
    """A process's connection to a server. `refused` and `unknown` make its errors: nothing was done, nobody knows. `ordered`: one
    TCP connection, requests arrive in order. `rest`: seconds after a failure in which every call fails at once."""

    server: str
    process: Process
    refused: Callable[[str], Exception]
    unknown: Callable[[str], Exception]
    patience: float
    pace: float
    ordered: bool = False
    rest: float = 0.0
    resting: float = 0.0
    arrived: float = 0.0


@dataclass
class Net:
    loop: Loop
    rng: Random
    storms: tuple[Storm, ...] = ()
    faults: Counter[str] = field(default_factory=Counter)
    told: Callable[[str, str], None] | None = None
    calm: bool = False

    def fate(self, server: str) -> str:
        """What becomes of a call made now: "" or a kind of storm."""
        if self.calm:
            return ""
        for storm in self.storms:
            if storm.server == server and storm.start <= self.loop.now < storm.end and self.rng.random() < storm.chance:
                self.faults[f"{server} {storm.kind}"] += 1
                return storm.kind
        return ""

    def away(self, server: str) -> float:
        """Seconds until a server that answers nobody is back; 0 when it is not away."""
        if self.calm:
            return 0.0
        now = self.loop.now
        ends = [s.end for s in self.storms if s.server == server and s.chance == 1.0 and s.start <= now < s.end]
        return max(ends, default=now) - now

    def delay(self, pace: float) -> float:
        return pace * (0.2 + 1.6 * self.rng.random())

    async def call(self, link: Link, what: str, effect: Callable[[], Any]) -> Any:
        """Carry out `effect` at the server and bring back what it returns or raises."""
        loop = self.loop
        if loop.ended:
            raise asyncio.CancelledError
        if loop.now < link.resting:
            raise link.refused("resting")
        fate = self.fate(link.server)
        if self.told:
            self.told(link.process.name, f"{link.server} {what}{f' [{fate}]' if fate else ''}")
        if fate == "refused":
            await asyncio.sleep(self.delay(link.pace))
            link.resting = loop.now + link.rest
            raise link.refused("connection refused")
        reply = loop.create_future()
        if fate != "dropped":
            self._later(self._arrival(link), self._serve, reply, effect, fate, link)
        timer = loop.call_later(link.patience, self._give_up, reply, link)
        try:
            return await reply
        finally:
            timer.cancel()

    def send(self, link: Link, what: str, effect: Callable[[], Any]) -> None:
        """A request nobody replies to: it may be lost without a word."""
        if self.loop.ended:
            raise asyncio.CancelledError
        fate = self.fate(link.server)
        if self.told:
            self.told(link.process.name, f"{link.server} {what}{f' [{fate}]' if fate else ''}")
        if fate not in ("refused", "dropped"):
            self._later(self._arrival(link), effect)

    def outside(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run something that belongs to no process."""
        return self.loop.create_task(work, context=OUTSIDE.copy())

    def _later(self, when: float, work: Callable[..., Any], *args: Any) -> None:
        self.loop.call_at(when, work, *args, context=OUTSIDE)

    def _arrival(self, link: Link) -> float:
        at = self.loop.now + self.delay(link.pace)
        if link.ordered:
            at = link.arrived = max(at, link.arrived)
        return at

    def _serve(self, reply: "asyncio.Future[Any]", effect: Callable[[], Any], fate: str, link: Link) -> None:
        try:
            value, error = effect(), None
        except Exception as raised:  # noqa: BLE001  (it is the reply)
            value, error = None, raised
        back = self.loop.now + self.delay(link.pace)
        if fate == "deaf":
            if self.rng.random() < 0.5:  # the connection is cut; else silence, until the caller gives up
                self._later(back, self._give_up, reply, link)
            return
        if fate == "slow":
            back += self.rng.choice((0.1, 0.4, 2.0, 6.0))
        self._later(back, self._answer, reply, value, error)

    def _answer(self, reply: "asyncio.Future[Any]", value: Any, error: Exception | None) -> None:
        if reply.done():
            return
        if error is None:
            reply.set_result(value)
        else:
            reply.set_exception(error)

    def _give_up(self, reply: "asyncio.Future[Any]", link: Link) -> None:
        if not reply.done():
            link.resting = self.loop.now + link.rest
            reply.set_exception(link.unknown("no reply"))


def at_once(work: Coroutine[Any, Any, Any]) -> Any:
    """What a twin's method returns: it waits for nothing."""
    try:
        work.send(None)
    except StopIteration as stop:
        return stop.value
    work.close()
    raise AssertionError("a twin waited")
