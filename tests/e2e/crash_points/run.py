"""The cases of a system, one death after another, and what became of each."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass

from tests.e2e.crash_points.armed import Armed
from tests.e2e.crash_points.cases import Case
from tests.e2e.system import until
from tests.e2e.town import Resident, Town
from tests.fakes.slack_server import Fault

IN_A_ROW = 5.0
"""Seconds of deaths one after another before all is waited for. A lane whose holder died comes back after eight, and one that is
in hand at three deaths counts as poison, and is given up."""
LONGEST, ASKED = 120.0, 3


@dataclass
class Row:
    """A case as it went. `died`: when its process was gone (the last time); `back`: when both questions of then were answered."""

    case: Case
    resident: Resident
    died: float = 0.0
    back: float = 0.0

    def recovery(self, rows: Sequence["Row"]) -> str:
        """Seconds since its own death, and since the last one that held it up: other deaths fall into its recovery."""
        ways = {self.case.service, self.case.channel, "core"}
        last = max(row.died for row in rows if row.case.service in ways and row.died <= self.back)
        return f"{self.case}  {self.back - self.died:5.1f} s, {self.back - last:5.1f} s after the last death"


async def run(town: Town, armed: Armed, wanted: Sequence[Case]) -> list[Row]:
    """Everybody says something before, during and after; the deaths of one service in a series, all series at the same time."""
    rows = [Row(case, await town.resident(case.channel)) for case in wanted]
    for row in rows:
        row.resident.say()
    await town.settled()
    series: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        series[row.case.service].append(row)
    async with asyncio.TaskGroup() as group:
        for line in series.values():
            group.create_task(_series(town, armed, line))
    await town.settled()
    return rows


async def _series(town: Town, armed: Armed, rows: Sequence[Row]) -> None:
    left = list(reversed(rows))
    while left:
        died: list[Row] = []
        while left and (not died or _may_follow(died)):
            died.append(left.pop())
            await _strike(town, armed, died[-1])
        await asyncio.gather(*map(_recovered, died))


def _may_follow(died: Sequence[Row]) -> bool:
    """Where a repeat may be shown each death has its time, so that it is known which of them a repeat belongs to."""
    return died[0].case.service != "telegram" and time.time() - died[0].died < IN_A_ROW


async def _strike(town: Town, armed: Armed, row: Row) -> None:
    """Two questions, over the first of which the process dies. Asked again where it does not: a preview, say, may be lost."""
    case, resident = row.case, row.resident
    if case.service == "retrieval":  # while it is away nobody asks it
        await town.system.until_ready()
    about = [resident.lane, f"'{resident.person.key[1]}'", f"{resident.name}q"]
    for name in case.names:
        armed.arm(name, *([] if name.endswith(":hook") else about))
    with _slowed_down(town) if "after:pause" in case.points else nullcontext():
        for _ in range(ASKED):
            resident.say(case.how)
            resident.say()
            with suppress(TimeoutError):
                await until(lambda: all(armed.died(name) for name in case.names), LONGEST / ASKED)
                break
        else:
            raise AssertionError(f"{case}: nobody died there")
    row.died = time.time()


@contextmanager
def _slowed_down(town: Town) -> Iterator[None]:
    """Each send is answered with: not now, try again in a second."""
    town.telegram.fault("sendMessage", "limit", 1, times=50)
    town.slack.fail("chat.postMessage", *[Fault(after=1)] * 50)
    yield
    town.telegram.heal("sendMessage")
    town.slack.faults["chat.postMessage"].clear()


async def _recovered(row: Row) -> None:
    """What is said afterwards is waited for as well: three deaths later it would count as poison."""
    await _answered(row)
    row.back = time.time()
    row.resident.say()
    await _answered(row)


async def _answered(row: Row) -> None:
    try:
        await until(lambda: row.resident.answered(*row.resident.said), LONGEST)
    except TimeoutError:
        raise AssertionError(f"{row.case}: {row.resident.person.key} was not answered") from None
