"""Turnout as a fleet: servers behind proxies, `turnout up` (the replicas `a`), and a second replica of each service (`b`).

The `a` reach NATS and Redis through the proxies, the `b` directly, so that one half can be cut off from the other. All reach
the platforms and the model through proxies. Every process is started again by a keeper, as in production.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from core import embedded
from core.children import Child, Show
from core.embedded import Servers
from core.settings import load
from tests.e2e.system import System
from tests.fakes.ports import free_port
from tests.fakes.proxy import Proxy

SERVERS = ("nats-server", "valkey-server")
STARTED = 60.0
GRACE = 30.0


@dataclass
class Fleet:
    """`twice`: the services with a second replica."""

    system: System
    twice: tuple[str, ...] = ("core", "telegram", "slack", "web")
    proxies: dict[str, Proxy] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    servers: Servers = field(default_factory=lambda: Servers("", ""))
    children: dict[str, Child] = field(default_factory=dict)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _names: dict[int, str] = field(default_factory=dict)

    async def _through_proxies(self, addresses: Mapping[str, str]) -> dict[str, str]:
        """Variables with the addresses of proxies in front of what they name; the proxy of NATS_URL is called `nats`."""
        found = {}
        for variable, url in addresses.items():
            parts = urlsplit(url)
            proxy = await self._stack.enter_async_context(Proxy(parts.hostname or "", parts.port or 0).listening())
            self.proxies[variable.partition("_")[0].lower()] = proxy
            found[variable] = parts._replace(netloc=f"127.0.0.1:{proxy.port}").geturl()
        return found

    @asynccontextmanager
    async def up(self, log: Path, outside: Mapping[str, str]) -> AsyncIterator["Fleet"]:
        """`outside`: variables with the addresses of the platforms and the model."""
        with log.open("a", encoding="utf-8") as file:

            def show(name: str, line: str) -> None:
                file.write(f"{name} {line}\n")
                file.flush()

            async with self._stack:
                try:
                    await self._start(show, outside)
                    yield self
                finally:
                    self.heal()
                    for child in reversed(self.children.values()):
                        await child.stop(GRACE)

    async def _start(self, show: Show, outside: Mapping[str, str]) -> None:
        data = self.system.folder / "data"
        self._keep("servers", "serve", "servers", show=show)
        settings = load(TURNOUT_DATA=data, NATS_URL="", REDIS_URL="")
        self.servers = await embedded.wait(settings, STARTED)
        direct = {"NATS_URL": self.servers.nats_url, "REDIS_URL": self.servers.redis_url}
        through = await self._through_proxies(direct)
        self.system.variables |= await self._through_proxies(outside)
        self._keep("up", "up", show=show, variables=through)
        self.ports = {"web/a": self.system.port, "web/b": free_port()}
        for service in self.twice:
            more = {"TURNOUT_HTTP": f"127.0.0.1:{self.ports['web/b']}"} if service == "web" else {}
            self._keep(f"{service}/b", "serve", service, show=show, variables=direct | more)
        for name in ("web/a", *(f"{service}/b" for service in self.twice if service == "web")):
            await self._until_ready(name)

    def _keep(self, name: str, *command: str, show: Show, variables: Mapping[str, str] = {}) -> None:
        environment = {**self.system.environment, "PYTHONUNBUFFERED": "1", **variables}
        line = [sys.executable, "-P", "-m", "core.cli", *command]
        line += ["--parent", str(os.getpid())] if command[0] == "serve" else []
        self.children[name] = Child(name, line, environment, show)
        keeping = asyncio.create_task(self.children[name].keep(), name=f"keep-{name}")
        self._stack.push_async_callback(_end, keeping)

    def page(self, name: str) -> str:
        """The address of a replica of the web service."""
        return f"http://127.0.0.1:{self.ports[name]}"

    async def _until_ready(self, name: str) -> None:
        async with asyncio.timeout(STARTED), httpx.AsyncClient() as client:
            while True:
                with suppress(httpx.TransportError):
                    if (await client.get(f"{self.page(name)}/readyz")).status_code == 200:
                        return
                await asyncio.sleep(0.1)

    def pids(self) -> dict[str, int]:
        """Name → process: `core/a`, `core/b`, `nats-server`… Two of one name are one that ends and its successor: the later."""
        seconds = {child.process.pid: name for name, child in self.children.items() if child.process}
        found = {}
        for pid, command in sorted(self.system.processes().items()):
            words = command.split()
            if pid in seconds:
                found[seconds[pid]] = pid
            elif (program := words[0].rpartition("/")[2]) in SERVERS:
                found[program] = pid
            elif "serve" in words:
                found[f"{words[words.index('serve') + 1]}/a"] = pid
        return {name: pid for name, pid in found.items() if name not in ("up", "servers")}

    def signal(self, names: list[str], number: signal.Signals) -> None:
        pids = self.pids()
        for name in names:
            with suppress(ProcessLookupError, KeyError):
                os.kill(pids[name], number)

    def heal(self) -> None:
        """Nothing stands in the way of anybody any more."""
        for proxy in self.proxies.values():
            proxy.heal()
        self.signal(list(self.pids()), signal.SIGCONT)


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
