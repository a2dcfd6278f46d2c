"""What people do on Telegram reaches the store once and in order, over the real aiogram client."""

from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import aiohttp
import pytest

from core.errors import ConfigError
from core.settings import load
from tests.bots.telegram_rig import SECRET, Store, hooked, polling
from tests.fakes.telegram_server import FakeTelegram


@pytest.fixture
async def telegram() -> AsyncIterator[FakeTelegram]:
    async with FakeTelegram() as platform:
        yield platform


@pytest.fixture
def store() -> Store:
    return Store()


async def test_messages_are_stored_in_order_and_only_then_confirmed(
    telegram: FakeTelegram, store: Store, tmp_path: Path
) -> None:
    for n in range(5):
        telegram.say(7, f"message {n}")
    async with polling(telegram, tmp_path, store):
        await telegram.wait(lambda: len(store.events) == 5 and not telegram.pending)
    assert store.texts == [f"message {n}" for n in range(5)]


async def test_while_the_store_is_down_nothing_is_confirmed_and_nothing_lost(
    telegram: FakeTelegram, store: Store, tmp_path: Path
) -> None:
    first = telegram.say(7, "one")
    telegram.say(7, "two")
    store.down = 1000
    async with polling(telegram, tmp_path, store):
        await telegram.wait(lambda: store.calls >= 2)
        assert telegram.confirmed == 0
        assert telegram.pending[0]["message"]["message_id"] == first
        store.down = 0
        await telegram.wait(lambda: not telegram.pending)
    assert store.texts == ["one", "two"]


async def test_an_update_seen_twice_is_one_event(telegram: FakeTelegram, store: Store, tmp_path: Path) -> None:
    number = telegram.say(7, "hello")
    telegram.say(7, "hello", message_id=number)
    async with polling(telegram, tmp_path, store):
        await telegram.wait(lambda: not telegram.pending)
    assert (store.calls, store.texts) == (2, ["hello"])


async def test_what_is_no_update_is_left_out_and_does_not_stop_the_rest(
    telegram: FakeTelegram, store: Store, tmp_path: Path
) -> None:
    telegram.say(7, "odd", **{"from": "not a person"})
    telegram.pending.append({"update_id": 900, "something_newer_than_us": {"chat": 1}})
    telegram._updates = count(901)
    telegram.say(7, "fine")
    async with polling(telegram, tmp_path, store):
        await telegram.wait(lambda: not telegram.pending)
    assert store.texts == ["fine"]


async def test_polling_goes_on_after_telegram_was_away(telegram: FakeTelegram, store: Store, tmp_path: Path) -> None:
    telegram.fault("getMe", "error")
    telegram.fault("getUpdates", "error")
    telegram.fault("getUpdates", "hang up")
    telegram.fault("getUpdates", "limit", 1)
    telegram.say(7, "hello")
    async with polling(telegram, tmp_path, store):
        await telegram.wait(lambda: store.texts == ["hello"])


async def test_a_wrong_token_ends_the_channel_with_the_name_of_the_setting(telegram: FakeTelegram, tmp_path: Path) -> None:
    telegram.token = "42:OTHER"
    wrong = load(TELEGRAM_BOT_TOKEN="42:TEST", TELEGRAM_API_BASE=telegram.base, TURNOUT_SECRET="s")
    from bots.telegram.channel import Telegram

    channel = Telegram(wrong)
    with pytest.raises(ConfigError, match="TELEGRAM_BOT_TOKEN"):
        await channel.run(Store().accept)
    await channel.close()


@pytest.mark.parametrize("token", ["", "nonsense", "42:"])
def test_a_token_that_cannot_be_one_is_refused_at_once(token: str) -> None:
    from bots.telegram.channel import Telegram

    with pytest.raises(ConfigError, match="TELEGRAM_BOT_TOKEN"):
        Telegram(load(TELEGRAM_BOT_TOKEN=token))


async def test_a_webhook_is_answered_with_200_only_after_the_store(
    telegram: FakeTelegram, store: Store, tmp_path: Path
) -> None:
    store.down = 2
    telegram.say(7, "hello")
    async with hooked(telegram, tmp_path, store):
        await telegram.wait(lambda: not telegram.pending)
    assert telegram.statuses == [503, 503, 200]
    assert store.texts == ["hello"]


@pytest.mark.parametrize("headers", [{}, {"X-Telegram-Bot-Api-Secret-Token": SECRET[:-1]}])
async def test_a_webhook_call_without_the_secret_stores_nothing(
    telegram: FakeTelegram, store: Store, tmp_path: Path, headers: dict[str, str]
) -> None:
    update = {
        "update_id": 1,
        "message": {"message_id": 1, "chat": {"id": 7, "type": "private"}, "from": {"id": 7}, "text": "hi"},
    }
    async with hooked(telegram, tmp_path, store) as url, aiohttp.ClientSession() as session:
        await telegram.wait(lambda: telegram.webhook)
        async with session.post(url, json=update, headers=headers) as answer:
            assert answer.status == 401
    assert store.calls == 0


async def test_a_webhook_call_that_is_no_json_is_refused(telegram: FakeTelegram, store: Store, tmp_path: Path) -> None:
    told = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
    async with (
        hooked(telegram, tmp_path, store) as url,
        aiohttp.ClientSession() as session,
        session.post(url, data=b"{", headers=told) as answer,
    ):
        assert answer.status == 400
    assert store.calls == 0


async def test_one_webhook_connection_at_a_time_keeps_the_order(telegram: FakeTelegram, store: Store, tmp_path: Path) -> None:
    async with hooked(telegram, tmp_path, store):
        await telegram.wait(lambda: telegram.webhook)
    form = next(form for method, form in telegram.calls if method == "setWebhook")
    assert form["max_connections"] == "1"


async def test_polling_takes_a_webhook_down_first(telegram: FakeTelegram, store: Store, tmp_path: Path) -> None:
    telegram.webhook = {"url": "http://127.0.0.1:9/gone", "secret_token": ""}
    telegram.say(7, "hello")
    async with polling(telegram, tmp_path, store):
        await telegram.wait(lambda: store.texts == ["hello"])


async def test_a_press_is_stored_and_then_its_waiting_sign_stopped(
    telegram: FakeTelegram, store: Store, tmp_path: Path
) -> None:
    keyboard = '{"inline_keyboard": [[{"text": "Yes", "callback_data": "c:Yes"}]]}'
    await telegram._do_sendMessage({"chat_id": "7", "text": "Sure?", "reply_markup": keyboard})
    telegram.press(7, "Yes")
    async with polling(telegram, tmp_path, store):
        await telegram.wait(lambda: telegram.answered)
    assert [(event.kind, event.text) for event in store.all] == [("button", "Yes")]
