"""The Slack channel against a Slack that nobody here wrote: the npm package `emulate` (Web API only: no events, no sockets)."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from slack_sdk.web.async_client import AsyncWebClient

from bots.slack.channel import Slack
from core.errors import Refused
from core.records import Citation, Part
from core.settings import load
from tests.bots.slack_rig import turn_of
from tests.fakes import npm
from tests.fakes.ports import free_port

PACKAGE = "emulate@0.6.1"
SEED = "slack:\n  team: {name: Witness, domain: witness}\n  users: [{name: admin}]\n  channels: [{name: general}]\n"
pytestmark = pytest.mark.witness


@pytest.fixture(scope="module")
async def emulated(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """SLACK_API_BASE of a running emulator."""
    folder = tmp_path_factory.mktemp("emulate")
    (folder / "seed.yaml").write_text(SEED)
    await npm.install(PACKAGE, folder)
    port = free_port()
    program = folder / "node_modules/emulate/dist/index.js"
    arguments = ("start", "-s", "slack", "-p", str(port), "--seed", "seed.yaml")
    process = await asyncio.create_subprocess_exec("node", program, *arguments, cwd=folder, stdout=-3, stderr=-3)
    try:
        base = f"http://127.0.0.1:{port}/api/"
        await until_it_answers(AsyncWebClient("xoxb-witness", base))
        yield base
    finally:
        process.kill()
        await process.wait()


async def until_it_answers(web: AsyncWebClient) -> None:
    async with asyncio.timeout(45):
        while True:
            try:
                await web.auth_test()
                return
            except OSError:
                await asyncio.sleep(0.1)


async def shown(web: AsyncWebClient, channel: str, thread: str) -> list[dict[str, Any]]:
    answer = await web.api_call("conversations.replies", json={"channel": channel, "ts": thread})
    messages: list[dict[str, Any]] = answer["messages"]
    return messages[1:]


async def test_a_thread_is_answered_edited_and_refused_as_on_the_fake(emulated: str, tmp_path: Path) -> None:
    web = AsyncWebClient("xoxb-witness", emulated)
    channel = Slack(
        load(SLACK_BOT_TOKEN="xoxb-witness", SLACK_API_BASE=emulated, SLACK_SIGNING_SECRET="s", TURNOUT_DATA=str(tmp_path))
    )
    try:
        general, *_ = [one["id"] for one in (await web.api_call("conversations.list"))["channels"]]
        root = str((await web.chat_postMessage(channel=general, text="how long?"))["ts"])
        event = {"type": "app_mention", "user": "U1", "channel": general, "ts": root, "text": "how long?"}
        (asked,) = channel.parse({"type": "event_callback", "team_id": "T", "event": event})
        asked = replace(asked, address=asked.address | {"ts": "9999999999.0"})  # nothing to look for: it was asked just now
        turn = turn_of(
            asked,
            "",
            parts=(Part(text="**30 days** [1]", choices=("Return it",)),),
            citations=(Citation(n=1, source="r", title="Returns"),),
        )
        (message,) = channel.render(turn)
        ts = await channel.deliver(message)
        (reply,) = await shown(web, general, root)
        assert (reply["ts"], reply["thread_ts"]) == (ts, root)
        assert reply["text"] == message.plain
        assert reply["blocks"] == message.body["blocks"]
        edited = replace(message, plain="31 days", body={}, edits=ts)
        assert await channel.deliver(edited) == ts
        assert [one["text"] for one in await shown(web, general, root)] == ["31 days"]
        with pytest.raises(Refused, match="channel_not_found"):
            await channel.deliver(replace(message, address=message.address | {"channel": "C404"}))
        with pytest.raises(Refused, match="message_not_found"):
            await channel.deliver(replace(edited, edits="1.0"))
    finally:
        await channel.close()
