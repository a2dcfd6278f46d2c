"""Telegram's updates as events: who is meant, which lane, which id."""

from typing import Any

import pytest

from bots.telegram.updates import Reader, read
from core.keys import Keys
from core.records import Event

BOT = {"id": 42, "is_bot": True, "first_name": "T", "username": "turnout_bot"}
ANN = {"id": 7, "is_bot": False, "first_name": "Ann"}
PRIVATE, GROUP = {"id": 7, "type": "private"}, {"id": -5, "type": "supergroup"}


@pytest.fixture
def reader() -> Reader:
    made = Reader(Keys(b"secret"), 42)
    made.username = "turnout_bot"
    return made


def message(text: str = "hello", chat: dict[str, Any] = PRIVATE, **fields: Any) -> dict[str, Any]:
    return {"message_id": 10, "date": 1700000000, "chat": chat, "from": ANN, "text": text, **fields}


def events(reader: Reader, kind: str = "message", **fields: Any) -> list[Event]:
    return reader.events(read({"update_id": 1, kind: message(**fields)}))


def entity(text: str, word: str, type: str = "mention") -> dict[str, Any]:
    return {"type": type, "offset": len(text[: text.index(word)].encode("utf-16-le")) // 2, "length": len(word)}


def test_a_private_message_is_an_event_that_tells_nobody_who_wrote_it(reader: Reader) -> None:
    [event] = events(reader)
    assert (event.kind, event.text, event.at) == ("message", "hello", 1700000000.0)
    assert event.address == {"chat": "7", "kind": "private", "message": "10"}
    assert "7" not in {event.lane, event.author, event.id}


def test_ids_and_lanes_are_the_same_each_time(reader: Reader) -> None:
    assert events(reader) == events(reader)


def test_another_chat_topic_or_business_account_is_another_lane(reader: Reader) -> None:
    topic = {"message_thread_id": 3, "is_topic_message": True}
    made = [events(reader), events(reader, chat={"id": 8}), events(reader, **topic), events(reader, business_connection_id="b")]
    assert len({event.lane for [event] in made}) == 4
    assert made[2][0].address["thread"] == "3"


def test_a_reply_thread_that_is_no_topic_stays_in_the_chats_lane(reader: Reader) -> None:
    assert events(reader, message_thread_id=3)[0].lane == events(reader)[0].lane


def test_an_edit_names_the_event_it_changes(reader: Reader) -> None:
    [original], [edit] = events(reader), events(reader, "edited_message", text="hallo")
    assert (edit.kind, edit.text, edit.target) == ("edit", "hallo", original.id)
    assert edit.id != original.id


def test_in_a_group_only_what_is_meant_for_the_bot_is_heard(reader: Reader) -> None:
    mention = "hey 😀 @Turnout_Bot what time is it?"
    heard = {
        "nothing": events(reader, chat=GROUP),
        "somebody else": events(reader, chat=GROUP, text="@ann hi", entities=[entity("@ann hi", "@ann")]),
        "mention": events(reader, chat=GROUP, text=mention, entities=[entity(mention, "@Turnout_Bot")]),
        "reply": events(reader, chat=GROUP, reply_to_message={**message(), "from": BOT}),
        "reply to ann": events(reader, chat=GROUP, reply_to_message=message()),
        "command": events(reader, chat=GROUP, text="/help", entities=[entity("/help", "/help", "bot_command")]),
        "other bot": events(
            reader, chat=GROUP, text="/x@ann_bot", entities=[entity("/x@ann_bot", "/x@ann_bot", "bot_command")]
        ),
    }
    assert [name for name, found in heard.items() if found] == ["mention", "reply", "command"]
    assert heard["mention"][0].text == "hey 😀  what time is it?"


def test_what_bots_write_is_not_heard_its_own_words_among_it(reader: Reader) -> None:
    assert events(reader, **{"from": BOT}) == []


def test_start_is_a_greeting(reader: Reader) -> None:
    [event] = events(reader, text="/start", entities=[entity("/start", "/start", "bot_command")])
    assert (event.kind, event.text) == ("message", "Hello")


def test_files_come_with_what_is_needed_to_fetch_them(reader: Reader) -> None:
    document = {"file_id": "f1", "file_name": "bill.pdf", "mime_type": "application/pdf", "file_size": 9}
    photos = [{"file_id": "small", "file_size": 1}, {"file_id": "large", "file_size": 2}]
    [file] = events(reader, text="", document=document)
    [photo] = events(reader, text="", caption="look", photo=photos)
    assert (file.kind, file.attachments[0].name, file.attachments[0].ref) == ("file", "bill.pdf", "f1")
    assert (photo.kind, photo.text, photo.attachments[0].ref) == ("message", "look", "large")


@pytest.mark.parametrize(
    ("data", "kind", "text", "target"),
    [
        ("c:Yes: please", "button", "Yes: please", ""),
        ("n:1", "button", "A choice whose words are too long for callback data", ""),
        ("f:up:turn1", "feedback", "up", "turn1"),
    ],
)
def test_a_pressed_key_is_a_choice_or_feedback(reader: Reader, data: str, kind: str, text: str, target: str) -> None:
    keys = [[{"text": "A choice whose words are too long for callback data", "callback_data": "n:1"}]]
    shown = {**message(), "from": BOT, "reply_markup": {"inline_keyboard": keys}}
    raw = {"update_id": 2, "callback_query": {"id": "q", "from": ANN, "data": data, "message": shown}}
    [event] = reader.events(read(raw))
    assert (event.kind, event.text, event.target) == (kind, text, target)
    assert event.lane == events(reader)[0].lane


@pytest.mark.parametrize("data", ["", "c:", "n:9", "f:sideways:turn1", "old"])
def test_a_key_that_means_nothing_is_no_event(reader: Reader, data: str) -> None:
    raw = {"update_id": 2, "callback_query": {"id": "q", "from": ANN, "data": data, "message": message()}}
    assert reader.events(read(raw)) == []
