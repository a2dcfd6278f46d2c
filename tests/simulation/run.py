"""One seed: lived through, settled, and judged."""

import asyncio
import gc
import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

import msgspec

from bots.kit import service
from core import keys
from core.dialog.recall import Recall
from core.dialog.service import LINE
from core.lane import Lane
from core.memory import Conversation, LocalMemory
from tests.reliability.oracle import Verdict, judge
from tests.simulation import loop as virtual
from tests.simulation.model import Words
from tests.simulation.plan import Plan, Word, draw
from tests.simulation.settled import broken, forgive
from tests.simulation.world import Twins, World, no_vitals

SETTLED, RECOVERED = 180.0, 15.0
MONTH = 30 * 86400.0


@dataclass
class Report:
    """What a seed came to. `wrong` is empty when everything held. `digest` names the whole history."""

    seed: int
    wrong: list[str] = field(default_factory=list)
    turns: int = 0
    messages: int = 0
    repeats: int = 0
    honest: int = 0
    dead: int = 0
    excused: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)
    digest: str = ""


def run(
    seed: int,
    *,
    without: frozenset[str] = frozenset(),
    twins: Twins | None = None,
    told: Callable[[str], None] | None = None,
) -> Report:
    """Live one seed. `told` gets the trace, a line a step."""
    plan, report = draw(seed, without), Report(seed)
    gc.collect()
    gc.disable()  # what is collected, and when, would otherwise differ from run to run
    vitals, service.vitals = service.vitals, no_vitals
    try:
        with virtual.running(Random(seed)) as loop:
            say = None if told is None else lambda who, what: told(f"{loop.now:9.3f} {who:10} {what}")
            world = World(loop, plan, twins or Twins(), say)
            try:
                loop.run_until_complete(_all(world, report))
            except virtual.Stuck as error:
                report.wrong.append(f"stuck at {loop.now:.3f}: {error}")
            report.wrong += world.streams.wrong + world.wrong + loop.trouble
            report.turns, report.seconds, report.faults = len(world.streams.turns), loop.now, world.net.faults
    finally:
        service.vitals = vitals
        gc.enable()
    return report


async def _all(world: World, report: Report) -> None:
    await world.live()
    quiet, waiting = world.troubled, world.open_lanes()
    await _settle(world, report)
    report.slowest = max(_recovery(world, waiting, quiet), default=0.0)
    if report.slowest > RECOVERED:
        report.wrong.append(f"a lane went on only {report.slowest:.1f} s after the last fault")
    for place, (channel, lane) in enumerate(_lanes(world.plan)):
        world.say(Word(world.loop.now, lane, channel, f"last{place}"))
    await _settle(world, report)
    verdict = await _judged(world)
    report.excused = forgive(world, verdict)
    report.wrong += [] if verdict.clean else [str(verdict)]
    report.wrong += broken(world)
    report.messages, report.repeats, report.honest = verdict.messages, verdict.repeats, verdict.honest
    report.dead = len(world.streams.dead)
    report.digest = _digest(world)


def _lanes(plan: Plan) -> list[tuple[str, str]]:
    return sorted({(word.channel, word.lane) for word in plan.words})


async def _settle(world: World, report: Report) -> None:
    until = world.loop.now + SETTLED
    while not world.accepted or any(world.open_lanes().values()):
        if world.loop.now > until:
            report.wrong.append(f"not settled after {SETTLED:g} s: {world.open_lanes()}, all accepted: {world.accepted}")
            return
        await asyncio.sleep(0.25)


def _recovery(world: World, waiting: dict[str, list[str]], quiet: float) -> Iterator[float]:
    """Seconds until each lane that waited when the faults ended went on."""
    if world.troubled > quiet:  # deaths went on: there is no one moment to count from
        return
    for stream, lanes in waiting.items():
        for lane in lanes:
            yield next((at for at in world.streams.when[stream, lane] if at > quiet), world.loop.now) - quiet


async def _judged(world: World) -> Verdict:
    """The history, the streams and memory under the oracle's eyes: memory as kept, as loaded and as rebuilt."""
    memories: list[Conversation] = list(world.memory._kept.values())
    for lane, (seq, turn) in world.streams.last.items():
        at = Lane(world.bus, LINE, turn.channel, lane, keys.into(turn.channel, lane), at=seq)
        for store in (world.memory, LocalMemory()):
            memories.append((await Recall(world.bus, store, Words()).load(at, ttl=MONTH))[0])
    joins = [channel for channel, overlap in world.plan.overlap.items() if overlap != "queue"]
    streams = world.streams
    return judge(world.history, turns=streams.turns, memories=memories, receipts=streams.receipts, joins=joins)


def _digest(world: World) -> str:
    parts: list[Any] = [world.history, world.streams.turns, world.streams.receipts, sorted(world.net.faults.items())]
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:16]
