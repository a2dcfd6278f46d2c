"""Socket mode: Slack's events over a WebSocket that we open, so no public address is needed.

An envelope is acknowledged only when `handle` says that its payload is stored; Slack sends the others again. Our own loop,
because slack_sdk's client acknowledges nothing late but keeps trying the address of a socket after its ticket has run out.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

import aiohttp
import structlog

from bots.slack.api import TOKEN_REFUSED, Client, SlackRefused, translated
from core.errors import ConfigError, SendError

HEARTBEAT = 10.0
LONGEST_WAIT = 5.0
Headers = dict[str, str | Sequence[str]]
Handle = Callable[[dict[str, Any], Headers], Awaitable[bool]]
"""Takes a payload and the headers that HTTP would have carried; True when it may be acknowledged."""

log = structlog.get_logger()


async def listen(client: Client, app_token: str, handle: Handle) -> None:
    """Listen for ever, over one socket after another. Raises ConfigError when Slack refuses the app token."""
    wait = 1.0
    while True:
        try:
            async with client.calling() as web:
                url = str((await web.apps_connections_open(app_token=app_token))["url"])
            with translated():
                await _one_socket(client, url, handle)
            wait = 1.0
        except SendError as error:
            if isinstance(error, SlackRefused) and error.code in TOKEN_REFUSED:
                raise ConfigError(f"SLACK_APP_TOKEN: Slack refuses it ({error.code}): copy the app-level token again") from None
            client.socket.missed(str(error))
            log.warning("slack_socket_failed", reason=str(error), next_try_seconds=wait)
            await asyncio.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT)


async def _one_socket(client: Client, url: str, handle: Handle) -> None:
    """Until Slack closes it or announces that it will; what is being stored by then is still acknowledged."""
    async with (
        client.pool().ws_connect(url, heartbeat=HEARTBEAT, proxy=client.web.proxy) as socket,
        asyncio.TaskGroup() as storing,
    ):
        client.socket.reached()
        log.info("slack_socket_open")
        async for message in socket:
            if message.type is not aiohttp.WSMsgType.TEXT:
                continue
            envelope = _read(message.data)
            if envelope.get("type") == "disconnect":
                return
            if envelope.get("envelope_id"):
                storing.create_task(_store(socket, envelope, handle))


def _read(text: str) -> dict[str, Any]:
    """An envelope; {} for what is none, which is left out loudly: it names no id that could be acknowledged."""
    try:
        envelope = json.loads(text)
    except (ValueError, RecursionError):
        envelope = None
    if isinstance(envelope, dict):
        return envelope
    log.error("slack_envelope_unreadable", characters=len(text))
    return {}


async def _store(socket: aiohttp.ClientWebSocketResponse, envelope: dict[str, Any], handle: Handle) -> None:
    headers: Headers = {"content-type": "application/json"}
    if envelope.get("retry_attempt"):
        headers["x-slack-retry-num"] = str(envelope["retry_attempt"])
    if await handle(envelope.get("payload") or {}, headers):
        with suppress(ConnectionError):  # the socket closed meanwhile: Slack sends it again, and the store knows its id
            await socket.send_json({"envelope_id": envelope["envelope_id"]})
