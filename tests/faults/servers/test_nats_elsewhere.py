"""NATS away, frozen or wiped where nobody of ours keeps it (NATS_URL): what is not stored is not accepted, and all resume."""

import asyncio
import shutil
import signal

import pytest

from tests.fakes.frozen import freeze
from tests.faults.servers.town import SOAK, Crowd, Elsewhere

GIVEN_UP = "nats client given up"


async def nothing_is_accepted(crowd: Crowd) -> None:
    """Whoever asks now is refused, on every channel."""
    await crowd.knock()

    async def refused_again() -> None:
        before = crowd.refused
        await crowd.until(lambda: all(crowd.refused[name] > before[name] for name in before), "refusal everywhere")

    await refused_again()
    accepted = crowd.accepted("web", "slack"), crowd.town.telegram.confirmed
    await refused_again()
    assert (crowd.accepted("web", "slack"), crowd.town.telegram.confirmed) == accepted, "accepted, and nobody could store it"


@pytest.mark.timeout(900)
@pytest.mark.parametrize("seconds", [10, pytest.param(300, marks=SOAK)])
async def test_while_nats_is_away_nothing_is_accepted_and_then_all_resume(elsewhere: Elsewhere, seconds: float) -> None:
    town = elsewhere.town
    before = town.services()
    async with town.busy() as crowd:
        await crowd.until_answered(6)
        await elsewhere.nats.stop()
        async with asyncio.TaskGroup() as away:
            away.create_task(asyncio.sleep(seconds))
            away.create_task(nothing_is_accepted(crowd))
        await elsewhere.nats.launch()
        await crowd.until_all_resumed()
    statuses = {status for visitor in crowd.visitors for status in visitor.answers}
    assert statuses == {202, 503}, "a page is told to try again"
    assert set(town.telegram.statuses) <= {200, 503}
    assert town.services() == before, "a service was started again"
    assert GIVEN_UP not in town.system.log, "the client library gave up"


@SOAK
async def test_nats_frozen_and_awake_again(elsewhere: Elsewhere) -> None:
    async with elsewhere.town.busy() as crowd:
        await crowd.until_answered(6)
        await freeze(elsewhere.nats.pid)
        await nothing_is_accepted(crowd)
        elsewhere.nats.process.send_signal(signal.SIGCONT)
        await crowd.until_all_resumed()


async def test_a_wiped_store_is_said_loudly_and_people_are_answered_again(elsewhere: Elsewhere) -> None:
    async with elsewhere.town.busy() as crowd:
        await crowd.until_answered(6)
    await elsewhere.nats.kill()
    shutil.rmtree(elsewhere.private.data / "nats")
    await elsewhere.nats.launch()
    async with elsewhere.town.busy(stores=False) as crowd:
        await crowd.until_answered(6)
    lines = [line for line in elsewhere.town.system.log.splitlines() if "what it held is lost" in line]
    for stream in ("IN", "LOG", "SENT", "DEAD"):
        assert any(f'"stream": "{stream}"' in line for line in lines), f"{stream} is not among {lines}"
