"""A stage for `turnout`: the real command in its own process, with throw-away services in place of the real ones.

The services stand in a module of their own, announced by entry points like anyone's: what comes first on the path wins.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from tests.fakes.ports import free_port

SERVICES = """
import asyncio, os, sys
from pathlib import Path
from core.errors import ConfigError

async def idle(settings):
    await asyncio.Event().wait()

async def web(settings):
    async def answer(reader, writer):
        await reader.readuntil(b"\\r\\n\\r\\n")
        writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n")
        await writer.drain()
        writer.close()
    async with await asyncio.start_server(answer, *settings.http_address) as server:
        await server.serve_forever()

async def misconfigured(settings):
    raise ConfigError("SHOP_TOKEN is missing: set it")

async def broken(settings):
    raise ZeroDivisionError("a bug")

async def several(settings):
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(misconfigured(settings))
        tasks.create_task(idle(settings))

async def stubborn(settings):
    await asyncio.create_subprocess_exec("sleep", "1000")
    print("stubborn with a child of its own", flush=True)
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            print("will not stop", flush=True)

async def environment(settings):
    print("ENV", settings.data, settings.nats_url, settings.redis_url, settings.services, flush=True)
    await asyncio.Event().wait()

async def leaky(settings):
    import logging, structlog, warnings
    structlog.get_logger().info("calling", url="https://api.example/bot" + settings.telegram_token)
    logging.getLogger("some.library").warning("cannot reach %s", settings.telegram_token)
    logging.getLogger("some.library").info("chatter")
    warnings.warn("old thing")
    await asyncio.Event().wait()

async def host(settings, make):
    print("HOSTED", make(settings).title, flush=True)

class Parrot:
    title = "a parrot"
    def __init__(self, settings):
        pass
"""


class Running:
    """A process on the stage and what it has said, both streams together."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process, self.lines = process, list[str]()
        self._news = asyncio.Condition()
        self._reading = asyncio.create_task(self._read())

    @property
    def said(self) -> str:
        return "\n".join(self.lines)

    async def until(self, text: str, times: int = 1) -> str:
        """The line that said `text` for the given time; fails with everything said when the process ends without."""
        async with asyncio.timeout(45), self._news:
            while len(found := [line for line in self.lines if text in line]) < times:
                assert not self._reading.done(), f"never said {text!r}:\n{self.said}"
                await self._news.wait()
        return found[times - 1]

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    async def ended(self) -> int:
        async with asyncio.timeout(45):
            await self._reading
            return await self.process.wait()

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            async with self._news:
                self.lines.append(line.decode().rstrip("\n"))
                self._news.notify_all()
        async with self._news:
            self._news.notify_all()


class Stage:
    """`start` runs `turnout` with settings given as environment variables; `close` leaves nothing behind."""

    def __init__(self, folder: Path, **services: str) -> None:
        self.folder, self.data = folder, folder / "data"
        self.port = free_port()
        self._running: list[Running] = []
        (folder / "stage.py").write_text(SERVICES)
        chosen = {"core": "idle", "retrieval": "idle", "web": "web", "quiet": "idle"} | services
        points = "\n".join(f"{name} = stage:{function}" for name, function in chosen.items())
        announced = f"[turnout.services]\n{points}\n[turnout.hosts]\nchannel = stage:host\n"
        (folder / "stage.dist-info").mkdir()
        (folder / "stage.dist-info" / "entry_points.txt").write_text(announced)
        (folder / "assistant.toml").write_text('[assistant]\nname = "Stage"\ndefault_route = ["prompt"]\n')

    async def start(self, *words: str, **settings: str) -> Running:
        given = {
            "PYTHONPATH": str(self.folder),
            "TURNOUT_DATA": str(self.data),
            "TURNOUT_ASSISTANT": str(self.folder / "assistant.toml"),
            "TURNOUT_HTTP": f"127.0.0.1:{self.port}",
            "TURNOUT_LOG": "text",
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "core.cli",
            *words,
            env=os.environ | given | settings,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        running = Running(process)
        self._running.append(running)
        return running

    def processes(self) -> dict[int, str]:
        """Every live process that works in this stage's data folder, by id, with its command line."""
        found = {}
        for place in Path("/proc").glob("[0-9]*"):
            try:
                environment = (place / "environ").read_bytes()
                command = (place / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
            except OSError:
                continue
            if f"TURNOUT_DATA={self.data}".encode() in environment.split(b"\0") and command:
                found[int(place.name)] = command
        return found

    def find(self, words: str) -> int:
        """The id of the one process whose command line holds these words."""
        (pid,) = (pid for pid, command in self.processes().items() if words in command)
        return pid

    async def empty(self) -> None:
        """Returns once no process of the stage is left; fails naming those that stay."""
        try:
            async with asyncio.timeout(45):
                while self.processes():
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"left behind: {self.processes()}") from None

    async def close(self) -> None:
        for running in self._running:
            if running.process.returncode is None:
                running.process.kill()
            await running.ended()
        for pid in self.processes():
            os.kill(pid, signal.SIGKILL)
