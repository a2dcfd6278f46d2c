"""Simulated people: each has one conversation, asks alone or in bursts, waits for the answers, thinks, and asks again.

They are a closed loop, so that they ask as fast as they are answered. One who waits too long asks on anyhow.
"""

import asyncio
import itertools
import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

import aiohttp

from tests.fakes.slack_workspace import BOT_USER
from tests.reliability.platforms import SeenSlack, SeenTelegram
from tests.reliability.scribe import Key, Scribe

BURSTS, MOST = 0.15, 4
PATIENCE = 60.0
GIVE_UP = 90.0


@dataclass
class Manners:
    """How people behave: `think` seconds on the mean between an answer and the next question."""

    dice: random.Random
    think: float = 2.0
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def question(self) -> tuple[str, str]:
        """A token nobody used before, and the words around it."""
        token = f"q{next(self.numbers)}"
        return token, f"Please tell me what you know about #{token} today"


class Person(Protocol):
    @property
    def key(self) -> Key: ...

    async def ask(self, token: str, text: str) -> None:
        """Hand a question over; it is in the history as soon as its platform knows what became of it."""


async def live(person: Person, manners: Manners, scribe: Scribe) -> None:
    """Until it is closing time."""
    dice = manners.dice
    await asyncio.sleep(dice.uniform(0, manners.think))
    while not manners.closing.is_set():
        for _ in range(dice.randint(2, MOST) if dice.random() < BURSTS else 1):
            await person.ask(*manners.question())
            await asyncio.sleep(dice.choice((0, 0, dice.uniform(0, 0.5))))
        await scribe.until_answered(person.key, PATIENCE)
        with suppress(TimeoutError):
            async with asyncio.timeout(dice.expovariate(1 / manners.think)):
                await manners.closing.wait()


@dataclass
class OnTelegram:
    """Telegram hands a chat's messages over one after another, and never gives one up."""

    telegram: SeenTelegram
    scribe: Scribe
    dice: random.Random
    chat: int

    @property
    def key(self) -> Key:
        return "telegram", str(self.chat)

    async def ask(self, token: str, text: str) -> None:
        self.scribe.said(self.key, token, accepted=True, since=0.0)
        self.telegram.say(self.chat, text)
        if self.dice.random() < 0.05:
            self.telegram.repeat(self.dice)


@dataclass
class OnSlack:
    """In a direct message, or in a thread of a channel that begins with a mention."""

    slack: SeenSlack
    dice: random.Random
    channel: str
    thread: str = ""

    @property
    def key(self) -> Key:
        return "slack", f"{self.channel}/{self.thread}" if self.channel[0] != "D" else self.channel

    async def ask(self, token: str, text: str) -> None:
        first = self.channel[0] != "D" and not self.thread
        self.slack.copies = self.dice.choice((1, 1, 1, 2, 5))
        mention = f"<@{BOT_USER}> " if first else ""
        ts = self.slack.ask(self.key, self.channel, f"U{self.channel}", mention + text, self.thread)
        self.thread = ts if first else self.thread
        while first and ts in self.slack.open:
            await asyncio.sleep(0.02)


@dataclass
class OnTheWeb:
    """A page that insists until its message is taken, and reads the events of its session, from where it was cut off. `pages`:
    the addresses of the web service's replicas."""

    pages: Sequence[Callable[[], str]]
    scribe: Scribe
    dice: random.Random
    session: str = ""
    token: str = ""
    last: str = ""
    shown: int = 0

    @property
    def key(self) -> Key:
        return "web", self.session

    @property
    def page(self) -> str:
        return self.dice.choice(self.pages)()

    async def begin(self, client: aiohttp.ClientSession) -> None:
        self.client = client
        while not self.session:
            with suppress(aiohttp.ClientError, TimeoutError):
                async with client.post(f"{self.page}/v1/sessions") as response:
                    made = await response.json()
                    self.session, self.token = made["session"], made["token"]

    async def ask(self, token: str, text: str) -> None:
        since, accepted = time.time(), False
        while not accepted and time.time() < since + GIVE_UP:
            copies = 2 if self.dice.random() < 0.05 else 1
            statuses = await asyncio.gather(*(self._post(token, text) for _ in range(copies)))
            accepted = 202 in statuses
            await asyncio.sleep(0 if accepted else self.dice.uniform(0.2, 1.0))
        self.scribe.said(self.key, token, accepted=accepted, since=since)

    async def _post(self, token: str, text: str) -> int:
        try:
            async with self.client.post(
                f"{self.page}/v1/messages", json={"id": token, "text": text}, headers=self._bearer()
            ) as response:
                return response.status
        except (aiohttp.ClientError, TimeoutError):
            return 0

    async def read(self) -> None:
        """For ever: the page's stream of events, opened again whenever it ends."""
        while True:
            headers = self._bearer() | ({"Last-Event-ID": self.last} if self.last else {})
            with suppress(aiohttp.ClientError, TimeoutError):
                async with self.client.get(
                    f"{self.page}/v1/events",
                    headers=headers,
                    timeout=aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=20),
                ) as response:
                    await self._follow(response)
            await asyncio.sleep(self.dice.uniform(0.1, 0.5))

    async def _follow(self, response: aiohttp.ClientResponse) -> None:
        fields: dict[str, str] = {}
        async for raw in response.content:
            name, _, value = raw.decode().rstrip("\n").partition(":")
            if name:
                fields[name] = value.strip()
                continue
            if fields.get("event") == "reply":
                self.last, self.shown = fields["id"], self.shown + 1
                self.scribe.shown(self.key, f"{self.shown}", json.loads(fields["data"])["text"])
            fields.clear()

    def _bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}
