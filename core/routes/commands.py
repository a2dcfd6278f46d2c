"""`turnout routes`: which track each intent takes and on what evidence; and how that is changed, tried out and taken back."""

import asyncio
import getpass
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import click
from msgspec.structs import replace

from core import assistant, settings
from core.assistant import Assistant
from core.bus import Bus
from core.connecting import connected
from core.errors import ConfigError, Unavailable
from core.policy.planning import needs
from core.policy.routes import Routes
from core.routes import asked, proposals, shadows, telling, versions
from core.routes.advising import advise
from core.routes.progress import progress
from core.routes.proposals import Wish
from core.routes.trial import limits_of, pace_of
from core.settings import Settings

T = TypeVar("T")
FILE = click.argument("file", type=click.Path(path_type=Path, dir_okay=False), required=False)


def _with_bus(given: Settings, work: Callable[[Bus], Awaitable[T]]) -> T:
    async def run() -> T:
        async with connected(given, name="routes") as bus:
            return await work(bus)

    return asyncio.run(run())


def _share(_context: click.Context, option: click.Parameter, value: str | None) -> float:
    """ "5%", "5" and "0.05" are the same; 0 where the option is not given."""
    if value is None:
        return 0.0
    try:
        share = float(value.removesuffix("%"))
        share = share / 100 if value.endswith("%") or share > 1 else share
    except ValueError:
        share = 0.0
    if not 0 < share < 1:
        raise click.BadParameter(f"{value!r} is no share of conversations: write for example 5%", param=option)
    return share


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return "the command line"


@click.group()
def routes() -> None:
    """Which track each intent takes, and on what evidence."""


routes.add_command(advise)


@routes.command("plan")
@click.option("--points", default=10, show_default=True, help="The smallest difference worth knowing, in points of quality.")
def plan(points: int) -> None:
    """How many questions it takes to tell which track serves each intent better."""
    if not 1 <= points <= 50:
        raise click.BadParameter(f"{points} points cannot be planned for: name 1 to 50", param_hint="--points")
    file = assistant.read(settings.load().assistant)
    found = needs({intent.name: intent.risk for intent in file.intents}, points)
    width = max([len("together"), *(len(need.intent) for need in found)])
    for need, intent in zip(found, file.intents, strict=True):
        click.echo(f"{need.intent:{width}}  {need.cases:6,} questions  risk {intent.risk}")
    click.echo(f"{'together':{width}}  {sum(need.cases for need in found):6,} questions tell a difference of {points} points")


@routes.command("show")
@click.option("--versions", "listed", is_flag=True, help="List every version there ever was.")
def show(listed: bool) -> None:
    """Print each intent's route, what it rests on, and what is to be measured again."""
    given = settings.load()
    file = assistant.read(given.assistant)
    try:
        lines = _with_bus(given, _listed if listed else lambda bus: _shown(bus, given, file))
    except (ConfigError, Unavailable) as error:
        if listed:
            raise
        click.echo(f"which version is in force is not known: {error}", err=True)
        lines = telling.shown(versions.FILE, file, time.time())
    click.echo("\n".join(lines))


async def _listed(bus: Bus) -> list[str]:
    found = await versions.every(bus)
    return telling.table(telling.version_line(one, found[-1].number) for one in found) if found else ["no version yet"]


async def _shown(bus: Bus, given: Settings, file: Assistant) -> list[str]:
    from core.routes.ageing import age

    now = await versions.newest(bus)
    found = await age(bus, given, file, now)
    again = [*telling.warned(found.stale), *telling.drifted(found.drift)]
    lines = [telling.headline(now), *await _rollout(bus, now, file), "", *telling.shown(now, file, time.time())]
    return [*lines, "", "to be measured again:", *again] if again else lines


async def _rollout(bus: Bus, now: Routes, file: Assistant) -> list[str]:
    """How what is tried out fares, and by which limits; else those of the next canary."""
    limits, pace = limits_of(file), pace_of(file)
    if now.stage == "canary":
        other = (limits, pace) != (now.limits, now.pace)
        moved = ["what [canary] of the assistant file says now counts from the next one on"] * other
        return [*await progress(bus, now, file), *telling.watched(now.limits, now.pace), *moved]
    first, second = telling.watched(limits, pace)
    shadow = [shadows.told(await shadows.pairs(bus, now))] if now.stage == "shadow" else []
    return [*shadow, f"the next canary {first}", second]


@routes.command("diff")
@click.argument("what", metavar="[FILE|N]", required=False)
def diff(what: str | None) -> None:
    """What a proposal, or version N, says otherwise than the version in force.

    FILE is what an evaluation or `advise` wrote; without it, the newest one.
    """
    given = settings.load()
    file = assistant.read(given.assistant)

    async def work(bus: Bus) -> list[str]:
        now = await versions.newest(bus)
        if what and what.isdigit():
            other, name = await versions.read(bus, int(what)), f"version {what}"
        else:
            path = Path(what) if what else proposals.newest_file(given.data)
            proposal = proposals.read(path)
            other, name = _merged(now, proposal), f"{path} ({proposal.by or 'by hand'})"
        force = f"version {now.number}" if now.number else "the assistant file"
        wrong = [f"! {one}" for one in proposals.impossible(other, file)]
        return [f"{name} against {force} (~ other tracks, = other evidence)", *telling.compared(now, other, file), *wrong]

    click.echo("\n".join(_with_bus(given, work)))


def _merged(now: Routes, proposal: Routes) -> Routes:
    return replace(proposal, routes=proposals.joined(now, proposal))


@routes.command("apply")
@FILE
@click.option(
    "--canary",
    callback=_share,
    metavar="PERCENT",
    help="Try it on this share of conversations first.  [default: the first of `steps` in [canary], 5%]",
)
@click.option(
    "--shadow", callback=_share, metavar="PERCENT", help="Change nobody's answers; ask this share of questions again."
)
@click.option("--full", is_flag=True, help="Put it in force for everybody at once, unwatched.")
@click.option("--anyway", is_flag=True, help="Also where the evidence no longer fits what runs.")
@click.option("--note", default="", help="What to say of it in the list of versions.")
def apply(file: Path | None, canary: float, shadow: float, full: bool, anyway: bool, note: str) -> None:
    """Put a proposal in force: as a canary that grows or is taken back by itself, in shadow, or for everybody.

    FILE is what an evaluation or `advise` wrote; without it, the newest one.
    """
    if sum(map(bool, (canary, shadow, full))) > 1:
        raise click.UsageError("choose one of --canary, --shadow and --full")
    given = settings.load()
    about = assistant.read(given.assistant)
    path = file or proposals.newest_file(given.data)
    proposal = proposals.read(path)
    if wrong := proposals.impossible(proposal, about):
        raise ConfigError("\n".join([f"{path} does not fit {given.assistant}:", *(f"  {one}" for one in wrong)]))
    share = shadow or canary or about.canary.steps[0]
    wish = Wish("full" if full else "shadow" if shadow else "canary", share, _who(), time.time(), note)
    made = _with_bus(given, lambda bus: _apply(bus, given, about, proposal, wish=wish, anyway=anyway))
    click.echo(f"{path}\n{telling.headline(made)}")
    if full:
        click.echo(telling.UNWATCHED)


async def _apply(bus: Bus, given: Settings, file: Assistant, proposal: Routes, *, wish: Wish, anyway: bool) -> Routes:
    from core.routes.present import left_out, present

    moved = await proposals.moves(bus, proposal, file)
    now = await present(bus, given, file, proposal)
    found = proposals.doubts(proposal, now, moved=moved, left_out=left_out(given, file))
    found += await proposals.sick_before(bus, moved)
    if found and not anyway:
        told = "\n".join(f"  {one}" for one in found)
        raise ConfigError(f"not applied:\n{told}\nmend that, or say --anyway")
    return await proposals.apply(bus, proposal, wish, file)


@routes.command("rollback")
@click.argument("number", type=click.IntRange(0), required=False)
def rollback(number: int | None) -> None:
    """Put an earlier version in force again: the one before, or NUMBER (0: the assistant file's routes)."""
    made = _with_bus(settings.load(), lambda bus: proposals.go_back(bus, number, by=_who(), at=time.time()))
    click.echo(telling.headline(made))


@routes.command("why")
@click.argument("lane", required=False)
@click.option("--turn", default="", help="The turn of this id, in place of a lane's last one.")
def why(lane: str | None, turn: str) -> None:
    """Say which version a turn followed, why it went where it went, and on what evidence."""
    if bool(lane) == bool(turn):
        raise click.UsageError("name a LANE, or a turn with --turn ID")
    given = settings.load()
    file = assistant.read(given.assistant)
    found = _with_bus(given, lambda bus: asked.find(bus, lane or "", turn))
    click.echo("\n".join(found.lines(file, time.time())))
