"""Why a turn went where it went, from the log."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from core.assistant import Assistant
from core.bus import Bus, so_far
from core.errors import TurnoutError
from core.policy.routes import Routes
from core.records import Turn, decode
from core.routes import history, telling, versions
from core.routes.standing import Standing

NAME = re.compile(r"[\w-]+", re.ASCII)


class NoSuchTurn(TurnoutError):
    """The log holds no such turn."""


@dataclass(frozen=True, slots=True)
class Why:
    """A turn, the version it followed, and the version its conversation follows now."""

    turn: Turn
    then: Routes
    now: Routes

    def lines(self, file: Assistant, at: float) -> Iterator[str]:
        turn = self.turn
        tokens, seconds = turn.usage.prompt_tokens + turn.usage.completion_tokens, turn.timings.get("total", 0.0) / 1000
        followed = telling.headline(self.then) if self.then.number else "the assistant file: no version counted for it"
        yield f"turn {turn.id} of lane {turn.lane} on {turn.channel}, {telling.when(turn.at)}"
        yield f"intent {turn.intent or 'none'} ({turn.confidence:.2f}), track {turn.track}, {seconds:.2f} s, {tokens} tokens"
        yield f"why: {turn.why}"
        yield f"it followed {followed}"
        route = next((route for route in self.then.routes if route.intent == turn.intent), None)
        if route:
            yield f"there {turn.intent} takes {telling.arrows(route.tracks)}; {telling.evidence(route, at)}"
            yield from (f"because: {reason}" for reason in route.because)
            if route.evidence:
                yield f"evidence: run {route.evidence.run}, {route.evidence.kind}: {route.evidence.why}"
        elif turn.intent:
            yield f"there {turn.intent} takes {telling.arrows(file.route(turn.intent))}; an opinion of the assistant file"
        if self.now.number != self.then.number:
            yield f"now this conversation follows {telling.headline(self.now)}"


async def find(bus: Bus, lane: str, turn: str) -> Why:
    """Of a turn by its id (or that of an event it answers), else of a lane's last turn that was answered. Raises NoSuchTurn."""
    found = await _by_id(bus, turn) if turn else await _last_of(bus, lane)
    now = await versions.newest(bus)
    standing = Standing(now, await versions.read(bus, now.before))
    return Why(found, await versions.read(bus, found.routes), standing.of(found.lane))


async def _last_of(bus: Bus, lane: str) -> Turn:
    stored = await bus.last("LOG", f"log.*.{lane}") if NAME.fullmatch(lane) else None
    while stored:
        turn = decode(Turn, stored.data)
        if turn.outcome != "noted":
            return turn
        stored = await bus.read("LOG", turn.prev)
    raise NoSuchTurn(f"no lane {lane!r} has an answered turn: `lane` stands in every log line and in `turnout ask --json`")


async def _by_id(bus: Bus, id: str) -> Turn:
    wanted = id.encode()
    async for stored in so_far(bus, "LOG", "log.>"):
        if wanted in stored.data and (turn := history.read(stored.data)) and id in (turn.id, *turn.events):
            return turn
    raise NoSuchTurn(f"no turn has the id {id!r}: `turn` stands in every reply and log line")
