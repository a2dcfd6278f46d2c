"""Slack while our own code fails, while it says nothing for a long time, and before it has said who we are."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from msgspec.structs import replace
from slack_sdk.signature import SignatureVerifier

from bots.kit.contract import Native
from bots.slack import api, sockets
from bots.slack.channel import Slack
from core.errors import Ambiguous, NotSent
from core.records import Event, HookRequest, decode, encode
from tests.bots.slack_rig import Store, settings
from tests.fakes.proxy import Proxy
from tests.fakes.slack_server import APP_TOKEN, SIGNING_SECRET, FakeSlack, Fault

MESSAGE = {"type": "message", "channel": "D1", "channel_type": "im", "ts": "1.0", "user": "U1", "text": "hello"}
ANSWER = Native(id="t:0", address={"channel": "D1", "thread": "", "ts": "1.0"}, plain="answer", edits="2.0")


@asynccontextmanager
async def channel(slack: FakeSlack, tmp_path: Path) -> AsyncIterator[Slack]:
    made = Slack(settings(slack, tmp_path, SLACK_SIGNING_SECRET=SIGNING_SECRET))
    try:
        yield made
    finally:
        await made.close()


def call(**event: str) -> HookRequest:
    """A webhook call as Slack signs it."""
    body = json.dumps({"type": "event_callback", "team_id": "T", "event": MESSAGE | event}).encode()
    now = str(int(time.time()))
    signature = SignatureVerifier(SIGNING_SECRET).generate_signature(timestamp=now, body=body)
    headers = {"content-type": "application/json", "x-slack-request-timestamp": now, "x-slack-signature": signature or ""}
    return HookRequest(path="/slack/events", headers=headers, body=body)


async def test_an_event_on_which_our_own_code_fails_is_not_acknowledged(tmp_path: Path) -> None:
    async def breaks(event: Event) -> None:
        raise ZeroDivisionError(event)

    async with FakeSlack() as slack, channel(slack, tmp_path) as bot:
        assert (await bot.hook(call(), breaks)).status == 500
        assert (await bot.hook(call(), Store().accept)).status == 200


async def test_half_a_character_which_json_can_spell_is_stored_as_a_question_mark(tmp_path: Path) -> None:
    stored = []

    async def accept(event: Event) -> None:
        stored.append(decode(Event, encode(event)).text)

    async with FakeSlack() as slack, channel(slack, tmp_path) as bot:
        assert (await bot.hook(call(text="hello \ud83d"), accept)).status == 200
    assert stored == ["hello ?"]


async def test_before_slack_has_said_who_the_bot_is_a_message_in_a_thread_is_to_come_again(tmp_path: Path) -> None:
    store = Store()
    async with FakeSlack() as slack, channel(slack, tmp_path) as bot:
        answer = await bot.hook(call(channel="C1", channel_type="channel", thread_ts="0.5"), store.accept)
    assert (answer.status, store.calls) == (503, 0)


async def test_a_socket_that_says_nothing_any_more_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Behind(FakeSlack):
        """Its sockets go through a proxy."""

        def _do(self, method: str, args: dict, token: str) -> dict:
            through = {"url": f"ws://127.0.0.1:{proxy.port}/socket"} if method == "apps.connections.open" else {}
            return super()._do(method, args, token) | through

    assert sockets.HEARTBEAT <= 10
    monkeypatch.setattr(sockets, "HEARTBEAT", 3.0)
    store = Store()
    async with Behind(patience=20) as slack, Proxy("127.0.0.1", slack.port).listening() as proxy:
        bot = Slack(settings(slack, tmp_path, SLACK_APP_TOKEN=APP_TOKEN))
        running = asyncio.create_task(bot.run(store.accept))
        async with asyncio.timeout(120):
            while not proxy.begun:
                await asyncio.sleep(0.01)
            proxy.freeze()
            while proxy.begun == 1:
                await asyncio.sleep(0.01)
            proxy.thaw()
            slack.say("D1", "U1", "still there?")
            while store.texts != ["still there?"]:
                await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await bot.close()


async def test_a_call_that_slack_never_answers_ends_in_doubt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    assert api.PATIENCE.total is not None
    assert api.PATIENCE.total <= 20
    monkeypatch.setattr(api, "PATIENCE", aiohttp.ClientTimeout(total=0.3))
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", never)
    runner = web.AppRunner(app, shutdown_timeout=0.05)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with channel(FakeSlack(port=runner.addresses[0][1]), tmp_path) as bot, asyncio.timeout(50):
        with pytest.raises(Ambiguous):
            await bot.deliver(ANSWER)
    await runner.cleanup()


@pytest.mark.parametrize("message", [ANSWER, replace(ANSWER, edits="")], ids=["edit", "post"])
async def test_where_slack_cannot_be_reached_nothing_was_sent(tmp_path: Path, message: Native) -> None:
    async with FakeSlack() as gone:
        pass
    async with channel(gone, tmp_path) as bot:
        with pytest.raises(NotSent):
            await bot.deliver(message)


async def test_while_slack_cannot_say_whether_a_preview_stands_the_answer_waits_and_is_not_in_doubt(tmp_path: Path) -> None:
    async with FakeSlack() as slack, channel(slack, tmp_path) as bot:
        slack.fail("conversations.history", Fault(status=500))
        with pytest.raises(NotSent):
            await bot.deliver(replace(ANSWER, edits=""))
        assert slack.posts() == []
        await bot.deliver(replace(ANSWER, edits=""))
        assert [message.text for message in slack.shown("D1")] == ["answer"]
