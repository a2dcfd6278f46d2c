"""What people see on Telegram when sends go wrong: the real client, a fake Telegram over HTTP, the kit on real servers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bots.kit.admission import Admission
from bots.kit.contract import REPEAT, Native, Piece
from bots.kit.service import host
from bots.telegram.channel import Telegram
from core import keys
from core.assistant import ChannelPolicy
from core.bus import Bus, Stored
from core.errors import Ambiguous, NotSent, RateLimited, Refused
from core.records import Event, Live, Part, Turn, decode, encode
from core.redis_store import RedisStore
from tests.bots.telegram_rig import settings
from tests.fakes.telegram_server import FakeTelegram


@pytest.fixture
async def telegram() -> AsyncIterator[FakeTelegram]:
    async with FakeTelegram() as platform:
        yield platform


@pytest.fixture
async def channel(telegram: FakeTelegram, tmp_path: Path) -> AsyncIterator[Telegram]:
    made = Telegram(settings(telegram, tmp_path))
    yield made
    await made.close()


def native(html: str = "<b>hi</b>", plain: str = "hi", chat: int = 7, **fields: object) -> Native:
    return Native(id="t:0", address={"chat": str(chat)}, plain=plain, body={"text": html}, **fields)  # type: ignore[arg-type]


async def test_a_message_is_sent_as_html_and_its_id_returned(telegram: FakeTelegram, channel: Telegram) -> None:
    number = await channel.deliver(native())
    [shown] = telegram.chats[7]
    assert (str(shown.id), shown.text, [entity.tag for entity in shown.entities]) == (number, "hi", ["b"])


async def test_a_confirmed_message_is_not_in_doubt_because_the_sdk_does_not_know_its_shape(tmp_path: Path) -> None:
    class Newer(FakeTelegram):
        def _sent(self, form, shown):
            return super()._sent(form, shown) | {"link_preview_options": "in a form of next year"}

    async with Newer() as telegram:
        channel = Telegram(settings(telegram, tmp_path))
        number = await channel.deliver(native())
        assert await channel.deliver(native("<i>new</i>", edits=number)) == number
        await channel.close()
        assert telegram.texts(7) == ["new"]


async def test_an_edit_done_twice_is_one_edit(telegram: FakeTelegram, channel: Telegram) -> None:
    number = await channel.deliver(native())
    for _ in range(2):
        assert await channel.deliver(native("<i>new</i>", edits=number)) == number
    assert (telegram.texts(7), telegram.chats[7][0].edits) == (["new"], 1)


@pytest.mark.parametrize(
    ("fault", "error", "shown"),
    [
        ("drop", Ambiguous, ["hi"]),
        ("hang up", Ambiguous, []),
        ("error", Ambiguous, []),
        ("limit", RateLimited, []),
        ("forbidden", Refused, []),
        ("unparsable", Refused, []),
    ],
)
async def test_each_failure_says_whether_the_message_may_be_there(
    telegram: FakeTelegram, channel: Telegram, fault: str, error: type[Exception], shown: list[str]
) -> None:
    telegram.fault("sendMessage", fault, 3)  # type: ignore[arg-type]
    with pytest.raises(error):
        await channel.deliver(native())
    assert telegram.texts(7) == shown


async def test_telegrams_retry_after_is_kept(telegram: FakeTelegram, channel: Telegram) -> None:
    telegram.fault("sendMessage", "limit", 7)
    with pytest.raises(RateLimited) as caught:
        await channel.deliver(native())
    assert caught.value.after == 7


async def test_without_a_connection_nothing_was_sent(tmp_path: Path) -> None:
    nowhere = Telegram(settings(FakeTelegram(port=9), tmp_path))
    with pytest.raises(NotSent):
        await nowhere.deliver(native())
    await nowhere.close()


async def test_a_turn_without_an_address_is_refused(channel: Telegram) -> None:
    with pytest.raises(Refused):
        await channel.deliver(Native(id="t:0", address={}, plain="hi"))


async def test_drafts_are_for_private_chats_only(telegram: FakeTelegram, channel: Telegram) -> None:
    for chat, kind in ((7, "private"), (-5, "group")):
        await channel.show(Piece(turn="t", text="**half", address={"chat": str(chat), "kind": kind}), "")
    assert (telegram.drafts[7], telegram.drafts[-5]) == (["**half …"], [])


# With the kit around it


@asynccontextmanager
async def hosted(
    telegram: FakeTelegram, bus: Bus, store: RedisStore, channel: Telegram, policy: ChannelPolicy
) -> AsyncIterator[None]:
    """The channel in its host, and a dialog that answers each message with itself once its draft or typing sign is seen."""
    task = asyncio.create_task(host(bus, store.leases, channel, policy=lambda: policy))
    answering = asyncio.create_task(echo(bus, telegram, streams=policy.stream))
    try:
        yield
    finally:
        for each in (task, answering):
            each.cancel()
        await asyncio.gather(task, answering, return_exceptions=True)


async def echo(bus: Bus, telegram: FakeTelegram, *, streams: bool) -> None:
    async with bus.follow("IN", "in.telegram.*", 0) as messages:
        async for message in messages:
            event = decode(Event, message.data)
            shown = telegram.drafts if streams else telegram.actions
            await think(bus, event, shown[int(event.address["chat"])])
            await answer(bus, message, event)


async def think(bus: Bus, event: Event, shown: list[str]) -> None:
    """Live tokens, until the host, which may still be starting, shows them."""
    live = Live(turn=event.id, n=0, text=f"hm {event.text}", address=event.address)
    async with asyncio.timeout(45):
        while not any(one in (f"hm {event.text} …", "typing") for one in shown):
            await bus.emit(keys.live("telegram", event.lane), encode(live))
            await asyncio.sleep(0.05)


async def answer(bus: Bus, message: Stored, event: Event) -> None:
    turn = Turn(
        id=event.id,
        channel="telegram",
        lane=event.lane,
        events=(event.id,),
        upto=message.seq,
        address=event.address,
        parts=(Part(text=f"**{event.text}**"),),
    )
    await bus.publish(keys.log("telegram", event.lane), encode(turn), id=turn.id)


async def test_a_conversation_is_answered_in_order_with_drafts_before_each_answer(
    telegram: FakeTelegram, channel: Telegram, bus: Bus, store: RedisStore
) -> None:
    async with hosted(telegram, bus, store, channel, ChannelPolicy()):
        for n in range(3):
            telegram.say(7, f"question {n}")
        await telegram.wait(lambda: len(telegram.texts(7)) == 3)
    assert telegram.texts(7) == [f"question {n}" for n in range(3)]
    assert telegram.drafts[7][0] == "hm question 0 …"


async def test_a_group_sees_the_typing_sign_and_no_draft(
    telegram: FakeTelegram, channel: Telegram, bus: Bus, store: RedisStore
) -> None:
    async with hosted(telegram, bus, store, channel, ChannelPolicy(stream=False)):
        telegram.say(-5, "/ask now")
        await telegram.wait(lambda: telegram.texts(-5))
    assert set(telegram.actions[-5]) == {"typing"}
    assert telegram.drafts[-5] == []


@pytest.mark.parametrize(
    ("fault", "policy", "shown"),
    [
        ("drop", "resend", ["hello", f"{REPEAT}hello"]),
        ("drop", "drop", ["hello"]),
        ("hang up", "resend", [f"{REPEAT}hello"]),
        ("limit", "resend", ["hello"]),
        ("unparsable", "resend", ["**hello**".strip("*")]),
    ],
)
async def test_no_fault_of_a_send_loses_the_answer_or_repeats_it_unmarked(
    telegram: FakeTelegram, channel: Telegram, bus: Bus, store: RedisStore, fault: str, policy: str, shown: list[str]
) -> None:
    telegram.fault("sendMessage", fault, 1)  # type: ignore[arg-type]
    async with hosted(telegram, bus, store, channel, ChannelPolicy(ambiguous=policy)):  # type: ignore[arg-type]
        telegram.say(7, "hello")
        await telegram.wait(lambda: len(telegram.texts(7)) == len(shown))
        telegram.say(7, "and then")
        await telegram.wait(lambda: "and then" in telegram.texts(7))
    assert telegram.texts(7) == [*shown, "and then"]


async def test_a_blocked_chat_does_not_hold_up_the_others(
    telegram: FakeTelegram, channel: Telegram, bus: Bus, store: RedisStore
) -> None:
    telegram.fault("sendMessage", "forbidden", times=2)
    async with hosted(telegram, bus, store, channel, ChannelPolicy()):
        telegram.say(7, "blocked")
        await telegram.wait(lambda: not telegram._faults["sendMessage"])
        telegram.say(8, "hello")
        await telegram.wait(lambda: telegram.texts(8) == ["hello"])
    assert telegram.texts(7) == []


async def test_an_update_taken_again_after_a_crash_is_answered_once(
    telegram: FakeTelegram, bus: Bus, store: RedisStore, tmp_path: Path
) -> None:
    class Dies(Exception):
        """Between the store and the acknowledgement."""

    async def store_and_die(event: Event) -> None:
        await Admission(bus, lambda: 1000)(event)
        raise Dies

    telegram.say(7, "hello")
    first = Telegram(settings(telegram, tmp_path))
    with pytest.raises(Dies):
        await first.run(store_and_die)
    await first.close()
    assert telegram.pending
    second = Telegram(settings(telegram, tmp_path))
    async with hosted(telegram, bus, store, second, ChannelPolicy()):
        await telegram.wait(lambda: telegram.texts(7) and not telegram.pending)
        telegram.say(7, "next")
        await telegram.wait(lambda: "next" in telegram.texts(7))
    await second.close()
    assert telegram.texts(7) == ["hello", "next"]
