"""The real web service on a free port, and a client that reads its server-sent events."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from bots.web.service import serve
from core.settings import Settings, load
from tests.fakes.ports import free_port

ASSISTANT = """
[assistant]
name = "Pedal & Path"
default_route = ["prompt"]
greeting = "Hello! What can I do for you?"
suggestions = ["How long do I have to return a bike?", "Where is my order?"]
"""


def settings_for(nats_url: str, folder: Path, **more: str) -> Settings:
    file = folder / "assistant.toml"
    file.write_text(ASSISTANT)
    given = {
        "NATS_URL": nats_url,
        "REDIS_URL": "redis://not-used-here",
        "TURNOUT_ASSISTANT": file,
        "TURNOUT_DATA": folder,
        "TURNOUT_SECRET": "a secret of the tests",
        "TURNOUT_SERVICES": "web",
        "TURNOUT_HTTP": f"127.0.0.1:{free_port()}",
    }
    return load(**(given | more))


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator["Front"]:
    """The service, listening; cancelled at the end, as `turnout serve` does."""
    task = asyncio.create_task(serve(settings))
    async with httpx.AsyncClient(base_url=f"http://{settings.http}", timeout=60) as client:
        front = Front(client, settings, task)
        while not await front.lives():
            if task.done():
                task.result()
            await asyncio.sleep(0.01)
        try:
            yield front
        finally:
            await front.stop()


@dataclass
class Front:
    client: httpx.AsyncClient
    settings: Settings
    task: "asyncio.Task[None]"

    async def lives(self) -> bool:
        try:
            return (await self.client.get("/healthz")).status_code == 200
        except httpx.TransportError:
            return False

    async def stop(self) -> None:
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task

    async def session(self) -> "Talk":
        made = (await self.client.post("/v1/sessions")).json()
        return Talk(self.client, made["session"], made["token"])


@dataclass
class Talk:
    client: httpx.AsyncClient
    session: str
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}

    async def post(self, id: str, text: str) -> httpx.Response:
        return await self.client.post("/v1/messages", json={"id": id, "text": text}, headers=self.headers)

    async def say(self, id: str, text: str) -> str:
        response = await self.post(id, text)
        assert response.status_code == 202, response.text
        return str(response.json()["turn"])

    @asynccontextmanager
    async def events(self, last: str = "") -> AsyncIterator["Events"]:
        headers = self.headers | ({"last-event-id": last} if last else {})
        async with self.client.stream("GET", "/v1/events", headers=headers) as response:
            assert response.status_code == 200, await response.aread()
            yield Events(response.aiter_lines())


@dataclass
class Event:
    name: str
    id: str
    data: dict


@dataclass
class Events:
    lines: AsyncIterator[str]
    all: list[Event] = field(default_factory=list)

    async def next(self) -> Event:
        fields: dict[str, str] = {}
        async for line in self.lines:
            name, _, value = line.partition(": ")
            if line:
                fields[name] = value
            elif "data" in fields:
                self.all.append(Event(fields["event"], fields.get("id", ""), json.loads(fields["data"])))
                return self.all[-1]
            else:
                fields = {}
        raise EOFError

    async def until(self, name: str) -> Event:
        while (event := await self.next()).name != name:
            pass
        return event

    async def replies(self, count: int) -> list[Event]:
        return [await self.until("reply") for _ in range(count)]

    async def past(self) -> list[Event]:
        """The replies that come before the stream says that everything so far has been told."""
        replies = []
        while (event := await self.next()).name != "state" or event.data["state"] != "ready":
            replies += [event] if event.name == "reply" else []
        return replies
