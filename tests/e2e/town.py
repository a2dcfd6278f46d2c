"""A system, the platforms around it and the people on them: what they say and see goes to the oracle, with what the stores hold."""

import asyncio
import itertools
import random
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import aiohttp
import redis.asyncio as redis

from core import bus_nats, embedded, keys, redis_store, settings
from core.bus import Bus
from core.memory import Conversation
from core.records import Receipt, Turn, decode
from tests.e2e.system import System, until
from tests.fakes.openai_server import Asked, OpenAIServer, Reply
from tests.fakes.slack_server import APP_TOKEN, SIGNING_SECRET, TOKEN
from tests.reliability.fleet import Fleet
from tests.reliability.history import History, Shown
from tests.reliability.oracle import MARK, Verdict, judge
from tests.reliability.people import OnSlack, OnTelegram, OnTheWeb, Person
from tests.reliability.platforms import TOKEN as TOKENS
from tests.reliability.platforms import SeenSlack, SeenTelegram, SeenWorkspace
from tests.reliability.scribe import Key, Scribe

ASSISTANT = """
[assistant]
name = "Guide"
default_route = ["rag", "prompt"]
out_of_scope_below = 0
clarify_below = 0
[knowledge]
paths = ["bridge.md"]
dense = "off"
"""
BRIDGE = "# The bridge\n\nThe old bridge over the river was built of stone and stands since the year 1750.\n"
AT_LENGTH, SLOWLY = "at length", "slowly"


@dataclass
class Books:
    """What the system has stored, followed while it runs: turns and receipts."""

    turns: list[tuple[int, Turn]] = field(default_factory=list)
    receipts: list[tuple[str, str, Receipt]] = field(default_factory=list)

    async def follow(self, bus: Bus) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._turns(bus))
            group.create_task(self._receipts(bus))

    async def _turns(self, bus: Bus) -> None:
        async with bus.follow("LOG", "log.>", 0) as messages:
            async for message in messages:
                self.turns.append((message.seq, decode(Turn, message.data)))

    async def _receipts(self, bus: Bus) -> None:
        async with bus.follow("SENT", "sent.>", 0) as messages:
            async for message in messages:
                _, channel, lane = message.subject.split(".")
                self.receipts.append((channel, lane, decode(Receipt, message.data)))

    def turn(self, token: str) -> Turn | None:
        return next((turn for _, turn in self.turns if token in TOKENS.findall(turn.asked)), None)

    @property
    def owed(self) -> set[str]:
        """Turns that are to be sent and have no last receipt."""
        over = {receipt.turn for _, _, receipt in self.receipts if receipt.state in ("done", "dropped")}
        return {turn.id for _, turn in self.turns if turn.channel != "web"} - over


@dataclass
class Reader:
    """Which questions have their answer to its end, as far as the history is written."""

    history: History
    read: int = 0
    ended: set[str] = field(default_factory=set)

    def answered(self, tokens: Iterable[str]) -> bool:
        for record in self.history.records[self.read :]:
            marks = MARK.findall(record.text) if isinstance(record, Shown) and not record.growing else ()
            self.ended |= {token for token, place, of in marks if place == of}
        self.read = len(self.history.records)
        return self.ended.issuperset(tokens)


@dataclass
class Writer:
    """The scripted model: answers in marked pieces, and remembers when it was asked for which token."""

    asked: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def __call__(self, asked: Asked) -> Reply:
        long, slow = AT_LENGTH in asked.question, SLOWLY in asked.question
        words = " ".join([f"{'stone-' * 6}bridge"] * 85) if long else "It is built of stone." * (4 if slow else 1)
        pieces, of = [], 3 if long else 1
        for token in TOKENS.findall(asked.question) if not asked.question.startswith("Summary so far") else ():
            self.asked[token].append(time.time())
            pieces += [f"{words} ‹{token} {place}/{of}›" for place in range(1, of + 1)]
        return Reply("\n\n".join(pieces) or "They talked about a bridge.", pace=0.15 if slow else 0.0)


@dataclass
class Resident:
    """A person of the town, in a conversation of their own."""

    person: Person
    reader: Reader
    books: Books
    name: str
    said: list[str] = field(default_factory=list)
    asking: "set[asyncio.Task[None]]" = field(default_factory=set)

    def say(self, how: str = "") -> str:
        """Write the next question, and go on before anybody has taken it; its token."""
        token = f"{self.name}q{len(self.said)}"
        self.said.append(token)
        task = asyncio.create_task(self.person.ask(token, f"What do you know about the old bridge {how} #{token} ?"))
        self.asking.add(task)
        task.add_done_callback(self.asking.discard)
        return token

    @property
    def lane(self) -> str:
        """Known once the first question is answered."""
        first = self.books.turn(self.said[0])
        assert first is not None
        return first.lane

    def answered(self, *tokens: str) -> bool:
        return self.reader.answered(tokens or self.said)


@dataclass
class Town:
    system: System
    fleet: Fleet
    pages: list[str]
    telegram: SeenTelegram
    slack: SeenSlack
    scribe: Scribe
    reader: Reader
    writer: Writer
    books: Books
    bus: Bus
    client: aiohttp.ClientSession
    group: asyncio.TaskGroup
    dice: random.Random = field(default_factory=lambda: random.Random(1))
    residents: list[Resident] = field(default_factory=list)
    reading: "list[asyncio.Task[None]]" = field(default_factory=list)
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    async def resident(self, channel: str) -> Resident:
        number = f"7{next(self._numbers):03}"
        person: Person
        if channel == "telegram":
            person = OnTelegram(self.telegram, self.scribe, self.dice, int(number))
        elif channel == "slack":
            person = OnSlack(self.slack, self.dice, f"D{number}")
        else:
            person = page = OnTheWeb([partial(str, one) for one in self.pages], self.scribe, self.dice)
            await page.begin(self.client)
            self.reading.append(self.group.create_task(page.read()))
        made = Resident(person, self.reader, self.books, f"{channel[0]}{number}")
        self.residents.append(made)
        return made

    def shown(self, key: Key) -> list[str]:
        """What a conversation has been shown so far, edits and repeats among it."""
        return [one.text for one in self.scribe.history if isinstance(one, Shown) and (one.channel, one.conversation) == key]

    async def settled(self, seconds: float = 150) -> None:
        """Until everybody has every answer, and every answer its receipt."""
        try:
            await until(lambda: all(one.answered() for one in self.residents) and not self.books.owed, seconds)
        except TimeoutError:
            open_ = [
                f"{one.person.key}: {[t for t in one.said if not one.answered(t)]}"
                for one in self.residents
                if not one.answered()
            ]
            raise AssertionError(f"not answered: {open_}; not received: {self.books.owed}") from None

    async def let_go(self, residents: Iterable[Resident]) -> None:
        """Until no worker has any of these conversations in hand: what is said next is taken up anew, with a lease of its own."""
        residents = [*residents]
        await until(lambda: all(one.books.turn(one.said[0]) for one in residents))
        leases = [keys.lease(stream, one.lane) for one in residents for stream in ("IN", "LOG")]
        async with asyncio.timeout(120), redis.from_url((await self._where()).redis_url) as client:
            while any([await client.hexists(lease, "holder") for lease in leases]):
                await asyncio.sleep(0.05)

    async def _where(self) -> embedded.Servers:
        return await embedded.wait(settings.load(TURNOUT_DATA=self.system.folder / "data"))

    async def verdict(self) -> Verdict:
        where = await self._where()
        memories: list[Conversation] = []
        async with redis_store.connect(where.redis_url) as store:
            for lane in {turn.lane for _, turn in self.books.turns}:
                memories += filter(None, [await store.memory.load(lane)])
        return judge(self.scribe.history, turns=self.books.turns, memories=memories, receipts=self.books.receipts)

    def asked_after_the_commit(self) -> list[str]:
        """Tokens that the model was asked for although their answer stood in the log."""
        return [
            token
            for token, times in self.writer.asked.items()
            if (turn := self.books.turn(token)) is not None and max(times) > turn.at
        ]


@asynccontextmanager
async def town(
    folder: Path, *, hooks: bool = True, twice: Sequence[str] | None = None, **variables: str
) -> AsyncIterator[Town]:
    """With `hooks` Telegram and Slack call us, else we poll the one and hold a socket to the other. With `twice` it is a fleet,
    behind proxies, and these services have a second replica."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "assistant.toml").write_text(ASSISTANT)
    (folder / "bridge.md").write_text(BRIDGE)
    writer, books, system = Writer(), Books(), System(folder)
    async with AsyncExitStack() as stack:
        scribe = Scribe(stack.enter_context(History(folder / "history.jsonl")))
        telegram = await stack.enter_async_context(SeenTelegram(scribe))
        slack = SeenSlack(world=SeenWorkspace(scribe=scribe), scribe=scribe, pauses=(0.5,) * 120)
        await stack.enter_async_context(slack)
        model = await stack.enter_async_context(OpenAIServer())
        model.otherwise(writer)
        outside = {"OPENAI_BASE_URL": model.base_url, "TELEGRAM_API_BASE": telegram.base, "SLACK_API_BASE": slack.api}
        tokens = {"TELEGRAM_BOT_TOKEN": telegram.token, "SLACK_BOT_TOKEN": TOKEN}
        system.variables |= outside | tokens | (_called(system) if hooks else {"SLACK_APP_TOKEN": APP_TOKEN})
        system.variables |= {"TURNOUT_ASSISTANT": str(folder / "assistant.toml"), **variables}
        fleet = Fleet(system, tuple(twice or ()))
        await stack.enter_async_context(system.up() if twice is None else fleet.up(folder / "up.log", outside))
        pages = [system.url, *(fleet.page(name) for name in fleet.ports if name != "web/a" and "web" in fleet.twice)]
        slack.hooks = tuple(f"{page}/slack/events" for page in pages) if hooks else ()
        slack.hook = slack.hooks[0] if hooks else ""
        where = await embedded.wait(settings.load(TURNOUT_DATA=folder / "data"))
        bus = await stack.enter_async_context(bus_nats.connect(where.nats_url, name="books"))
        client = await stack.enter_async_context(aiohttp.ClientSession())
        async with asyncio.TaskGroup() as group:
            following = group.create_task(books.follow(bus))
            reader = Reader(scribe.history)
            made = Town(system, fleet, pages, telegram, slack, scribe, reader, writer, books, bus, client, group)
            try:
                yield made
            finally:
                for task in (following, *made.reading):
                    task.cancel()


def _called(system: System) -> dict[str, str]:
    return {
        "TELEGRAM_WEBHOOK_URL": f"{system.url}/telegram/webhook",
        "TELEGRAM_WEBHOOK_SECRET": "a-secret-of-the-test",
        "SLACK_SIGNING_SECRET": SIGNING_SECRET,
    }
