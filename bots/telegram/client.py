"""The one place that touches aiogram (whose import takes seconds): calls, and its errors as ours.

Updates and sent messages come as plain dicts, not as aiogram's models, so one of a kind newer than the SDK cannot stop the
polling, nor make us doubt a message that Telegram has confirmed.
"""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import PRODUCTION, TelegramAPIServer
from aiogram.exceptions import (
    ClientDecodeError,
    TelegramAPIError,
    TelegramBadRequest,
    TelegramConflictError,
    TelegramMigrateToChat,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from aiogram.methods import EditMessageText, SendMessage, TelegramMethod
from aiogram.types import InlineKeyboardMarkup, LinkPreviewOptions, ReplyParameters
from aiohttp import ClientConnectorError

from bots.kit.contact import Contact
from bots.kit.contract import REPEAT, Native
from core.errors import Ambiguous, ConfigError, NotSent, RateLimited, Refused

POLL = 30  # seconds a poll waits for news
CALL = 20  # seconds any other call may take


class RawUpdates(TelegramMethod[list[dict[str, Any]]]):
    """getUpdates without aiogram's models."""

    __returning__: ClassVar[Any] = list[dict[str, Any]]
    __api_method__: ClassVar[str] = "getUpdates"
    offset: int | None = None
    timeout: int = POLL
    allowed_updates: list[str] = []


class Send(SendMessage):
    """sendMessage without aiogram's model of the message."""

    __returning__: ClassVar[Any] = dict[str, Any]


class Edit(EditMessageText):
    """editMessageText, of whose answer nothing is needed."""

    __returning__: ClassVar[Any] = Any


class Client:
    """One bot. Every call raises NotSent, RateLimited, Refused or Ambiguous."""

    def __init__(self, token: str, base: str) -> None:
        api = TelegramAPIServer.from_base(base) if base else PRODUCTION
        self._bot = Bot(token, session=AiohttpSession(api=api, timeout=CALL))
        self.contact = Contact()

    async def close(self) -> None:
        await self._bot.session.close()

    async def username(self) -> str:
        """ConfigError when Telegram does not know the token."""
        with self.contact.call(), _translated():
            try:
                return (await self._bot.get_me()).username or ""
            except (TelegramUnauthorizedError, TelegramNotFound):
                raise ConfigError("TELEGRAM_BOT_TOKEN: Telegram does not know this token; ask @BotFather for one") from None

    async def updates(self, offset: int | None, allowed: list[str]) -> list[dict[str, Any]]:
        """Waits for news. Asking from `offset` on makes Telegram forget everything before it."""
        with self.contact.call(), _translated():
            method = RawUpdates(offset=offset, timeout=POLL, allowed_updates=allowed)
            return await self._bot(method, request_timeout=POLL + CALL)

    async def hook(self, url: str, secret: str, allowed: list[str]) -> None:
        """One connection at a time: with more, Telegram may deliver a chat's messages out of order."""
        with self.contact.call(), _translated():
            await self._bot.set_webhook(url, secret_token=secret, allowed_updates=allowed, max_connections=1)

    async def unhook(self) -> None:
        with self.contact.call(), _translated():
            await self._bot.delete_webhook()

    async def send(self, message: Native) -> str:
        """Send or edit; the id of the message."""
        chat = message.address.get("chat", "")
        if not chat:
            raise Refused("the turn has no chat to answer in")
        with self.contact.call(), _translated():
            try:
                return await self._send(message, int(chat))
            except TelegramMigrateToChat as moved:
                return await self._send(message, moved.migrate_to_chat_id)
            except TelegramBadRequest as error:
                if message.edits and "message is not modified" in error.message:
                    return message.edits
                raise

    async def _send(self, message: Native, chat: int) -> str:
        body = message.body
        text = str(body.get("text", message.plain))
        form: dict[str, Any] = {
            "text": f"{REPEAT}{text}" if message.repeat else text,
            "parse_mode": "HTML" if body else None,
            "business_connection_id": message.address.get("business"),
            "link_preview_options": LinkPreviewOptions(is_disabled=True),
        }
        if keys := body.get("keys"):
            form["reply_markup"] = InlineKeyboardMarkup.model_validate({"inline_keyboard": keys})
        if message.edits:
            await self._bot(Edit(chat_id=chat, message_id=int(message.edits), **form))
            return message.edits
        if reply := body.get("reply"):
            form["reply_parameters"] = ReplyParameters(message_id=int(str(reply)), allow_sending_without_reply=True)
        sent: Any = await self._bot(Send(chat_id=chat, message_thread_id=_thread(message.address), **form))
        return str(sent["message_id"])

    async def draft(self, turn: str, address: dict[str, str], text: str) -> None:
        """Show or replace the fading preview of a turn's answer in a private chat."""
        number = zlib.crc32(turn.encode()) or 1
        with self.contact.call(), _translated():
            await self._bot.send_message_draft(
                int(address["chat"]), number, text=text, parse_mode="HTML", message_thread_id=_thread(address)
            )

    async def typing(self, address: dict[str, str]) -> None:
        business = address.get("business")
        with self.contact.call(), _translated():
            await self._bot.send_chat_action(
                int(address["chat"]), "typing", message_thread_id=_thread(address), business_connection_id=business
            )

    async def answered(self, callback: str) -> None:
        """Stops the waiting sign on a pressed button."""
        with self.contact.call(), _translated():
            await self._bot.answer_callback_query(callback)


def _thread(address: dict[str, str]) -> int | None:
    return int(address["thread"]) if "thread" in address else None


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except TelegramRetryAfter as error:
        raise RateLimited(error.message, after=float(error.retry_after)) from error
    except TelegramNetworkError as error:
        if isinstance(error.__cause__, ClientConnectorError):
            raise NotSent(error.message) from error
        raise Ambiguous(error.message) from error
    except (TelegramServerError, ClientDecodeError) as error:
        raise Ambiguous(str(error)) from error
    except (TelegramUnauthorizedError, TelegramNotFound, TelegramConflictError) as error:
        raise NotSent(f"Telegram refuses this bot, not this message: {error.message}") from error
    except TelegramAPIError as error:
        raise Refused(error.message) from error
