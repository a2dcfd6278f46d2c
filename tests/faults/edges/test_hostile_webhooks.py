"""Webhook calls that no platform makes: refused or stored, and nobody else notices."""

import hashlib
import hmac
import time

from tests.bots.telegram_rig import SECRET
from tests.fakes.slack_server import SIGNING_SECRET
from tests.faults.edges.seen import Diary
from tests.faults.edges.town import Town, town

DEEP = '"more": ' + "[" * 50_000 + "]" * 50_000
TELEGRAM = '{"update_id": %d, "message": {"message_id": %d, "chat": {"id": 8}, "from": {"id": 8}, "text": "%s"}%s}'
SLACK = (
    '{"type": "event_callback", "team_id": "T0TEAM", "event": {"type": "message", "channel": "D8", "channel_type": "im",'
    ' "ts": "%d.%06d", "user": "U8", "text": "%s"}%s}'
)
# What is sent: the message's text, what stands behind it; and the status that Telegram and Slack are told.
CALLS = {
    "over a megabyte": ("x" * 2**20, "", 413, 413),
    "nearly a megabyte": ("x" * 900_000, "", 200, 200),
    "deep": ("hello", f", {DEEP}", 400, 400),
    "a NUL": ("a\\u0000b", "", 200, 200),
    "a bare NUL": ("a\x00b", "", 400, 400),
    "half a character": ("a\\ud800b", "", 400, 200),
    "no UTF-8": ("a\udcffb", "", 400, 401),
    "no end": ("hello", ", ", 400, 400),
    "no object": ("hello", "", 400, 400),
}


async def telegram(place: Town, body: bytes) -> int:
    headers = {"x-telegram-bot-api-secret-token": SECRET, "content-type": "application/json"}
    return (await place.front.client.post("/telegram/webhook", content=body, headers=headers)).status_code


async def slack(place: Town, body: bytes) -> int:
    stamp = str(int(time.time()))
    signature = hmac.new(SIGNING_SECRET.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    headers = {"x-slack-request-timestamp": stamp, "x-slack-signature": f"v0={signature}", "content-type": "application/json"}
    return (await place.front.client.post("/slack/events", content=body, headers=headers)).status_code


async def test_hostile_calls_are_refused_or_stored_and_harm_nobody(servers, bus, store, tmp_path) -> None:
    async with town(servers, tmp_path) as place:
        now, told = int(time.time()), {}
        for number, (kind, (text, more, *_)) in enumerate(CALLS.items()):
            bodies = TELEGRAM % (number, number, text, more), SLACK % (now, number, text, more)
            first, second = (f"[{body}]" if kind == "no object" else body for body in bodies)
            told[kind] = (
                await telegram(place, first.encode("utf-8", "surrogateescape")),
                await slack(place, second.encode("utf-8", "surrogateescape")),
            )
        assert told == {kind: (by_telegram, by_slack) for kind, (_, _, by_telegram, by_slack) in CALLS.items()}
        diary = Diary(place)
        place.model.when(lambda asked: "#" not in asked.question, "I have read it.")
        place.telegram.say(7, f"about #{(token := diary.token())}")
        diary.say("telegram", "7", token)
        place.slack.say("D1", "U1", f"about #{(token := diary.token())}")
        diary.say("slack", "D1", token)
        verdict = await diary.verdict(bus)
        assert [verdict.lost, verdict.half, verdict.unresolved] == [[], [], []]
        assert len(place.telegram.texts(8)) == 2
        assert [message.shown for message in place.slack.shown("D8")] == ["I have read it."] * 3
