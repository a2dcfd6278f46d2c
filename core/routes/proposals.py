"""A proposal on its way into force: read from a file, held against what is there, made a version, or gone back on."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from msgspec.structs import replace

from core.assistant import BUILT_IN_TRACKS, Assistant
from core.bus import Bus
from core.errors import ConfigError, RecordError
from core.policy.routes import Route, Routes
from core.records import decode
from core.routes import staleness, versions
from core.routes.trial import Tracks, at_stake, limits_of, pace_of

RUNS, ROUTES = Path("evaluation") / "tracks", "routes.json"
ADVICE = Path("evaluation") / "advice" / ROUTES
Stage = Literal["shadow", "canary", "full"]


@dataclass(frozen=True, slots=True)
class Wish:
    """How a proposal is to come into force, who wishes it, and when."""

    stage: Stage
    share: float
    by: str
    at: float
    note: str = ""


def newest_file(data: Path) -> Path:
    """The proposal that was written last, by an evaluation or as advice."""
    files = [path for path in (*(data / RUNS).glob(f"*/{ROUTES}"), data / ADVICE) if path.exists()]
    if not files:
        raise ConfigError(
            f"no proposal in {data / RUNS}: `turnout eval tracks` makes one from questions, `turnout routes advise` one from"
            " answers to a few, or name a FILE"
        )
    return max(files, key=lambda path: path.stat().st_mtime)


def read(path: Path) -> Routes:
    """A proposal. Raises ConfigError for what is none."""
    try:
        found = decode(Routes, path.read_bytes())
    except OSError as error:
        raise ConfigError(f"cannot read {path} ({error.strerror}): name a file that an evaluation or `advise` wrote") from None
    except RecordError as error:
        raise ConfigError(f"{path} holds no routes: {error}") from None
    if not found.routes:
        raise ConfigError(f"{path} proposes nothing: it holds no route")
    twice = {route.intent for route in found.routes if sum(other.intent == route.intent for other in found.routes) > 1}
    if twice:
        raise ConfigError(f"{path} says more than one thing about {', '.join(sorted(twice))}")
    return found


def known_tracks(file: Assistant) -> set[str]:
    return {*BUILT_IN_TRACKS, *file.tracks}


def impossible(proposal: Routes, file: Assistant) -> list[str]:
    """What a proposal asks for that the assistant does not have."""
    tracks, intents = known_tracks(file), {intent.name: intent for intent in file.intents}
    found = []
    for route in proposal.routes:
        found += [f"{route.intent}: there is no track {track}" for track in route.tracks if track not in tracks]
        if not route.tracks:
            found.append(f"{route.intent}: no track at all")
        if route.intent not in intents:
            found.append(f"{route.intent}: there is no such intent")
        elif "template" in route.tracks and not intents[route.intent].template:
            found.append(f"{route.intent}: the intent has no `template` text")
    return found


def doubts(proposal: Routes, now: staleness.Present, *, moved: Tracks, left_out: Mapping[str, str]) -> list[str]:
    """Why a proposal had better not be applied as it is. `moved`: the intents that would take other tracks; `left_out`: the
    tracks that cannot run now, with why."""
    found = [f"{intent}: {why}" for intent, some in staleness.stale(proposal, now).items() for why in some]
    if now.prints is None and any(route.evidence for route in proposal.routes):
        found.append("whether documents and models are those that were measured cannot be seen: retrieval does not answer")
    cannot = {intent: tracks[0] for intent, tracks in moved.items() if tracks[0] in left_out}
    return [*found, *(f"{intent}: {track} cannot run now: {left_out[track]}" for intent, track in cannot.items())]


def joined(old: Routes, proposal: Routes) -> tuple[Route, ...]:
    """The routes of a version with those proposed in their place; what the proposal does not speak of stays."""
    return tuple({route.intent: route for route in (*old.routes, *proposal.routes)}.values())


async def moves(bus: Bus, proposal: Routes, file: Assistant) -> dict[str, tuple[str, ...]]:
    """The intents that a proposal would give other tracks than now, with those."""
    old = await versions.read(bus, versions.base(await versions.newest(bus)))
    return at_stake(replace(proposal, routes=joined(old, proposal)), old, file)


async def sick_before(bus: Bus, moved: Tracks) -> list[str]:
    """Whether the same was tried before and taken back, in words."""
    known = {one.number: one for one in await versions.every(bus)}
    tried = {one.sick: one for one in known.values() if one.sick in known}
    found = []
    for number, back in tried.items():
        tracks = {route.intent: route.tracks for route in known[number].routes}
        if moved and all(tracks.get(intent) == same for intent, same in moved.items()):
            found.append(f"version {number} was the same and was taken back ({back.note})")
    return found[-1:]


async def apply(bus: Bus, proposal: Routes, wish: Wish, file: Assistant) -> Routes:
    """Make a proposal the version in force; what is in shadow gives way. Raises ConfigError while a canary is rolled out, or
    where it changes nothing, Conflict where somebody else was quicker."""
    now = await versions.newest(bus)
    old = await versions.read(bus, versions.base(now))
    if now.stage == "canary":
        raise ConfigError(
            f"version {now.number} is being rolled out (canary, {now.share:.0%}): wait, or take it back"
            " with `turnout routes rollback`"
        )
    made = replace(proposal, routes=joined(old, proposal))
    if made.routes == old.routes:
        raise ConfigError(f"nothing to apply: version {old.number} says the same")
    if wish.stage != "full" and not at_stake(made, old, file):
        raise ConfigError("no intent would take other tracks than now, so there is nothing to try out: apply it with --full")
    last = await bus.last("LOG", "log.>")
    made = replace(
        made,
        stage=wish.stage,
        share=1.0 if wish.stage == "full" else wish.share,
        before=old.number,
        began=now.number + 1,
        log=last.seq if last else 0,
        at=wish.at,
        by=wish.by,
        note=wish.note or proposal.note,
        limits=limits_of(file),
        pace=pace_of(file),
    )
    return await versions.add(bus, made, after=now.number)


async def go_back(bus: Bus, number: int | None, *, by: str, at: float) -> Routes:
    """Put an earlier version in force again, as a new one; None: the one before. Raises UnknownVersion, ConfigError where there
    is nothing to go back on."""
    now = await versions.newest(bus)
    if now.number == 0:
        raise ConfigError("nothing to roll back: no routes were ever applied, the assistant file's are in force")
    old = await versions.read(bus, now.before if number is None else number)
    if old.number == now.number:
        raise ConfigError(f"version {now.number} is in force already")
    if old.stage != "full":
        raise ConfigError(
            f"version {old.number} was a {old.stage} and never in full force: roll back to {old.before}, or apply it"
        )
    back = Routes(
        number=0, routes=old.routes, before=old.before, at=at, by=by, note=f"rolled back from {now.number} to {old.number}"
    )
    return await versions.add(bus, back, after=now.number)
