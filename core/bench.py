"""`turnout bench turn`: what one turn costs with every guarantee on, beside one without, and the hand-written floor.

Private servers in a temporary folder (JetStream `sync_interval: always`, Redis AOF everysec), real core processes, a template
for an answer so that no model's time is measured, 20 exchanges of memory a conversation. Beside it the same service without a
guarantee (`core.bare`): what the guarantees cost. The floor is a script of its own that does the same traffic by hand, with
none either; without it that column is missing.
"""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from statistics import median

import click
import uvloop

from core import embedded, keys
from core.bus import Bus
from core.bus_nats import connect
from core.errors import ConfigError, Unavailable
from core.records import Event, Turn, decode, encode
from core.settings import Settings, environment, load

CHANNEL = "bench"
GUARDED, UNGUARDED = ["core.cli", "serve", "core"], ["core.bare"]
QUESTION = "How does the retention window of a stream differ from its maximum age? " * 5
REPLY = "Retention decides when a message may be removed. " * 11
ASSISTANT = f"""
[assistant]
name = "Bench"
default_route = ["prompt"]
out_of_scope_below = 0
clarify_below = 0
[[intents]]
name = "retention"
examples = ["How does the retention window of a stream differ from its maximum age?", "what is retention"]
route = ["template"]
template = "{REPLY}"
[[intents]]
name = "other"
examples = ["where is my order", "open a ticket please"]
route = ["template"]
template = "no"
"""


@click.group()
def bench() -> None:
    """Measure what Turnout costs on this machine."""


@bench.command("turn")
@click.option("--turns", default=400, show_default=True, help="Turns with one in flight.")
@click.option("--seconds", default=4.0, show_default=True, help="Seconds of load for each throughput figure.")
@click.option("--inflight", default=64, show_default=True)
@click.option("--workers", default="1,2", show_default=True, help="Core processes, for each throughput figure.")
@click.option("--floor", default="../shared/floor/turn_floor.py", show_default=True, type=Path)
@click.option("--rounds", default=3, show_default=True, help="Alternating rounds; medians are shown.")
def turn(turns: int, seconds: float, inflight: int, workers: str, floor: Path, rounds: int) -> None:
    """Latency and throughput of one turn, as a ratio to one without guarantees and to the hand-written floor."""
    rows: dict[str, list[dict[str, float]]] = {"turnout": [], "unguarded": [], "floor": []}
    counts = [int(n) for n in workers.split(",")]
    for number in range(rounds):
        click.echo(f"round {number + 1} of {rounds}…", err=True)
        rows["turnout"].append(uvloop.run(_measure(turns, seconds, inflight, counts, GUARDED)))
        rows["unguarded"].append(uvloop.run(_measure(turns, seconds, inflight, counts, UNGUARDED)))
        if floor.exists():
            rows["floor"].append(_floor(floor, turns, seconds, inflight, workers))
    if not rows["floor"]:
        click.echo(f"no floor at {floor}: its column is missing", err=True)
    _print({name: _medians(figures) for name, figures in rows.items() if figures})


def _floor(path: Path, turns: int, seconds: float, inflight: int, workers: str) -> dict[str, float]:
    options = ["--turns", str(turns), "--seconds", str(seconds), "--inflight", str(inflight), "--workers", workers]
    output = subprocess.run([sys.executable, str(path), *options], capture_output=True, check=True, text=True).stdout
    found = json.loads(output)
    figures = {"p50 µs": found["one_in_flight"]["p50_us"], "p99 µs": found["one_in_flight"]["p99_us"]}
    return figures | {f"turns/s, {n} workers": found[f"workers_{n}"]["turns_s"] for n in workers.split(",")}


async def _measure(turns: int, seconds: float, inflight: int, workers: list[int], core: list[str]) -> dict[str, float]:
    figures: dict[str, float] = {}
    async with _running(1, core) as bus, _client(bus) as client:
        times = await client.one_by_one(turns, inflight)
        figures |= {"p50 µs": times[len(times) // 2] * 1e6, "p99 µs": times[int(len(times) * 0.99)] * 1e6}
    for count in workers:
        async with _running(count, core) as bus, _client(bus) as client:
            figures[f"turns/s, {count} workers"] = await client.flood(seconds, inflight)
    return figures


@contextlib.asynccontextmanager
async def _running(workers: int, core: list[str]) -> AsyncIterator[Bus]:
    """Servers and core processes of our own, in a folder that goes."""
    with tempfile.TemporaryDirectory(prefix="turnout-bench") as folder:
        settings = load(TURNOUT_DATA=folder, TURNOUT_ASSISTANT=_assistant(folder), NATS_URL="", REDIS_URL="")
        async with embedded.servers(settings) as servers, connect(servers.nats_url, name=CHANNEL) as bus:
            with _cores(settings, servers, workers, core) as running:
                await _ready(bus, running)
                yield bus


def _assistant(folder: str) -> Path:
    path = Path(folder, "assistant.toml")
    path.write_text(ASSISTANT, "utf-8")
    return path


@contextlib.contextmanager
def _cores(
    settings: Settings, servers: embedded.Servers, count: int, core: list[str]
) -> Iterator[list["subprocess.Popen[bytes]"]]:
    variables = {**os.environ, **environment(settings), "NATS_URL": servers.nats_url, "REDIS_URL": servers.redis_url}
    command = [sys.executable, "-m", *core]
    with (settings.data / "cores.log").open("wb") as output:
        running = [subprocess.Popen(command, env=variables, stdout=output, stderr=output) for _ in range(count)]
        try:
            yield running
        finally:
            for process in running:
                process.terminate()
            for process in running:
                process.wait(15)


async def _ready(bus: Bus, running: list["subprocess.Popen[bytes]"]) -> None:
    for _ in range(300):
        if any(process.poll() is not None for process in running):
            raise ConfigError("a core process ended at once: `turnout check` tells why")
        with contextlib.suppress(Unavailable):
            await bus.request(keys.health("core"), b"", timeout=1)
            return
        await asyncio.sleep(0.1)
    raise Unavailable("the core is not ready after 30 s")


@contextlib.asynccontextmanager
async def _client(bus: Bus) -> AsyncIterator["_Client"]:
    client = _Client(bus)
    async with asyncio.TaskGroup() as group:
        listening = group.create_task(client.listen())
        yield client
        listening.cancel()


class _Client:
    """Writes events, and times each until its turn stands in the log."""

    def __init__(self, bus: Bus) -> None:
        self._bus, self._waiting, self._count = bus, dict[str, asyncio.Future[None]](), 0
        self._tag = f"{time.time_ns():x}"

    async def listen(self) -> None:
        async with self._bus.follow("LOG", keys.log(CHANNEL, "*"), 0) as turns:
            async for stored in turns:
                if waiting := self._waiting.pop(decode(Turn, stored.data).id, None):
                    waiting.set_result(None)

    async def turn(self, lane: int) -> float:
        self._count += 1
        event = Event(
            id=f"{self._tag}{self._count}", channel=CHANNEL, lane=f"{self._tag}-{lane}", text=QUESTION, at=time.time()
        )
        answered = self._waiting[event.id] = asyncio.get_running_loop().create_future()
        started = time.perf_counter()
        await self._bus.publish(keys.into(CHANNEL, event.lane), encode(event), id=event.id)
        async with asyncio.timeout(60):
            await answered
        return time.perf_counter() - started

    async def one_by_one(self, turns: int, lanes: int) -> list[float]:
        for number in range(lanes):
            await self.turn(number)
        return sorted([await self.turn(number % lanes) for number in range(turns)])

    async def flood(self, seconds: float, lanes: int) -> float:
        await asyncio.gather(*(self.turn(lane) for lane in range(lanes)))
        end, done = time.perf_counter() + seconds, 0

        async def keep(lane: int) -> None:
            nonlocal done
            while time.perf_counter() < end:
                await self.turn(lane)
                done += 1

        await asyncio.gather(*(keep(lane) for lane in range(lanes)))
        return done / seconds


def _medians(rounds: list[dict[str, float]]) -> dict[str, float]:
    return {name: median(figures[name] for figures in rounds) for name in rounds[0]}


def _print(columns: dict[str, dict[str, float]]) -> None:
    ours, others = columns["turnout"], [name for name in columns if name != "turnout"]
    click.echo(f"{'':22}{'turnout':>10}" + "".join(f"{name:>11}{'ratio':>7}" for name in others))
    for name, value in ours.items():
        ratios = "".join(f"{columns[other][name]:11.0f}{value / columns[other][name]:7.2f}" for other in others)
        click.echo(f"{name:22}{value:10.0f}{ratios}")
