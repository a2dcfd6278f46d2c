"""The embedded default: the real servers, nats-server and valkey-server, as supervised children of one process.

`servers(settings)` starts whichever of the two no URL is set for, in TURNOUT_DATA, and writes their addresses to
`servers.json` there; every other process finds them by `locate`, or by `wait` while they are still starting. `serve` is the
`servers` line of the Procfile. Both listen on 127.0.0.1 only.
"""

import asyncio
import fcntl
import json
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from core import redis_store
from core.embedded import programs
from core.embedded.child import Child
from core.errors import ConfigError
from core.settings import Settings, shown

__all__ = ["Servers", "locate", "serve", "servers", "wait"]

log = structlog.get_logger("core.embedded")

LOCKED = 5.0


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the two servers are."""

    nats_url: str
    redis_url: str


def locate(settings: Settings) -> Servers:
    """NATS_URL and REDIS_URL where set, else the running embedded servers. Raises ConfigError when there are none."""
    if settings.nats_url and settings.redis_url:
        return Servers(settings.nats_url, settings.redis_url)
    found = _read(settings.data)
    nats, redis = settings.nats_url or found.get("nats_url", ""), settings.redis_url or found.get("redis_url", "")
    if not nats or not redis:
        unset = "NATS_URL and REDIS_URL" if not nats and not redis else "REDIS_URL" if nats else "NATS_URL"
        raise ConfigError(
            f"no embedded servers are running in TURNOUT_DATA {settings.data}: start them with `turnout up` or"
            f" `turnout serve servers`, or set {unset}"
        )
    return Servers(nats, redis)


async def wait(settings: Settings, timeout: float = 15.0) -> Servers:
    """`locate`, patiently: for processes started at the same time as the servers."""
    loop = asyncio.get_running_loop()
    end = loop.time() + timeout
    while True:
        try:
            return locate(settings)
        except ConfigError:
            if loop.time() > end:
                raise
        await asyncio.sleep(0.05)


@asynccontextmanager
async def servers(settings: Settings) -> AsyncIterator[Servers]:
    """Both servers, running and checked. Raises ConfigError that names the fix: folder not writable or in use, program
    missing, a given server unreachable, too old, or one that keeps nothing."""
    if settings.nats_url:
        await programs.check_nats(settings.nats_url)
        await _warn_of_loss(settings.nats_url)
    if settings.redis_url:
        await redis_store.check(settings.redis_url, may_forget=settings.redis_may_forget)
    if settings.nats_url and settings.redis_url:
        yield Servers(settings.nats_url, settings.redis_url)
        return
    data = settings.data.absolute()
    async with AsyncExitStack() as stack:
        lock = await _lock(data)
        stack.callback(os.close, lock)
        children = _children(settings, data, lock)
        for child in children:
            stack.push_async_callback(child.stop)
        for outcome in await asyncio.gather(*(child.start() for child in children), return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome
        stack.callback((data / "servers.json").unlink, missing_ok=True)
        _write(data, children)
        for child in children:
            child.on_start = lambda: _write_again(data, children)
            stack.push_async_callback(_cancel, asyncio.create_task(child.keep(), name=child.name))
        yield locate(settings)


async def serve(settings: Settings) -> None:
    """Run the servers until cancelled."""
    async with servers(settings) as where:
        log.info("servers ready", nats=shown(where.nats_url), redis=shown(where.redis_url))
        await asyncio.Event().wait()


async def _warn_of_loss(nats_url: str) -> None:
    """What a given NATS acknowledges may be in its memory only: one cannot refuse that, replicas may make up for it."""
    where = shown(nats_url.split(",")[0])
    try:
        told = await programs.look_at(nats_url)
    except OSError:
        log.info("this NATS does not say whether it syncs every message to disk: make sure that it does", nats=where)
        return
    if told.trouble:
        log.error("NATS is not well", nats=where, trouble=told.trouble)
    if not told.syncs:
        log.warning(
            "a power cut may lose what this NATS acknowledged: set `sync_interval: always`, or run three replicas", nats=where
        )


def _children(settings: Settings, data: Path, lock: int) -> list[Child]:
    environment = {**os.environ, "TURNOUT_DATA": str(data)}
    children = []
    if not settings.nats_url:
        nats = programs.nats(data)
        children.append(Child("nats-server", "nats", nats.command, nats.answers, data / "nats.log", environment, lock))
    if not settings.redis_url:
        command = programs.valkey(data)
        children.append(
            Child("valkey-server", "redis", command, programs.redis_answers, data / "valkey.log", environment, lock)
        )
    return children


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _lock(data: Path) -> int:
    """The folder's lock, an open file. A predecessor that is just ending gets five seconds."""
    lock = _open_lock(data)
    loop = asyncio.get_running_loop()
    end = loop.time() + LOCKED
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return lock
        except BlockingIOError:
            if loop.time() > end:
                os.close(lock)
                who = ", ".join(f"{name} {pid}" for name, pid in _read(data, alive=False).get("pids", {}).items())
                raise ConfigError(
                    f"TURNOUT_DATA {data} is in use by another running Turnout ({who or 'still starting'}): stop that one, or"
                    " choose another folder"
                ) from None
        await asyncio.sleep(0.05)


def _open_lock(data: Path) -> int:
    try:
        data.mkdir(parents=True, exist_ok=True)
        return os.open(data / "lock", os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise ConfigError(f"TURNOUT_DATA {data} is not writable ({error.strerror}): choose another folder") from None


def _read(data: Path, *, alive: bool = True) -> dict[str, Any]:
    """What the running servers wrote; nothing when whoever wrote it is gone."""
    try:
        found: dict[str, Any] = json.loads((data / "servers.json").read_text())
        if alive:
            os.kill(found["pids"]["turnout"], 0)
    except (OSError, ValueError, KeyError):
        return {}
    return found


def _write(data: Path, children: list[Child]) -> None:
    found: dict[str, Any] = {"pids": {"turnout": os.getpid()}}
    for child in children:
        found[f"{child.scheme}_url"] = child.url
        found["pids"][child.name] = child.pid
    half = data / "servers.json.new"
    half.write_text(json.dumps(found, indent=1))
    half.replace(data / "servers.json")


def _write_again(data: Path, children: list[Child]) -> None:
    """After a restart on the same port: on a full disk the old file does."""
    try:
        _write(data, children)
    except OSError as error:
        log.error("servers.json is not written", reason=str(error))
