"""What people do in Slack reaches the store once, over HTTP and over the socket, whatever the network does."""

import asyncio
import json
import time
from pathlib import Path

import pytest

from bots.slack.channel import Slack
from core.errors import ConfigError
from core.records import HookRequest, Part
from core.settings import load
from tests.bots.slack_rig import by_http, by_socket, settings, turn_of
from tests.fakes.slack_server import APP_TOKEN, SIGNING_SECRET, FakeSlack, Fault

DOORS = pytest.mark.parametrize("door", [by_http, by_socket], ids=["http", "socket"])


@DOORS
async def test_a_conversation_runs_in_channel_thread_and_direct_message(door, tmp_path: Path) -> None:
    async with door(tmp_path) as rig:
        slack, channel = rig.slack, rig.channel
        root = slack.say("C1", "U1", "<@U0BOT> how long do I have to return a bike?")
        (asked,) = await rig.heard()
        assert asked.text == "how long do I have to return a bike?"
        (answer,) = channel.render(turn_of(asked, "You have **30 days**."))
        await channel.deliver(answer)
        slack.say("C1", "U2", "and a helmet?", thread_ts=root)
        slack.say("D1", "U1", "hello")
        _, follow, direct = await rig.heard()
        assert (follow.text, direct.text) == ("and a helmet?", "hello")
        assert follow.lane == asked.lane
        assert direct.lane != asked.lane
        assert [message.text for message in slack.shown("C1", root)] == ["You have 30 days."]


@DOORS
async def test_an_event_that_comes_again_has_the_same_id(door, tmp_path: Path) -> None:
    async with door(tmp_path) as rig:
        rig.slack.copies = 3
        rig.slack.say("D1", "U1", "hello")
        assert len(await rig.heard()) == 1
        assert rig.store.calls == 3


@DOORS
async def test_a_mention_that_arrives_as_two_events_is_one(door, tmp_path: Path) -> None:
    async with door(tmp_path) as rig:
        rig.slack.backwards = True
        rig.slack.say("C1", "U1", "<@U0BOT> hi")
        assert len(await rig.heard()) == 1
        assert rig.store.calls == 2


@DOORS
async def test_nothing_is_acknowledged_while_the_store_is_down_and_slack_tries_again(door, tmp_path: Path) -> None:
    async with door(tmp_path) as rig:
        rig.store.down = 2
        rig.slack.patience = 0.5 if door is by_socket else 60  # there a refusal is that nothing comes
        rig.slack.say("D1", "U1", "do not lose me")
        while rig.store.calls < 2:
            await asyncio.sleep(0.01)
        rig.slack.patience = 60
        (event,) = await rig.heard()
        assert event.text == "do not lose me"
        refused, refused_again, taken = rig.slack.deliveries
        assert (taken.status, taken.retry) == (200, 2)
        assert {refused.status, refused_again.status} == ({503} if door is by_http else {0})


@DOORS
async def test_messages_of_one_conversation_are_stored_in_the_order_they_came(door, tmp_path: Path) -> None:
    async with door(tmp_path) as rig:
        root = rig.slack.say("C1", "U1", "<@U0BOT> 0")
        await rig.heard()
        for number in range(1, 20):
            rig.slack.say("C1", "U1", f"{'<@U0BOT> ' if number == 2 else ''}{number}", thread_ts=root)
        await rig.heard()
        assert rig.store.texts == [str(number) for number in range(20)]


async def test_a_wrong_signature_is_refused_and_nothing_is_stored(tmp_path: Path) -> None:
    async with by_http(tmp_path) as rig:
        body = json.dumps(
            {
                "type": "event_callback",
                "team_id": "T",
                "event": {"type": "message", "channel": "D1", "ts": "1.0", "user": "U", "text": "x"},
            }
        )
        assert await rig.slack.call_hook(body, secret="guessed") == (401, "wrong or old signature")
        assert (await rig.slack.call_hook(body))[0] == 200
        assert rig.store.texts == ["x"]


@pytest.mark.parametrize(
    ("stamp", "signature", "body"),
    [("yesterday", "v0=1", b"{}"), ("now", "v0=ü", b"{}"), ("now", "v0=1", b"\xff"), ("", "", b"{}")],
    ids=["no time", "no ASCII", "no UTF-8", "nothing"],
)
async def test_a_signature_of_impossible_form_is_only_a_wrong_one(
    tmp_path: Path, stamp: str, signature: str, body: bytes
) -> None:
    async with by_http(tmp_path) as rig:
        at = str(int(time.time())) if stamp == "now" else stamp
        headers = {"x-slack-request-timestamp": at, "x-slack-signature": signature}
        answer = await rig.channel.hook(HookRequest(path="/slack/events", headers=headers, body=body), rig.store.accept)
        assert answer.status == 401
        assert rig.store.calls == 0


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        '"x"',
        "{",
        "[" * 100_000,
        '{"type": "event_callback"}',
        '{"type": "event_callback", "event": 1}',
        '{"type":"block_actions","actions":[{}]}',
    ],
)
async def test_a_payload_that_is_none_stores_nothing_and_harms_nobody(tmp_path: Path, body: str) -> None:
    async with by_http(tmp_path) as rig:
        await rig.slack.call_hook(body)
        rig.slack.say("D1", "U1", "still there?")
        assert [event.text for event in await rig.heard()] == ["still there?"]


async def test_slacks_handshake_is_answered(tmp_path: Path) -> None:
    async with by_http(tmp_path) as rig:
        status, text = await rig.slack.call_hook(json.dumps({"type": "url_verification", "challenge": "abc"}))
        assert (status, json.loads(text)["challenge"]) == (200, "abc")


async def test_a_bot_in_socket_mode_takes_no_hooks(tmp_path: Path) -> None:
    async with FakeSlack() as slack:
        channel = Slack(settings(slack, tmp_path, SLACK_APP_TOKEN=APP_TOKEN))

        async def never(event: object) -> None:
            raise AssertionError(event)

        assert (await channel.hook(HookRequest(path="/slack/events", headers={}, body=b"{}"), never)).status == 404


async def test_a_broken_socket_is_opened_again_and_what_was_not_acknowledged_comes_again(tmp_path: Path) -> None:
    async with by_socket(tmp_path) as rig:
        rig.slack.say("D1", "U1", "one")
        await rig.heard()
        rig.slack.fail("apps.connections.open", Fault(status=500))
        await rig.slack.cut()
        rig.slack.say("D1", "U1", "two")
        await rig.heard()
        assert rig.store.texts == ["one", "two"]


@DOORS
async def test_an_edit_names_the_message_it_changes_and_an_untouched_text_is_none(door, tmp_path: Path) -> None:
    async with door(tmp_path) as rig:
        ts = rig.slack.say("D1", "U1", "wehre are you?")
        (asked,) = await rig.heard()
        rig.slack.edit("D1", ts, "where are you?")
        rig.slack.edit("D1", ts, "where are you?")
        _, edit = await rig.heard()
        assert (edit.kind, edit.text, edit.target) == ("edit", "where are you?", asked.id)


@DOORS
async def test_buttons_and_thumbs_come_back_as_events_of_the_same_conversation(door, tmp_path: Path) -> None:
    async with door(tmp_path) as rig:
        rig.slack.say("C1", "U1", "<@U0BOT> help")
        (asked,) = await rig.heard()
        turn = turn_of(asked, "", parts=(Part(text="Bike or helmet?", choices=("Bike", "Helmet")),))
        (message,) = rig.channel.render(turn)
        ts = await rig.channel.deliver(message)
        rig.slack.press("C1", ts, "Helmet")
        rig.slack.press("C1", ts, "Good answer")
        _, pressed, liked = await rig.heard()
        assert (pressed.kind, pressed.text, pressed.lane) == ("button", "Helmet", asked.lane)
        assert (liked.kind, liked.text, liked.target) == ("feedback", "up", asked.id)
        assert pressed.address["thread"] == asked.address["thread"]


@DOORS
async def test_a_thread_the_bot_is_not_in_is_none_of_its_business(door, tmp_path: Path) -> None:
    async with door(tmp_path) as rig:
        root = rig.slack.say("C1", "U1", "lunch?")
        rig.slack.say("C1", "U2", "yes", thread_ts=root)
        assert await rig.heard() == []
        rig.slack.say("C1", "U2", "<@U0BOT> where?", thread_ts=root)
        rig.slack.say("C1", "U1", "and when?", thread_ts=root)
        await rig.heard()
        assert rig.store.texts == ["where?", "and when?"]
        assert len(rig.slack.posts("conversations.replies")) == 1


async def test_a_thread_is_followed_after_a_restart_too(tmp_path: Path) -> None:
    async with by_http(tmp_path) as rig:
        root = rig.slack.say("C1", "U1", "<@U0BOT> hi")
        await rig.heard()
        rig.channel._threads._known.clear()  # a fresh process knows nothing
        rig.slack.fail("conversations.replies", Fault(status=500))
        rig.slack.say("C1", "U1", "still there?", thread_ts=root)
        await rig.heard()
        assert rig.store.texts == ["hi", "still there?"]
        assert [delivery.status for delivery in rig.slack.deliveries[-2:]] == [503, 200]


async def test_a_message_that_waits_for_slack_is_not_overtaken_by_the_next_one(tmp_path: Path) -> None:
    async with by_http(tmp_path) as rig:
        root = rig.slack.world.write("C1", "U1", "<@U0BOT> hi").ts
        rig.slack.fail("conversations.replies", Fault(delay=0.3))
        rig.slack.say("C1", "U1", "first", thread_ts=root)
        while not rig.slack.posts("conversations.replies"):
            await asyncio.sleep(0.01)
        rig.slack.say("C1", "U1", "<@U0BOT> second", thread_ts=root)
        await rig.heard()
        assert rig.store.texts == ["first", "second"]


async def test_the_bots_own_messages_and_other_bots_are_not_heard(tmp_path: Path) -> None:
    async with by_http(tmp_path) as rig:
        event = {"type": "message", "channel": "D1", "channel_type": "im", "ts": "1.0", "text": "echo"}
        for said in (
            {"user": "U0BOT"},
            {"user": "U9", "bot_id": "B9"},
            {"subtype": "bot_message", "bot_id": "B0BOT"},
            {"subtype": "channel_join", "user": "U1"},
        ):
            body = {
                "type": "event_callback",
                "team_id": "T0TEAM",
                "authorizations": [{"user_id": "U0BOT", "is_bot": True}],
                "event": event | said,
            }
            assert (await rig.slack.call_hook(json.dumps(body)))[0] == 200
        assert rig.store.calls == 0


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({}, "SLACK_BOT_TOKEN"),
        ({"SLACK_BOT_TOKEN": "xoxb"}, "SLACK_SIGNING_SECRET"),
        ({"SLACK_SIGNING_SECRET": "x"}, "SLACK_BOT_TOKEN"),
    ],
)
def test_settings_that_cannot_work_are_named(given: dict[str, str], named: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=named):
        Slack(load(TURNOUT_DATA=str(tmp_path), **given))


async def test_a_token_that_slack_refuses_is_named(tmp_path: Path) -> None:
    async with FakeSlack() as slack:
        channel = Slack(settings(slack, tmp_path, SLACK_BOT_TOKEN="xoxb-wrong", SLACK_SIGNING_SECRET=SIGNING_SECRET))
        with pytest.raises(ConfigError, match=r"SLACK_BOT_TOKEN.*invalid_auth"):
            await channel.run(lambda _: None)  # type: ignore[arg-type, return-value]
        await channel.close()
        channel = Slack(settings(slack, tmp_path, SLACK_APP_TOKEN="xapp-wrong"))
        with pytest.raises(ConfigError, match=r"SLACK_APP_TOKEN.*invalid_auth"):
            await channel.run(lambda _: None)  # type: ignore[arg-type, return-value]
        await channel.close()


async def test_what_is_no_envelope_is_left_out_and_the_socket_stays_open(tmp_path: Path) -> None:
    async with by_socket(tmp_path) as rig:
        rig.slack.say("D1", "U1", "before")
        await rig.heard()
        for nonsense in ("{", "[1]", "[" * 100_000):
            await rig.slack.sockets[0].send_str(nonsense)
        rig.slack.say("D1", "U1", "after")
        assert [event.text for event in await rig.heard()] == ["before", "after"]
        assert [method for method, _ in rig.slack.calls].count("apps.connections.open") == 1
