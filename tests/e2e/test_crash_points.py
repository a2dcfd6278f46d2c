"""Kill -9 at every named point of a turn and of a delivery, on every channel: each question has exactly one answer, whole and in
order, and memory is what the log says. `-s` prints how long each took to recover."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from bots.kit.contract import REPEAT
from tests.e2e.crash_points.armed import Armed
from tests.e2e.crash_points.build import install
from tests.e2e.crash_points.cases import CALLED, CORE, POLLING, Case
from tests.e2e.crash_points.run import run
from tests.e2e.town import Town, town
from tests.reliability.history import Shown


@pytest.mark.timeout(600)
async def test_killed_at_any_point_everyone_is_answered_once_and_in_order(tmp_path: Path) -> None:
    """Three systems at the same time: most of it is waiting for the leases of the dead."""
    async with asyncio.TaskGroup() as group:
        group.create_task(all_are_well(tmp_path / "polling", POLLING, hooks=False))
        group.create_task(all_are_well(tmp_path / "called", CALLED, hooks=True))
        group.create_task(all_are_well(tmp_path / "core", CORE, hooks=True))


async def all_are_well(folder: Path, cases: Sequence[Case], *, hooks: bool) -> None:
    async with town(folder / "town", hooks=hooks, **install(folder / "crash")) as there:
        rows = await run(there, Armed(folder / "crash"), cases)
        verdict = await there.verdict()
        print("", *(row.recovery(rows) for row in rows), verdict, sep="\n")
        assert verdict.clean, verdict
        assert verdict.honest == 0
        assert there.asked_after_the_commit() == []
        sent = {row.resident.lane for row in rows if row.case.service == "telegram" and row.case.points[0].endswith("send")}
        assert sent <= repeated(there) <= in_doubt(there, [row.died for row in rows if row.case.service == "telegram"])


def repeated(there: Town) -> set[str]:
    """The lanes that show a marked repeat."""
    lanes = {resident.person.key: resident.lane for resident in there.residents}
    marked = [one for one in there.scribe.history if isinstance(one, Shown) and one.text.startswith(REPEAT.strip())]
    return {lanes[one.channel, one.conversation] for one in marked}


def in_doubt(there: Town, deaths: list[float]) -> set[str]:
    """The lanes in which an intent had no receipt at one of these deaths: there, and only there, a repeat may be shown."""
    found, open_since = set(), dict[str, float]()
    for _, lane, receipt in there.books.receipts:
        since = open_since.pop(lane, None)
        if since is not None and any(since <= died <= receipt.at for died in deaths):
            found.add(lane)
        if receipt.state == "intent":
            open_since[lane] = receipt.at
    return found
