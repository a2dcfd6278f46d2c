"""Telegram, by long polling or by webhook."""

import asyncio
import hmac
import re
from contextlib import suppress
from typing import Any

import msgspec
import structlog

from bots.kit.contract import Accept, Manifest, Native, Piece
from bots.telegram import updates
from bots.telegram.render import LIMITS, messages, preview
from core.errors import BusError, ConfigError, RateLimited, SendError
from core.keys import Keys
from core.records import Event, HookRequest, HookResponse, Turn
from core.settings import Settings

TOKEN = re.compile(r"\d+:[\w-]+", re.ASCII)
SECRET_HEADER = "x-telegram-bot-api-secret-token"
LONGEST_WAIT = 5.0

log = structlog.get_logger()


class Telegram:
    """Raises ConfigError when the token is missing or Telegram does not know it."""

    manifest = Manifest(
        id=updates.CHANNEL,
        title="Telegram",
        markdown="Telegram HTML",
        limits=LIMITS,
        settings=("TELEGRAM_BOT_TOKEN",),
        capabilities=frozenset({"edit", "stream", "typing", "hook", "files", "buttons", "feedback"}),
    )

    def __init__(self, settings: Settings) -> None:
        if not TOKEN.fullmatch(settings.telegram_token):
            raise ConfigError("TELEGRAM_BOT_TOKEN is missing or malformed: it looks like 123456:ABC-DEF, from @BotFather")
        if settings.telegram_webhook_url and not settings.telegram_webhook_secret:
            raise ConfigError("TELEGRAM_WEBHOOK_SECRET: set it together with TELEGRAM_WEBHOOK_URL (any 16 letters or more)")
        from bots.telegram.client import Client  # aiogram: only the process that talks to Telegram pays for it

        self._url, self._secret = settings.telegram_webhook_url, settings.telegram_webhook_secret
        self._client = Client(settings.telegram_token, settings.telegram_api)
        self._reader = updates.Reader(Keys(settings.secret_key()), int(settings.telegram_token.partition(":")[0]))
        self._thanks: set[asyncio.Task[None]] = set()

    @property
    def away(self) -> str:
        return self._client.contact.away

    def parse(self, raw: dict[str, Any]) -> list[Event]:
        return self._reader.events(updates.read(raw))

    def render(self, turn: Turn) -> list[Native]:
        return messages(turn)

    async def run(self, accept: Accept) -> None:
        self._reader.username = await self._until_told(self._client.username)
        if self._url:
            await self._until_told(lambda: self._client.hook(self._url, self._secret, updates.ALLOWED))
            log.info("telegram by webhook", url=self._url)
            await asyncio.Event().wait()
        await self._until_told(self._client.unhook)
        log.info("telegram by polling", bot=self._reader.username)
        await self._poll(accept)

    async def _poll(self, accept: Accept) -> None:
        """The offset moves past an update only once its events are stored: asking from there on is the acknowledgement."""
        offset: int | None = None
        wait = 0.0
        while True:
            await asyncio.sleep(wait)
            try:
                for raw in await self._client.updates(offset, updates.ALLOWED):
                    await self._take(raw, accept)
                    offset = int(raw["update_id"]) + 1
                wait = 0.0
            except (SendError, BusError) as error:
                wait = error.after if isinstance(error, RateLimited) else min(2 * wait + 0.5, LONGEST_WAIT)
                log.warning("polling stopped for a moment", seconds=wait, error=str(error))

    async def _take(self, raw: dict[str, Any], accept: Accept) -> None:
        """Store an update's events. One that is no update at all is left out loudly, else it would come back for ever."""
        try:
            update = updates.read(raw)
        except msgspec.ValidationError as error:
            log.error("not a Telegram update, left out", update=raw.get("update_id"), error=str(error))
            return
        for event in self._reader.events(update):
            await accept(event)
        if update.callback_query is not None:
            thanks = asyncio.create_task(self._thank(update.callback_query.id), name="telegram-callback")
            self._thanks.add(thanks)
            thanks.add_done_callback(self._thanks.discard)

    async def _thank(self, callback: str) -> None:
        with suppress(SendError):  # a convenience that Telegram gives up on by itself
            await self._client.answered(callback)

    async def hook(self, request: HookRequest, accept: Accept) -> HookResponse:
        """200 only after the store; 401 for whoever does not know the secret."""
        if not self._url:
            return HookResponse(status=404, body=b"this bot polls; set TELEGRAM_WEBHOOK_URL for webhooks")
        told = request.headers.get(SECRET_HEADER, "")
        if not hmac.compare_digest(told.encode(), self._secret.encode()):
            return HookResponse(status=401)
        try:
            raw = msgspec.json.decode(request.body, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return HookResponse(status=400, body=str(error).encode())
        await self._take(raw, accept)
        return HookResponse(status=200)

    async def deliver(self, message: Native) -> str:
        return await self._client.send(message)

    async def typing(self, address: dict[str, str]) -> None:
        await self._client.typing(address)

    async def show(self, piece: Piece, shown: str) -> str:
        """A draft, in private chats: it fades by itself. Elsewhere the typing sign has to do."""
        if piece.address.get("kind") == "private" and "business" not in piece.address:
            await self._client.draft(piece.turn, piece.address, preview(piece.text))
        return ""

    async def withdraw(self, shown: str, address: dict[str, str]) -> None:
        """A draft goes by itself."""

    async def close(self) -> None:
        for thanks in list(self._thanks):
            thanks.cancel()
        await self._client.close()

    async def _until_told(self, ask: Any) -> Any:
        """Ask Telegram until it answers: it may be away when we start."""
        wait = 0.5
        while True:
            try:
                return await ask()
            except SendError as error:
                wait = error.after if isinstance(error, RateLimited) else min(2 * wait, LONGEST_WAIT)
                log.warning("telegram does not answer yet", seconds=wait, error=str(error))
                await asyncio.sleep(wait)
