"""`turnout up`: everything one machine needs, as processes under one roof, with one log.

The servers come first (`core.embedded`, unless NATS_URL and REDIS_URL name others), then all services at once: each finds the
others over the bus. They stop in the order of the way in: channels and web take nothing new, then the core finishes its
turns, then retrieval, then the servers.
"""

import asyncio
import http.client
import os
import signal
import sys
from collections.abc import Sequence

import click

from core import checks, cli, embedded, logs, probes, settings
from core.children import Child, Show
from core.settings import Settings

ALWAYS = ("core", "retrieval", "web")
GRACE = 10.0
READY_EVERY, EXPLAIN_EVERY = 0.2, 15.0


@click.command()
@click.argument("names", nargs=-1)
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="How many core processes.")
def up(names: tuple[str, ...], workers: int) -> None:
    """Start Turnout: its servers, core, retrieval, web, and the channels whose tokens are set.

    NAMES are further services or channels to start, as `turnout serve` knows them.
    """
    import uvloop

    loaded = settings.load()
    wanted = services(loaded, names)
    answering = [cli.health_of(name) for name in wanted]
    uvloop.run(_up(loaded, wanted, answering, workers))


def services(loaded: Settings, names: Sequence[str] = ()) -> list[str]:
    """What `turnout up` starts beside the servers."""
    tokens = {"telegram": loaded.telegram_token, "slack": loaded.slack_token}
    return list(dict.fromkeys([*ALWAYS, *(channel for channel, token in tokens.items() if token), *names]))


async def _up(loaded: Settings, wanted: list[str], answering: list[str], workers: int) -> None:
    await checks.before_start(loaded)
    show = logs.Merged(loaded, ["servers", *(title for name in wanted for title in _titles(name, workers))])
    logs.configure("servers", loaded, prefix=show.prefix("servers"))
    family = Family()
    told = _heed_signals(family, show)
    loaded.secret_key()  # made once, before several services look for it
    async with embedded.servers(loaded) as servers:
        addresses = {"NATS_URL": servers.nats_url, "REDIS_URL": servers.redis_url}
        environment = os.environ | addresses | _common(loaded, answering)
        for name in wanted:
            family.add(name, [Child(title, _command(name), environment, show) for title in _titles(name, workers)])
        announcing = asyncio.create_task(_announce(loaded, show), name="announce")
        try:
            await family.keep(told)
        finally:
            announcing.cancel()
            await family.stop()


def _titles(name: str, workers: int) -> list[str]:
    return [name, *(f"{name}-{number}" for number in range(2, workers + 1))] if name == "core" else [name]


def _command(name: str) -> list[str]:
    return [sys.executable, "-P", "-m", "core.cli", "serve", name, "--parent", str(os.getpid())]


def _common(loaded: Settings, answering: Sequence[str]) -> dict[str, str]:
    return {
        "TURNOUT_DATA": str(loaded.data.absolute()),
        "TURNOUT_SERVICES": ",".join(answering),
        "TURNOUT_LOG": logs.kind_of(loaded),
        "PYTHONUNBUFFERED": "1",
    }


class Family:
    """The children, in the stages in which they stop."""

    def __init__(self) -> None:
        self._stages: tuple[list[Child], list[Child], list[Child]] = ([], [], [])

    @property
    def children(self) -> list[Child]:
        return [child for stage in self._stages for child in stage]

    def add(self, name: str, children: Sequence[Child]) -> None:
        self._stages[{"core": 1, "retrieval": 2}.get(name, 0)].extend(children)

    async def keep(self, told: asyncio.Event) -> None:
        """Keep all of them running until told to stop; raises Hopeless when one cannot start at all."""
        waiting = asyncio.create_task(told.wait(), name="told")
        keeping = {asyncio.create_task(child.keep(), name=f"keep-{child.name}") for child in self.children}
        await asyncio.wait({waiting, *keeping}, return_when=asyncio.FIRST_COMPLETED)
        await self.stop()
        waiting.cancel()
        for outcome in await asyncio.gather(*keeping, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome

    async def stop(self) -> None:
        for child in self.children:
            child.retired.set()
        for stage in self._stages:
            await asyncio.gather(*(child.stop(GRACE) for child in stage))

    def kill(self) -> None:
        for child in self.children:
            child.kill()


def _heed_signals(family: Family, show: Show) -> asyncio.Event:
    """Set by the first signal; the second one kills everything at once (the servers die with this process)."""
    told = asyncio.Event()

    def stop() -> None:
        if told.is_set():
            family.kill()
            os._exit(130)
        told.set()
        show("up", "stopping; Ctrl-C again kills at once")

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # `nohup` stays in force
        loop.add_signal_handler(signal.SIGHUP, stop)
    return told


async def _announce(loaded: Settings, show: Show) -> None:
    """Say once where the page is, as soon as everything can serve; until then say now and then what is missing."""
    host, port = loaded.http_address
    host = probes.reachable(host)
    clock = asyncio.get_running_loop().time
    explain = clock() + EXPLAIN_EVERY
    while missing := await asyncio.to_thread(_missing, host, port):
        if clock() >= explain:
            show("up", f"not ready yet: {missing}")
            explain = clock() + EXPLAIN_EVERY
        await asyncio.sleep(READY_EVERY)
    click.echo(f"Turnout is ready: http://{f'[{host}]' if ':' in host else host}:{port}/")


def _missing(host: str, port: int) -> str:
    """What `/readyz` finds missing; "" when it answers 200."""
    connection = http.client.HTTPConnection(host, port, timeout=2.0)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        return "" if answer.status == 200 else answer.read(2000).decode("utf-8", "replace") or str(answer.status)
    except (OSError, http.client.HTTPException) as error:
        return f"the web service does not answer yet ({error})"
    finally:
        connection.close()
