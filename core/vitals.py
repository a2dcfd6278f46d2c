"""Vitals: how a service says that it can serve, and what it counts.

A service wraps itself in `vitals(bus, name, ready)`, which answers `health.<name>` with a Health record and `metrics.<name>`
with Prometheus text. Any module counts with prometheus_client's ordinary counters and histograms in the default registry;
what every process has (build, start, event-loop lag) is added here.

Only one replica of a service answers a question, and counters of different processes must not be taken for one. So each
process tells its siblings every `SHARE_EVERY` seconds what it counts, and whoever is asked answers for all of them, one
`replica` label each. `join` does the same one level up: the web service joins the services into one page.
"""

import asyncio
import errno
import os
import platform
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from importlib.metadata import version

import structlog
from prometheus_client import REGISTRY, CollectorRegistry, Gauge, Histogram, Metric, disable_created_metrics, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from core import keys
from core.bus import Bus, Stored
from core.errors import TurnoutError
from core.records import Health, encode

SHARE_EVERY = 5.0
FORGET_AFTER = 3 * SHARE_EVERY
LAG_EVERY = 0.25
DESCRIPTORS_EVERY = 1.0

log = structlog.get_logger()
disable_created_metrics()  # type: ignore[no-untyped-call]
BUILD = Gauge("turnout_build_info", "What runs here; the value is always 1.", ["version", "python"])
STARTED = Gauge("turnout_start_time_seconds", "When this process started, in Unix seconds.")
LAG = Histogram(
    "turnout_event_loop_lag_seconds",
    "How late the event loop woke up a timer.",
    buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5),
)
BUILD.labels(version("turnout"), platform.python_version()).set(1)
STARTED.set(time.time())

Ready = Callable[[], Awaitable[Health]]


@asynccontextmanager
async def vitals(bus: Bus, name: str, ready: Ready) -> AsyncIterator[None]:
    """Answer for this process as a replica of service `name` for as long as the block lasts.

    `ready` is asked each time somebody wants to know; what it raises counts as not ready, with its message as the reason.
    """
    replicas = _Replicas(bus, name)
    handlers = {
        keys.health(name): lambda _question: _health(name, ready),
        keys.metrics(name): replicas.answer,
    }
    async with bus.listen(keys.siblings(name, "*")) as siblings, bus.serve(name, handlers):
        work = {
            "lag": _measure_lag(),
            "descriptors": _watch_descriptors(),
            "tell": replicas.tell(),
            "hear": replicas.hear(siblings),
        }
        tasks = [asyncio.create_task(task, name=f"vitals.{title}") for title, task in work.items()]
        for task in tasks:
            task.add_done_callback(_complain)
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def join(texts: Mapping[str, str], *, label: str = "service") -> str:
    """Several metric pages as one: each sample gets `label` with its page's name, each metric one HELP and one TYPE.

    Where two pages disagree on a metric's type, the first one's holds. A page that is no Prometheus text raises ValueError.
    """
    joined: dict[str, Metric] = {}
    for name, text in texts.items():
        for family in text_string_to_metric_families(text):
            metric = joined.setdefault(family.name, Metric(family.name, family.documentation, family.type))
            metric.samples.extend(_labelled(sample, label, name) for sample in family.samples)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Fixed(joined.values()))
    return generate_latest(registry).decode()


def _labelled(sample: Sample, label: str, value: str) -> Sample:
    labels = {label: value} | sample.labels
    return Sample(sample.name, labels, sample.value, sample.timestamp, sample.exemplar)


@dataclass(frozen=True, slots=True)
class _Fixed(Collector):
    metrics: Iterable[Metric]

    def collect(self) -> Iterable[Metric]:
        return self.metrics


@dataclass
class _Replicas:
    """What this process and its siblings count. A sibling's numbers are at most SHARE_EVERY seconds old."""

    bus: Bus
    service: str
    me: str = field(default_factory=lambda: f"{socket.gethostname().replace('.', '-')}-{os.getpid()}")
    heard: dict[str, tuple[float, str]] = field(default_factory=dict)

    async def answer(self, _question: bytes) -> bytes:
        now = time.monotonic()
        self.heard = {name: told for name, told in self.heard.items() if now - told[0] < FORGET_AFTER}
        pages = {self.me: _page()} | {name: text for name, (_, text) in sorted(self.heard.items())}
        return join(pages, label="replica").encode()

    async def tell(self) -> None:
        while True:
            with suppress(TurnoutError):  # the bus is away: it says so itself, and the next round tells again
                await self.bus.emit(keys.siblings(self.service, self.me), _page().encode())
            await asyncio.sleep(SHARE_EVERY)

    async def hear(self, siblings: AsyncIterator[Stored]) -> None:
        async for message in siblings:
            replica = message.subject.rpartition(".")[2]
            if replica != self.me:
                self.heard[replica] = (time.monotonic(), message.data.decode())


def _page() -> str:
    return generate_latest(REGISTRY).decode()


async def _health(name: str, ready: Ready) -> bytes:
    try:
        return encode(await ready())
    except Exception as error:  # a service that cannot even say how it is, is not ready; whoever asks learns why
        log.warning("health_failed", service=name, exc_info=error)
        return encode(Health(service=name, ready=False, detail=str(error) or type(error).__name__))


def _complain(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        log.error("vitals_stopped", part=task.get_name(), exc_info=error)


async def _measure_lag() -> None:
    while True:
        due = time.perf_counter() + LAG_EVERY
        await asyncio.sleep(LAG_EVERY)
        LAG.observe(max(0.0, time.perf_counter() - due))


async def _watch_descriptors() -> None:
    """Say when none is left: who cannot be let in is turned away by the event loop without a word."""
    short = False
    while True:
        await asyncio.sleep(DESCRIPTORS_EVERY)
        try:
            os.close(os.dup(0))
        except OSError as error:
            if not short and error.errno == errno.EMFILE:
                short = True
                log.error("no file descriptor is left: raise the limit (ulimit -n), or look for connections that stay open")
        else:
            short = False
