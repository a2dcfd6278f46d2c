"""The console: a conversation on standard input and output. The worked example of docs/channels.md, a channel in one file."""

import asyncio
import contextlib
import getpass
import secrets
import sys
import threading
import time
from typing import Any, TextIO

from bots.kit.answer import answer_blocks, choices, pages, sources_block
from bots.kit.contract import REPEAT, Accept, Limits, Manifest, Native
from bots.kit.markdown import Plain
from core.errors import Refused, Unavailable
from core.keys import Keys
from core.records import Event, Turn
from core.settings import Settings

CHANNEL = "console"
PATIENCE = 120.0  # seconds to wait for answers after the end of the input
NOBODY = "no answer came: is Turnout running? Start it with `turnout up`"


def lane_of(keys: Keys, name: str) -> str:
    """The lane of the person who calls themselves `name`."""
    return keys.lane(CHANNEL, "local", name)


class Console:
    manifest = Manifest(
        id=CHANNEL,
        title="Console",
        markdown="plain text",
        limits=Limits(text=100_000, per_second=1000.0),
    )

    def __init__(self, settings: Settings, *, name: str = "", source: TextIO = sys.stdin, screen: TextIO = sys.stdout) -> None:
        self._keys = Keys(settings.secret_key())
        self._name = name or getpass.getuser()
        self._source, self._screen = source, screen
        self._session = secrets.token_hex(8)
        self._waiting: set[str] = set()
        self._answered = asyncio.Event()

    def parse(self, raw: dict[str, Any]) -> list[Event]:
        """`raw` is a line somebody typed: {"name", "session", "number", "text"}."""
        text = str(raw["text"]).strip()
        if not text:
            return []
        event = Event(
            id=self._keys.event(CHANNEL, "local", f"{raw['session']}:{raw['number']}"),
            channel=CHANNEL,
            lane=lane_of(self._keys, raw["name"]),
            author=self._keys.person(CHANNEL, "local", raw["name"]),
            text=text,
            at=time.time(),
            account="local",
            group="",
        )
        return [event]

    def render(self, turn: Turn) -> list[Native]:
        blocks = [*answer_blocks(turn), *sources_block(turn)]
        texts = [Plain().render(page) for page in pages(blocks, self.manifest.limits, Plain())]
        if texts and choices(turn):
            texts[-1] += "\n" + "  ".join(f"[{choice}]" for choice in choices(turn))
        return [
            Native(id=f"{turn.id}:{place}", address=turn.address, plain=text, body={"answers": turn.events})
            for place, text in enumerate(texts)
        ]

    async def run(self, accept: Accept) -> None:
        """Returns at the end of the input, once everything is answered. Raises Unavailable when nobody answers."""
        lines = self._lines()
        number = 0
        while (line := await lines.get()) is not None:
            number += 1
            raw = {"name": self._name, "session": self._session, "number": number, "text": line}
            for event in self.parse(raw):
                self._waiting.add(event.id)
                await accept(event)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while self._waiting:
                    self._answered.clear()
                    await self._answered.wait()
        if self._waiting:
            raise Unavailable(NOBODY)

    async def deliver(self, message: Native) -> str:
        try:
            print(f"{REPEAT if message.repeat else ''}{message.plain}\n", file=self._screen, flush=True)
        except (OSError, ValueError) as error:  # the terminal is gone
            raise Refused(str(error)) from None
        answers = message.body.get("answers", ())
        self._waiting.difference_update(answers if isinstance(answers, tuple | list) else ())
        self._answered.set()
        return message.id

    async def close(self) -> None: ...

    def _lines(self) -> "asyncio.Queue[str | None]":
        """What is typed, line by line, then None. A thread of its own waits for it: nothing can cancel a blocking read."""
        lines: asyncio.Queue[str | None] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def read() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended before the input has
                for line in self._source:
                    loop.call_soon_threadsafe(lines.put_nowait, line)
                loop.call_soon_threadsafe(lines.put_nowait, None)

        threading.Thread(target=read, name="console", daemon=True).start()
        return lines
