"""Two processes of every service: one is killed, or frozen for longer than its lease and woken, and answers still go out once and
in order; who slept sends nothing that the other has sent."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bots.kit.contract import REPEAT
from tests.e2e.crash_points.armed import Armed
from tests.e2e.crash_points.build import install
from tests.e2e.system import until
from tests.e2e.town import AT_LENGTH, Town, town
from tests.fakes.frozen import freeze

ASLEEP = {
    "core": ("after:lease", "before:commit", "after:commit", "before:memory-save"),
    "telegram": ("after:lease", "before:intent", "after:intent", "after:send", "after:next-intent", "before:receipt"),
    "slack": ("after:lease", "before:intent", "after:intent", "after:send", "after:next-intent", "before:receipt"),
}
"""Where one replica of a service falls asleep, over one conversation each."""
CHANNEL = {"core": "web"}
KILLED = (("web", "core:after:commit"), ("telegram", "telegram:after:next-intent"), ("slack", "slack:after:next-intent"))


@pytest.fixture(scope="module")
async def there(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Town, Armed]]:
    folder: Path = tmp_path_factory.mktemp("twice")
    async with town(folder / "town", twice=("core", "telegram", "slack", "web"), **install(folder / "crash")) as made:
        yield made, Armed(folder / "crash")


@pytest.mark.timeout(600)
async def test_who_slept_longer_than_its_lease_sends_nothing_that_the_other_has_sent(there: tuple[Town, Armed]) -> None:
    place, armed = there
    await asyncio.gather(falls_asleep(place, armed, "telegram"), falls_asleep(place, armed, "slack"))
    await falls_asleep(place, armed, "core")
    await all_is_well(place)
    for resident in place.residents:
        marked = [text for text in place.shown(resident.person.key) if text.startswith(REPEAT.strip())]
        assert len(marked) <= 1, "Telegram cannot be asked: what was in flight may be shown again, marked, once"


async def falls_asleep(place: Town, armed: Armed, service: str) -> None:
    """Each point is come to in one of the two replicas. First the one is stopped there, the other does its work, and it wakes;
    then the other."""
    residents = {f"{service}:{point}": await place.resident(CHANNEL.get(service, service)) for point in ASLEEP[service]}
    for resident in residents.values():
        resident.say()
    await until(lambda: all(one.answered() for one in residents.values()))
    await place.let_go(residents.values())
    for point, resident in residents.items():
        armed.hold(point, resident.lane, f"'{resident.person.key[1]}'", f"{resident.name}q1")
        resident.say(AT_LENGTH if "next" in point else "")
        resident.say()
    await until(lambda: all(map(armed.pid, residents)))
    for pid in {armed.pid(point) for point in residents}:
        mine = {point: resident for point, resident in residents.items() if armed.pid(point) == pid}
        await freeze(pid)
        await until(lambda mine=mine: all(one.answered() for one in mine.values()))
        for point in mine:
            armed.go(point)
        os.kill(pid, signal.SIGCONT)
    for resident in residents.values():
        resident.say()


@pytest.mark.timeout(600)
async def test_a_replica_that_is_killed_is_replaced_by_the_other(there: tuple[Town, Armed]) -> None:
    place, armed = there
    residents = [await place.resident(channel) for channel, _ in KILLED]
    for resident in residents:
        resident.say()
    await place.settled()
    for resident, (_, point) in zip(residents, KILLED, strict=True):
        armed.arm(point, resident.lane)
        resident.say(AT_LENGTH)
        resident.say()
    await until(lambda: all(armed.died(point) for _, point in KILLED))
    await all_is_well(place)


@pytest.mark.timeout(600)
async def test_a_conversation_that_has_to_wait_holds_up_no_other(there: tuple[Town, Armed]) -> None:
    place, _ = there
    first, *others = [await place.resident("telegram") for _ in range(6)]
    chat = int(first.person.key[1])
    place.telegram.slowed_down.add(chat)
    first.say()
    await until(lambda: chat in place.telegram.refused)
    for resident in others:
        resident.say()
    await until(lambda: all(one.answered() for one in others))
    assert not first.answered()
    place.telegram.slowed_down.clear()
    await all_is_well(place)


async def all_is_well(place: Town) -> None:
    await place.settled()
    verdict = await place.verdict()
    assert verdict.clean, verdict
    assert verdict.honest == 0
    assert place.asked_after_the_commit() == []
