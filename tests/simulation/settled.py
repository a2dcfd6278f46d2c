"""What must hold of a world that has settled, beside the oracle's verdict."""

from collections import Counter
from collections.abc import Iterator

from core.dialog.turn import MERGE_QUIET
from core.records import Turn
from tests.reliability.oracle import LEFT_GROWING, Verdict
from tests.simulation.model import tokens
from tests.simulation.world import World

SLACK = 1.0  # seconds that a calm turn or its delivery may cost beside the model


def broken(world: World) -> list[str]:
    return [*_dead(world), *_told(world), *(_late(world) if world.plan.calm else ())]


def forgive(world: World, verdict: Verdict) -> int:
    """Leave out what is missing by design, and count it: where the platform cannot be asked, a send whose fate is unknown is
    repeated once, marked, and given up when that is cut off as well. One that was never tried is no such message."""
    turns, excused = dict(world.streams.turns), set[str]()
    missing: Counter[str] = Counter()
    for channel, lane, receipt in world.streams.receipts:
        left_out = [place for place, native in enumerate(receipt.native) if not native] if receipt.state == "done" else []
        ids = {f"{receipt.turn}:{place}" for place in left_out}
        if channel == "telegram" and ids and ids <= world.platforms[channel].tried:
            asked = tokens(turns[receipt.upto].asked)
            excused.update(asked)
            missing[lane] += len(asked)
    verdict.half = [found for found in verdict.half if found.token not in excused]
    for found in list(verdict.lost):  # of two honest answers nobody can tell which one is missing
        if missing[found.conversation] > 0:
            missing[found.conversation] -= 1
            verdict.lost.remove(found)
    return len(excused) + _previews(world, verdict)


def _previews(world: World, verdict: Verdict) -> int:
    """A preview may be left beside its whole answer where Redis forgot who showed it, and who did stopped or had no reply to it."""
    blows = {blow.kind for blow in world.plan.blows}
    unheard = any(storm.server == "platform" and storm.kind in ("deaf", "slow") for storm in world.plan.storms)
    if "flush" not in blows or not (unheard or blows & {"kill", "stop", "freeze"}):
        return 0
    left = [found for found in verdict.half if found.what == LEFT_GROWING]
    verdict.half = [found for found in verdict.half if found not in left]
    return len(left)


def _dead(world: World) -> Iterator[str]:
    """What must be given up is in DEAD, once; nothing else is, unless its worker died over it or its track broke each time."""
    bad = {f"{word.lane}-{word.token}": word.kind for word in world.plan.words if word.kind in ("poison", "deadly")}
    joined = {lane for _, lane in _joining(world)}
    events = {id for lane in world.streams.events.values() for _, id in lane}
    garbage = {id for id in events if id.startswith("in")}
    dead = Counter(event.id for event in world.streams.dead)
    for id in sorted({*bad, *garbage} & events - dead.keys()):
        yield f"{id} must be given up and is not in DEAD"
    for event in world.streams.dead:
        innocent = event.id not in bad and event.id not in garbage and event.subject.rpartition(".")[2] not in joined
        if innocent and not event.reason.startswith("RuntimeError: a bug") and world.deaths < 3:
            yield f"{event.id} was given up: {event.reason}"
    for id, times in dead.items():
        if times > 1:
            yield f"{id} stands {times} times in DEAD"


def _joining(world: World) -> set[tuple[str, str]]:
    overlap = world.plan.overlap
    return {(word.channel, word.lane) for word in world.plan.words if overlap[word.channel] != "queue"}


def _told(world: World) -> Iterator[str]:
    """What the model was told of the past is a run of the lane's answered turns, and where its answer was committed, the run
    that ends right before it."""
    past: dict[str, list[Turn]] = {}
    for _, turn in world.streams.turns:
        if turn.outcome in ("answered", "clarify"):
            past.setdefault(turn.lane, []).append(turn)
    places = {turn.id: place for line in past.values() for place, turn in enumerate(line)}
    for asked in world.model.asked:
        ends = [places.get(turn, -1) for turn in asked.before]
        if ends and ends != list(range(ends[0], ends[0] + len(ends))):
            yield f"the model was told {asked.before} in {asked.lane}, which is no run of its log"
    known = {(asked.tokens, asked.before[-1:]) for asked in world.model.asked}
    for lane, line in past.items():
        for place, turn in enumerate(line):
            if tokens(turn.asked) and (tokens(turn.asked), tuple(t.id for t in line[max(0, place - 1) : place])) not in known:
                yield f"the turn {turn.id} of {lane} was made without the one before it"


def _late(world: World) -> Iterator[str]:
    """Without faults nobody waits for anything but the model, and the model is asked once."""
    streams, longest = world.streams, 2.0 * world.plan.mood.seconds + MERGE_QUIET + SLACK
    free: dict[str, float] = {}
    times = {key: iter(whens) for key, whens in streams.when.items()}
    for _, turn in streams.turns:
        at = next(times["log", turn.lane])
        waited = at - max(streams.came[turn.upto], free.get(turn.lane, 0.0))
        free[turn.lane] = at
        if waited > longest:
            yield f"{turn.id} was answered {waited:.2f} s after its turn had come"
    queued = {lane for lane in streams.events} - {lane for _, lane in _joining(world)}
    for (lane, asked), times_asked in Counter((a.lane, a.tokens) for a in world.model.asked).items():
        if times_asked > 1 and lane in queued:
            yield f"the model was asked {times_asked} times for {asked} in {lane}"
