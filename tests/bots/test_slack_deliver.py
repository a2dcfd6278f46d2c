"""Every answer is shown once and whole, and every failure says whether it may have been shown."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from msgspec.structs import replace

from bots.kit.contract import Native, Piece
from bots.slack.channel import Slack
from core.errors import Ambiguous, NotSent, RateLimited, Refused
from core.records import Event
from tests.bots.slack_rig import settings, turn_of
from tests.fakes.slack_server import SIGNING_SECRET, FakeSlack, Fault


@asynccontextmanager
async def talking(tmp_path: Path, *, thread: bool = True) -> AsyncIterator[tuple[FakeSlack, Slack, Event]]:
    """A channel, and the event it is about to answer."""
    async with FakeSlack() as slack:
        channel = Slack(settings(slack, tmp_path, SLACK_SIGNING_SECRET=SIGNING_SECRET))
        asked = slack.world.write("C1" if thread else "D1", "U1", "a question").as_slack()
        event = {
            "event": asked | {"type": "app_mention", "channel": "C1" if thread else "D1"},
            "type": "event_callback",
            "team_id": "T0TEAM",
        }
        try:
            yield slack, channel, channel.parse(event)[0]
        finally:
            await channel.close()


def message(channel: Slack, event: Event, text: str = "the answer") -> Native:
    return channel.render(turn_of(event, text))[0]


PLACES = pytest.mark.parametrize("thread", [True, False], ids=["thread", "direct"])


@PLACES
async def test_a_lost_reply_is_ambiguous_and_the_message_is_found_so_it_is_not_sent_again(tmp_path: Path, thread: bool) -> None:
    async with talking(tmp_path, thread=thread) as (slack, channel, event):
        native = message(channel, event)
        slack.fail("chat.postMessage", Fault(drop="after"))
        with pytest.raises(Ambiguous):
            await channel.deliver(native)
        (shown,) = slack.shown(event.address["channel"])
        assert await channel.find(native) == shown.ts
        assert len(slack.posts()) == 1


@PLACES
async def test_a_message_that_never_arrived_is_not_found(tmp_path: Path, thread: bool) -> None:
    async with talking(tmp_path, thread=thread) as (slack, channel, event):
        await channel.deliver(replace(message(channel, event), id="other:0"))
        slack.fail("chat.postMessage", Fault(drop="before"))
        with pytest.raises(Ambiguous):
            await channel.deliver(message(channel, event))
        assert await channel.find(message(channel, event)) == ""


async def test_a_message_is_found_among_hundreds(tmp_path: Path) -> None:
    async with talking(tmp_path) as (slack, channel, event):
        for number in range(450):
            slack.world.write("C1", "U2", str(number), event.address["thread"])
        ts = await channel.deliver(message(channel, event))
        assert await channel.find(message(channel, event)) == ts


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(error="channel_not_found"), Refused),
        (Fault(error="not_in_channel"), Refused),
        (Fault(error="is_archived"), Refused),
        (Fault(error="account_inactive"), Refused),
        (Fault(error="invalid_blocks"), Refused),
        (Fault(error="fatal_error"), Ambiguous),
        (Fault(error="internal_error"), Ambiguous),
        (Fault(status=500), Ambiguous),
        (Fault(status=503), Ambiguous),
        (Fault(status=403), Refused),
        (Fault(error="ratelimited"), RateLimited),
        (Fault(drop="before"), Ambiguous),
    ],
    ids=lambda value: str(getattr(value, "error", "") or getattr(value, "status", "")),
)
async def test_each_failure_says_what_may_have_happened(tmp_path: Path, fault: Fault, error: type[Exception]) -> None:
    async with talking(tmp_path) as (slack, channel, event):
        slack.fail("chat.postMessage", fault)
        with pytest.raises(error) as caught:
            await channel.deliver(message(channel, event))
        assert type(caught.value) is error or error is Refused
        assert len(slack.posts()) == 1


async def test_a_rate_limit_says_how_long_to_wait(tmp_path: Path) -> None:
    async with talking(tmp_path) as (slack, channel, event):
        slack.fail("chat.postMessage", Fault(after=7))
        with pytest.raises(RateLimited) as limited:
            await channel.deliver(message(channel, event))
        assert limited.value.after == 7


async def test_a_connection_that_is_refused_sent_nothing(tmp_path: Path) -> None:
    async with talking(tmp_path) as (slack, _, event):
        pass
    channel = Slack(settings(slack, tmp_path, SLACK_SIGNING_SECRET=SIGNING_SECRET))
    with pytest.raises(NotSent):
        await channel.deliver(message(channel, event))
    await channel.close()


async def test_an_empty_body_sends_the_plain_text_with_nothing_to_click_or_ping(tmp_path: Path) -> None:
    async with talking(tmp_path) as (slack, channel, event):
        plain = Native(id="x:0", address=event.address, plain="<!channel> 1 < 2 & *bold*")
        await channel.deliver(plain)
        (shown,) = slack.shown("C1")
        assert (shown.text, shown.blocks) == ("&lt;!channel&gt; 1 &lt; 2 &amp; *bold*", [])


@PLACES
async def test_a_growing_answer_becomes_the_answer(tmp_path: Path, thread: bool) -> None:
    async with talking(tmp_path, thread=thread) as (slack, channel, event):
        shown = await channel.show(Piece(turn=event.id, text="", address=event.address), "")
        assert shown == ""
        for text in ("Thirty", "Thirty days **fr", "Thirty days **from**"):
            shown = await channel.show(Piece(turn=event.id, text=text, address=event.address), shown)
        native = message(channel, event, "Thirty days **from** delivery.")
        assert await channel.find(native) == ""
        ts = await channel.deliver(replace(native, edits=shown))
        (final,) = slack.shown(event.address["channel"])
        assert (final.ts, final.text, len(final.versions)) == (ts, "Thirty days from delivery.", 4)
        assert final.versions[0].endswith("…")
        assert await channel.find(native) == ts


async def test_a_preview_whose_reply_was_lost_is_found_and_goes_on(tmp_path: Path) -> None:
    async with talking(tmp_path) as (slack, channel, event):
        slack.fail("chat.postMessage", Fault(drop="after"))
        shown = await channel.show(Piece(turn=event.id, text="Thirty", address=event.address), "")
        assert [one.ts for one in slack.shown("C1")] == [shown]


async def test_half_an_answer_left_by_a_process_that_died_becomes_the_answer(tmp_path: Path) -> None:
    async with talking(tmp_path) as (slack, died, event):
        await died.show(Piece(turn=event.id, text="Thirty", address=event.address), "")
        channel = Slack(settings(slack, tmp_path, SLACK_SIGNING_SECRET=SIGNING_SECRET))
        await channel.deliver(message(channel, event, "Thirty days."))
        await channel.close()
        assert [one.text for one in slack.shown("C1")] == ["Thirty days."]


async def test_half_an_answer_left_by_a_process_that_died_beside_this_one_becomes_the_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bots.slack.channel.time", SimpleNamespace(time=lambda: 0.0))  # this one has long been running
    async with talking(tmp_path) as (slack, channel, event):
        await channel.show(Piece(turn=event.id, text="Thirty", address=event.address), "")
        await channel.deliver(replace(message(channel, event, "Thirty days."), orphan=True))
        assert [one.text for one in slack.shown("C1")] == ["Thirty days."]


async def test_a_preview_is_withdrawn_unless_it_has_become_the_answer(tmp_path: Path) -> None:
    async with talking(tmp_path) as (slack, channel, event):
        left = await channel.show(Piece(turn=event.id, text="Thirty", address=event.address), "")
        kept = await channel.show(Piece(turn="another", text="Forty", address=event.address), "")
        await channel.deliver(replace(message(channel, event, "Forty days."), edits=kept))
        await channel.withdraw(left, event.address)
        await channel.withdraw(kept, event.address)
        assert [one.text for one in slack.shown("C1")] == ["Forty days."]


async def test_an_edit_of_a_message_that_is_gone_is_refused(tmp_path: Path) -> None:
    async with talking(tmp_path) as (slack, channel, event):
        shown = await channel.show(Piece(turn=event.id, text="Thirty", address=event.address), "")
        slack.world.delete({"channel": "C1", "ts": shown})
        with pytest.raises(Refused):
            await channel.deliver(replace(message(channel, event), edits=shown))


async def test_an_app_that_may_not_read_the_history_answers_all_the_same(tmp_path: Path) -> None:
    async with talking(tmp_path) as (slack, _, event):
        channel = Slack(settings(slack, tmp_path, SLACK_SIGNING_SECRET=SIGNING_SECRET))
        slack.fail("conversations.replies", Fault(error="missing_scope"), Fault(error="missing_scope"))
        await channel.deliver(message(channel, event))
        assert await channel.find(message(channel, event)) == ""
        await channel.close()
        assert [one.text for one in slack.shown("C1")] == ["the answer"]


async def test_the_bot_shows_that_it_thinks_in_threads_and_a_failure_of_that_harms_nothing(tmp_path: Path) -> None:
    async with talking(tmp_path) as (slack, channel, event):
        slack.fail("assistant.threads.setStatus", Fault(error="missing_scope"))
        await channel.typing(event.address)
        await channel.typing(event.address)
        await channel.typing(event.address | {"thread": ""})
        assert [status["thread_ts"] for status in slack.world.statuses] == [event.address["thread"]]
