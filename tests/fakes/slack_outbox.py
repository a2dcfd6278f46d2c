"""How the fake Slack hands events over: signed HTTP calls or a socket, again and again until they are acknowledged."""

import asyncio
import itertools
import json
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import aiohttp
from aiohttp import web
from slack_sdk.signature import SignatureVerifier

from tests.fakes.slack_workspace import APP, BOT_USER, TEAM

SIGNING_SECRET = "signing-secret"


@dataclass
class Delivered:
    """One try to hand an event over: `status` is the answer (0: none came in time, or the connection failed)."""

    event_id: str
    status: int
    retry: int


@dataclass
class Outbox:
    """Events go to `hook`, or over a socket where that is unset. What is not acknowledged within `patience` seconds comes again
    after each of `pauses`. `copies` of each event are sent at once, `backwards` turns the twins of a mention around."""

    hook: str = ""
    patience: float = 3.0
    pauses: tuple[float, ...] = (0.0, 0.2, 0.5)
    copies: int = 1
    backwards: bool = False
    deliveries: list[Delivered] = field(default_factory=list)
    sockets: list[web.WebSocketResponse] = field(default_factory=list)
    _acks: "dict[str, tuple[web.WebSocketResponse, asyncio.Future[bool]]]" = field(default_factory=dict)
    _connected: asyncio.Event = field(default_factory=asyncio.Event)
    _work: set[asyncio.Task[None]] = field(default_factory=set)
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    async def settle(self) -> None:
        """Wait until every event is acknowledged or given up."""
        while self._work:
            await asyncio.gather(*self._work)

    async def cut(self) -> None:
        """Break every socket."""
        for socket in list(self.sockets):
            await socket.close()

    async def stop(self) -> None:
        for task in list(self._work):
            task.cancel()
        await asyncio.gather(*self._work, return_exceptions=True)
        await self.cut()

    def _wrapped(self, event: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "event_callback",
            "team_id": TEAM,
            "api_app_id": APP,
            "event_id": f"Ev{next(self._numbers):08d}",
            "event_time": int(float(event.get("event_ts") or event["ts"])),
            "authorizations": [{"team_id": TEAM, "user_id": BOT_USER, "is_bot": True}],
            "event": event,
        }

    def _send(self, payloads: list[dict[str, Any]]) -> None:
        if self.backwards:
            payloads = payloads[::-1]
        for payload in payloads * self.copies:
            task = asyncio.create_task(self._insist(payload))
            self._work.add(task)
            task.add_done_callback(self._work.discard)

    async def _insist(self, payload: dict[str, Any]) -> None:
        for retry, pause in enumerate((None, *self.pauses)):
            await asyncio.sleep(pause or 0)
            status = await (self._by_http(payload, retry) if self.hook else self._by_socket(payload, retry))
            self.deliveries.append(Delivered(str(payload.get("event_id", "")), status, retry))
            if status == 200 or payload["type"] != "event_callback":
                return

    async def _by_http(self, payload: dict[str, Any], retry: int) -> int:
        interactive = payload["type"] == "block_actions"
        body = urlencode({"payload": json.dumps(payload)}) if interactive else json.dumps(payload)
        status, _ = await self.call_hook(body, form=interactive, retry=retry)
        return status

    async def call_hook(
        self, body: str, *, form: bool = False, retry: int = 0, secret: str = SIGNING_SECRET
    ) -> tuple[int, str]:
        """One signed call as Slack makes it: (status, text); (0, "") when no answer came in time."""
        stamp = str(int(time.time()))
        headers = {
            "content-type": "application/x-www-form-urlencoded" if form else "application/json",
            "x-slack-request-timestamp": stamp,
            "x-slack-signature": SignatureVerifier(secret).generate_signature(timestamp=stamp, body=body) or "",
        }
        if retry:
            headers |= {"x-slack-retry-num": str(retry), "x-slack-retry-reason": "http_error"}
        try:
            patience = aiohttp.ClientTimeout(total=self.patience)
            async with (
                aiohttp.ClientSession(timeout=patience) as session,
                session.post(self.hook, data=body.encode(), headers=headers) as response,
            ):
                return response.status, await response.text()
        except (aiohttp.ClientError, TimeoutError):
            return 0, ""

    async def _by_socket(self, payload: dict[str, Any], retry: int) -> int:
        await self._connected.wait()
        envelope_id = f"envelope-{next(self._numbers)}"
        kind = "interactive" if payload["type"] == "block_actions" else "events_api"
        envelope: dict[str, Any] = {
            "type": kind,
            "envelope_id": envelope_id,
            "payload": payload,
            "accepts_response_payload": False,
        }
        if retry:
            envelope |= {"retry_attempt": retry, "retry_reason": "timeout"}
        acknowledged: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        try:
            socket = self.sockets[-1]
            self._acks[envelope_id] = (socket, acknowledged)
            await socket.send_json(envelope)
            async with asyncio.timeout(self.patience):
                return 200 if await acknowledged else 0
        except (TimeoutError, ConnectionError, IndexError):
            return 0

    def _acknowledge(self, envelope_id: str) -> None:
        if envelope_id in self._acks and not (acknowledged := self._acks[envelope_id][1]).done():
            acknowledged.set_result(True)

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"type": "hello", "num_connections": len(self.sockets) + 1, "connection_info": {"app_id": APP}})
        self.sockets.append(socket)
        self._connected.set()
        try:
            async for message in socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    self._acknowledge(json.loads(message.data).get("envelope_id"))
        finally:
            self.sockets.remove(socket)
            for sent_on, acknowledged in self._acks.values():
                if sent_on is socket and not acknowledged.done():
                    acknowledged.set_result(False)  # it comes again at once: nobody can acknowledge it here any more
            if not self.sockets:
                self._connected.clear()
        return socket
