"""The soak: people on three channels, two replicas of every service, random faults all the time, and the oracle at the end.

    make soak MINUTES=10 [SEED=7]        python -m tests.reliability.soak --help

Leaves a folder with `history.jsonl` (what was said and shown), `faults.jsonl`, the services' log and the data. The same seed
makes the same people and the same faults in the same order; how they interleave is the machine's.
"""

import argparse
import asyncio
import itertools
import json
import logging
import random
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from core import bus_nats, redis_store
from core.bus import so_far
from core.keys import lane_of
from core.memory import Conversation
from core.records import Receipt, Turn, decode
from tests.e2e.system import System
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.slack_server import SIGNING_SECRET, TOKEN
from tests.reliability import platforms
from tests.reliability.faults import Catalogue, Fault
from tests.reliability.fleet import Fleet
from tests.reliability.history import History
from tests.reliability.oracle import Verdict, judge
from tests.reliability.people import Manners, OnSlack, OnTelegram, OnTheWeb, Person, live
from tests.reliability.platforms import SeenSlack, SeenTelegram, SeenWorkspace
from tests.reliability.report import Happened, Scales, recoveries, table
from tests.reliability.scribe import Scribe

JOINS = ("slack", "web")
ASSISTANT = """
[assistant]
name = "Soak"
default_route = ["prompt"]
[models]
first_token_seconds = 3
between_tokens_seconds = 2
whole_answer_seconds = 30
[channels.slack]
overlap = "merge"
[channels.web]
overlap = "interrupt"
"""
CALM = 30.0  # seconds that a fault's recovery may take before the next one comes anyhow
DEADLINE = 60.0
LOOK, TELL = 0.1, 5.0


@dataclass
class Options:
    """`gap`: mean seconds between a recovery and the next fault. `people`: on each channel. `think`: mean seconds between an
    answer and the next question. `seconds` 0: until the plan is done. `plan` makes the faults."""

    seconds: float
    seed: int
    folder: Path
    gap: float = 3.0
    people: int = 25
    think: float = 2.0
    quiet: bool = False
    plan: Callable[[Catalogue], Iterable[Fault]] = Catalogue.plan


@dataclass
class Soak:
    options: Options
    fleet: Fleet
    telegram: SeenTelegram
    slack: SeenSlack
    model: OpenAIServer
    scribe: Scribe
    manners: Manners
    happened: list[Happened] = field(default_factory=list)
    scales: Scales = field(default_factory=Scales)
    now: str = "calm"
    slowest: float = 0.0
    began: float = field(default_factory=time.time)
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    # The people

    async def populate(self, group: asyncio.TaskGroup, client: aiohttp.ClientSession) -> list[asyncio.Task[None]]:
        dice, readers = self.manners.dice, []
        people: list[Person] = []
        for number in range(1, self.options.people + 1):
            thread = number % 4 == 0
            people.append(OnTelegram(self.telegram, self.scribe, dice, number))
            people.append(OnSlack(self.slack, dice, f"C{number}" if thread else f"D{number}"))
            visitor = OnTheWeb([lambda: self.fleet.page("web/a"), lambda: self.fleet.page("web/b")], self.scribe, dice)
            await visitor.begin(client)
            readers.append(group.create_task(visitor.read(), name=f"reads-{number}"))
            people.append(visitor)
        for number, person in enumerate(people):
            group.create_task(live(person, self.manners, self.scribe), name=f"person-{number}")
        return readers

    # The faults

    async def torment(self) -> None:
        plan = iter(self.options.plan(Catalogue(self.fleet, self.telegram, self.slack, self.model, self.manners.dice)))
        with (self.options.folder / "faults.jsonl").open("a", buffering=1) as file:
            for fault in plan:
                await self._pause(self.manners.dice.expovariate(1 / self.options.gap))
                if self.stop.is_set():
                    return
                await self._inflict(fault)
                file.write(json.dumps(vars(self.happened[-1])) + "\n")
                await self._recovered()
        self.stop.set()

    async def _inflict(self, fault: Fault) -> None:
        self.now, begun = fault.name, time.time()
        fault.begin()
        try:
            await self._pause(fault.seconds)
        finally:
            fault.end()
        self.happened.append(Happened(fault.name, begun, time.time()))

    async def _recovered(self) -> None:
        """Until all that was asked before the end of the last fault is answered."""
        ended = self.happened[-1].ended
        while any(at <= ended for at, _, _ in self.scribe.waiting()):
            if self.stop.is_set() or time.time() > ended + CALM:
                return
            await asyncio.sleep(LOOK)
        self.slowest = max(self.slowest, time.time() - ended)
        self.now = "calm"

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.stop.wait()

    # What goes on beside

    async def watch(self) -> None:
        """Say how it goes, weigh the processes, let go of what nobody needs; for ever."""
        for tick in itertools.count(1):
            await asyncio.sleep(TELL)
            passed = time.time() - self.began
            if tick % 2 == 0:
                self.scales.weigh(self.fleet.pids(), passed)
            platforms.forget(self.telegram, self.slack, self.model)
            if self.telegram.webhook:
                page = self.fleet.page(self.manners.dice.choice(("web/a", "web/b")))
                self.telegram.webhook["url"] = f"{page}/telegram/webhook"
            self.tell(
                f"{passed:6.0f} s  {self.scribe.answered} turns ({self.scribe.answered / passed:.1f}/s), "
                f"{len(self.happened)} faults, {sum(1 for _ in self.scribe.waiting())} waiting, "
                f"slowest recovery {self.slowest:.1f} s, now: {self.now}"
            )

    def tell(self, line: str) -> None:
        if not self.options.quiet:
            print(line, flush=True)

    # From the beginning to the end

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group, aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=8)) as client:
            readers = await self.populate(group, client)
            self.began = time.time()
            beside = [group.create_task(self.watch(), name="watch"), *readers]
            tormenting = group.create_task(self.torment(), name="torment")
            with suppress(TimeoutError):
                async with asyncio.timeout(self.options.seconds or None):
                    await self.stop.wait()
            self.stop.set()
            self.manners.closing.set()
            await tormenting
            self.fleet.heal()
            await self._until_all_answered()
            for task in beside:
                task.cancel()

    async def _until_all_answered(self) -> None:
        self.now, end = "waiting for the last answers", time.time() + DEADLINE
        while self.slack.open or any(True for _ in self.scribe.waiting()):
            if time.time() > end:
                return
            await asyncio.sleep(LOOK)

    async def judge(self) -> Verdict:
        """What was shown, and what the stores hold. Waits until nothing is on its way in SENT."""
        servers, end = self.fleet.servers, time.time() + DEADLINE / 4
        async with bus_nats.connect(servers.nats_url) as bus, redis_store.connect(servers.redis_url) as store:
            while True:
                turns = [(one.seq, decode(Turn, one.data)) async for one in so_far(bus, "LOG", "log.>")]
                sent = [(*lane_of(one.subject), decode(Receipt, one.data)) async for one in so_far(bus, "SENT", "sent.>")]
                memories = [await store.memory.load(lane) for lane in {turn.lane for _, turn in turns}]
                kept: list[Conversation] = [memory for memory in memories if memory is not None]
                verdict = judge(self.scribe.history, turns=turns, memories=kept, receipts=sent, joins=JOINS)
                if not verdict.unresolved or time.time() > end:
                    return verdict
                await asyncio.sleep(1)

    def report(self, verdict: Verdict) -> str:
        passed, turns = time.time() - self.began, verdict.messages
        waits = recoveries(self.scribe.history, self.happened)
        weights = [
            f"  {name:<14} {growth:+7.1f} %/h over {minutes:4.1f} min, {kilobytes // 1024} MB at the end"
            for name, (growth, minutes, kilobytes) in sorted(self.scales.growth().items())
        ]
        return "\n".join(
            [
                f"{turns} turns in {passed:.0f} s ({turns / passed:.1f}/s), {len(self.happened)} faults, seed {self.options.seed}",
                "the longest wait for an answer after each kind of fault (counted from its end):",
                *table(waits),
                "memory of the longest-lived process of each name, from a fifth of its life on (but once it is warm):",
                *(weights or ["  the run was too short to tell"]),
                str(verdict),
                f"0 failures in {turns} turns bound the rate by 3/n = {3 / turns:.1e}" if verdict.clean and turns else "",
                f"history: {self.options.folder}",
            ]
        )


@asynccontextmanager
async def standing(options: Options) -> AsyncIterator[Soak]:
    """The fleet and the outside, up and ready."""
    (options.folder / "assistant.toml").write_text(ASSISTANT)
    with History(options.folder / "history.jsonl") as history:
        scribe = Scribe(history, JOINS)
        slack = SeenSlack(scribe=scribe, world=SeenWorkspace(scribe=scribe), pauses=(0.2, 0.5, 1.0, 2.0, *(5.0,) * 12))
        async with SeenTelegram(scribe) as telegram, slack, OpenAIServer() as model:
            fleet = Fleet(System(options.folder, _variables(options.folder, telegram)))
            outside = {"TELEGRAM_API_BASE": telegram.base, "SLACK_API_BASE": slack.api, "OPENAI_BASE_URL": model.base_url}
            async with fleet.up(options.folder / "services.log", outside):
                slack.hooks = tuple(f"{fleet.page(name)}/slack/events" for name in ("web/a", "web/b"))
                slack.hook = slack.hooks[0]
                model.otherwise(platforms.scripted)
                yield Soak(options, fleet, telegram, slack, model, scribe, Manners(random.Random(options.seed), options.think))


def _variables(folder: Path, telegram: SeenTelegram) -> dict[str, str]:
    return {
        "TURNOUT_ASSISTANT": str(folder / "assistant.toml"),
        "TELEGRAM_BOT_TOKEN": telegram.token,
        "TELEGRAM_WEBHOOK_URL": "http://127.0.0.1/telegram/webhook",  # whichever replica of web the soak names at the time
        "TELEGRAM_WEBHOOK_SECRET": "a-secret-of-the-soak",
        "SLACK_BOT_TOKEN": TOKEN,
        "SLACK_SIGNING_SECRET": SIGNING_SECRET,
    }


async def soak(options: Options) -> tuple[Verdict, str]:
    """One run, from start to verdict; a Ctrl-C ends it early, with the verdict over what was there."""
    async with standing(options) as run:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, run.stop.set)
        try:
            await run.run()
            verdict = await run.judge()
        finally:
            loop.remove_signal_handler(signal.SIGINT)
        return verdict, run.report(verdict)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.reliability.soak", description="A random soak over all services.")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=0, help="unset: a random one, which is told")
    parser.add_argument("--gap", type=float, default=3.0, help="mean seconds between a recovery and the next fault")
    parser.add_argument("--people", type=int, default=25, help="on each of the three channels")
    parser.add_argument("--think", type=float, default=2.0, help="mean seconds between an answer and the next question")
    parser.add_argument("--only", default="", help="only faults whose name holds this, to look at one closely")
    parser.add_argument("--folder", type=Path, help="where the history is left; unset: a new one under the temporary folder")
    told = parser.parse_args()
    folder = told.folder or Path(tempfile.mkdtemp(prefix="turnout-soak-"))
    folder.mkdir(parents=True, exist_ok=True)
    seed = told.seed or random.SystemRandom().randrange(1, 10**6)
    logging.basicConfig(filename=folder / "outside.log", level=logging.WARNING)  # what the fakes say of broken connections
    print(f"soak of {told.minutes:g} minutes, seed {seed}, in {folder}", flush=True)
    options = Options(told.minutes * 60, seed, folder, gap=told.gap, people=told.people, think=told.think)
    options.plan = lambda catalogue: (fault for fault in catalogue.plan() if told.only in fault.name)
    verdict, report = asyncio.run(soak(options))
    print(report, flush=True)
    (folder / "report.txt").write_text(report)
    sys.exit(0 if verdict.clean else 1)


if __name__ == "__main__":
    main()
