"""An open page that waits: for NATS, for what it was not woken for; and one that does not read and is not waited for."""

import asyncio

import pytest

from bots.web import events as web_events
from bots.web.events import Conversation
from bots.web.feed import INBOX, Feed, Inbox
from core import keys
from core.bus import Stored
from core.bus_memory import MemoryBus
from core.errors import Unavailable
from core.records import Part, Turn, encode


async def commit(bus: MemoryBus) -> None:
    turn = Turn(id="t", channel="web", lane="a", events=("t",), upto=1, parts=(Part(text="answer"),))
    await bus.publish(keys.log("web", "a"), encode(turn), id="t")


async def test_a_page_that_is_opened_while_nats_is_away_shows_its_conversation_once_it_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Away(MemoryBus):
        calls = 0

        async def first_after(self, stream: str, subject: str, seq: int):
            self.calls += 1
            if self.calls <= 2:
                raise Unavailable
            return await super().first_after(stream, subject, seq)

    monkeypatch.setattr(web_events, "AWAY", 0.01)
    bus = Away()
    await commit(bus)
    feed = Feed(bus)
    with feed.join("a") as inbox:
        said = Conversation(bus, feed, "a").events(inbox)
        chunks = [await anext(said) for _ in range(5)]
        await said.aclose()
    assert chunks[1:3] == [b": waiting\n\n"] * 2
    assert b"event: reply" in chunks[3]
    assert b'"ready"' in chunks[4]


async def test_a_page_that_is_not_woken_finds_the_reply_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_events, "KEEP_ALIVE", 0.02)
    bus = MemoryBus()
    said = Conversation(bus, Feed(bus), "a").events(Inbox())
    async with asyncio.timeout(45):
        while b'"ready"' not in await anext(said):
            pass
        await commit(bus)
        while b"event: reply" not in await anext(said):
            pass
    await said.aclose()


def test_a_page_that_does_not_read_is_let_go_before_it_fills_the_memory() -> None:
    inbox = Inbox()
    for seq in range(INBOX):
        inbox.put(Stored("log.web.a", b"", seq))
    assert not inbox.ended.is_set()
    inbox.put(Stored("log.web.a", b"", INBOX))
    assert inbox.ended.is_set()
    assert inbox.waiting.qsize() == INBOX
