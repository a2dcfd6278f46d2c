"""What a client of the web channel may send, and what it is told when it may not."""

import asyncio
import json

import pytest

from bots.web.limits import Buckets
from bots.web.sessions import LIFETIME, Sessions, TokenRefused
from core import keys
from core.records import Event, decode
from tests.bots.web_rig import serving, settings_for


@pytest.fixture
async def front(servers, bus, tmp_path):
    async with serving(settings_for(servers.nats_url, tmp_path)) as front:
        yield front


@pytest.fixture
async def talk(front):
    return await front.session()


async def stored(bus) -> list[Event]:
    events, seq = [], 0
    while message := await bus.read("IN", seq + 1):
        events.append(decode(Event, message.data))
        seq = message.seq
    return events


async def test_a_message_is_in_the_stream_when_it_is_accepted(bus, talk):
    turn = await talk.say("1", "How long do I have?")
    [event] = await stored(bus)
    assert (event.id, event.channel, event.kind, event.text) == (turn, "web", "message", "How long do I have?")
    assert (await bus.last("IN", keys.into("web", event.lane))).seq == 1


async def test_the_same_id_again_is_the_same_turn_stored_once(bus, talk):
    answers = await asyncio.gather(*(talk.post("same", "hello") for _ in range(20)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["turn"] for answer in answers}) == 1
    assert len(await stored(bus)) == 1


async def test_the_same_id_in_two_sessions_is_two_turns(bus, front, talk):
    other = await front.session()
    assert await talk.say("1", "hello") != await other.say("1", "hello")
    lanes = {event.lane for event in await stored(bus)}
    assert len(lanes) == 2
    assert not any(talk.session in lane for lane in lanes)


@pytest.mark.parametrize(
    ("body", "status", "names"),
    [
        ('{"id": "1", "text": ""}', 400, "text is empty"),
        ('{"id": "1", "text": " \\n\\t "}', 400, "text is empty"),
        ('{"id": "1", "text": "\\u0000\\u0007"}', 400, "text is empty"),
        ('{"id": "1", "text": "x", "colour": 1}', 400, "colour"),
        ('{"text": "x"}', 400, "`id`"),
        ('{"id": "", "text": "x"}', 400, "$.id"),
        ('{"id": "%s", "text": "x"}' % ("i" * 129), 400, "$.id"),
        ('{"id": 1, "text": "x"}', 400, "$.id"),
        ('{"id": "1", "text": null}', 400, "$.text"),
        ('{"id": "1", "text": "x"', 400, "not a valid NewMessage"),
        ('["id", "text"]', 400, "object"),
        ("[" * 50_000, 400, "not a valid NewMessage"),
        ("", 400, "`id`"),
        ('{"id": "1", "text": "%s"}' % ("x" * 16_001), 413, "16,000"),
        ('{"id": "1", "text": "%s"}' % ("x" * 100_000), 413, "16,000"),
        ('{"id": "1", "text": "%s"}' % ("x" * 300_000), 413, "262,144"),
    ],
)
async def test_bad_input_is_refused_by_name_and_nothing_is_stored(bus, talk, body, status, names):
    response = await talk.client.post("/v1/messages", content=body, headers=talk.headers)
    assert response.status_code == status
    assert names in response.json()["message"]
    assert await stored(bus) == []


async def test_a_body_without_a_length_is_cut_off_at_the_limit(bus, talk):
    async def endless():
        for _ in range(100):
            yield b"x" * 10_000

    response = await talk.client.post("/v1/messages", content=endless(), headers=talk.headers)
    assert response.status_code == 413
    assert await stored(bus) == []


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("a\x00b\x1bc", "abc"),
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("👩‍👩‍👧 🚲", "👩‍👩‍👧 🚲"),
        ("مرحبا بالعالم", "مرحبا بالعالم"),
        ("  שלום\t", "שלום"),
    ],
)
async def test_text_keeps_every_language_and_loses_control_characters(bus, talk, sent, kept):
    await talk.say("1", sent)
    assert [event.text for event in await stored(bus)] == [kept]


@pytest.mark.parametrize("path", ["messages", "feedback", "events"])
async def test_a_wrong_token_opens_nothing(bus, front, path):
    method = "GET" if path == "events" else "POST"
    for token in ("", "Bearer", "Bearer a.b.c", "Bearer abc.9999999999.ünïcode", "Bearer abc.99999999999.AAAA", "Basic YQ=="):
        headers = {"authorization": token.encode()}
        response = await front.client.request(method, f"/v1/{path}", content='{"id":"1","text":"x"}', headers=headers)
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == "Bearer"
    assert await stored(bus) == []


def test_a_token_opens_its_session_until_it_expires_and_only_with_the_same_secret():
    now = 1000.0
    sessions = Sessions(b"secret", clock=lambda: now)
    made = sessions.new()
    assert sessions.open(made.token) == made.session
    session, until, signature = made.token.split(".")
    for forged in (
        f"{session}x.{until}.{signature}",
        f"{session}.{int(until) + 1}.{signature}",
        f"{session}.{until}.",
        "..",
        ".",
    ):
        with pytest.raises(TokenRefused, match="not one of ours"):
            sessions.open(forged)
    with pytest.raises(TokenRefused, match="not one of ours"):
        Sessions(b"other", clock=lambda: now).open(made.token)
    now += LIFETIME
    with pytest.raises(TokenRefused, match="expired"):
        sessions.open(made.token)


async def test_who_writes_too_fast_is_told_how_long_to_wait_and_others_are_not_held_up(front, talk):
    answers = await asyncio.gather(*(talk.post(str(n), "x") for n in range(60)))
    refused = [answer for answer in answers if answer.status_code == 429]
    assert {answer.status_code for answer in answers} == {202, 429}
    assert int(refused[0].headers["retry-after"]) >= 1
    await (await front.session()).say("1", "x")


def test_a_bucket_gives_its_burst_then_its_rate_and_forgets_the_longest_unused():
    now = 0.0
    buckets = Buckets(burst=2, per_second=0.5, keys=2, clock=lambda: now)
    assert [buckets.take("a"), buckets.take("a"), buckets.take("a")] == [0, 0, 2]
    now = 2.0
    assert [buckets.take("a"), buckets.take("a")] == [0, 2]
    buckets.take("b")
    buckets.take("c")
    assert len(buckets._levels) == 2


async def test_feedback_is_stored_as_an_event_about_its_turn(bus, talk):
    turn = await talk.say("1", "x")
    response = await talk.client.post("/v1/feedback", json={"id": "f", "turn": turn, "value": "down"}, headers=talk.headers)
    assert response.status_code == 202
    feedback = (await stored(bus))[1]
    assert (feedback.kind, feedback.target, feedback.text) == ("feedback", turn, "down")
    wrong = await talk.client.post("/v1/feedback", json={"id": "f", "turn": turn, "value": "meh"}, headers=talk.headers)
    assert (wrong.status_code, "$.value" in wrong.json()["message"]) == (400, True)


async def test_the_page_learns_who_answers_and_a_broken_edit_keeps_the_last_good_one(front):
    about = (await front.client.get("/v1/assistant")).json()
    assert about["name"] == "Pedal & Path"
    assert len(about["suggestions"]) == 2
    file = front.settings.assistant
    good = file.read_text()
    file.write_text("[assistant\n")
    assert (await front.client.get("/v1/assistant")).json() == about
    file.write_text(good.replace("Pedal & Path", "Wheel & Way"))
    assert (await front.client.get("/v1/assistant")).json()["name"] == "Wheel & Way"


async def test_any_site_may_use_the_api_without_cookies(front):
    asked = {"origin": "https://shop.example", "access-control-request-method": "POST"}
    preflight = await front.client.options("/v1/messages", headers=asked)
    assert preflight.status_code == 204
    assert "authorization" in preflight.headers["access-control-allow-headers"]
    refused = await front.client.post("/v1/messages", content="{}")
    assert refused.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in refused.headers
    assert "access-control-allow-origin" not in (await front.client.get("/")).headers


async def test_every_refusal_has_the_same_form(front):
    for response in (
        await front.client.get("/v1/nothing"),
        await front.client.get("/v1/messages"),
        await front.client.post("/v1/messages"),
    ):
        assert response.status_code in (404, 405, 401)
        assert set(json.loads(response.content)) == {"error", "message"}
