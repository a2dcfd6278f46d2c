"""The Telegram channel against a Telegram that nobody here wrote: the npm package `telegram-test-api`.

It knows getUpdates (without waiting), sending, edits and buttons. What it cannot witness: getMe (its answer lacks what
Telegram's always has, so the bot's name is given here), errors, drafts and typing.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bots.kit.contract import Native
from bots.kit.service import host
from bots.telegram.channel import Telegram
from core import keys
from core.assistant import ChannelPolicy
from core.bus import Bus
from core.bus_memory import MemoryBus
from core.leases import MemoryLeases
from core.records import Citation, Event, Part, Turn, decode, encode
from core.settings import load
from tests.fakes import npm
from tests.fakes.ports import free_port

PACKAGE, TOKEN = "telegram-test-api@4.2.1", "42:WITNESS"
SERVER = "new (require('telegram-test-api'))({{port: {port}, host: '127.0.0.1'}}).start().then(() => console.log('up'))"
ANN = {"from": {"id": 7, "first_name": "Ann", "is_bot": False}, "chat": {"id": 7, "type": "private", "first_name": "Ann"}}
pytestmark = pytest.mark.witness


@pytest.fixture(scope="module")
async def witness(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """TELEGRAM_API_BASE of the running double."""
    folder = tmp_path_factory.mktemp("telegram-test-api")
    await npm.install(PACKAGE, folder)
    port = free_port()
    process = await asyncio.create_subprocess_exec("node", "-e", SERVER.format(port=port), cwd=folder, stdout=-1, stderr=-3)
    try:
        assert process.stdout is not None
        async with asyncio.timeout(45):
            assert await process.stdout.readline() == b"up\n"
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        await process.wait()


class Person:
    """Ann, on the double's own side of a chat."""

    def __init__(self, http: aiohttp.ClientSession, base: str) -> None:
        self._http, self._base = http, base
        self.seen: list[dict[str, Any]] = []

    async def say(self, text: str) -> None:
        await self._post("sendMessage", {**ANN, "botToken": TOKEN, "date": 1, "text": text})

    async def press(self, label: str) -> None:
        rows = self.seen[-1]["reply_markup"]["inline_keyboard"]
        (data,) = (key["callback_data"] for row in rows for key in row if key["text"] == label)
        message = {**ANN, "message_id": 1, "date": 1}
        await self._post("sendCallback", {"botToken": TOKEN, "from": ANN["from"], "message": message, "data": data})

    async def read(self, count: int) -> list[str]:
        """The bot's messages, once there are so many."""
        async with asyncio.timeout(45):
            while len(self.seen) < count:
                news = await self._post("getUpdates", {"token": TOKEN, "chatId": 7})
                self.seen += [update["message"] for update in news["result"]]
                await asyncio.sleep(0.05)
        return [message["text"] for message in self.seen]

    async def history(self) -> dict[int, str]:
        """The bot's messages by id, as they stand now."""
        told = await self._post("getUpdatesHistory", {"token": TOKEN})
        return {
            update["messageId"]: update["message"]["text"]
            for update in told["result"]
            if "chat_id" in update.get("message", {})
        }

    async def _post(self, what: str, body: dict[str, Any]) -> dict[str, Any]:
        async with self._http.post(f"{self._base}/{what}", json=body) as answer:
            told: dict[str, Any] = await answer.json()
        assert told["ok"], told
        return told


def answer(event: Event, seq: int) -> Turn:
    part = Part(text=f"**You** said {event.kind}: {event.text} [1]", choices=("The red one", "The blue one"))
    cited = (Citation(n=1, source="faq.md", title="Questions"),)
    about = {"id": event.id, "channel": event.channel, "lane": event.lane, "address": event.address}
    return Turn(**about, events=(event.id,), upto=seq, parts=(part,), citations=cited)


async def answering(bus: Bus, make: Callable[[Event, int], Turn]) -> None:
    async with bus.follow("IN", "in.telegram.*", 0) as messages:
        async for message in messages:
            turn = make(decode(Event, message.data), message.seq)
            await bus.publish(keys.log(turn.channel, turn.lane), encode(turn), id=turn.id)


@asynccontextmanager
async def bot(base: str, data: Path) -> AsyncIterator[Telegram]:
    """The channel in the kit's hands, and something that answers."""
    bus, channel = MemoryBus(), Telegram(load(TELEGRAM_BOT_TOKEN=TOKEN, TELEGRAM_API_BASE=base, TURNOUT_DATA=str(data)))

    async def name() -> str:
        return "TestNameBot"

    channel._client.username = name  # type: ignore[method-assign]
    work = [
        asyncio.create_task(answering(bus, answer)),
        asyncio.create_task(host(bus, MemoryLeases(), channel, policy=ChannelPolicy)),
    ]
    try:
        yield channel
    finally:
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
        await channel.close()


async def test_what_is_written_and_tapped_is_answered_in_order(witness: str, tmp_path: Path) -> None:
    async with aiohttp.ClientSession() as http, bot(witness, tmp_path) as channel:
        ann = Person(http, witness)
        await ann.say("hi")
        await ann.say("how are <you> & yours?")
        first, second = await ann.read(2)
        assert first.startswith("<b>You</b> said message: hi")
        assert second.startswith("<b>You</b> said message: how are &lt;you&gt; &amp; yours?")
        assert all("Questions" in text for text in (first, second))
        assert ann.seen[0]["parse_mode"] == "HTML"
        await ann.press("The blue one")
        *_, third = await ann.read(3)
        assert third.startswith("<b>You</b> said button: The blue one")
        number = min(await ann.history())
        edit = Native(id="t:0", address={"chat": "7"}, plain="", body={"text": "<b>Ninety</b> days"}, edits=str(number))
        assert await channel.deliver(edit) == edit.edits
        assert (await ann.history())[number] == "<b>Ninety</b> days"
