"""The command line: `turnout COMMAND`, each command an entry point of the group `turnout.commands`, and `turnout eval COMMAND`,
each one of the group `turnout.evaluations`.

A command's module is imported only when the command is called; for `--help` its docstring is read from the source, so that
listing fifteen commands costs no SDK. Whatever a person can fix (TurnoutError) ends as one message and exit status 1.
"""

import ast
import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from core.errors import ConfigError, TurnoutError

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy: on shared cores two threads wait for each other

COMMANDS, EVALUATIONS = "turnout.commands", "turnout.evaluations"
SERVICES, CHANNELS, HOSTS = "turnout.services", "turnout.channels", "turnout.hosts"
DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of Linux's prctl

Serve = Callable[[Any], Awaitable[None]]


class Failed(click.ClickException):
    """Shown as one line on standard error."""

    exit_code = 1


class Commands(click.Group):
    """A click group whose commands are the entry points of the group `points`, loaded when called."""

    def __init__(self, *args: Any, points: str = COMMANDS, **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.points = points

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *found(self.points)})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if own := super().get_command(ctx, cmd_name):
            return own
        point = found(self.points).get(cmd_name)
        return load(point) if point else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        own = {name: command.get_short_help_str(80) for name, command in self.commands.items()}
        lazy = {name: summary(point) for name, point in found(self.points).items()}
        with formatter.section("Commands"):
            formatter.write_dl(sorted((own | lazy).items()))

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (TurnoutError, BaseExceptionGroup) as error:
            raise Failed(explain(error)) from None


def found(group: str) -> dict[str, EntryPoint]:
    """The entry points of a group by name; what comes first on the path wins."""
    points: dict[str, EntryPoint] = {}
    for point in entry_points(group=group):
        points.setdefault(point.name, point)
    return points


def load(point: EntryPoint) -> Any:
    """What an entry point names; ConfigError where the package that promised it does not have it."""
    try:
        return point.load()
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"{point.name} ({point.value}) needs the module {error.name}: install the package that has it"
        ) from error
    except AttributeError as error:
        raise ConfigError(f"{point.name}: {point.value} does not exist: {error}") from error


def summary(point: EntryPoint) -> str:
    """The first line of a command's docstring, read without importing its module."""
    try:
        spec = find_spec(point.module)
    except ModuleNotFoundError:
        spec = None
    if spec is None or not spec.origin:
        return ""
    for node in ast.parse(Path(spec.origin).read_bytes()).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == point.attr:
            return (ast.get_docstring(node) or "").partition("\n")[0]
    return ""


def explain(error: BaseException) -> str:
    """What went wrong, for whoever can fix it; raises `error` again when that is a programmer."""
    if not mendable(error):
        raise error
    return "\n".join(dict.fromkeys(str(leaf) for leaf in _leaves(error)))


def mendable(error: BaseException) -> bool:
    """Whether an error, or each one of a group, is for the person at the command line and not for a programmer."""
    return all(isinstance(leaf, TurnoutError) for leaf in _leaves(error))


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in _leaves(inner)]
    return [error]


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="turnout", prog_name="turnout")
def cli() -> None:
    """Turnout moves each turn of a conversation onto the right track: prompt, RAG, a tuned model, or both."""
    import structlog

    structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))  # standard output is for what was asked


@cli.group("eval", cls=Commands, points=EVALUATIONS)
def evaluate() -> None:
    """Measure how good Turnout is, on questions of your own."""


@cli.command()
@click.argument("name")
@click.option("--parent", type=int, hidden=True, help="Die with the process of this id.")
def serve(name: str, parent: int | None) -> None:
    """Run one service or channel in this process, until it is told to stop.

    NAME is a service (core, retrieval, web, servers), a channel (telegram, slack, console), or your own channel as
    package.module:Class.
    """
    if parent is not None:
        die_with(parent)
    from core import logs, settings  # after the parent is watched: these imports take a while

    service = find(name)
    loaded = settings.load()
    logs.configure(name, loaded)
    run_until_told(partial(service, loaded))


def find(name: str) -> Serve:
    """The service of this name, or the channel of this name in the hands of the channel host; loads it."""
    point = lookup(name)
    if point.group == SERVICES:
        return load(point)  # type: ignore[no-any-return]
    host = found(HOSTS).get("channel")
    if host is None:
        raise ConfigError(f"no host for channels is installed (entry point `channel` of the group {HOSTS})")
    sys.path.insert(0, os.getcwd())  # one's own channel stands where one works
    return partial(_serve_channel, load(host), load(point))


def lookup(name: str) -> EntryPoint:
    """What `turnout serve NAME` means, not loaded yet. A usage error that lists what is known, where it means nothing."""
    known = found(CHANNELS) | found(SERVICES)
    if name in known:
        return known[name]
    module, _, attribute = name.partition(":")
    if module and attribute:
        return EntryPoint(name, name, CHANNELS)
    names = ", ".join(sorted(known))
    raise click.BadParameter(f"nothing is called {name!r}; known are {names}, or package.module:Class", param_hint="NAME")


def health_of(name: str) -> str:
    """The name under which a service says that it is ready: of one's own channel, given as package.module:Class, its id."""
    point = lookup(name)
    if ":" not in name:
        return name
    sys.path.insert(0, os.getcwd())
    made = load(point)
    if not hasattr(made, "manifest"):
        raise ConfigError(f"{name} is no channel: it has no `manifest`")
    return str(made.manifest.id)


async def _serve_channel(host: Callable[[Any, Any], Awaitable[None]], make: Any, settings: Any) -> None:
    await host(settings, make)


def die_with(parent: int) -> None:
    """The kernel kills this process when its parent dies, even by kill -9. Killed, not asked: a service is safe to kill at any
    moment, and asking would leave those that wait for a server which has just died as well."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(DIE_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("turnout: whoever started this process is gone")


def run_until_told(service: Callable[[], Awaitable[None]]) -> None:
    """Run a service until it ends or a signal cancels it; the second signal ends the process on the spot."""
    import structlog
    import uvloop

    log = structlog.get_logger()

    async def body() -> None:
        task = asyncio.ensure_future(service())
        told: list[str] = []

        def stop(number: signal.Signals) -> None:
            if told:
                os._exit(128 + number)
            told.append(number.name)
            task.cancel()

        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop, number)
        log.info("started", pid=os.getpid())
        try:
            await task
        except asyncio.CancelledError:
            if not told:
                raise
        log.info("stopped", told=told[0] if told else "")

    try:
        uvloop.run(body())
    except Exception as error:
        if not mendable(error):
            log.exception("crashed")
            sys.exit(1)
        raise


def main() -> None:
    """The `turnout` command."""
    cli()


if __name__ == "__main__":
    main()
