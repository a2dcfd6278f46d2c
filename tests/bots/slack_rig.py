"""A Slack channel wired to a fake Slack as the kit and the web service wire it: a store that can be down, a door for hooks."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from bots.slack.channel import Slack
from core.errors import Unavailable
from core.records import Event, HookRequest, HookResponse, Part, Turn
from core.settings import Settings, load
from tests.fakes.slack_server import APP_TOKEN, SIGNING_SECRET, TOKEN, FakeSlack


@dataclass
class Store:
    """Keeps each event id once, as the IN stream does, in the order of arrival. `down`: how many more calls fail."""

    events: dict[str, Event] = field(default_factory=dict)
    calls: int = 0
    down: int = 0

    async def accept(self, event: Event) -> None:
        self.calls += 1
        if self.down:
            self.down -= 1
            raise Unavailable
        self.events.setdefault(event.id, event)

    @property
    def texts(self) -> list[str]:
        return [event.text for event in self.events.values()]


@dataclass
class Rig:
    slack: FakeSlack
    channel: Slack
    store: Store

    async def heard(self) -> list[Event]:
        """The stored events, once Slack has nothing left to hand over."""
        await asyncio.wait_for(self.slack.settle(), 100)
        return list(self.store.events.values())


def settings(slack: FakeSlack, tmp_path: Path, **changes: str) -> Settings:
    values = {
        "SLACK_BOT_TOKEN": TOKEN,
        "SLACK_API_BASE": slack.api,
        "TURNOUT_SECRET": "a secret",
        "TURNOUT_DATA": str(tmp_path),
    }
    return load(**values | changes)


@asynccontextmanager
async def by_http(tmp_path: Path) -> AsyncIterator[Rig]:
    async with FakeSlack(patience=60) as slack:
        channel = Slack(settings(slack, tmp_path, SLACK_SIGNING_SECRET=SIGNING_SECRET))
        rig = Rig(slack, channel, Store())
        async with door(slack, lambda call: channel.hook(call, rig.store.accept)), _running(rig):
            yield rig


@asynccontextmanager
async def by_socket(tmp_path: Path) -> AsyncIterator[Rig]:
    async with FakeSlack(patience=60) as slack:
        channel = Slack(settings(slack, tmp_path, SLACK_APP_TOKEN=APP_TOKEN))
        rig = Rig(slack, channel, Store())
        async with _running(rig):
            yield rig


@asynccontextmanager
async def _running(rig: Rig) -> AsyncIterator[None]:
    task = asyncio.create_task(rig.channel.run(rig.store.accept))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await rig.channel.close()


Answer = Callable[[HookRequest], Awaitable[HookResponse]]


@asynccontextmanager
async def door(slack: FakeSlack, answer: Answer | None) -> AsyncIterator[None]:
    """Does what the web service does: hands Slack's raw calls over and the answers back. None: there is no door."""
    if answer is None:
        yield
        return

    async def serve(request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        told = await answer(HookRequest(path=request.path, headers=headers, body=await request.read()))
        return web.Response(status=told.status, headers=told.headers, body=told.body)

    app = web.Application()
    app.router.add_post("/slack/events", serve)
    runner = web.AppRunner(app, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    slack.hook = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    try:
        yield
    finally:
        await runner.cleanup()


def turn_of(event: Event, text: str, **more: object) -> Turn:
    """The committed answer to an event."""
    values: dict[str, object] = {"parts": (Part(text=text),), "asked": event.text, "address": event.address} | more
    return Turn(id=event.id, channel=event.channel, lane=event.lane, events=(event.id,), upto=1, **values)  # type: ignore[arg-type]
