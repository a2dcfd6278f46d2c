"""A small chat platform in memory and the channel to it: what it shows, and faults it is told to have."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count

from msgspec.structs import replace

from bots.kit.answer import answer_blocks, pages
from bots.kit.contract import REPEAT, Accept, Capability, Limits, Manifest, Native, Piece
from bots.kit.markdown import Plain
from core.errors import Ambiguous, Refused
from core.records import Event, Turn

BASE = Manifest(id="toy", title="Toy", markdown="none", limits=Limits(text=80, edit_every=0.05, per_second=1000.0))


@dataclass
class Toy:
    """Its methods behave like a platform's: `faults` are raised one per call; an Ambiguous is raised after the work is done
    unless it says "lost"; `gate` holds every send up until it is set."""

    can: frozenset[Capability] = frozenset()
    faults: deque[BaseException] = field(default_factory=deque)
    shown: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    previews: dict[str, str] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    typed: int = 0
    sending: int = 0
    drawn: list[str] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.manifest = replace(BASE, capabilities=self.can)
        self.gate.set()

    @property
    def texts(self) -> list[str]:
        return list(self.shown.values())

    def parse(self, raw: dict[str, object]) -> list[Event]:
        return []

    def render(self, turn: Turn) -> list[Native]:
        texts = [Plain().render(page) for page in pages(answer_blocks(turn), self.manifest.limits, Plain())]
        return [
            Native(id=f"{turn.id}:{place}", address=turn.address, plain=text, body={"rich": text})
            for place, text in enumerate(texts)
        ]

    async def run(self, accept: Accept) -> None:
        await asyncio.Event().wait()

    async def deliver(self, message: Native) -> str:
        self.sending += 1
        self.changed.set()
        await self.gate.wait()
        fault = self.faults.popleft() if self.faults else None
        if fault is not None and (not isinstance(fault, Ambiguous) or "lost" in fault.args):
            raise fault
        if message.edits and message.edits not in self.shown:
            raise Refused("no such message")
        orphan = self.previews.get(message.id.partition(":")[0], "") if message.orphan else ""
        number = message.edits or orphan or str(next(self.numbers))
        self.shown[number] = (REPEAT if message.repeat else "") + message.plain
        self.ids[message.id] = number
        self.changed.set()
        if fault is not None:
            raise fault
        return number

    async def find(self, message: Native) -> str:
        return self.ids.get(message.id, "")

    async def typing(self, address: dict[str, str]) -> None:
        self.typed += 1
        self.changed.set()

    async def show(self, piece: Piece, shown: str) -> str:
        number = self.previews[piece.turn] = shown or str(next(self.numbers))
        self.shown[number] = piece.text + " …"
        self.drawn.append(piece.text)
        self.changed.set()
        return number

    async def withdraw(self, shown: str, address: dict[str, str]) -> None:
        self.withdrawn.append(shown)
        if self.faults:
            raise self.faults.popleft()
        if self.shown[shown].endswith(" …"):
            del self.shown[shown]
        self.changed.set()

    async def close(self) -> None:
        pass

    async def wait(self, true: Callable[[], object]) -> None:
        async with asyncio.timeout(45):
            while not true():
                self.changed.clear()
                await self.changed.wait()
