"""What Slack sends, as events. Pure: everything it needs stands in the payload.

A mention in a channel comes twice, as `app_mention` and as `message`, with two event ids; a retry comes with the same one.
So the act is named by channel and `ts`, which all of them share.
"""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from msgspec.structs import replace

from core.keys import Keys
from core.records import Attachment, Event

CHANNEL = "slack"
CHOICE = "turnout_choice"
FEEDBACK = "turnout_feedback"
SPOKEN = (None, "file_share", "thread_broadcast")
_MARKED = re.compile(r"<([^<>]+)>")

Raw = Mapping[str, Any]


def events(raw: Raw, keys: Keys, bot: str = "") -> list[Event]:
    """The events of one payload. `bot` is the bot's own user id, where the payload does not name it."""
    team = str(raw.get("team_id") or (raw.get("team") or {}).get("id") or "")
    if raw.get("type") == "block_actions":
        return _actions(raw, _Writer(keys, team, ""))
    event = raw.get("event")
    if raw.get("type") != "event_callback" or not isinstance(event, Mapping):
        return []
    writer = _Writer(keys, team, bot_of(raw) or bot)
    if event.get("subtype") == "message_changed":
        return _edit(event, writer)
    if event.get("type") in ("message", "app_mention") and event.get("subtype") in SPOKEN:
        return _message(event, writer)
    return []


def unasked(raw: Raw, bot: str = "") -> tuple[str, str] | None:
    """(channel, thread) of a message that is for us only if we follow its thread: it neither mentions us nor answers us."""
    event = raw.get("event") or {}
    message = event.get("message") or event
    bot = bot_of(raw) or bot
    channel, thread = str(event.get("channel", "")), str(message.get("thread_ts", ""))
    mentioned = event.get("type") == "app_mention" or _mentions(str(message.get("text", "")), bot)
    answers_us = bool(bot) and message.get("parent_user_id") == bot
    if not thread or mentioned or answers_us or _direct(event):
        return None
    return channel, thread


@dataclass(frozen=True, slots=True)
class _Writer:
    keys: Keys
    team: str
    bot: str

    def address(self, *, channel: str, thread: str, ts: str, user: str) -> dict[str, str]:
        return {"team": self.team, "channel": channel, "thread": thread, "ts": ts, "user": user}

    def event(
        self, native: str, address: dict[str, str], kind: Literal["message", "edit", "button", "feedback", "file"]
    ) -> Event:
        return Event(
            id=self.id(native),
            channel=CHANNEL,
            lane=self.keys.lane(CHANNEL, self.team, address["channel"], address["thread"]),
            kind=kind,
            author=self.keys.person(CHANNEL, self.team, address["user"]),
            at=_seconds(address["ts"]),
            address=address,
            account=self.team,
            group="" if address["channel"].startswith("D") else address["channel"],
        )

    def id(self, native: str) -> str:
        return self.keys.event(CHANNEL, self.team, native)


def bot_of(raw: Raw) -> str:
    """The bot user this payload was sent to."""
    named = (item.get("user_id") for item in raw.get("authorizations") or () if item.get("is_bot"))
    return str(next(named, "") or "")


def _direct(event: Raw) -> bool:
    return event.get("channel_type") == "im" or str(event.get("channel", "")).startswith("D")


def _mentions(text: str, bot: str) -> bool:
    return bool(bot) and re.search(rf"<@{re.escape(bot)}[|>]", text) is not None


def _message(event: Raw, writer: _Writer) -> list[Event]:
    user, channel, ts = (str(event.get(name) or "") for name in ("user", "channel", "ts"))
    if event.get("bot_id") or not (user and channel and ts) or user == writer.bot:
        return []
    text, thread = _storable(event.get("text")), str(event.get("thread_ts") or "")
    asked = event.get("type") == "app_mention" or _mentions(text, writer.bot)
    if not (_direct(event) or asked or thread):
        return []
    if not _direct(event):
        thread = thread or ts
    files = tuple(_file(item) for item in event.get("files") or ())
    text = plain_text(text, writer.bot)
    address = writer.address(channel=channel, thread=thread, ts=ts, user=user)
    told = writer.event(f"{channel}:{ts}", address, "file" if files and not text else "message")
    return [replace(told, text=text, attachments=files)]


def _edit(event: Raw, writer: _Writer) -> list[Event]:
    """Slack reports its own changes (a link's preview, our own streaming) in the same way: only a person's edit counts."""
    message, before = event.get("message") or {}, event.get("previous_message") or {}
    edited = message.get("edited") or {}
    if not edited or message.get("text") == before.get("text"):
        return []
    told = _message({**message, "channel": event.get("channel"), "channel_type": event.get("channel_type")}, writer)
    channel, ts = event.get("channel"), message.get("ts")
    return [
        replace(
            one, id=writer.id(f"{channel}:{ts}:{edited.get('ts')}"), kind="edit", target=one.id, at=_seconds(edited.get("ts"))
        )
        for one in told
    ]


def _actions(raw: Raw, writer: _Writer) -> list[Event]:
    place = raw.get("container") or {}
    message = raw.get("message") or {}
    channel = str((raw.get("channel") or {}).get("id") or place.get("channel_id") or "")
    user = str((raw.get("user") or {}).get("id") or "")
    ts = str(message.get("ts") or place.get("message_ts") or "")
    thread = str(message.get("thread_ts") or place.get("thread_ts") or "")
    if not (channel and user and ts):
        return []
    found = []
    for action in raw.get("actions") or ():
        name, value, at = (str(action.get(key) or "") for key in ("action_id", "value", "action_ts"))
        address = writer.address(channel=channel, thread=thread, ts=at, user=user)
        native = f"{channel}:{ts}:{name}:{at}"
        if name.startswith(CHOICE):
            found.append(replace(writer.event(native, address, "button"), text=value))
        elif name == FEEDBACK:
            vote, _, turn = value.partition(":")
            found.append(replace(writer.event(native, address, "feedback"), text=vote, target=turn))
    return found


def _file(item: Raw) -> Attachment:
    return Attachment(
        name=_storable(item.get("name") or item.get("id")),
        kind=str(item.get("mimetype") or ""),
        size=int(item.get("size") or 0),
        ref=str(item.get("url_private") or ""),
    )


def _storable(words: object) -> str:
    """Half a surrogate pair, which JSON can spell, is no character and cannot be stored."""
    return str(words or "").encode("utf-8", "replace").decode()


def _seconds(ts: object) -> float:
    try:
        return float(str(ts))
    except ValueError:
        return 0.0


def plain_text(text: str, bot: str = "") -> str:
    """Slack's message text as the person saw it: the bot's own mention gone, links and names resolved, entities undone."""

    def resolve(match: re.Match[str]) -> str:
        target, _, label = match.group(1).partition("|")
        if target.startswith("@"):
            return "" if target[1:] == bot else f"@{label or target[1:]}"
        if target.startswith("#"):
            return f"#{label or target[1:]}"
        if target.startswith("!"):
            return label or "@" + target[1:].partition("^")[0]
        if not label or target in (label, f"mailto:{label}", f"tel:{label}") or target.partition("://")[2] == label:
            return target.removeprefix("mailto:").removeprefix("tel:")
        return f"{label} ({target})"

    return html.unescape(_MARKED.sub(resolve, text)).strip()
