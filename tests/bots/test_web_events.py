"""The event stream: every reply once, in order, whatever happens to the connection."""

import asyncio
import socket

import httpx
import nats
import pytest

from bots.web import events as web_events
from bots.web import feed as web_feed
from bots.web import service
from bots.web.sessions import Sessions
from core import bus_nats, keys
from core.records import Live, Part, Turn, encode
from tests.bots.web_rig import serving, settings_for
from tests.fakes.dialog import ANSWER, dialog
from tests.fakes.streams import delete


@pytest.fixture
async def front(servers, bus, tmp_path):
    async with serving(settings_for(servers.nats_url, tmp_path)) as front:
        yield front


@pytest.fixture
def often(monkeypatch):
    """Look for a wiped log often."""
    monkeypatch.setattr(web_feed, "LOOK_EVERY", 0.1)


@pytest.fixture
async def talk(front):
    return await front.session()


def lane_of(front, talk) -> str:
    return Sessions(front.settings.secret_key()).lane(talk.session)


async def commit(bus, lane: str, id: str, text: str = "fine") -> None:
    turn = Turn(id=id, channel="web", lane=lane, events=(id,), upto=1, asked="?", parts=(Part(text=text),))
    await bus.publish(keys.log("web", lane), encode(turn), id=id)


async def test_an_answer_streams_and_is_then_committed_with_its_sources(bus, talk):
    async with dialog(bus), talk.events() as events:
        await events.past()
        turn = await talk.say("1", "How long?")
        reply = (await events.until("reply")).data
    pieces = [event.data for event in events.all if event.name == "delta"]
    assert "".join(piece["text"] for piece in pieces) == ANSWER
    assert [piece["n"] for piece in pieces] == list(range(len(pieces)))
    assert [event.data["state"] for event in events.all if event.name == "state"] == ["ready", "working"]
    assert (reply["turn"], reply["events"], reply["text"], reply["asked"]) == (turn, [turn], ANSWER, "How long?")
    assert reply["citations"][0] == {
        "n": 1,
        "source": "policies/returns.md",
        "title": "Returns and refunds",
        "url": "/sources/policies/returns.md?quote=You+may+return+a+bike+within+30+days+of+delivery%2C"
        "+as+long+as+it+has+not+been+ridden.#cited",
        "quote": "You may return a bike within 30 days of delivery, as long as it has not been ridden.",
    }
    assert "<strong>30 days</strong>" in reply["html"]
    assert (reply["intent"], reply["track"], reply["model"], reply["outcome"]) == ("returns", "rag", "extractive", "answered")
    assert reply["usage"] == {"prompt_tokens": 412, "completion_tokens": 96, "estimated": True}
    assert reply["parts"][0]["choices"] == ["Start a return", "Talk to a person"]
    assert (reply["why"], reply["confidence"], reply["timings"]["total"]) == ("2 passages; intent returns at 0.93", 0.93, 38.0)


async def test_without_an_id_the_conversation_is_told_from_its_beginning_and_with_one_from_there(bus, front, talk):
    lane = lane_of(front, talk)
    for n in range(5):
        await commit(bus, lane, f"turn{n}")
        await commit(bus, "someone-else", f"other{n}")
    async with talk.events() as events:
        past = await events.past()
    assert [event.data["turn"] for event in past] == [f"turn{n}" for n in range(5)]
    async with talk.events(past[2].id) as events:
        assert [event.data["turn"] for event in await events.past()] == ["turn3", "turn4"]
    async with talk.events(past[4].id) as events:
        assert await events.past() == []


async def test_replies_committed_while_browsers_come_and_go_reach_each_once_and_in_order(bus, front, talk):
    lane, count, done = lane_of(front, talk), 120, asyncio.Event()

    async def write() -> None:
        for n in range(count):
            await commit(bus, lane, f"turn{n}")
            await commit(bus, f"noise{n % 7}", f"noise{n}")
        done.set()

    async def read(every: int) -> list[str]:
        seen, last = [], ""
        while len(seen) < count:
            async with talk.events(last) as events:
                for _ in range(min(every, count - len(seen))):
                    event = await events.until("reply")
                    seen.append(event.data["turn"])
                    last = event.id
        return seen

    writer = asyncio.create_task(write())
    async with asyncio.timeout(45):
        readers = await asyncio.gather(*(read(every) for every in (1000, 17, 5, 1)))
    await writer
    assert done.is_set()
    assert readers == [[f"turn{n}" for n in range(count)]] * 4


async def test_what_the_wake_up_missed_is_found_in_the_stream(bus, front, talk, monkeypatch):
    monkeypatch.setattr(web_events, "KEEP_ALIVE", 0.2)
    monkeypatch.setattr(web_feed.Inbox, "put", lambda inbox, message: None)
    async with talk.events() as events:
        await events.past()
        await commit(bus, lane_of(front, talk), "turn0")
        assert (await events.until("reply")).data["turn"] == "turn0"


async def test_two_sessions_hear_only_their_own_conversation(bus, front, talk):
    other = await front.session()
    async with dialog(bus), talk.events() as mine, other.events() as theirs:
        await mine.past()
        await theirs.past()
        await talk.say("1", "say: for me")
        await other.say("1", "say: for them")
        assert (await mine.until("reply")).data["text"] == "for me"
        assert (await theirs.until("reply")).data["text"] == "for them"
    assert {event.data.get("text") for event in mine.all} == {None, "for me"}


async def test_tokens_that_come_after_their_reply_are_not_shown(bus, front, talk):
    lane = lane_of(front, talk)
    async with talk.events() as events:
        await events.past()
        await commit(bus, lane, "turn0")
        await events.until("reply")
        await bus.emit(keys.live("web", lane), encode(Live(turn="turn0", n=9, text="late")))
        await bus.emit(keys.live("web", lane), encode(Live(turn="turn1", n=0, text="next")))
        assert (await events.next()).data == {"turn": "turn1", "n": 0, "text": "next"}


async def test_a_record_nobody_can_read_does_not_end_the_conversation(bus, front, talk):
    lane = lane_of(front, talk)
    await bus.publish(keys.log("web", lane), b"not a turn", id="broken")
    await commit(bus, lane, "turn1")
    async with talk.events() as events:
        assert [event.data["turn"] for event in await events.past()] == ["turn1"]


async def test_an_id_from_before_the_log_was_wiped_begins_anew(bus, front, talk):
    await commit(bus, lane_of(front, talk), "turn0")
    async with talk.events("4711") as events:
        assert [event.data["turn"] for event in await events.past()] == ["turn0"]


@pytest.mark.parametrize("last", ["x", "-1", "1.5", "²", "9" * 30])
async def test_an_id_that_is_no_number_is_refused(talk, last):
    response = await talk.client.get("/v1/events", params={"token": talk.token, "after": last})
    assert (response.status_code, "Last-Event-ID" in response.json()["message"]) == (400, True)


async def test_a_browser_without_headers_gives_token_and_place_in_the_address(bus, front, talk):
    for n in range(2):
        await commit(bus, lane_of(front, talk), f"turn{n}")
    async with talk.client.stream("GET", "/v1/events", params={"token": talk.token, "after": "1"}) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        lines = response.aiter_lines()
        assert await anext(lines) == "retry: 1000"
        assert await anext(lines) == ""
        assert await anext(lines) == "id: 2"


async def test_a_quiet_connection_is_kept_alive(talk, monkeypatch):
    monkeypatch.setattr(web_events, "KEEP_ALIVE", 0.05)
    async with talk.client.stream("GET", "/v1/events", headers=talk.headers) as response:
        lines = response.aiter_lines()
        while await anext(lines) != ": keep-alive":
            pass


@pytest.fixture
def patient_kernel(monkeypatch):
    """Only the service itself lets go of a browser that does not read."""
    monkeypatch.setattr(service, "DEAF_AFTER", 600_000)


async def test_a_browser_that_does_not_read_is_let_go_and_misses_nothing(bus, patient_kernel, front, talk, monkeypatch):
    monkeypatch.setattr(web_feed, "INBOX", 20)
    lane, long = lane_of(front, talk), "word " * 6000
    with socket.create_connection(front.settings.http_address) as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.sendall(f"GET /v1/events?token={talk.token} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        while not web_feed.CONNECTIONS._value.get():
            await asyncio.sleep(0.01)
        count = 0
        async with asyncio.timeout(45):
            while web_feed.CONNECTIONS._value.get():
                await commit(bus, lane, f"turn{count}", long)
                count += 1
    async with talk.events() as events:
        assert len(await events.past()) == count


async def test_a_conversation_open_in_too_many_places_is_refused_one_more(talk):
    async with asyncio.timeout(45), httpx.AsyncClient(base_url=talk.client.base_url, timeout=60) as client:
        held = [client.stream("GET", "/v1/events", headers=talk.headers) for _ in range(12)]
        for one in held:
            assert (await one.__aenter__()).status_code == 200
        refused = await client.get("/v1/events", headers=talk.headers)
        assert (refused.status_code, "retry-after" in refused.headers) == (429, True)
        for one in held:
            await one.__aexit__(None, None, None)


async def test_while_nats_is_away_nothing_is_accepted_and_afterwards_everything_goes_on(private, tmp_path):
    server = await private.nats()
    async with serving(settings_for(server.url, tmp_path)) as front, bus_nats.connect(server.url) as bus:
        talk = await front.session()
        async with dialog(bus), talk.events() as events:
            await events.past()
            await talk.say("1", "say: before")
            await events.until("reply")
            await server.kill()
            refused = await talk.post("2", "say: after")
            assert (refused.status_code, "retry-after" in refused.headers) == (503, True)
            assert (await front.client.get("/healthz")).status_code == 200
            assert (await front.client.get("/readyz")).status_code == 503
            await server.launch()
            async with asyncio.timeout(45):
                while (await talk.post("2", "say: after")).status_code != 202:
                    await asyncio.sleep(0.1)
                assert (await events.until("reply")).data["text"] == "after"
                while (await front.client.get("/readyz")).status_code != 200:
                    await asyncio.sleep(0.1)


async def test_stopping_ends_event_streams_cleanly(front, talk):
    async with talk.events() as events:
        await events.past()
        stopping = asyncio.create_task(front.stop())
        with pytest.raises(EOFError):
            await events.next()
        async with asyncio.timeout(45):
            await stopping


async def test_a_log_that_was_wiped_is_followed_from_its_new_beginning(bus, often, front, talk, servers, servers_data):
    lane = lane_of(front, talk)
    for n in range(3):
        await commit(bus, lane, f"turn{n}")
    async with talk.events() as events:
        last = (await events.past())[-1].id
        client = await nats.connect(servers.nats_url)
        await delete(client.jetstream(), "LOG", servers_data)
        await client.close()
        async with bus_nats.connect(servers.nats_url) as again, asyncio.timeout(45):
            await commit(again, lane, "anew")
            with pytest.raises(EOFError):
                await events.next()
            async with talk.events(last) as resumed:
                assert (await resumed.until("reply")).data["turn"] == "anew"
                await commit(again, lane, "next")
                assert (await resumed.until("reply")).data["turn"] == "next"
