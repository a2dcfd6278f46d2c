"""Chat platforms, and the channel to each. *telegram* cannot be asked what it shows and drafts fade by themselves; *slack* can be
asked by a message's mark and its previews are messages; *web* knows each message by its id and shows it once.

A platform hands an update over, to any replica, and again every few seconds until it is told that it was accepted.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from bots.kit.answer import answer_blocks, pages
from bots.kit.contract import REPEAT, Accept, Limits, Manifest, Native, Piece
from bots.kit.markdown import Plain
from core.errors import Ambiguous, Full, NotSent, RateLimited, Refused, SendError, Unavailable
from core.records import Event, Turn
from tests.reliability.history import Gone, Said, Shown
from tests.simulation.loop import Process
from tests.simulation.net import Link, Net

PATIENCE, AGAIN = 10.0, 3.0
CAN = {
    "telegram": frozenset({"edit", "stream", "typing"}),
    "slack": frozenset({"edit", "stream", "typing", "reconcile"}),
    "web": frozenset({"reconcile"}),
}
LIMITS = Limits(text=160, edit_every=0.5, per_second=100.0, lane_every=0.05)


@dataclass(eq=False, slots=True)
class Update:
    event: Event
    token: str
    since: float = 0.0
    accepted: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(eq=False, slots=True)
class Socket:
    """Where a replica gets its updates."""

    process: Process
    came: deque[Update] = field(default_factory=deque)
    some: asyncio.Event = field(default_factory=asyncio.Event)


class Platform:
    def __init__(self, net: Net, name: str, history: list[Any], *, twice: float, previews: bool) -> None:
        self.net, self.name, self.history, self.twice, self.previews = net, name, history, twice, previews
        self.updates: list[Update] = []
        self.sockets: list[Socket] = []
        self.shown: dict[str, dict[str, str]] = defaultdict(dict)
        self.marks: dict[str, tuple[str, str]] = {}  # of a message, what it is: kind and id
        self._lines: dict[str, deque[Update]] = {}
        self._numbers = count(1)
        self.tried: set[str] = set()  # messages that a send of was begun

    def connect(self, process: Process) -> Socket:
        socket = Socket(process)
        self.sockets.append(socket)
        process.lost.append(lambda: self.leave(socket))
        return socket

    def leave(self, socket: Socket) -> None:
        if socket in self.sockets:
            self.sockets.remove(socket)

    def say(self, update: Update) -> None:
        """A person writes. Telegram brings a chat's updates one after another, the others all at once."""
        self.updates.append(update)
        if self.name != "telegram":
            self.net.outside(self._bring(deque((update,))))
        elif (line := self._lines.get(update.event.lane)) is None or not line:
            self._lines[update.event.lane] = deque((update,))
            self.net.outside(self._bring(self._lines[update.event.lane]))
        else:
            line.append(update)

    async def _bring(self, line: deque[Update]) -> None:
        while line:
            update = line[0]
            while not update.accepted.is_set():
                for _ in range(2 if self.net.rng.random() < self.twice else 1):
                    self.hand(update)
                with suppress(TimeoutError):
                    async with asyncio.timeout(AGAIN):
                        await update.accepted.wait()
            line.popleft()

    def hand(self, update: Update) -> None:
        if self.sockets:
            socket = self.net.rng.choice(self.sockets)
            self.net.loop.call_later(self.net.delay(0.02), self._put, socket, update)

    def _put(self, socket: Socket, update: Update) -> None:
        update.since = update.since or self.net.loop.now
        socket.came.append(update)
        socket.some.set()

    def accept(self, update: Update) -> None:
        if not update.accepted.is_set():
            update.accepted.set()
            if update.token:
                now, lane = self.net.loop.now, update.event.lane
                self.history.append(Said(self.name, lane, update.token, True, now, update.since))

    def put(self, chat: str, number: str, text: str, growing: bool = False, mark: tuple[str, str] | None = None) -> str:
        """Show a new message (`number` "") or edit one."""
        lines = self.shown[chat]
        if number and number not in lines:
            raise Refused("no such message")
        number = number or str(next(self._numbers))
        lines[number] = text
        if mark:
            self.marks[number] = mark
        self.history.append(Shown(self.name, chat, number, text, self.net.loop.now, growing))
        if self.net.told:
            self.net.told(self.name, f"shows {chat} {number}: {text!r}")
        return number

    def find(self, mark: tuple[str, str]) -> str:
        return next((number for number, found in self.marks.items() if found == mark), "")

    def remove(self, chat: str, number: str) -> None:
        if self.shown[chat].pop(number, None) is None:
            raise Refused("no such message")
        self.marks.pop(number, None)
        self.history.append(Gone(self.name, chat, number, self.net.loop.now))


class Replica:
    """The channel as one process has it."""

    def __init__(self, net: Net, platform: Platform, process: Process, pace: float) -> None:
        self._net, self._platform, self._process = net, platform, process
        self._link = Link("platform", process, NotSent, Ambiguous, PATIENCE, pace)
        self._order: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._tasks: list[asyncio.Task[None]] = []
        name = platform.name
        self.manifest = Manifest(
            id=name,
            title=name,
            markdown="none",
            limits=LIMITS,
            capabilities=CAN[name] if platform.previews else CAN[name] - {"stream"},
        )

    def parse(self, raw: dict[str, object]) -> list[Event]:
        return []

    def render(self, turn: Turn) -> list[Native]:
        texts = [Plain().render(page) for page in pages(answer_blocks(turn), LIMITS, Plain())]
        return [
            Native(id=f"{turn.id}:{place}", address=turn.address, plain=text, body={"rich": text})
            for place, text in enumerate(texts)
        ]

    async def run(self, accept: Accept) -> None:
        socket = self._platform.connect(self._process)
        try:
            while True:
                await socket.some.wait()
                while socket.came:
                    self._tasks.append(asyncio.create_task(self._take(socket.came.popleft(), accept)))
                socket.some.clear()
        finally:
            self._platform.leave(socket)

    async def _take(self, update: Update, accept: Accept) -> None:
        """Not accepted: the platform comes again."""
        async with self._order[update.event.lane]:
            with suppress(Unavailable, Full):
                await accept(update.event)
                self._net.send(self._link, f"accepted {update.token}", lambda: self._platform.accept(update))

    async def deliver(self, message: Native) -> str:
        chat = message.address.get("chat", "")
        if not chat:
            raise Refused("no such chat")
        platform, number, mark = self._platform, message.edits, ("reply", message.id)
        text = (REPEAT if message.repeat else "") + message.plain
        platform.tried.add(message.id)
        if platform.name == "slack" and not number and message.id.endswith(":0"):
            number = await self._orphan(message)

        def effect() -> str:
            self._moods(message)
            again = platform.find(mark) if platform.name == "web" else ""
            return again or platform.put(chat, number, text, mark=mark)

        return await self._call(f"send {message.id} edits {number!r}", effect)

    def _moods(self, message: Native) -> None:
        fate = self._net.fate("limits")
        if fate == "limited":
            raise RateLimited("slow down", after=self._net.rng.choice((0.2, 1.0, 3.0)))
        if fate == "picky" and message.body:
            raise Refused("cannot parse")

    async def _orphan(self, message: Native) -> str:
        """As the Slack channel does: the preview left by a process that died, before this one began or beside it."""
        if not message.orphan and float(message.address["ts"]) > self._process.started:
            return ""
        try:
            return await self._seek("preview", message.id.rpartition(":")[0])
        except Ambiguous as error:
            raise NotSent(str(error)) from None

    async def find(self, message: Native) -> str:
        return await self._seek("reply", message.id)

    async def _seek(self, kind: str, id: str) -> str:
        return await self._call(f"seek {kind} {id}", lambda: self._platform.find((kind, id)))

    async def typing(self, address: dict[str, str]) -> None:
        await self._call("typing", lambda: None)

    async def show(self, piece: Piece, shown: str) -> str:
        platform, chat = self._platform, piece.address["chat"]
        if platform.name == "telegram" or not piece.text:
            await self._call("draft", lambda: None)
            return shown
        mark, text = ("preview", piece.turn), piece.text + " …"
        try:
            return await self._call(f"show {piece.turn} {shown!r}", lambda: platform.put(chat, shown, text, True, mark))
        except Ambiguous:
            if not shown and (found := await self._seek(*mark)):
                return found
            raise

    async def withdraw(self, shown: str, address: dict[str, str]) -> None:
        mark = await self._call(f"look at {shown}", lambda: self._platform.marks.get(shown))
        if mark and mark[0] == "preview":
            await self._call(f"remove {shown}", lambda: self._platform.remove(address["chat"], shown))

    async def _call(self, what: str, effect: Callable[[], Any]) -> Any:
        try:
            return await self._net.call(self._link, what, effect)
        except SendError as error:
            if self._net.told:
                self._net.told(self._process.name, f"{what} failed: {error!r}")
            raise

    async def close(self) -> None:
        """Nothing to close."""
