"""Turnout as people run it: processes in a folder of their own, met from outside."""

import asyncio
import json
import os
import signal
import sys
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.fakes.ports import free_port

ROOT = Path(__file__).parents[2]
TURNOUT = str(Path(sys.executable).with_name("turnout"))


async def until(true: Callable[[], object], seconds: float = 120) -> None:
    """Until a condition holds; TimeoutError when it does not."""
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.05)


@dataclass
class System:
    """`turnout up` with some variables; `services` besides those that start by themselves."""

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    port: int = field(default_factory=free_port)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        clean = {
            k: v for k, v in os.environ.items() if not k.startswith(("TURNOUT", "OPENAI", "TELEGRAM", "SLACK", "NATS", "REDIS"))
        }
        own = {"TURNOUT_DATA": str(self.folder / "data"), "TURNOUT_HTTP": f"127.0.0.1:{self.port}", "TURNOUT_LOG": "json"}
        return clean | own | self.variables

    @property
    def log(self) -> str:
        path = self.folder / "up.log"
        return path.read_text() if path.exists() else ""

    @asynccontextmanager
    async def up(self) -> AsyncIterator["System"]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "up.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                TURNOUT, "up", *self.options, env=self.environment, cwd=ROOT, stdout=log, stderr=log
            )
        try:
            await self.until_ready(process)
            yield self
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGINT)
            async with asyncio.timeout(120):
                await process.wait()
        assert self.processes() == {}, "processes were left behind"

    async def until_ready(self, process: asyncio.subprocess.Process | None = None) -> None:
        async with asyncio.timeout(120), httpx.AsyncClient() as client:
            while True:
                assert process is None or process.returncode is None, self.log
                try:
                    if (await client.get(f"{self.url}/readyz")).status_code == 200:
                        return
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.1)

    def processes(self) -> dict[int, str]:
        """Every living process of this system, by the data folder it inherited: pid → command line."""
        mine = f"TURNOUT_DATA={self.folder / 'data'}".encode()
        found = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                if mine in (entry / "environ").read_bytes().split(b"\0"):
                    found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
        return {pid: command for pid, command in found.items() if command}

    def pids(self, service: str) -> list[int]:
        return [
            pid for pid, command in self.processes().items() if f"serve {service}" in command or command.startswith(service)
        ]

    async def command(self, *arguments: str, status: int = 0) -> str:
        """Run `turnout …` and return what it printed."""
        process = await asyncio.create_subprocess_exec(
            TURNOUT,
            *arguments,
            env=self.environment,
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output = (await process.communicate())[0].decode()
        assert process.returncode == status, output
        return output

    @asynccontextmanager
    async def visitor(self) -> AsyncIterator["Visitor"]:
        async with httpx.AsyncClient(base_url=self.url, timeout=60) as client:
            session = (await client.post("/v1/sessions")).json()
            client.headers["Authorization"] = f"Bearer {session['token']}"
            yield Visitor(client)


@dataclass
class Visitor:
    """Somebody on the web page."""

    client: httpx.AsyncClient

    async def send(self, text: str, id: str = "") -> str:
        """Returns the turn's id once the message is stored."""
        response = await self.client.post("/v1/messages", json={"id": id or uuid.uuid4().hex, "text": text})
        assert response.status_code == 202, response.text
        return str(response.json()["turn"])

    async def ask(self, text: str) -> dict[str, Any]:
        turn = await self.send(text)
        return await self.reply(turn)

    async def reply(self, turn: str) -> dict[str, Any]:
        async for reply in self.replies():
            if reply["turn"] == turn:
                return reply
        raise AssertionError("the stream ended without the reply")

    async def replies(self, seconds: float = 120) -> AsyncIterator[dict[str, Any]]:
        """The session's replies from its beginning."""
        async with asyncio.timeout(seconds), self.client.stream("GET", "/v1/events") as stream:
            kind = ""
            async for line in stream.aiter_lines():
                if line.startswith("event:"):
                    kind = line[6:].strip()
                elif line.startswith("data:") and kind == "reply":
                    yield json.loads(line[5:])

    async def first(self, count: int, seconds: float = 120) -> list[dict[str, Any]]:
        found = []
        async for reply in self.replies(seconds):
            found.append(reply)
            if len(found) == count:
                break
        return found
