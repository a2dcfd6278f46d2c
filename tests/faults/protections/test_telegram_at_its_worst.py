"""Telegram while it refuses the bot for a time, or takes a message and says nothing."""

import asyncio
from pathlib import Path

import pytest

from bots.kit.contract import Native
from core.errors import Ambiguous, NotSent
from tests.bots.telegram_rig import settings
from tests.fakes.telegram_server import FakeTelegram

ANSWER = Native(id="t:0", address={"chat": "7"}, plain="answer")


async def test_a_bot_that_telegram_refuses_for_a_time_loses_no_answer(tmp_path: Path) -> None:
    from bots.telegram.channel import Telegram

    async with FakeTelegram() as telegram:
        bot = Telegram(settings(telegram, tmp_path))
        telegram.token, token = "42:REVOKED", telegram.token
        with pytest.raises(NotSent):
            await bot.deliver(ANSWER)
        telegram.token = token
        await bot.deliver(ANSWER)
        await bot.close()
        assert telegram.texts(7) == ["answer"]


async def test_a_send_that_telegram_never_answers_ends_in_doubt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bots.telegram import client
    from bots.telegram.channel import Telegram

    assert client.CALL <= 20
    monkeypatch.setattr(client, "CALL", 0.5)
    async with FakeTelegram() as telegram:
        bot = Telegram(settings(telegram, tmp_path))
        telegram.fault("sendMessage", "delay", 600)
        async with asyncio.timeout(50):
            with pytest.raises(Ambiguous):
                await bot.deliver(ANSWER)
        await bot.close()
