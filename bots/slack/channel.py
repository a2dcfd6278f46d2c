"""The Slack channel."""

import asyncio
import logging
import re
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any
from weakref import WeakValueDictionary

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltContext, AsyncBoltRequest
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.response import BoltResponse
from slack_sdk.signature import SignatureVerifier

from bots.kit.contract import Accept, Manifest, Native, Piece
from bots.slack import parse, render, sockets
from bots.slack.api import TOKEN_REFUSED, Client, SlackRefused
from bots.slack.members import Roll
from bots.slack.threads import Threads
from core.audience import Members, MembersRequest
from core.errors import Ambiguous, ConfigError, NotSent, Refused, SendError, TurnoutError, Unavailable
from core.keys import Keys
from core.records import Event, HookRequest, HookResponse, Turn
from core.settings import Settings

REPLY, PREVIEW = "turnout_reply", "turnout_preview"
LONGEST_WAIT = 5.0
ANY = re.compile("")

log = structlog.get_logger()


class Slack:
    """Raises ConfigError when the settings cannot work."""

    manifest = Manifest(
        id=parse.CHANNEL,
        title="Slack",
        markdown="rich_text",
        limits=render.LIMITS,
        settings=("SLACK_BOT_TOKEN",),
        capabilities=frozenset({"edit", "stream", "typing", "reconcile", "hook", "buttons", "feedback", "members"}),
    )

    def __init__(self, settings: Settings) -> None:
        if not settings.slack_token:
            raise ConfigError("SLACK_BOT_TOKEN is not set: copy the bot token (xoxb-…) from the app's OAuth page")
        if not settings.slack_signing_secret and not settings.slack_app_token:
            raise ConfigError("Slack cannot reach us: set SLACK_SIGNING_SECRET (HTTP) or SLACK_APP_TOKEN (socket mode)")
        self._keys = Keys(settings.secret_key())
        self._client = Client(settings)
        self._threads = Threads(self._client)
        self._roll = Roll(self._client, parse.CHANNEL, self._keys)
        self._signatures = SignatureVerifier(settings.slack_signing_secret) if settings.slack_signing_secret else None
        self._app_token = settings.slack_app_token
        self._app = self._bolt()
        self._bot = ""
        self._since = time.time()
        self._order: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @property
    def away(self) -> str:
        return self._client.contact.away or self._client.socket.away

    # Receiving

    def parse(self, raw: Mapping[str, Any]) -> list[Event]:
        return parse.events(raw, self._keys, self._bot)

    async def run(self, accept: Accept) -> None:
        self._bot = await self._identify()

        async def handle(payload: dict[str, Any], headers: sockets.Headers) -> bool:
            request = AsyncBoltRequest(body=payload, headers=headers, mode="socket_mode", context={"accept": accept})
            return (await self._app.async_dispatch(request)).status == 200

        if self._app_token:
            await sockets.listen(self._client, self._app_token, handle)
        await asyncio.Event().wait()

    async def hook(self, request: HookRequest, accept: Accept) -> HookResponse:
        if self._signatures is None:
            return HookResponse(status=404, body=b"SLACK_SIGNING_SECRET is not set: this bot listens in socket mode only")
        if not _genuine(self._signatures, request):
            log.warning("slack_signature_refused")
            return HookResponse(status=401, body=b"wrong or old signature")
        try:
            call = AsyncBoltRequest(body=request.body.decode(), headers=dict(request.headers), context={"accept": accept})
        except (ValueError, AttributeError, RecursionError):
            return HookResponse(status=400, body=b"not a payload of Slack's")
        answer = await self._app.async_dispatch(call)
        return HookResponse(status=answer.status, headers=answer.first_headers(), body=answer.body.encode())

    def _bolt(self) -> AsyncApp:
        """Bolt answers Slack's handshakes and unpacks payloads. It acknowledges after the listener (its default is before),
        and never asks Slack who we are: were that call to fail, it would answer 200 to a message that nobody stored."""
        logger = logging.getLogger("slack.bolt")
        logger.setLevel(logging.ERROR)

        async def authorize(team_id: str) -> AuthorizeResult:
            return AuthorizeResult(enterprise_id=None, team_id=team_id, bot_token=self._client.web.token)

        app = AsyncApp(
            name="turnout",
            logger=logger,
            client=self._client.web,
            authorize=authorize,
            process_before_response=True,
            request_verification_enabled=False,  # `hook` has done it, before anything was parsed
            ignoring_self_events_enabled=False,  # `parse` does it
            attaching_conversation_kwargs_enabled=False,
        )
        app.event(ANY)(self._heard)
        app.action(ANY)(self._heard)
        app.error(_not_taken)
        return app

    async def _heard(self, ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
        accept: Accept = context["accept"]
        if events := self.parse(body):
            async with self._order.setdefault(events[0].lane, asyncio.Lock()):
                for event in events if await self._for_us(body, events[0]) else ():
                    await accept(event)
        await ack()

    async def _for_us(self, body: dict[str, Any], event: Event) -> bool:
        bot = parse.bot_of(body) or self._bot
        thread = parse.unasked(body, bot)
        if thread is None:
            self._threads.join((event.address["channel"], event.address["thread"]))
            return True
        if not bot:
            raise Unavailable("Slack has not yet said who the bot is")
        return await self._threads.ours(thread, bot)

    async def members(self, asked: MembersRequest) -> Members:
        """Nobody where the bot does not know itself yet: it must not be taken for a stranger."""
        return Members(people=await self._roll.of(asked, self._bot) if self._bot else None)

    async def _identify(self) -> str:
        """The bot's user id. Waits for Slack as long as it takes."""
        wait = 1.0
        while True:
            try:
                async with self._client.calling() as web:
                    return str((await web.auth_test())["user_id"])
            except SendError as error:
                if isinstance(error, SlackRefused) and error.code in TOKEN_REFUSED:
                    raise ConfigError(f"SLACK_BOT_TOKEN: Slack refuses it ({error.code}): copy the bot token again") from None
                log.warning("slack_not_reached", reason=str(error), next_try_seconds=wait)
                await asyncio.sleep(wait)
                wait = min(2 * wait, LONGEST_WAIT)

    # Sending

    def render(self, turn: Turn) -> list[Native]:
        return render.natives(turn)

    async def deliver(self, message: Native) -> str:
        content = {
            "text": render.escaped(message.plain),
            "blocks": message.body.get("blocks") or [],
            "metadata": _mark(REPLY, message.id),
        }
        if message.edits:
            return await self._update(message.address, message.edits, content)
        if orphan := await self._orphan(message):
            with suppress(Refused):
                return await self._update(message.address, orphan, content)
        return await self._post(message.address, content)

    async def show(self, piece: Piece, shown: str) -> str:
        if not piece.text:
            return shown
        blocks, plain = render.preview(piece.text)
        content = {"text": render.escaped(plain), "blocks": blocks, "metadata": _mark(PREVIEW, piece.turn)}
        if shown:
            return await self._update(piece.address, shown, content)
        try:
            return await self._post(piece.address, content)
        except Ambiguous:
            if found := await self._seek(piece.address, PREVIEW, piece.turn):
                return found
            raise

    async def withdraw(self, shown: str, address: dict[str, str]) -> None:
        async for said in self._after(address | {"ts": f"{float(shown) - 1e-5:.6f}"}):
            if said["ts"] != shown:
                continue
            if (said.get("metadata") or {}).get("event_type") == PREVIEW:
                async with self._client.calling() as web:
                    await web.chat_delete(channel=address["channel"], ts=shown)
            return

    async def find(self, message: Native) -> str:
        return await self._seek(message.address, REPLY, message.id)

    async def typing(self, address: dict[str, str]) -> None:
        """Slack has a sign for it in threads only."""
        if not address["thread"]:
            return
        try:
            async with self._client.calling() as web:
                await web.assistant_threads_setStatus(
                    channel_id=address["channel"], thread_ts=address["thread"], status="is thinking…"
                )
        except SendError as error:
            log.debug("slack_status_not_shown", reason=str(error))

    async def close(self) -> None:
        await self._client.close()

    async def _post(self, address: dict[str, str], content: dict[str, Any]) -> str:
        async with self._client.calling() as web:
            thread = address["thread"] or None
            answer = await web.chat_postMessage(
                channel=address["channel"], thread_ts=thread, unfurl_links=False, unfurl_media=False, **content
            )
        return str(answer["ts"])

    async def _update(self, address: dict[str, str], ts: str, content: dict[str, Any]) -> str:
        async with self._client.calling() as web:
            return str((await web.chat_update(channel=address["channel"], ts=ts, **content))["ts"])

    async def _orphan(self, message: Native) -> str:
        """The preview a process left that died, before this one began or beside it: it becomes the answer, lest half of one
        stays."""
        turn, _, number = message.id.rpartition(":")
        if number != "0" or not (message.orphan or float(message.address["ts"]) <= self._since):
            return ""
        try:
            return await self._seek(message.address, PREVIEW, turn)
        except Ambiguous as error:
            raise NotSent(str(error)) from None

    async def _seek(self, address: dict[str, str], kind: str, id: str) -> str:
        """The `ts` of our message with this mark, among those after the message it answers; "" where there is none, and where
        we may not look: then an answer may be shown twice, which is better than never."""
        try:
            async for said in self._after(address):
                if said.get("bot_id") and said.get("metadata") == _mark(kind, id):
                    return str(said["ts"])
        except Refused as error:
            log.error("slack_history_refused", reason=str(error), fix="give the app the history scopes that bots.slack names")
        return ""

    async def _after(self, address: dict[str, str]) -> AsyncIterator[dict[str, Any]]:
        window: dict[str, Any] = {
            "channel": address["channel"],
            "oldest": address["ts"],
            "limit": 200,
            "include_all_metadata": True,
        }
        cursor = None
        while cursor != "":
            async with self._client.calling() as web:
                if address["thread"]:
                    page = await web.conversations_replies(ts=address["thread"], cursor=cursor, **window)
                else:
                    page = await web.conversations_history(cursor=cursor, **window)
            for said in page.get("messages") or ():
                yield said
            cursor = str((page.get("response_metadata") or {}).get("next_cursor") or "")


def _genuine(signatures: SignatureVerifier, request: HookRequest) -> bool:
    try:
        return bool(signatures.is_valid_request(request.body, request.headers))
    except (ValueError, TypeError):  # the SDK trips over a forger's time stamp, body or signature of impossible form
        return False


def _mark(kind: str, id: str) -> dict[str, Any]:
    return {"event_type": kind, "event_payload": {"id": id}}


async def _not_taken(error: Exception) -> BoltResponse:
    """Anything but 200 makes Slack send it again."""
    if isinstance(error, TurnoutError):
        log.warning("slack_event_not_taken", reason=str(error))
        return BoltResponse(status=503, body="try again")
    log.error("slack_event_failed", exc_info=error)
    return BoltResponse(status=500, body="failed")
