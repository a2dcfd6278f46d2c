"""Admission: stored once, or refused aloud while too many messages wait."""

import asyncio

import pytest

from bots.kit import admission
from bots.kit.admission import Admission
from core import keys
from core.bus_memory import MemoryBus
from core.errors import Full
from core.records import Event
from tests.bots.web_rig import serving, settings_for


def event(number: int) -> Event:
    return Event(id=str(number), channel="toy", lane="a", text=f"message {number}")


async def test_while_too_many_wait_new_ones_are_refused_and_afterwards_taken_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "LOOK_EVERY", 0.0)
    bus = MemoryBus()
    accept = Admission(bus, lambda: 3)
    async with bus.consume("IN", keys.DIALOG, "in.>") as core:
        for number in range(3):
            await accept(event(number))
        with pytest.raises(Full, match="3 messages wait"):
            await accept(event(3))
        assert await bus.read("IN", 4) is None
        await (await anext(core)).ack()
        await accept(event(3))
        assert await bus.read("IN", 4) is not None


async def test_between_two_looks_it_counts_what_it_let_in_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "LOOK_EVERY", 1000.0)
    bus = MemoryBus()
    accept = Admission(bus, lambda: 3)
    for number in range(3):
        await accept(event(number))
    with pytest.raises(Full):
        await accept(event(3))


async def test_the_web_says_so_with_503_and_the_same_message_is_taken_later(servers, bus, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(admission, "LOOK_EVERY", 0.0)
    settings = settings_for(servers.nats_url, tmp_path)
    settings.assistant.write_text(settings.assistant.read_text() + "\n[channels.web]\nbacklog = 2\n")
    async with serving(settings) as front, bus.consume("IN", keys.DIALOG, "in.>") as core:
        talk = await front.session()
        for number in range(2):
            await talk.say(str(number), f"message {number}")
        async with asyncio.timeout(45):
            while await bus.waiting("IN", keys.DIALOG) < 2:  # the server counts in the background
                await asyncio.sleep(0.01)
        refusal = await talk.post("2", "message 2")
        assert (refusal.status_code, refusal.headers["retry-after"]) == (503, "2")
        assert "2 messages wait" in refusal.json()["message"]
        await (await anext(core)).ack()
        async with asyncio.timeout(45):
            while (await talk.post("2", "message 2")).status_code != 202:
                await asyncio.sleep(0.05)
