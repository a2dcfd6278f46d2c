"""A channel whose platform cannot be reached knows it, and says it again when it can."""

import asyncio
from pathlib import Path

import pytest

from bots.kit import contact
from bots.kit.contact import PATIENCE, Contact
from bots.kit.service import host
from bots.slack.channel import Slack
from bots.telegram.channel import Telegram
from core import keys
from core.assistant import ChannelPolicy
from core.errors import Ambiguous, NotSent, RateLimited, Refused
from core.leases import MemoryLeases
from core.records import Health, decode
from tests.bots import slack_rig, telegram_rig
from tests.fakes.slack_server import APP_TOKEN, SIGNING_SECRET, FakeSlack, Fault
from tests.fakes.telegram_server import FakeTelegram
from tests.faults.edges.town import until


@pytest.fixture
def hasty(monkeypatch) -> None:
    monkeypatch.setattr(contact, "PATIENCE", 0.0)


def test_contact_is_lost_after_some_seconds_of_failing_calls_and_found_by_any_answer() -> None:
    now = [0.0]
    seen = Contact(clock=lambda: now[0])

    def fails(error: Exception) -> str:
        with pytest.raises(type(error)), seen.call():
            raise error
        return seen.away

    assert fails(NotSent("no route")) == ""
    now[0] += PATIENCE
    assert seen.away == "", "one failed call says nothing"
    assert fails(Ambiguous("broken off")) == "broken off"
    assert fails(Refused("no such chat")) == ""
    fails(NotSent("no route"))
    now[0] += PATIENCE / 2
    assert fails(NotSent("no route")) == "", "not long enough"
    now[0] += PATIENCE / 2
    assert seen.away == "no route"
    assert fails(RateLimited("slow down", after=1.0)) == ""


@pytest.mark.parametrize("method", ["getMe", "getUpdates"])
async def test_telegram_is_away_while_it_does_not_answer(hasty, tmp_path: Path, method: str) -> None:
    async with FakeTelegram() as telegram:
        channel = Telegram(telegram_rig.settings(telegram, tmp_path))
        telegram.fault(method, "error", times=3)
        async with telegram_rig.running(channel, telegram_rig.Store().accept):
            await until(lambda: channel.away)
            await until(lambda: not telegram.to_come(method))
            telegram.say(7, "hello")
            await until(lambda: not channel.away)


@pytest.mark.parametrize("given", [{"SLACK_SIGNING_SECRET": SIGNING_SECRET}, {"SLACK_APP_TOKEN": APP_TOKEN}])
async def test_slack_is_away_while_it_does_not_answer(hasty, tmp_path: Path, given: dict[str, str]) -> None:
    async with FakeSlack() as slack:
        channel = Slack(slack_rig.settings(slack, tmp_path, **given))
        slack.fail("auth.test", Fault(status=500), Fault(status=500))
        slack.fail("apps.connections.open", Fault(status=500), Fault(status=500))
        running = asyncio.create_task(channel.run(slack_rig.Store().accept))
        await until(lambda: channel.away)
        await until(lambda: not channel.away and (slack.sockets or "SLACK_APP_TOKEN" not in given))
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await channel.close()


async def test_the_channels_health_says_who_cannot_be_reached(bus, hasty, tmp_path: Path) -> None:
    async def health() -> Health:
        return decode(Health, await bus.request(keys.health("slack"), b"", timeout=60))

    async with FakeSlack() as slack:
        channel = Slack(slack_rig.settings(slack, tmp_path, SLACK_SIGNING_SECRET=SIGNING_SECRET))
        slack.fail("auth.test", *[Fault(status=500)] * 3)
        hosting = asyncio.create_task(host(bus, MemoryLeases(), channel, policy=ChannelPolicy))
        await until(lambda: channel.away)
        told = await health()
        assert (told.ready, told.detail) == (False, "Slack cannot be reached: Slack failed: 500")
        await until(lambda: not channel.away)
        assert (await health()).ready
        hosting.cancel()
        await asyncio.gather(hosting, return_exceptions=True)
        await channel.close()
