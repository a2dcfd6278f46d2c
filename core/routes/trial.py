"""Which turns of the log belong to a roll-out, and what each of them shows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from core import keys
from core.assistant import Assistant
from core.bus import Bus
from core.policy.canary import Canary, Case, Limits, Pace
from core.policy.routes import Routes
from core.policy.sequential import coin
from core.records import Turn
from core.routes import versions

Tracks = Mapping[str, tuple[str, ...]]


def tracks_of(routes: Routes, file: Assistant) -> dict[str, tuple[str, ...]]:
    """Every intent's tracks, as a version and behind it the assistant file have them."""
    found = {intent.name: file.route(intent.name) for intent in file.intents}
    return found | {route.intent: route.tracks for route in routes.routes}


def at_stake(new: Routes, old: Routes, file: Assistant) -> dict[str, tuple[str, ...]]:
    """The intents that a version moves, with their new tracks."""
    before = tracks_of(old, file)
    return {intent: tracks for intent, tracks in tracks_of(new, file).items() if tracks != before.get(intent)}


@dataclass(frozen=True, slots=True)
class Trial:
    """A roll-out: its versions by number, the one the others follow, and the new and old tracks of the intents it moves."""

    versions: Mapping[int, Routes]
    before: Routes
    new: Tracks
    old: Tracks

    def case(self, turn: Turn) -> Case | None:
        """The turn as the watch sees it; None where it says nothing about the roll-out."""
        canary = turn.routes in self.versions
        if turn.channel == keys.EVALUATION or not (canary or turn.routes == self.before.number):
            return None
        tracks = (self.new if canary else self.old).get(turn.intent, ())
        if turn.outcome != "dead" and (turn.outcome != "answered" or not tracks or turn.track == "out_of_scope"):
            return None
        return Case(
            turn.id,
            turn.lane,
            canary,
            turn.at,
            unserved=turn.outcome == "dead" or turn.track == "none",
            passed_on=turn.outcome == "dead" or turn.track != tracks[0],
            seconds=turn.timings.get("total", 0.0) / 1000,
            tokens=turn.usage.prompt_tokens + turn.usage.completion_tokens,
        )

    def show(self, canary: Canary, turn: Turn) -> bool:
        """Show the watch a turn of the log; whether it counts as one of a canary."""
        if turn.target and turn.asked in ("up", "down"):
            canary.thumb(turn.lane, turn.target, down=turn.asked == "down", at=turn.at)
        case = self.case(turn)
        if case is None:
            return False
        if case.canary:
            canary.share = self.versions[turn.routes].share
        return canary.see(case) and case.canary

    def shadowed(self, turn: Turn) -> str:
        """The track that is to answer a turn once more, in shadow; "": none. Only what begins a conversation is asked: of what
        follows, the new track could not know what was said before."""
        tracks = self.new.get(turn.intent, ())
        (number, version), *_ = self.versions.items()
        real = turn.channel != keys.EVALUATION and turn.outcome == "answered" and turn.track != "out_of_scope" and not turn.prev
        return tracks[0] if tracks and real and coin(f"shadow:{number}:{turn.id}", version.share) else ""


async def trial_of(bus: Bus, version: Routes, file: Assistant) -> Trial:
    """The roll-out that a version belongs to."""
    before = await versions.read(bus, version.before)
    family = [await versions.read(bus, number) for number in range(version.began, version.number)]
    old, moved = tracks_of(before, file), at_stake(version, before, file)
    kept = {intent: old[intent] for intent in moved if intent in old}
    return Trial({one.number: one for one in (*family, version)}, before, moved, kept)


def limits_of(file: Assistant) -> Limits:
    """How much worse canaries may be, as the assistant file says."""
    told = file.canary
    return Limits(
        unserved=told.unserved,
        passed_on=told.passed_on,
        down=told.down,
        beyond=told.beyond,
        slower=told.slower,
        seconds=told.seconds,
        dearer=told.dearer,
    )


def pace_of(file: Assistant) -> Pace:
    """How fast a canary's share grows, as the assistant file says."""
    return Pace(steps=file.canary.steps, turns=file.canary.turns, seconds=3600 * file.canary.hours)


def promised(new: Iterable[Routes], limits: Limits, moved: Tracks) -> Limits:
    """The limits with what the measurement said of the new tracks: who was measured to be slower, or dearer, may be."""
    seconds, cost = [1.0], [1.0]
    for route in (route for routes in new for route in routes.routes if route.intent in moved and route.evidence):
        assert route.evidence is not None
        old, taken = (route.evidence.tracks.get(name) for name in (route.evidence.default, route.tracks[0]))
        if old and taken:
            seconds.append(taken.seconds_p95 / old.seconds_p95 if old.seconds_p95 else 1.0)
            cost.append(taken.cost / old.cost if old.cost else 1.0)
    return replace(limits, promised_seconds=max(seconds), promised_cost=max(cost))
