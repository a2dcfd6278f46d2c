"""The Slack channel in the kit's hands, over real NATS: what a person writes is answered once, in its thread, whatever is lost."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bots.kit.service import host
from bots.slack.channel import Slack
from core import keys
from core.assistant import ChannelPolicy
from core.bus import Bus
from core.leases import MemoryLeases
from core.records import Event, HookRequest, HookResponse, Live, decode, encode
from tests.bots.slack_rig import door, settings, turn_of
from tests.fakes.slack_server import APP_TOKEN, SIGNING_SECRET, FakeSlack, Fault


@asynccontextmanager
async def hosted(bus: Bus, tmp_path: Path, mode: str, *, stream: bool = True) -> AsyncIterator[FakeSlack]:
    """A fake Slack, the channel under the kit, and a dialog that answers with what it was asked."""
    async with FakeSlack(patience=60) as slack:
        given = {"SLACK_SIGNING_SECRET": SIGNING_SECRET} if mode == "http" else {"SLACK_APP_TOKEN": APP_TOKEN}
        channel = Slack(settings(slack, tmp_path, **given))
        tasks = [
            asyncio.create_task(host(bus, MemoryLeases(), channel, policy=lambda: ChannelPolicy(stream=stream))),
            asyncio.create_task(dialog(bus)),
        ]

        async def hook(request: HookRequest) -> HookResponse:
            return decode(HookResponse, await bus.request(keys.hook("slack"), encode(request), timeout=60))

        try:
            async with door(slack, hook if mode == "http" else None):
                yield slack
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await channel.close()


async def dialog(bus: Bus) -> None:
    async with bus.follow("IN", "in.slack.>", 0) as messages:
        async for message in messages:
            event = decode(Event, message.data)
            live = Live(turn=event.id, n=0, text="You", address=event.address)
            await bus.emit(keys.live("slack", event.lane), encode(live))
            turn = turn_of(event, f"You asked: **{event.text}**")
            await bus.publish(keys.log("slack", event.lane), encode(turn), id=turn.id)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(45):
        while not true():
            await asyncio.sleep(0.02)


def answers(slack: FakeSlack, channel: str) -> list[str]:
    return [message.text for message in slack.shown(channel) if not message.growing]


@pytest.mark.parametrize("mode", ["http", "socket"])
async def test_every_message_is_answered_once_and_in_order(bus: Bus, tmp_path: Path, mode: str) -> None:
    async with hosted(bus, tmp_path, mode) as slack:
        slack.copies = 3
        root = slack.say("C1", "U1", "<@U0BOT> one")
        await until(lambda: answers(slack, "C1") == ["You asked: one"])
        slack.fail("chat.postMessage", Fault(drop="after"))
        slack.say("C1", "U1", "two", thread_ts=root)
        slack.say("D1", "U1", "three")
        await until(lambda: len(answers(slack, "C1")) == 2 and len(answers(slack, "D1")) == 1)
        await slack.settle()
        assert [(m.text, m.thread_ts) for m in slack.shown("C1")] == [("You asked: one", root), ("You asked: two", root)]
        assert answers(slack, "D1") == ["You asked: three"]


async def test_a_rate_limited_answer_comes_later_and_once(bus: Bus, tmp_path: Path) -> None:
    async with hosted(bus, tmp_path, "socket") as slack:
        slack.fail("chat.postMessage", Fault(after=1), Fault(status=503), Fault(drop="before"))
        slack.say("D1", "U1", "patience")
        await until(lambda: answers(slack, "D1") == ["You asked: patience"])
        assert len(slack.shown("D1")) == 1


async def test_blocks_that_slack_refuses_are_sent_as_plain_text(bus: Bus, tmp_path: Path) -> None:
    async with hosted(bus, tmp_path, "socket", stream=False) as slack:
        slack.fail("assistant.threads.setStatus", *[Fault(error="missing_scope")] * 5)
        slack.fail("chat.postMessage", Fault(error="invalid_blocks"))
        slack.say("D1", "U1", "plainly")
        await until(lambda: answers(slack, "D1") == ["You asked: plainly"])
