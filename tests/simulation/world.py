"""A whole Turnout in one loop: the production classes as several processes over the in-memory twins, people who write, and the
faults a plan has drawn for them."""

import asyncio
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from random import Random
from typing import Any

from bots.kit import service
from core import keys
from core.bus_memory import MemoryBus
from core.dialog.recall import Recall
from core.dialog.service import LINE
from core.dialog.summary import outline
from core.dialog.turn import Dialog
from core.lanes import Lanes
from core.leases import MemoryLeases
from core.memory import Exchange, LocalMemory
from core.records import Event
from tests.reliability.history import Record
from tests.simulation.checks import FINAL, Streams
from tests.simulation.loop import Loop, Process
from tests.simulation.model import Model, Words, desk
from tests.simulation.net import Net, at_once
from tests.simulation.plan import Blow, Plan, Word
from tests.simulation.platforms import Platform, Replica, Update
from tests.simulation.wires import WireBus, WireLeases, WireMemory, bus_link, store_link

BACK_AFTER = 1.0


@dataclass(frozen=True, slots=True)
class Twins:
    """The servers. A test may put others in their place, to see what the simulation sees."""

    bus: Callable[..., Any] = MemoryBus
    leases: Callable[..., Any] = MemoryLeases
    memory: Callable[..., Any] = LocalMemory


class World:
    def __init__(self, loop: Loop, plan: Plan, twins: Twins, told: Callable[[str, str], None] | None) -> None:
        self.loop, self.plan, self.rng = loop, plan, Random(plan.seed ^ 0x5EED)
        self.told = told
        self.net = Net(loop, self.rng, plan.storms, told=told)
        self.bus = twins.bus(clock=loop.time)
        self.leases = twins.leases(clock=loop.time)
        self.memory = twins.memory()
        self.streams = Streams(loop.time)
        self.history: list[Record] = []
        options = {"twice": plan.twice, "previews": plan.previews}
        self.platforms = {name: Platform(self.net, name, self.history, **options) for name in plan.overlap}
        self.model = Model(self.net, self.rng, plan.mood, plan.horizon, self._stopped_by_work)
        self.desk = desk(self.model, plan.overlap)
        self.processes: dict[str, Process] = {}
        self.wrong: list[str] = []
        self.troubled = 0.0  # when the last fault ended
        self.deaths = 0

    # Processes

    def open(self) -> None:
        for number in range(self.plan.cores):
            self._start(f"core{number}")
        for name in self.plan.overlap:
            for number in range(2):
                self._start(f"{name}{number}")

    def _start(self, name: str) -> None:
        process = Process(self.loop, name)
        self.processes[name] = process
        work = self._core(process) if name.startswith("core") else self._channel(process, name[:-1])
        process.start(work).add_done_callback(lambda task: self._exited(process, task))
        self._tell(name, "starts")

    async def _core(self, process: Process) -> None:
        bus, leases, memory = self._wires(process)
        dialog = Dialog(bus, Recall(bus, memory, Words()), lambda: self.desk, _summarise)
        await Lanes(bus, leases, LINE, work=dialog.work, give_up=dialog.give_up).run()

    async def _channel(self, process: Process, name: str) -> None:
        bus, leases, _ = self._wires(process)
        replica = Replica(self.net, self.platforms[name], process, self.plan.paces["platform"])
        await service.host(bus, leases, replica, policy=lambda: self.desk.assistant.policy(name))

    def _wires(self, process: Process) -> tuple[WireBus, WireLeases, WireMemory]:
        paces = self.plan.paces
        bus = WireBus(self.net, self.bus, bus_link(process, paces["bus"]), self.streams.stored)
        store = store_link(process, paces["store"])
        return bus, WireLeases(self.net, self.leases, store), WireMemory(self.net, self.memory, store)

    def _exited(self, process: Process, task: "asyncio.Task[None]") -> None:
        if self.loop.ended or process.state == "dead":
            return
        process.kill()
        if not task.cancelled():
            self.wrong.append(f"{process.name} ended by itself: {task.exception()!r}")
        self._later(0.2, lambda: self._start(process.name))

    def _later(self, seconds: float, work: Callable[[], object]) -> None:
        self.net.outside(_after(seconds, work))

    def _tell(self, who: str, what: str) -> None:
        if self.told:
            self.told(who, what)

    # People and faults

    async def live(self) -> None:
        """Everything the plan has drawn, until all faults are over."""
        self.open()
        acts = [*((word.at, 0, word) for word in self.plan.words), *((blow.at, 1, blow) for blow in self.plan.blows)]
        for at, _, act in sorted(acts, key=lambda act: act[:2]):
            await asyncio.sleep(at - self.loop.now)
            self.say(act) if isinstance(act, Word) else self._strike(act)
        await asyncio.sleep(max(0.0, self.plan.horizon - self.loop.now))
        await self._calm()

    def say(self, word: Word) -> None:
        self._tell("person", f"{word.kind} {word.lane} #{word.token}")
        if word.kind == "garbage":
            data, subject = b"\x00 no event", keys.into(word.channel, word.lane)
            self.streams.stored(subject, data, at_once(self.bus.publish(subject, data, id=word.token)).seq)
            return
        event = Event(
            id=f"{word.lane}-{word.token}",
            channel=word.channel,
            lane=word.lane,
            kind="feedback" if word.kind == "feedback" else "message",
            text=f"{'' if word.kind == 'plain' else word.kind} tell me #{word.token}",
            at=self.loop.now,
            address={"chat": word.lane, "ts": f"{self.loop.now:.6f}"},
        )
        self.platforms[word.channel].say(Update(event, "" if word.kind == "feedback" else word.token))

    async def _calm(self) -> None:
        """No more faults; who is frozen wakes, who is gone comes back."""
        self.net.calm = True
        for process in self.processes.values():
            process.thaw()
        await asyncio.sleep(BACK_AFTER)
        self.troubled = max(self.troubled, self.loop.now)

    def _strike(self, blow: Blow) -> None:
        self.net.faults[blow.kind] += 1
        names = list(self.processes)
        process = self.processes[names[int(blow.target * len(names))]]
        self._tell("fault", f"{blow.kind} {process.name if blow.kind in ('kill', 'freeze', 'stop') else ''} {blow.seconds:g} s")
        seconds = min(blow.seconds, self.plan.horizon - self.loop.now)
        match blow.kind:
            case "kill":
                self._kill(process, seconds)
            case "freeze" if process.state == "running":
                self.deaths += 1
                process.freeze()
                self._later(seconds, lambda: self._thaw(process))
            case "stop" if process.state == "running" and process.main:
                process.main.cancel()
            case "flush":
                self.leases._states.clear()
                self.memory._kept.clear()
            case "wipe":
                self.memory._kept.clear()
            case "redeliver":
                self._redeliver()
            case "again":
                self._again(blow.target)

    def _thaw(self, process: Process) -> None:
        self._tell("fault", f"{process.name} wakes")
        process.thaw()

    def _kill(self, process: Process, seconds: float) -> None:
        if process.state == "dead":
            return
        self.deaths += 1
        process.kill()
        self._later(max(0.1, seconds), lambda: self._start(process.name))

    def _stopped_by_work(self, process: Process) -> None:
        self._tell("fault", f"{process.name} dies of its work")
        self._kill(process, 0.5)
        self.troubled = self.loop.now + 0.5

    def _redeliver(self) -> None:
        """As after a restart of the server that lost what it knew of who holds what."""
        for state in self.bus._durables.values():
            for seq in state.out:
                state.out[seq] = self.loop.now
        self.bus.wake()

    def _again(self, target: float) -> None:
        """A platform hands something over once more, whatever it was told."""
        updates = [(platform, update) for platform in self.platforms.values() for update in platform.updates]
        if updates:
            platform, update = updates[int(target * len(updates))]
            platform.hand(update)

    # How it stands

    @property
    def accepted(self) -> bool:
        return all(u.accepted.is_set() for platform in self.platforms.values() for u in platform.updates)

    def open_lanes(self) -> dict[str, list[str]]:
        """By line (`log`, `sent`) the lanes that it still has work in."""
        streams = self.streams
        found: dict[str, list[str]] = {"log": [], "sent": []}
        for lane, events in streams.events.items():
            turn = streams.last.get(lane)
            upto = turn[1].upto if turn else 0
            if any(seq > upto and event not in streams.answered for seq, event in events):
                found["log"].append(lane)
        for lane, (seq, _) in streams.last.items():
            receipt = streams.sent.get(lane)
            if receipt is None or receipt.upto < seq or receipt.state not in FINAL:
                found["sent"].append(lane)
        return found


async def _after(seconds: float, work: Callable[[], object]) -> None:
    await asyncio.sleep(seconds)
    work()


async def _summarise(summary: str, gone: tuple[Exchange, ...]) -> str:
    return outline(summary, gone)


def no_vitals(*_: object) -> Any:
    """Health and counters, which a simulated process has none of."""
    return nullcontext()
