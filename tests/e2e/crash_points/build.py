"""A build of Turnout for tests only: its processes kill themselves with -9 at named points of a turn and of a delivery.

    variables = install(folder)             # for a System: `turnout up` then runs this build
    Armed(folder).arm("core:after:commit")  # the next core that comes there dies there, once

A point is `<service>:<before|after>:<effect>`, an effect one thing a process does to the outside. The product has no
hooks for this. What `turnout serve NAME` runs is an entry point, and the first of a name on the path wins: `install` writes a
distribution whose entry points name this module, which wraps what the composition roots connect to (bus, leases, memory, the
channel) and otherwise runs the real services.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.crash_points.armed import DIE, HOLD, Armed
from tests.e2e.system import ROOT

FOLDER = "TURNOUT_CRASH"
HERE = "tests.e2e.crash_points.build"
ENTRY_POINTS = f"""
[turnout.services]
core = {HERE}:core
retrieval = {HERE}:retrieval
web = {HERE}:web
[turnout.hosts]
channel = {HERE}:host
[turnout.commands]
up = tests.e2e.crash_points.restart:up
"""


def install(folder: Path) -> dict[str, str]:
    """The variables under which `turnout` is this build, its points armed in `folder`."""
    distribution = folder / "turnout_crash_points-0.dist-info"
    distribution.mkdir(parents=True)
    (distribution / "METADATA").write_text("Metadata-Version: 2.1\nName: turnout-crash-points\nVersion: 0\n")
    (distribution / "entry_points.txt").write_text(ENTRY_POINTS)
    armed = Armed(folder)
    for place in (armed.to_come, armed.over):
        place.mkdir()
    return {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}", FOLDER: str(folder)}


@dataclass(frozen=True)
class Steps:
    """The steps of one process."""

    armed: Armed
    service: str

    async def step(self, effect: str, what: object, doing: Callable[[], Awaitable[Any]]) -> Any:
        await self._come_to(f"{self.service}:before:{effect}", what)
        result = await doing()
        await self._come_to(f"{self.service}:after:{effect}", what)
        return result

    async def _come_to(self, point: str, what: object) -> None:
        if self.die(point, what) == HOLD:
            while self.armed.pid(point):
                await asyncio.sleep(0.02)

    def die(self, point: str, what: object) -> str:
        """If that is what to do here."""
        order = self.armed.taken(point, what)
        if order == DIE:
            print(f"died at {point}", flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        return order

    def over(self, target: Any, **effects: Callable[..., str] | str) -> Any:
        """`target` with some of its methods as steps; an effect may depend on what the method is called with."""
        return _Stepping(self, target, effects)


class _Stepping:
    def __init__(self, steps: Steps, target: Any, effects: dict[str, Callable[..., str] | str]) -> None:
        self._steps, self._target, self._effects = steps, target, effects

    def __getattr__(self, name: str) -> Any:
        call, effect = getattr(self._target, name), self._effects.get(name)
        if effect is None:
            return call

        async def step(*args: Any, **options: Any) -> Any:
            named = effect if isinstance(effect, str) else effect(*args)
            about = (args, getattr(self._target, "message", None))
            return await self._steps.step(named, about, lambda: call(*args, **options))

        return step


class _SteppingBus(_Stepping):
    """Also what the bus hands out (deliveries) and hands over to (handlers)."""

    @asynccontextmanager
    async def consume(self, stream: str, durable: str, subject: str) -> Any:
        async with self._target.consume(stream, durable, subject) as deliveries:
            yield (self._steps.over(one, ack="ack", back="back") async for one in deliveries)

    def serve(self, service: str, handlers: dict[str, Any]) -> Any:
        return self._target.serve(service, {subject: self._handling(subject, one) for subject, one in handlers.items()})

    def _handling(self, subject: str, handler: Callable[[bytes], Awaitable[bytes]]) -> Callable[[bytes], Awaitable[bytes]]:
        async def handle(data: bytes) -> bytes:
            effect = subject.removeprefix("retrieval.").partition(".")[0]
            return await self._steps.step(effect, data, lambda: handler(data))

        return handle


def _published(subject: str, data: bytes, **_options: object) -> str:
    """accept, commit, dead; of receipts: intent (the first), next-intent (it is the receipt of the message before), receipt…"""
    from core.records import Receipt, decode

    stream = subject.partition(".")[0]
    if stream != "sent":
        return {"in": "accept", "log": "commit"}.get(stream, stream)
    receipt = decode(Receipt, data)
    if receipt.state == "intent":
        return "next-intent" if receipt.part else "intent"
    return {"done": "receipt", "sent": "pause"}.get(receipt.state, receipt.state)


def _leased(key: str, *_rest: object) -> str:
    return "preview-lease" if ":PREVIEW:" in key else "lease"


def _let_go(key: str, *_rest: object) -> str:
    return "preview-let-go" if ":PREVIEW:" in key else "let-go"


def _emitted(subject: str, data: bytes) -> str:
    return "thinking" if b'"working"' in data else subject.partition(".")[0]


def _asked(subject: str, *_rest: object) -> str:
    return subject.partition(".")[0]


def _sent(message: Any) -> str:
    return "send" if message.id.endswith(":0") else "next-send"


def _begin(service: str) -> Steps:
    """Wrap what every composition root connects to; called before any of them is imported."""
    from core import bus_nats, redis_store

    steps = Steps(Armed(Path(os.environ[FOLDER])), service)
    connect_bus, connect_store = bus_nats.connect, redis_store.connect

    @asynccontextmanager
    async def bus(*args: Any, **options: Any) -> Any:
        effects = {"publish": _published, "first_after": "look", "emit": _emitted, "request": _asked}
        async with connect_bus(*args, **options) as connected:
            yield _SteppingBus(steps, connected, effects)

    @asynccontextmanager
    async def store(url: str) -> Any:
        async with connect_store(url) as connected:
            connected.leases = steps.over(connected.leases, acquire=_leased, release=_let_go)
            connected.memory = steps.over(connected.memory, load="recall", save="memory-save")
            yield connected

    bus_nats.connect, redis_store.connect = bus, store
    return steps


async def core(settings: Any) -> None:
    _begin("core")
    from core.dialog.service import serve

    await serve(settings)


async def retrieval(settings: Any) -> None:
    steps = _begin("retrieval")
    from retrieval import manifest, service
    from retrieval.stores import shard

    for kind, names in ((shard.Shard, ("stage", "drop", "flush")), (manifest.Manifest, ("commit", "remove", "swept"))):
        for name in names:
            setattr(kind, name, _in_a_thread(steps, name, getattr(kind, name)))
    await service.serve(settings)


def _in_a_thread(steps: Steps, effect: str, call: Callable[..., Any]) -> Callable[..., Any]:
    def step(*args: Any) -> Any:
        steps.die(f"{steps.service}:before:{effect}", args)
        result = call(*args)
        steps.die(f"{steps.service}:after:{effect}", args)
        return result

    return step


async def web(settings: Any) -> None:
    steps = _begin("web")
    from bots.web import service

    application = service.application
    service.application = lambda *args: _streaming(steps, application(*args))
    await service.serve(settings)


def _streaming(steps: Steps, app: Any) -> Any:
    """The web application, each reply and each piece of one that goes to a browser a step."""

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        async def sending(message: Any) -> None:
            kind = message.get("body", b"").partition(b"event: ")[2].partition(b"\n")[0].decode()
            if kind:
                await steps.step(kind, message, lambda: send(message))
            else:
                await send(message)

        await app(scope, receive, sending)

    return wrapped


async def host(settings: Any, make_channel: Any) -> None:
    steps = _begin(sys.argv[sys.argv.index("serve") + 1])
    from bots.kit.service import serve

    await serve(settings, lambda given: steps.over(make_channel(given), deliver=_sent, show="preview", find="find"))
