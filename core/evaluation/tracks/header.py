"""What a run begins with: all that is known before the first question is asked."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

import click

from core.assistant import Assistant
from core.bus import Bus
from core.evaluation.tracks import money
from core.evaluation.tracks.fingerprints import library, made_with
from core.evaluation.tracks.learned import learned
from core.evaluation.tracks.records import Case, Limits, Run, Stakes, Track
from core.evaluation.tracks.routing import routed
from core.policy.decision import Rules, Weights
from core.routes import versions
from core.settings import Settings

VECTOR_SECONDS = 600


async def header(bus: Bus, given: Settings, file: Assistant, *, cases: Sequence[Case], tracks: Sequence[Track]) -> Run:
    """The run without a name, questions' name and ceiling, which are the caller's."""
    return Run(
        id="",
        questions="",
        at=time.time(),
        assistant=file.about.name,
        cases=tuple(cases),
        tracks=tuple(tracks),
        stakes=await stakes(bus, file),
        rules=rules(file),
        limits=limits(file),
        prices=money.prices(file),
        currency=file.measure.currency,
        made_with=await made_with(bus, file, given, cases),
        behind=await behind(bus),
        learned=_learned(file, given.assistant.parent, tracks),
        routed=await routed(bus, given, file, cases),
        indexed=(await library(bus)).spent,
    )


async def stakes(bus: Bus, file: Assistant) -> dict[str, Stakes]:
    """By intent, with the routes that are in force."""
    standing = await versions.read(bus, versions.base(await versions.newest(bus)))
    taken = {route.intent: route.tracks for route in standing.routes}
    found = {
        one.name: Stakes(route=taken.get(one.name, file.route(one.name)), risk=one.risk, volatility=one.volatility)
        for one in file.intents
    }
    return {**found, "": Stakes(route=file.about.default_route)}


def rules(file: Assistant) -> Rules:
    told = file.measure
    weights = Weights(cost=told.cost, second=told.second, stale=told.stale)
    return Rules(margin=told.margin, cheaper=told.cheaper, least=told.least, cases=told.cases, weights=weights)


def limits(file: Assistant) -> Limits:
    told = file.measure
    return Limits(
        cost=told.max_cost,
        p95=told.max_p95,
        citations=told.min_citations,
        support=told.min_support,
        banned=told.max_banned,
        could_not=told.max_unserved,
    )


async def settled(bus: Bus) -> None:
    """Returns once every passage has its vector, or has had time enough: before that, search is not what it will be."""
    for second in range(VECTOR_SECONDS):
        waiting = (await library(bus)).waiting
        if not waiting:
            return
        if second % 30 == 0:
            click.echo(f"{waiting} passages wait for a vector: waiting for them", err=True)
        await asyncio.sleep(1)


async def behind(bus: Bus) -> tuple[str, ...]:
    """What the index has not taken in yet, in words."""
    now = await library(bus)
    return (
        *([f"{now.waiting} passages wait for a vector"] if now.waiting else []),
        *(f"the source {source.name} fails: {source.reason}" for source in now.sources if source.failing),
        *(f"{skipped.path} was not taken: {skipped.reason}" for skipped in now.skipped),
    )


def _learned(file: Assistant, folder: Path, tracks: Sequence[Track]) -> dict[str, tuple[str, ...]]:
    """Of the tuned model, where the file says what it learned from."""
    tuned = next((track.model for track in tracks if track.name in ("tuned", "hybrid") and track.model), "")
    return {tuned: learned(folder / file.models.learned_from)} if tuned and file.models.learned_from else {}
