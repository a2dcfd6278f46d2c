"""Canaries grow by themselves, sick ones are taken back by themselves, and a shadow answers where nobody hears it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from core import assistant, keys
from core.bus import Ack
from core.bus_memory import MemoryBus
from core.dialog import service
from core.errors import Unavailable
from core.leases import MemoryLeases
from core.memory import LocalMemory
from core.policy.canary import Limits, Pace
from core.policy.routes import Evidence, Measured, Route, Routes
from core.records import Event, Turn, Usage, decode, encode
from core.routes import rollout, versions
from core.routes.rollout import Rollout
from core.routes.standing import Standing
from core.settings import load

FILE = """
[assistant]
name = "Shop"
default_route = ["prompt"]
out_of_scope_below = 0
clarify_below = 0
[[intents]]
name = "greeting"
examples = ["hello there", "good morning"]
route = ["template"]
template = "Ahoy!"
[[intents]]
name = "returns"
examples = ["send it back", "return the bike"]
route = ["template"]
template = "Within thirty days."
"""
TUNED = (Route(intent="returns", tracks=("tuned",)),)
PACED = Routes(number=0, pace=Pace(turns=12, seconds=100))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "assistant.toml"
    path.write_text(FILE)
    return path


class Log:
    """A log that tests write: a turn every ten seconds, each of a new conversation, as the version in force would have it."""

    def __init__(self, bus: MemoryBus, file: Path) -> None:
        self.bus, self.now = bus, 1000.0
        self.standing = Standing()
        self.rollout = Rollout(bus, self.standing, lambda: assistant.read(file), clock=lambda: self.now)
        self.count = 0

    @asynccontextmanager
    async def watched(self, watchers: int = 1) -> AsyncIterator[None]:
        works = [self.standing.follow(self.bus, lambda: None), *(self.rollout.run() for _ in range(watchers))]
        tasks = [asyncio.create_task(work) for work in works]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def begin(self, stage: str = "canary", share: float = 0.05, routes=TUNED, like: Routes = PACED) -> None:
        made = replace(like, routes=routes, stage=stage, share=share, before=0, began=1, at=self.now)
        await versions.add(self.bus, made, after=0)
        await self.stands_at(1)

    async def stands_at(self, number: int) -> Routes:
        async with asyncio.timeout(30):
            while self.standing.now.number < number:
                await asyncio.sleep(0.001)
        return self.standing.now

    async def says(self, make: Callable[[Turn, bool], Turn] = lambda turn, canary: turn, *, intent: str = "returns") -> None:
        self.count, self.now = self.count + 1, self.now + 10
        name = f"t{self.count}"
        version = self.standing.of(name)
        turn = Turn(id=name, channel="web", lane=name, events=(name,), upto=self.count, intent=intent, track="template")
        turn = replace(turn, at=self.now, routes=version.number, timings={"total": 900.0}, asked="send it back")
        if version.stage == "canary":
            turn = replace(turn, track="tuned")
        turn = make(turn, version.stage == "canary")
        await self.bus.publish(keys.log(turn.channel, turn.lane), encode(turn), id=turn.id)
        await asyncio.sleep(0)

    async def until(self, done: Callable[[Routes], bool], make=lambda turn, canary: turn, *, most: int = 4000) -> Routes:
        for _ in range(most):
            if done(self.standing.now):
                return self.standing.now
            await self.says(make)
            for _ in range(5):
                await asyncio.sleep(0)
        raise AssertionError(f"still {self.standing.now}")


@pytest.fixture
def log(file: Path) -> Log:
    return Log(MemoryBus(), file)


async def test_a_healthy_canary_grows_step_by_step_to_everybody(log: Log) -> None:
    async with log.watched():
        await log.begin()
        final = await log.until(lambda now: now.stage == "full")
        shares = [one.share for one in await versions.every(log.bus)]
    assert shares == [0.05, 0.25, 0.5, 1.0]
    assert (final.routes, final.by) == (TUNED, "roll-out")
    assert "turns of canaries without a breach" in final.note


async def test_a_canary_grows_by_the_steps_and_is_judged_by_the_limits_it_began_with(log: Log) -> None:
    lenient = replace(
        Routes(number=0), limits=Limits(unserved=0.9, passed_on=0.9), pace=Pace(steps=(0.3, 1.0), turns=12, seconds=0)
    )
    async with log.watched():
        await log.begin(share=0.3, like=lenient)
        end = await log.until(
            lambda now: now.stage == "full", lambda turn, canary: replace(turn, track="none") if canary else turn
        )
        shares = [one.share for one in await versions.every(log.bus)]
    assert (shares, end.routes) == ([0.3, 1.0], TUNED)


SICK = {
    "nobody could serve": lambda turn: replace(turn, track="none"),
    "given up": lambda turn: replace(turn, outcome="dead", track="", intent=""),
    "the first track passed on": lambda turn: replace(turn, track="prompt"),
    "late": lambda turn: replace(turn, timings={"total": 5000.0}),
    "dear": lambda turn: replace(turn, usage=Usage(prompt_tokens=9000)),
}


@pytest.mark.parametrize("sick", SICK)
async def test_a_sick_canary_is_taken_back_with_its_reason(log: Log, sick: str) -> None:
    def make(turn: Turn, canary: bool) -> Turn:
        well = replace(turn, usage=Usage(prompt_tokens=500))
        return SICK[sick](well) if canary else well

    async with log.watched():
        await log.begin()
        back = await log.until(lambda now: now.number > 1, make)
    assert (back.number, back.stage, back.routes, back.by) == (2, "full", (), "roll-out")
    assert back.note.startswith("rolled back from 1: ")
    assert back.sick == 1
    assert "of the canaries'" in back.note


async def test_thumbs_down_take_a_canary_back(log: Log) -> None:
    async def thumb(turn: Turn, down: bool) -> None:
        vote = replace(
            turn, id=f"{turn.id}-v", outcome="noted", target=turn.id, asked="down" if down else "up", intent="", track=""
        )
        await log.bus.publish(keys.log("web", turn.lane), encode(vote), id=vote.id)

    async with log.watched():
        await log.begin(share=0.25)
        for _ in range(400):
            made: list[tuple[Turn, bool]] = []
            await log.says(lambda turn, canary, made=made: made.append((turn, canary)) or turn)
            await thumb(*made[0])
            for _ in range(5):
                await asyncio.sleep(0)
            if log.standing.now.note:
                break
        back = await log.stands_at(2)
    assert "of the thumbs from canaries point down" in back.note


async def test_who_was_measured_to_be_slower_may_be(log: Log) -> None:
    tracks = {name: Measured(quality=1, low=1, high=1, cases=99, seconds_p95=s) for name, s in (("template", 1), ("tuned", 6))}
    told = Evidence(
        run="r", at=0, kind="better", default="template", challenger="tuned", cases=99, difference=0.1, low=0, high=1, why="",
        tracks=tracks,
    )  # fmt: skip
    routes = tuple(replace(route, evidence=told) for route in TUNED)
    async with log.watched():
        await log.begin(routes=routes)
        final = await log.until(
            lambda now: now.number > 1, lambda turn, canary: replace(turn, timings={"total": 5000.0}) if canary else turn
        )
    assert final.share == 0.25


async def test_turns_of_other_intents_and_channels_neither_help_nor_harm(log: Log) -> None:
    async with log.watched():
        await log.begin(share=0.5)
        for n in range(200):
            strange = {"intent": "greeting"} if n % 2 else {"channel": "eval"}
            await log.says(lambda turn, canary, strange=strange: replace(turn, track="none", **strange))
        for _ in range(50):
            await asyncio.sleep(0.001)
        assert log.standing.now.number == 1


async def test_of_several_cores_one_acts(log: Log) -> None:
    async with log.watched(watchers=4):
        await log.begin()
        await log.until(lambda now: now.number > 1, lambda turn, canary: replace(turn, track="none") if canary else turn)
        for _ in range(50):
            await asyncio.sleep(0.001)
        assert [one.number for one in await versions.every(log.bus)] == [1, 2]


class LosesAnswers(MemoryBus):
    """Takes the first version that a roll-out makes, or not, and answers nobody."""

    takes, lost = False, 0

    async def publish(self, subject: str, data: bytes, *, id: str, last: int | None = None) -> Ack:
        if b'"by":"roll-out"' in data and not self.lost:
            self.lost += 1
            if self.takes:
                await super().publish(subject, data, id=id, last=last)
            raise Unavailable("no answer")
        return await super().publish(subject, data, id=id, last=last)


@pytest.mark.parametrize("takes", [True, False])
async def test_a_server_that_is_away_at_that_moment_only_puts_it_off(file: Path, takes: bool, monkeypatch) -> None:
    monkeypatch.setattr(rollout, "AGAIN", 0.0)
    log = Log(LosesAnswers(), file)
    log.bus.takes = takes
    async with log.watched():
        await log.begin(share=0.5)
        back = await log.until(lambda now: now.number > 1, lambda turn, canary: replace(turn, track="none") if canary else turn)
        for _ in range(50):
            await asyncio.sleep(0.001)
        assert [one.number for one in await versions.every(log.bus)] == [1, 2]
    assert (back.number, log.bus.lost) == (2, 1)


async def test_a_core_that_starts_in_the_middle_reads_the_log_from_the_beginning(log: Log) -> None:
    async with log.watched(watchers=0):
        await log.begin(share=0.5)
        for _ in range(80):
            await log.says(lambda turn, canary: replace(turn, track="none") if canary else turn)
    async with log.watched():
        assert (await log.stands_at(2)).note.startswith("rolled back from 1")


async def test_a_shadow_asks_what_begins_a_conversation_once_and_nobody_is_answered_differently(log: Log) -> None:
    async with log.watched(watchers=2):
        await log.begin("shadow", 1.0)
        await log.says()
        await log.says(lambda turn, canary: replace(turn, prev=7))
        await log.says(intent="greeting")
        async with asyncio.timeout(30), log.bus.follow("IN", "in.eval.>", 0) as asked:
            event = decode(Event, (await anext(asked)).data)
            await log.says()
            other = decode(Event, (await anext(asked)).data)
    assert (event.id, event.text, event.track, event.group) == ("shadow-1-t1", "send it back", "tuned", None)
    assert other.id == "shadow-1-t4"
    assert log.standing.of("anybody").number == 0


async def answered(bus, cores, n: int) -> Turn:
    """Somebody new asks, and the answer is committed."""
    event = Event(id=f"e{n}", channel="web", lane=f"lane{n}", text="send it back")
    await bus.publish(keys.into("web", event.lane), encode(event), id=event.id)
    while (stored := await bus.last("LOG", keys.log("web", event.lane))) is None:
        assert not any(core.done() for core in cores), cores
        await asyncio.sleep(0.005)
    return decode(Turn, stored.data)


async def test_real_cores_take_a_failing_route_back_by_themselves(bus, file: Path, tmp_path: Path) -> None:
    """The whole service twice, on NATS: the new route's track has no model."""
    settings = load(TURNOUT_DATA=tmp_path, TURNOUT_ASSISTANT=file)
    leases, memory = MemoryLeases(), LocalMemory()
    cores = [asyncio.create_task(service.run(settings, bus, leases, memory)) for _ in range(2)]
    try:
        await versions.add(bus, Routes(number=0, routes=TUNED, stage="canary", share=0.5, began=1), after=0)
        n = 0
        async with asyncio.timeout(150):
            while (now := await versions.newest(bus)).number == 1:
                await answered(bus, cores, n := n + 1)
        assert (now.number, now.routes) == (2, ())
        assert "of the canaries' turns nobody could serve" in now.note
        async with asyncio.timeout(60):  # it is followed live: soon nobody is a canary any more
            while (await answered(bus, cores, n := n + 1)).routes != 2:
                pass
    finally:
        for core in cores:
            core.cancel()
        await asyncio.gather(*cores, return_exceptions=True)
