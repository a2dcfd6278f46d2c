"""The scripted model: it answers each `#token` it is asked with numbered pieces, says them as it goes, and fails as it is told."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from types import SimpleNamespace
from typing import Any
from zlib import crc32

from core.assistant import Assistant
from core.dialog.desk import Desk
from core.dialog.tracks.contract import Answer, Ask, Means, Say
from core.errors import CannotServe
from core.memory import Conversation
from core.records import Part
from tests.simulation.loop import PROCESS, Process
from tests.simulation.net import Net
from tests.simulation.plan import Mood

HANG = 15.0
PADDING = "as long as needed, so that an answer takes several messages"
TOKEN = re.compile(r"#(\w+)")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the model was asked, when, in which lane, after which turns."""

    at: float
    lane: str
    tokens: tuple[str, ...]
    before: tuple[str, ...]


def pieces(token: str) -> int:
    return 1 + crc32(token.encode()) % 3


@dataclass
class Model:
    """`stops` kills the process that asks; `ends` is the moment from which nothing fails any more."""

    net: Net
    rng: Random
    mood: Mood
    ends: float
    stops: Callable[[Process], None]
    asked: list[Asked] = field(default_factory=list)

    async def first(self, ask: Ask, means: Means, say: Say) -> Answer:
        """May be unable to serve, break, or hang until its deadline; then the second is asked."""
        self.asked.append(
            Asked(self.net.loop.now, ask.lane, tokens(ask.text), tuple(e.turn for e in ask.conversation.exchanges))
        )
        if "poison" in ask.text:
            await asyncio.sleep(0.01)
            raise RuntimeError("poison")
        if "deadly" in ask.text and (process := PROCESS.get()):
            self.stops(process)
            await asyncio.Event().wait()
        fault = self._fault()
        if fault == "unable":
            raise CannotServe("the model is busy")
        if fault == "broken":
            raise RuntimeError("a bug in the track")
        texts = [f"Piece {n}: {PADDING} ‹{token} {n}/{pieces(token)}›" for token in tokens(ask.text) for n in _numbers(token)]
        stop = self.rng.randrange(len(texts)) if fault == "hangs" and texts else -1
        seconds = self.mood.seconds if self.net.loop.now < self.ends else min(self.mood.seconds, 1.0)
        for place, text in enumerate(texts):
            if place == stop:
                await asyncio.sleep(max(0.0, min(HANG, self.ends - self.net.loop.now)))
                raise CannotServe("no token in time")
            await asyncio.sleep(seconds / len(texts) * (0.2 + 1.6 * self.rng.random()))
            await say(text + "\n\n")
        return Answer(tuple(Part(text=text) for text in texts), why="the script")

    async def second(self, ask: Ask, means: Means, say: Say) -> Answer:
        if self.rng.random() < 0.5:
            raise CannotServe("neither can the second")
        return await self.first(ask, means, say)

    def _fault(self) -> str:
        if self.net.loop.now >= self.ends:
            return ""
        for kind in ("unable", "broken", "hangs"):
            if self.rng.random() < getattr(self.mood, kind):
                self.net.faults[f"model {kind}"] += 1
                return kind
        return ""


def tokens(text: str) -> tuple[str, ...]:
    return tuple(TOKEN.findall(text))


def _numbers(token: str) -> range:
    return range(1, pieces(token) + 1)


class Router:
    """Takes the default route for everything."""

    def decide(self, text: str, conversation: Conversation) -> Any:
        return SimpleNamespace(intent="any", confidence=0.9, kind="intent", candidates=(("any", 0.9),), why="one intent")


class Words:
    """Counts words as tokens."""

    def count(self, text: str) -> int:
        return len(text.split())


def desk(model: Model, overlap: dict[str, str]) -> Desk:
    table = {
        "assistant": {"name": "Sim", "default_route": ["first", "second"]},
        "tracks": {"first": "tests:first", "second": "tests:second"},
        "memory": {"turns": 3},
        "channels": {name: {"overlap": policy} for name, policy in overlap.items()},
    }
    tracks = {"first": model.first, "second": model.second}
    return Desk(Assistant.model_validate(table), Router(), tracks, Means(None, None, None))  # type: ignore[arg-type]
