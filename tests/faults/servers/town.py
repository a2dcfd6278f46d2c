"""A town: Turnout between the fake platforms, people who write all the time, and one judge of all they saw."""

import asyncio
import itertools
import os
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest

from core import bus_nats, redis_store
from core.bus import so_far
from core.embedded import wait
from core.embedded.child import Child
from core.keys import lane_of
from core.memory import Conversation
from core.records import Receipt, Turn, decode
from core.settings import load
from tests.conftest import Private
from tests.e2e.system import System
from tests.fakes.openai_server import Asked, OpenAIServer, Reply
from tests.fakes.proxy import Proxy
from tests.fakes.slack_server import SIGNING_SECRET, TOKEN
from tests.reliability.history import History, Said
from tests.reliability.oracle import Verdict, judge
from tests.reliability.people import Manners, OnSlack, OnTelegram, OnTheWeb, Person, live
from tests.reliability.platforms import TOKEN as ASKED
from tests.reliability.platforms import SeenSlack, SeenTelegram, SeenWorkspace
from tests.reliability.scribe import Scribe

SOAK = pytest.mark.skipif(
    "TURNOUT_SOAK" not in os.environ, reason="one of its kind is enough for the suite: set TURNOUT_SOAK=1"
)
DEADLINE = 120.0
PEOPLE = 2
ASSISTANT = '[assistant]\nname = "Town"\ndefault_route = ["prompt"]\n'
SECRET = "a-secret-of-the-town"
SERVERS = ("NATS_URL", "REDIS_URL")


def scripted(asked: Asked) -> Reply:
    """Three short pieces, written as fast as one reads; or a summary."""
    tokens = [] if asked.question.startswith("Summary so far") else ASKED.findall(asked.question)
    pieces = [f"so much of it ‹{token} {place}/3›" for token in tokens for place in range(1, 4)]
    return Reply("\n\n".join(pieces) or "They talked about railways.", pace=0.02)


@dataclass
class Patient(OnSlack):
    """Writes on once the message before is accepted."""

    async def ask(self, token: str, text: str) -> None:
        ts = self.slack.ask(self.key, self.channel, f"U{self.channel}", text)
        while ts in self.slack.open:
            await asyncio.sleep(0.02)


@dataclass
class Visitor(OnTheWeb):
    """Keeps what the web service answered to each try."""

    answers: Counter[int] = field(default_factory=Counter)

    async def _post(self, token: str, text: str) -> int:
        status = await super()._post(token, text)
        self.answers[status] += 1
        return status


@dataclass
class Stores:
    """What the log, the receipts and memory hold."""

    turns: list[tuple[int, Turn]]
    receipts: list[tuple[str, str, Receipt]]
    memories: dict[str, Conversation]


@dataclass
class Town:
    """`webhook`: Telegram calls us; else it is polled. `pages`: the addresses of the web service's replicas."""

    system: System
    scribe: Scribe
    telegram: SeenTelegram
    slack: SeenSlack
    model: OpenAIServer
    webhook: bool
    pages: list[str]
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def commands(self) -> dict[int, str]:
        """The processes of the services, with their command lines."""
        return {pid: command for pid, command in self.system.processes().items() if " serve " in command}

    def services(self) -> list[int]:
        """The processes of the services, which are others once one was started again."""
        found = sorted(self.commands())
        assert len(found) >= 5, found
        return found

    async def stores(self) -> "Stores":
        given = self.system.variables
        servers = await wait(load(TURNOUT_DATA=self.system.folder / "data", **{name: given.get(name, "") for name in SERVERS}))
        async with bus_nats.connect(servers.nats_url) as bus, redis_store.connect(servers.redis_url) as store:
            turns = [(one.seq, decode(Turn, one.data)) async for one in so_far(bus, "LOG", "log.>")]
            sent = [(*lane_of(one.subject), decode(Receipt, one.data)) async for one in so_far(bus, "SENT", "sent.>")]
            memories = {lane: await store.memory.load(lane) for lane in {turn.lane for _, turn in turns}}
        return Stores(turns, sent, {lane: memory for lane, memory in memories.items() if memory})

    @asynccontextmanager
    async def busy(self, *, stores: bool = True) -> AsyncIterator["Crowd"]:
        """People write while the block runs; then they stop, all of them are answered, and what they saw is clean. `stores`:
        the log, memory and receipts are judged with it."""
        async with asyncio.TaskGroup() as group, aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as client:
            crowd = Crowd(self, Manners(random.Random(7), 0.3), group, client)
            await crowd.gather()
            yield crowd
            await crowd.go_home()
            for reader in crowd.readers:
                reader.cancel()
        crowd.judged = verdict = await crowd.verdict(stores)
        assert verdict.clean, f"{verdict}\n{crowd.progress}\n{self.system.log[-6000:]}"


@dataclass
class Crowd:
    """The people of one test, in conversations that nobody had before."""

    town: Town
    manners: Manners
    group: asyncio.TaskGroup
    client: aiohttp.ClientSession
    visitors: list[Visitor] = field(default_factory=list)
    asking: list["asyncio.Task[None]"] = field(default_factory=list)
    readers: list["asyncio.Task[None]"] = field(default_factory=list)
    begun: tuple[int, int, int, int] = (0, 0, 0, 0)
    judged: Verdict = field(default_factory=Verdict)

    async def gather(self) -> None:
        town = self.town
        self.manners.numbers = itertools.count(1000 * next(town.numbers))
        self.begun = (
            len(town.scribe.history.records),
            len(town.slack.deliveries),
            len(town.telegram.statuses),
            town.scribe.answered,
        )
        for _ in range(PEOPLE):
            self.asking += [
                self.group.create_task(live(person, self.manners, town.scribe)) for person in await self.newcomers()
            ]

    async def newcomers(self) -> tuple[Person, ...]:
        """One on each channel."""
        town, dice, number = self.town, self.manners.dice, next(self.town.numbers)
        visitor = Visitor([lambda: dice.choice(town.pages)], town.scribe, dice)
        await visitor.begin(self.client)
        self.visitors.append(visitor)
        self.readers.append(self.group.create_task(visitor.read()))
        return OnTelegram(town.telegram, town.scribe, dice, number), Patient(town.slack, dice, f"D{number}"), visitor

    async def knock(self) -> int:
        """Newcomers ask one thing each: those who are here already may be waiting for their answers. Returns their Telegram
        chat."""
        newcomers = await self.newcomers()
        for person in newcomers:
            self.asking.append(self.group.create_task(person.ask(*self.manners.question())))
        return int(newcomers[0].key[1])

    @property
    def refused(self) -> dict[str, int]:
        """How many messages were not taken, by channel: any answer but a good one, and none at all."""
        web = sum(count for visitor in self.visitors for status, count in visitor.answers.items() if status != 202)
        slack = sum(delivery.status != 200 for delivery in self.town.slack.deliveries[self.begun[1] :])
        telegram = sum(status != 200 for status in self.town.telegram.statuses[self.begun[2] :])
        return {"web": web, "slack": slack, "telegram": telegram}

    def accepted(self, *channels: str) -> int:
        """How many questions were accepted on these channels."""
        records = self.town.scribe.history.records[self.begun[0] :]
        return sum(isinstance(record, Said) and record.accepted and record.channel in channels for record in records)

    @property
    def answered(self) -> int:
        return self.town.scribe.answered - self.begun[3]

    @property
    def progress(self) -> str:
        waiting = [f"{channel} {name} #{token}" for _, (channel, name), token in self.town.scribe.waiting()]
        open = list(self.town.slack.open.values()), [update["update_id"] for update in self.town.telegram.pending]
        return f"{self.answered} answered, waiting: {waiting}, not accepted: {open}, refused: {self.refused}"

    async def until_answered(self, more: int, seconds: float = DEADLINE) -> None:
        """Until so many more questions are answered."""
        goal = self.answered + more
        await self.until(lambda: self.answered >= goal, f"{more} more answers", seconds)

    async def until(self, true, what: str, seconds: float = DEADLINE) -> None:
        try:
            async with asyncio.timeout(seconds):
                while not true():
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"no {what} in {seconds:g} s: {self.progress}\n{self.town.system.log[-6000:]}") from None

    async def until_all_resumed(self) -> None:
        """Until each of them has had an answer to something asked from now on, and nothing from before is open."""
        now = time.time()
        await self.until(lambda: not any(at < now for at, _, _ in self.town.scribe.waiting()), "answer to all asked before")
        await self.until_answered(3 * PEOPLE)

    async def go_home(self) -> None:
        self.manners.closing.set()
        await asyncio.gather(*self.asking)
        await self.until(
            lambda: not self.town.slack.open and not self.town.telegram.pending and not any(self.town.scribe.waiting()),
            "answer to everything",
        )

    async def verdict(self, stores: bool) -> Verdict:
        """Waits until nothing is on its way out, where the stores are asked."""
        history = self.town.scribe.history.records[self.begun[0] :]
        if not stores:
            return judge(history)
        async with asyncio.timeout(DEADLINE):
            while True:
                kept = await self.town.stores()
                verdict = judge(history, turns=kept.turns, memories=kept.memories.values(), receipts=kept.receipts)
                if not verdict.unresolved:
                    return verdict
                await asyncio.sleep(0.2)


@asynccontextmanager
async def standing(
    folder: Path, *, webhook: bool = False, options: tuple[str, ...] = (), **variables: str
) -> AsyncIterator[Town]:
    """`turnout up` with all channels, ready."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "assistant.toml").write_text(ASSISTANT)
    scribe = Scribe(History())
    slack = SeenSlack(scribe=scribe, world=SeenWorkspace(scribe=scribe), pauses=(0.3,) * 1000)
    async with SeenTelegram(scribe) as telegram, slack, OpenAIServer() as model:
        model.otherwise(scripted)
        system = System(folder, options=options)
        system.variables |= {
            "TURNOUT_ASSISTANT": str(folder / "assistant.toml"),
            "OPENAI_BASE_URL": model.base_url,
            "TELEGRAM_BOT_TOKEN": telegram.token,
            "TELEGRAM_API_BASE": telegram.base,
            "SLACK_BOT_TOKEN": TOKEN,
            "SLACK_API_BASE": slack.api,
            "SLACK_SIGNING_SECRET": SIGNING_SECRET,
            **variables,
        }
        if webhook:
            system.variables |= {
                "TELEGRAM_WEBHOOK_URL": f"{system.url}/telegram/webhook",
                "TELEGRAM_WEBHOOK_SECRET": SECRET,
            }
        slack.hook = f"{system.url}/slack/events"
        slack.hooks = (slack.hook,)
        async with system.up():
            yield Town(system, scribe, telegram, slack, model, webhook, [system.url])


@dataclass
class Elsewhere:
    """A town whose servers are given and kept by nobody. Redis is reached through a proxy."""

    town: Town
    nats: Child
    valkey: Child
    redis: Proxy
    private: Private


@asynccontextmanager
async def elsewhere_in(folder: Path) -> AsyncIterator[Elsewhere]:
    async with AsyncExitStack() as stack:
        private = Private(folder / "private", stack)
        nats, valkey = await private.nats(), await private.valkey()
        proxy = await stack.enter_async_context(Proxy("127.0.0.1", valkey.port).listening())
        given = {"NATS_URL": nats.url, "REDIS_URL": f"redis://127.0.0.1:{proxy.port}"}
        town = await stack.enter_async_context(standing(folder, webhook=True, **given))
        yield Elsewhere(town, nats, valkey, proxy, private)
