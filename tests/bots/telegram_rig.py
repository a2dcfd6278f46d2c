"""The Telegram channel wired to a fake Telegram as the kit and the web service wire it, with a store that can be down."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from bots.kit.contract import Accept
from bots.telegram.channel import Telegram
from core.errors import Full, Unavailable
from core.records import Event, HookRequest
from core.settings import Settings, load
from tests.fakes.telegram_server import FakeTelegram

SECRET = "a-webhook-secret-of-32-characters"


@dataclass
class Store:
    """Keeps each event id once, as the IN stream does. `down`: how many more calls fail."""

    events: dict[str, Event] = field(default_factory=dict)
    calls: int = 0
    down: int = 0

    async def accept(self, event: Event) -> None:
        self.calls += 1
        if self.down:
            self.down -= 1
            raise Full if self.down % 2 else Unavailable
        self.events.setdefault(event.id, event)

    @property
    def all(self) -> list[Event]:
        return list(self.events.values())

    @property
    def texts(self) -> list[str]:
        return [event.text for event in self.all]


def settings(platform: FakeTelegram, data: Path, **more: str) -> Settings:
    values = {"TELEGRAM_BOT_TOKEN": platform.token, "TELEGRAM_API_BASE": platform.base, "TURNOUT_SECRET": "a secret"}
    return load(**values, TURNOUT_DATA=str(data), **more)


@asynccontextmanager
async def running(channel: Telegram, accept: Accept) -> AsyncIterator[None]:
    task = asyncio.create_task(channel.run(accept))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await channel.close()


@asynccontextmanager
async def polling(platform: FakeTelegram, data: Path, store: Store) -> AsyncIterator[Telegram]:
    channel = Telegram(settings(platform, data))
    async with running(channel, store.accept):
        yield channel


@asynccontextmanager
async def hooked(platform: FakeTelegram, data: Path, store: Store) -> AsyncIterator[str]:
    """By webhook; gives the address. The front does what the web service does: hands the call over and the answer back."""
    app = web.Application()
    runner = web.AppRunner(app, shutdown_timeout=0.05)

    async def front(request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        call = HookRequest(path=request.path, headers=headers, body=await request.read())
        try:
            answer = await channel.hook(call, store.accept)
        except (Unavailable, Full):
            return web.Response(status=503)
        return web.Response(status=answer.status, body=answer.body)

    app.router.add_post("/telegram/webhook", front)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/telegram/webhook"
    channel = Telegram(settings(platform, data, TELEGRAM_WEBHOOK_URL=url, TELEGRAM_WEBHOOK_SECRET=SECRET))
    try:
        async with running(channel, store.accept):
            yield url
    finally:
        await runner.cleanup()
