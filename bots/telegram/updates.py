"""Telegram's updates as events. Pure, and typed to the few fields it reads, so no SDK is needed to understand an update.

Ids. A message's event id comes from (bot, chat, message): the same for every delivery of it, and known when the message is
edited later, so that the edit can name it. Everything else has its update id. A lane is a chat, or a topic in it; what comes
over a business connection is a lane of its own.
"""

from typing import Any

import msgspec

from core.keys import Keys
from core.records import Attachment, Event

CHANNEL = "telegram"
ALLOWED = ["message", "edited_message", "business_message", "edited_business_message", "callback_query"]
GREETING = "Hello"  # what /start, the first thing Telegram sends for a new user, means
THUMBS = {"up": "👍", "down": "👎"}


class User(msgspec.Struct):
    id: int
    is_bot: bool = False
    username: str = ""


class Chat(msgspec.Struct):
    id: int
    type: str = "private"


class Entity(msgspec.Struct):
    type: str
    offset: int
    length: int
    user: User | None = None


class File(msgspec.Struct):
    file_id: str
    file_name: str = ""
    mime_type: str = ""
    file_size: int = 0


class Sticker(msgspec.Struct):
    emoji: str = ""


class Key(msgspec.Struct):
    text: str
    callback_data: str = ""


class Keyboard(msgspec.Struct):
    inline_keyboard: list[list[Key]] = []


class Message(msgspec.Struct):
    message_id: int
    chat: Chat
    date: int = 0
    sender: User | None = msgspec.field(default=None, name="from")
    text: str = ""
    caption: str = ""
    entities: list[Entity] = []
    caption_entities: list[Entity] = []
    document: File | None = None
    photo: list[File] = []
    voice: File | None = None
    audio: File | None = None
    video: File | None = None
    sticker: Sticker | None = None
    reply_to_message: "Message | None" = None
    reply_markup: Keyboard | None = None
    message_thread_id: int = 0
    is_topic_message: bool = False
    business_connection_id: str = ""


class Callback(msgspec.Struct):
    id: str
    sender: User = msgspec.field(name="from")
    data: str = ""
    message: Message | None = None


class Update(msgspec.Struct):
    update_id: int
    message: Message | None = None
    edited_message: Message | None = None
    business_message: Message | None = None
    edited_business_message: Message | None = None
    callback_query: Callback | None = None


def read(raw: dict[str, Any]) -> Update:
    """Raises msgspec.ValidationError naming the field that is no update's."""
    return msgspec.convert(raw, Update)


class Reader:
    """Understands the updates of one bot. `username` is known once the bot has asked who it is."""

    def __init__(self, keys: Keys, bot: int) -> None:
        self._keys, self._bot = keys, bot
        self.username = ""

    def events(self, update: Update) -> list[Event]:
        """The events of an update; [] for what is not meant for the bot."""
        if (message := update.message or update.business_message) is not None:
            return self._message(message, self._native(message))
        if (message := update.edited_message or update.edited_business_message) is not None:
            target = self._event_id(self._native(message))
            edited = self._message(message, f"update:{update.update_id}")
            return [msgspec.structs.replace(event, kind="edit", target=target) for event in edited]
        if update.callback_query is not None:
            return self._pressed(update.callback_query, f"update:{update.update_id}")
        return []

    def _message(self, message: Message, native: str) -> list[Event]:
        sender = message.sender
        if sender is None or sender.is_bot or not self._for_us(message):
            return []
        text = self._text(message)
        files = tuple(_attachments(message))
        if not text and not files:
            return []
        event = self._event(message, sender, native)
        return [msgspec.structs.replace(event, kind="message" if text else "file", text=text, attachments=files)]

    def _pressed(self, query: Callback, native: str) -> list[Event]:
        if query.message is None:
            return []
        event = self._event(query.message, query.sender, native)
        kind, _, value = query.data.partition(":")
        if kind == "f":
            thumb, _, turn = value.partition(":")
            return [msgspec.structs.replace(event, kind="feedback", text=thumb, target=turn)] if thumb in THUMBS else []
        text = _label(query) if kind == "n" else value
        return [msgspec.structs.replace(event, kind="button", text=text)] if text else []

    def _event(self, message: Message, sender: User, native: str) -> Event:
        bot, chat = str(self._bot), str(message.chat.id)
        thread = str(message.message_thread_id) if message.is_topic_message else ""
        address = {"chat": chat, "kind": message.chat.type, "message": str(message.message_id)}
        if thread:
            address["thread"] = thread
        if message.business_connection_id:
            address["business"] = message.business_connection_id
        return Event(
            id=self._event_id(native),
            channel=CHANNEL,
            lane=self._keys.lane(CHANNEL, bot, f"{message.business_connection_id}:{chat}", thread),
            author=self._keys.person(CHANNEL, bot, str(sender.id)),
            at=float(message.date),
            address=address,
            account=bot,
            group=self._group(message),
        )

    def _group(self, message: Message) -> str | None:
        """A business and its customer both read what is said between them, and neither is a member of anything."""
        if message.business_connection_id:
            return None
        return "" if message.chat.type == "private" else str(message.chat.id)

    def _event_id(self, native: str) -> str:
        return self._keys.event(CHANNEL, str(self._bot), native)

    def _native(self, message: Message) -> str:
        return f"message:{message.business_connection_id}:{message.chat.id}:{message.message_id}"

    def _for_us(self, message: Message) -> bool:
        """In groups: only what mentions the bot, answers it, or commands it."""
        if message.chat.type == "private":
            return True
        answered = message.reply_to_message
        if answered is not None and answered.sender is not None and answered.sender.id == self._bot:
            return True
        return any(self._means_us(message, entity) for entity in message.entities or message.caption_entities)

    def _means_us(self, message: Message, entity: Entity) -> bool:
        if entity.type == "text_mention":
            return entity.user is not None and entity.user.id == self._bot
        words = _covered(message.text or message.caption, entity).lower()
        us = f"@{self.username.lower()}"
        if entity.type == "mention":
            return words == us
        return entity.type == "bot_command" and ("@" not in words or words.endswith(us))

    def _text(self, message: Message) -> str:
        text = message.text or message.caption or (message.sticker.emoji if message.sticker else "")
        entities = message.entities or message.caption_entities
        commands = [entity for entity in entities if entity.type == "bot_command" and entity.offset == 0]
        if commands and _covered(text, commands[0]).partition("@")[0] == "/start":
            return GREETING
        mentions = [entity for entity in entities if entity.type in ("mention", "bot_command")]
        for entity in sorted(mentions, key=lambda entity: -entity.offset):
            words = _covered(text, entity)
            kept = words.partition("@")[0]
            if self.username and words.lower().endswith(f"@{self.username.lower()}"):
                text = _splice(text, entity, kept)
        return text.strip()


def _covered(text: str, entity: Entity) -> str:
    units = text.encode("utf-16-le")
    return units[2 * entity.offset : 2 * (entity.offset + entity.length)].decode("utf-16-le", "replace")


def _splice(text: str, entity: Entity, new: str) -> str:
    units = text.encode("utf-16-le")
    before, after = units[: 2 * entity.offset], units[2 * (entity.offset + entity.length) :]
    return (before + new.encode("utf-16-le") + after).decode("utf-16-le", "replace")


def _attachments(message: Message) -> list[Attachment]:
    files = [("file", message.document), ("voice.ogg", message.voice), ("audio", message.audio), ("video", message.video)]
    found = [(name, file) for name, file in files if file is not None]
    if message.photo:
        largest = max(message.photo, key=lambda photo: photo.file_size)
        found.append(("photo.jpg", largest))
    return [
        Attachment(
            name=file.file_name or name,
            kind=file.mime_type or ("image/jpeg" if name == "photo.jpg" else ""),
            size=file.file_size,
            ref=file.file_id,
        )
        for name, file in found
    ]


def _label(query: Callback) -> str:
    """The words on the button, for a choice too long for its callback data."""
    keyboard = query.message.reply_markup if query.message else None
    keys = [key for row in keyboard.inline_keyboard for key in row] if keyboard else []
    return next((key.text for key in keys if key.callback_data == query.data), "")
