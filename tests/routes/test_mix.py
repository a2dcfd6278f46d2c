"""Whether people ask for other things now, from the log."""

import pytest

from core import keys
from core.bus_memory import MemoryBus
from core.policy.drift import drift
from core.records import Turn, encode
from core.routes.mix import counts, drifted, first_since

DAY = 86400.0


@pytest.fixture(params=["nats", "memory"])
def log(request):
    return request.getfixturevalue("bus") if request.param == "nats" else MemoryBus()


async def say(bus, n: int, intent: str, at: float, **what) -> None:
    turn = Turn(
        **{"id": f"t{n}", "channel": "web", "lane": f"l{n}", "events": (), "upto": n, "intent": intent, "at": at, **what}
    )
    await bus.publish(keys.log(turn.channel, turn.lane), encode(turn), id=turn.id)


async def test_conversations_are_counted_by_what_they_were_about_between_two_times(log) -> None:
    for n in range(60):
        await say(log, n, "returns" if n % 3 else "prices", at=n * DAY)
    await say(log, 100, "returns", at=60 * DAY, lane="l59")
    await say(log, 101, "prices", at=60 * DAY, channel="eval")
    await say(log, 102, "prices", at=60 * DAY, outcome="clarify")
    await log.publish("log.web.broken", b"{", id="broken")
    assert await first_since(log, 30 * DAY) == 31
    assert await first_since(log, 1000 * DAY) == 64
    assert await counts(log, 30 * DAY, 36 * DAY) == {"returns": 4, "prices": 2}
    assert await counts(log, 59 * DAY, 99 * DAY) == {"returns": 1}


async def test_an_empty_log_has_not_moved(log) -> None:
    assert not (await drifted(log, measured=10 * DAY, now=20 * DAY)).real


async def test_a_log_that_moved_says_where_to() -> None:
    log = MemoryBus()
    for n in range(300):
        await say(log, n, "returns" if n % 3 else "prices", at=20 * DAY)
    for n in range(300, 500):
        await say(log, n, "prices" if n % 3 else "returns", at=38 * DAY)
    found = await drifted(log, measured=30 * DAY, now=40 * DAY)
    assert found.real
    assert found.distance == pytest.approx(1 / 3, abs=0.01)
    assert {name for name, _ in found.most} == {"returns", "prices"}


def test_small_or_likely_changes_are_no_drift() -> None:
    assert not drift({"a": 500, "b": 500}, {"a": 520, "b": 480}).real
    assert not drift({"a": 50_000, "b": 50_000}, {"a": 52_000, "b": 48_000}).real
    assert not drift({"a": 40}, {"b": 40}).real
    assert drift({"a": 500, "b": 500}, {"a": 300, "b": 700}).real


def test_new_and_vanished_intents_count() -> None:
    found = drift({"a": 400, "b": 100}, {"a": 400, "c": 100})
    assert found.real
    assert dict(found.most)["c"] == pytest.approx(0.2)
