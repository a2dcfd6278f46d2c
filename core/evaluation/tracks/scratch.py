"""A world to change things in: private services in a folder of their own, with the assistant as it is and a copy of what it
knows. Nothing of the owner's is touched, so a crash leaves nothing to put back."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core import embedded, keys
from core.assistant import Assistant
from core.bus import Bus
from core.bus_nats import connect
from core.errors import Unavailable
from core.evaluation.judging.wording import plain
from core.evaluation.tracks.fingerprints import document
from core.records import Health, decode
from core.settings import Settings, environment

SERVICES = ("core", "retrieval")
START_SECONDS = 120.0
NOTICE_SECONDS = 90.0
TEXTS = (".md", ".txt")
KNOWLEDGE = "knowledge"


@dataclass(frozen=True, slots=True)
class Scratch:
    """`bus` of the private services, and the folder that they read."""

    bus: Bus
    folder: Path

    async def hold(self, documents: Mapping[str, str], words: Mapping[str, Sequence[str]]) -> None:
        """Returns once these texts are what is searched, which is seen by `words` that stand in them; both by name. Raises
        Unavailable when they are not in time."""
        for name, text in documents.items():
            path = self.folder / name
            if not path.exists() or path.read_text("utf-8") != text:
                _write(path, text)

        async def noticed() -> bool:
            found = {name: plain((await document(self.bus, f"{KNOWLEDGE}/{name}")).text) for name in words}
            return all(plain(word) in found[name] for name, some in words.items() for word in some)

        await _until(noticed, NOTICE_SECONDS, "a changed document was not noticed within {:.0f} s")


def name_in(source: str) -> str:
    """The file that a document's text goes into: one that is read as text, whatever the document was."""
    name = source.replace("://", "/").lstrip("/.")
    return name if name.endswith(TEXTS) else f"{name}.md"


@asynccontextmanager
async def scratch(given: Settings, file: Assistant, folder: Path, documents: Mapping[str, str]) -> AsyncIterator[Scratch]:
    """Services that know these documents (texts by the names of their files); started here, gone at the end or with this
    process. What the folder's log holds of an earlier try is still there."""
    knowledge = folder / KNOWLEDGE
    for name, text in documents.items():
        _write(knowledge / name, text)
    path = folder / "assistant.toml"
    path.write_text(written(file), "utf-8")
    own = {"data": folder / "data", "assistant": path, "nats_url": "", "redis_url": "", "secret": given.secret_key().decode()}
    settings = given.model_copy(update=own)
    async with embedded.servers(settings) as servers, connect(servers.nats_url, name="scratch") as bus:
        variables = {**os.environ, **environment(settings), "NATS_URL": servers.nats_url, "REDIS_URL": servers.redis_url}
        async with contextlib.AsyncExitStack() as stack:
            for service in SERVICES:
                await stack.enter_async_context(_running(service, variables, folder / f"{service}.log"))
            await _ready(bus)
            yield Scratch(bus, knowledge)


def written(file: Assistant) -> str:
    """The assistant as a file whose knowledge is the folder beside it."""
    tables = file.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude={"audiences"})
    kept = {name: value for name, value in tables.get("knowledge", {}).items() if name not in ("sources", "url")}
    tables["knowledge"] = {**kept, "paths": [KNOWLEDGE]}
    return "".join(f"{name} = {_toml(value)}\n" for name, value in tables.items())


def _toml(value: Any) -> str:
    """JSON's texts, numbers and lists are TOML's; its objects are not."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(name)} = {_toml(one)}" for name, one in value.items() if one is not None) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


@asynccontextmanager
async def _running(service: str, variables: Mapping[str, str], log: Path) -> AsyncIterator[None]:
    command = [sys.executable, "-m", "core.cli", "serve", service, "--parent", str(os.getpid())]
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(*command, env=variables, stdout=output, stderr=output)
        try:
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await process.wait()


async def _ready(bus: Bus) -> None:
    async def all_ready() -> bool:
        return all([await _is_ready(bus, service) for service in SERVICES])

    await _until(all_ready, START_SECONDS, "the services for changed documents are not ready after {:.0f} s")


async def _until(true: Callable[[], Awaitable[bool]], seconds: float, why: str) -> None:
    try:
        async with asyncio.timeout(seconds):
            holds = await true()
            while not holds:
                await asyncio.sleep(0.2)
                holds = await true()
    except TimeoutError:
        raise Unavailable(why.format(seconds)) from None


async def _is_ready(bus: Bus, service: str) -> bool:
    try:
        return decode(Health, await bus.request(keys.health(service), b"", timeout=2)).ready
    except Unavailable:
        return False


def _write(path: Path, text: str) -> None:
    """At once, for somebody is watching."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.half")
    half.write_text(text, "utf-8")
    half.replace(path)
