"""The state of the fake Slack: channels, messages, what may be posted and what is refused, in Slack's own words."""

import itertools
import json
import time
from dataclasses import dataclass, field
from typing import Any

TEAM, BOT_USER, BOT_ID, APP = "T0TEAM", "U0BOT", "B0BOT", "A0APP"
BLOCKS = {"markdown", "section", "context", "actions", "context_actions", "divider", "header", "rich_text", "table"}
MOST = {"text": 40_000, "blocks": 50, "markdown": 12_000, "section": 3_000, "all": 13_100}


class Complaint(Exception):
    """An API error in Slack's own word."""


@dataclass
class Message:
    channel: str
    ts: str
    user: str
    text: str
    thread_ts: str = ""
    bot: bool = False
    blocks: list[dict[str, Any]] = field(default_factory=list)
    metadata: dict[str, Any] | None = None
    versions: list[str] = field(default_factory=list)

    @property
    def shown(self) -> str:
        """What a person reads: the blocks where there are any, else the text."""
        return "\n".join(filter(None, map(_words, self.blocks))) if self.blocks else self.text

    @property
    def growing(self) -> bool:
        """Whether this is a preview that is still to become an answer."""
        return self.metadata is not None and self.metadata["event_type"] != "turnout_reply"

    @property
    def buttons(self) -> list[dict[str, Any]]:
        actions = [block["elements"] for block in self.blocks if block["type"] == "actions"]
        feedback = [block["elements"] for block in self.blocks if block["type"] == "context_actions"]
        votes = [
            {"type": "feedback_buttons", "action_id": element["action_id"], **element[side]}
            for elements in feedback
            for element in elements
            for side in ("positive_button", "negative_button")
        ]
        return [button for elements in actions for button in elements] + votes

    def as_slack(self, *, metadata: bool = True) -> dict[str, Any]:
        data: dict[str, Any] = {"type": "message", "ts": self.ts, "text": self.text, "user": self.user, "team": TEAM}
        if self.thread_ts:
            data["thread_ts"] = self.thread_ts
        if self.bot:
            data |= {"bot_id": BOT_ID, "app_id": APP}
        if self.blocks:
            data["blocks"] = self.blocks
        if self.metadata and metadata:
            data["metadata"] = self.metadata
        return data


def _words(block: dict[str, Any]) -> str:
    match block["type"]:
        case "markdown":
            return str(block["text"])
        case "section" | "header":
            return str(block["text"]["text"])
        case "context":
            return "\n".join(str(element.get("text", "")) for element in block["elements"])
        case "rich_text":
            return "\n".join(_rich(element) for element in block["elements"])
        case _:
            return ""


def _rich(element: dict[str, Any]) -> str:
    if element["type"] == "rich_text_list":
        first = element.get("offset", 0) + 1
        marks = (f"{number}." if element["style"] == "ordered" else "•" for number in itertools.count(first))
        return "\n".join(f"{mark} {_rich(item)}" for mark, item in zip(marks, element["elements"], strict=False))
    return "".join(str(span.get("text") or span.get("url") or "") for span in element["elements"])


@dataclass
class Workspace:
    """Channels are made by being named; ids that begin with D are direct messages. `members` holds those of the channels
    whose members somebody asks for."""

    messages: list[Message] = field(default_factory=list)
    archived: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    members: dict[str, list[str]] = field(default_factory=dict)
    statuses: list[dict[str, str]] = field(default_factory=list)
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def ts(self) -> str:
        return f"{int(time.time())}.{next(self._numbers):06d}"

    def at(self, channel: str, ts: str) -> Message:
        for message in self.messages:
            if (message.channel, message.ts) == (channel, ts):
                return message
        raise Complaint("message_not_found")

    def write(self, channel: str, user: str, text: str, thread_ts: str = "") -> Message:
        message = Message(channel=channel, ts=self.ts(), user=user, text=text, thread_ts=thread_ts)
        self.messages.append(message)
        return message

    def shown(self, channel: str, thread: str | None = None) -> list[Message]:
        """The bot's messages of a channel (or of one of its threads), oldest first."""
        return [m for m in self.messages if m.bot and m.channel == channel and thread in (None, m.thread_ts)]

    # What the bot may do, by method name.

    def post(self, args: dict[str, Any]) -> dict[str, Any]:
        channel = self._open(args)
        check(args)
        message = Message(channel=channel, ts=self.ts(), user=BOT_USER, text=str(args.get("text") or ""), bot=True)
        message.thread_ts = str(args.get("thread_ts") or "")
        message.blocks, message.metadata = args.get("blocks") or [], args.get("metadata")
        message.versions.append(message.shown)
        self.messages.append(message)
        return {"channel": channel, "ts": message.ts, "message": message.as_slack()}

    def update(self, args: dict[str, Any]) -> dict[str, Any]:
        message = self.at(self._open(args), str(args.get("ts")))
        if not message.bot:
            raise Complaint("cant_update_message")
        check(args)
        message.text, message.blocks = str(args.get("text") or ""), args.get("blocks") or []
        message.metadata = args.get("metadata") or message.metadata
        message.versions.append(message.shown)
        return {"channel": message.channel, "ts": message.ts, "text": message.text}

    def delete(self, args: dict[str, Any]) -> dict[str, Any]:
        message = self.at(self._open(args), str(args.get("ts")))
        self.messages.remove(message)
        return {"channel": message.channel, "ts": message.ts}

    def replies(self, args: dict[str, Any]) -> dict[str, Any]:
        """The thread's parent always comes first, as Slack does it, then what is in the asked window."""
        channel, thread = self._open(args), str(args.get("ts"))
        parent = [m for m in self.messages if m.channel == channel and m.ts == thread]
        if not parent:
            raise Complaint("thread_not_found")
        return self._page(args, parent, [m for m in self.messages if m.channel == channel and m.thread_ts == thread])

    def history(self, args: dict[str, Any]) -> dict[str, Any]:
        """Newest first, without what stands in threads."""
        channel = self._open(args)
        return self._page(args, [], [m for m in reversed(self.messages) if m.channel == channel and not m.thread_ts])

    def status(self, args: dict[str, Any]) -> dict[str, Any]:
        self.statuses.append({name: str(args.get(name, "")) for name in ("channel_id", "thread_ts", "status")})
        return {}

    def roll(self, args: dict[str, Any]) -> dict[str, Any]:
        """At most two a page, so that every reader has to turn pages."""
        found, start = self.members.get(self._open(args), []), int(args.get("cursor") or 0)
        more = str(start + 2) if start + 2 < len(found) else ""
        return {"members": found[start : start + 2], "response_metadata": {"next_cursor": more}}

    def _open(self, args: dict[str, Any]) -> str:
        channel = str(args.get("channel") or "")
        if not channel or channel in self.unknown:
            raise Complaint("channel_not_found")
        if channel in self.archived:
            raise Complaint("is_archived")
        return channel

    def _page(self, args: dict[str, Any], first: list[Message], found: list[Message]) -> dict[str, Any]:
        oldest, most = float(args.get("oldest") or 0), int(args.get("limit") or 100)
        start = int(args.get("cursor") or 0)
        found = first + [m for m in found if float(m.ts) > oldest]
        page = found[start : start + most]
        more = start + most < len(found)
        metadata = str(args.get("include_all_metadata", "")).lower() in ("1", "true")
        return {
            "messages": [message.as_slack(metadata=metadata) for message in page],
            "has_more": more,
            "response_metadata": {"next_cursor": str(start + most) if more else ""},
        }


def check(args: dict[str, Any]) -> None:
    """Raises Complaint where Slack would refuse the message."""
    blocks, text = args.get("blocks") or [], str(args.get("text") or "")
    if not blocks and not text.strip():
        raise Complaint("no_text")
    if len(text) > MOST["text"]:
        raise Complaint("msg_too_long")
    if not isinstance(blocks, list) or len(blocks) > MOST["blocks"] or not all(map(_is_valid, blocks)):
        raise Complaint("invalid_blocks")
    if sum(len(block["text"]) for block in blocks if block["type"] == "markdown") > MOST["markdown"]:
        raise Complaint("msg_blocks_too_long")
    if blocks and len(json.dumps(blocks)) > MOST["all"]:
        raise Complaint("msg_blocks_too_long")
    metadata = args.get("metadata")
    if metadata is not None and not (metadata.get("event_type") and isinstance(metadata.get("event_payload"), dict)):
        raise Complaint("invalid_metadata_format")


def _is_valid(block: dict[str, Any]) -> bool:
    match block.get("type"):
        case "markdown":
            return 0 < len(block.get("text", "")) <= MOST["markdown"]
        case "section":
            return 0 < len(block.get("text", {}).get("text", "")) <= MOST["section"]
        case "context":
            elements = block.get("elements", [])
            return 0 < len(elements) <= 10 and all(0 < len(element.get("text", "")) <= 3000 for element in elements)
        case "actions":
            return 0 < len(block.get("elements", [])) <= 25 and all(map(_is_button, block["elements"]))
        case "context_actions":
            return 0 < len(block.get("elements", [])) <= 5
        case kind:
            return kind in BLOCKS


def _is_button(element: dict[str, Any]) -> bool:
    label = element.get("text", {}).get("text", "")
    return element.get("type") == "button" and 0 < len(label) <= 75 and len(element.get("value", "")) <= 2000
