"""The rigs with which our own channels are proven: `turnout channel prove tests.bots.proof_rigs:telegram`."""

import io
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from bots.console import Console
from bots.kit.proof import NotApplicable, Rig
from bots.kit.proof.rig import Fault
from bots.telegram.channel import SECRET_HEADER, Telegram
from core.records import HookRequest, Turn
from core.settings import load
from tests.bots.telegram_rig import SECRET, Store, running, settings
from tests.fakes.telegram_server import FakeTelegram


class ConsoleRig(Rig):
    def __init__(self) -> None:
        self.screen = io.StringIO()
        self.channel = Console(load(TURNOUT_SECRET="s"), name="ann", source=io.StringIO(), screen=self.screen)

    def message(self, text: str, *, number: int = 1, conversation: str = "a") -> dict[str, Any]:
        return {"name": conversation, "session": "s", "number": number, "text": text}

    def echo(self) -> dict[str, Any]:
        raise NotApplicable("a terminal does not read to us what we print")

    def shown(self) -> list[str]:
        return [text for text in self.screen.getvalue().split("\n\n") if text]

    def fault(self, kind: Fault) -> None:
        raise NotApplicable("printing has no such failure")


@asynccontextmanager
async def console() -> AsyncIterator[Rig]:
    yield ConsoleRig()


class TelegramRig(Rig):
    def __init__(self, platform: FakeTelegram, channel: Telegram) -> None:
        self.platform, self.channel = platform, channel

    def message(self, text: str, *, number: int = 1, conversation: str = "a") -> dict[str, Any]:
        return self._last(lambda chat: self.platform.say(chat, text, message_id=number), 7 if conversation == "a" else 8)

    def echo(self) -> dict[str, Any]:
        return self._last(lambda chat: self.platform.say(chat, "hi", **{"from": self.platform.me}), 7)

    def shown(self) -> list[str]:
        return self.platform.texts(7)

    def fault(self, kind: Fault) -> None:
        kinds = {"lost reply": "drop", "rate limit": "limit", "refused": "unparsable"}
        self.platform.fault("sendMessage", kinds[kind], 1)  # type: ignore[arg-type]

    def previews(self) -> list[str]:
        return self.platform.drafts[7]

    def typed(self) -> int:
        return len(self.platform.actions[7])

    def hook(self, update: dict[str, Any], *, genuine: bool) -> HookRequest:
        headers = {SECRET_HEADER: SECRET if genuine else "guessed"}
        return HookRequest(path="/telegram/webhook", headers=headers, body=msgspec.json.encode(update))

    def file(self) -> dict[str, Any]:
        document = {"file_id": "f1", "file_unique_id": "u1", "file_name": "bill.pdf"}
        return self._last(lambda chat: self.platform.say(chat, "", document=document), 7)

    def press(self, label: str) -> dict[str, Any]:
        return self._last(lambda chat: self.platform.press(chat, label), 7)

    def rate(self, turn: Turn) -> dict[str, Any]:
        return self.press("👍")

    def _last(self, act: Any, chat: int) -> dict[str, Any]:
        """What the platform tells the bot of an act."""
        act(chat)
        return self.platform.pending.pop()


@asynccontextmanager
async def telegram() -> AsyncIterator[Rig]:
    with tempfile.TemporaryDirectory() as folder:
        async with FakeTelegram() as platform:
            hooks = {"TELEGRAM_WEBHOOK_URL": f"{platform.base}/nowhere", "TELEGRAM_WEBHOOK_SECRET": SECRET}
            channel = Telegram(settings(platform, Path(folder), **hooks))
            async with running(channel, Store().accept):
                await platform.wait(lambda: platform.webhook)
                yield TelegramRig(platform, channel)


__all__ = ["console", "telegram"]
