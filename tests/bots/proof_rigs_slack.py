"""The rig with which the Slack channel is proven: `turnout channel prove tests.bots.proof_rigs_slack:slack`."""

import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
from slack_sdk.signature import SignatureVerifier

from bots.kit.proof import Rig
from bots.kit.proof.rig import Fault as Kind
from bots.slack.channel import Slack
from core.records import HookRequest, Turn
from tests.bots.slack_rig import settings
from tests.fakes.slack_server import SIGNING_SECRET, FakeSlack, Fault

FAULTS = {"lost reply": Fault(drop="after"), "rate limit": Fault(status=429, after=1), "refused": Fault(error="invalid_blocks")}


class SlackRig(Rig):
    """A thread in a channel is conversation `a`, another one `b`."""

    def __init__(self, platform: FakeSlack, channel: Slack) -> None:
        self.platform, self.channel = platform, channel
        self._told: list[dict[str, Any]] = []
        self._acts: dict[tuple[str, int, str], dict[str, Any]] = {}
        platform._send = self._told.extend  # type: ignore[method-assign]
        self._threads = {name: platform.say("C1", "U1", "<@U0BOT> hello") for name in "ab"}

    def message(self, text: str, *, number: int = 1, conversation: str = "a") -> dict[str, Any]:
        act = (text, number, conversation)
        if act not in self._acts:
            self.platform.say("C1", "U1", text, thread_ts=self._threads[conversation])
            self._acts[act] = self._told.pop()
        return self._acts[act]

    def echo(self) -> dict[str, Any]:
        said = self.message("hi", number=99)
        event = said["event"] | {"user": "U0BOT", "bot_id": "B0BOT", "app_id": said["api_app_id"]}
        return said | {"event": event}

    def shown(self) -> list[str]:
        return [message.shown for message in self.platform.shown("C1", self._threads["a"])]

    def fault(self, kind: Kind) -> None:
        self.platform.fail("chat.postMessage", FAULTS[kind])

    def previews(self) -> list[str]:
        return [text for message in self.platform.shown("C1", self._threads["a"]) for text in message.versions]

    def typed(self) -> int:
        return len(self.platform.posts("assistant.threads.setStatus"))

    def hook(self, update: dict[str, Any], *, genuine: bool) -> HookRequest:
        form = update.get("type") == "block_actions"
        text = msgspec.json.encode(update).decode()
        body = urlencode({"payload": text}) if form else text
        at = str(int(time.time()))
        signature = SignatureVerifier(SIGNING_SECRET if genuine else "guessed").generate_signature(timestamp=at, body=body)
        kind = "application/x-www-form-urlencoded" if form else "application/json"
        headers = {"x-slack-request-timestamp": at, "x-slack-signature": str(signature), "content-type": kind}
        return HookRequest(path="/slack/events", headers=headers, body=body.encode())

    def press(self, label: str) -> dict[str, Any]:
        pressable = [
            message
            for message in self.platform.shown("C1", self._threads["a"])
            if any(button["text"]["text"] == label for button in message.buttons)
        ]
        self.platform.press("C1", pressable[-1].ts, label)
        return self._told.pop()

    def group(self) -> list[dict[str, Any]]:
        self.platform.world.members["C7"] = ["U0BOT", "U1", "U2"]
        for user in ("U1", "U2"):
            self.platform.say("C7", user, "<@U0BOT> hello")
        return [raw for raw in self._told if raw["event"]["channel"] == "C7" and raw["event"]["type"] == "message"]

    def leave(self) -> None:
        self.platform.world.members["C7"].remove("U2")

    def rate(self, turn: Turn) -> dict[str, Any]:
        return self.press("Good answer")


@asynccontextmanager
async def slack() -> AsyncIterator[Rig]:
    with tempfile.TemporaryDirectory() as folder:
        async with FakeSlack() as platform:
            channel = Slack(settings(platform, Path(folder), SLACK_SIGNING_SECRET=SIGNING_SECRET))
            channel._bot = "U0BOT"
            yield SlackRig(platform, channel)
            await channel.close()
