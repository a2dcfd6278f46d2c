"""A fake Slack over real HTTP and WebSocket, to be driven by the real slack_bolt and slack_sdk.

The bot's side is the Web API under `/api/` and the socket. The user's side is methods (`say`, `edit`, `press`, `shown`) and,
for tests whose services are other processes, the same under `/control/`: `python -m tests.fakes.slack_server --port 0`.
Events go to `hook` (signed HTTP calls) or, while a socket is open and no hook is set, over the socket; what is not
acknowledged within `patience` seconds comes again, three times, marked as a retry, as Slack does it.
"""

import argparse
import asyncio
import json
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.fakes.slack_outbox import SIGNING_SECRET, Outbox
from tests.fakes.slack_workspace import APP, BOT_ID, BOT_USER, TEAM, Complaint, Message, Workspace

TOKEN, APP_TOKEN = "xoxb-fake", "xapp-fake"
__all__ = ["APP_TOKEN", "SIGNING_SECRET", "TOKEN", "FakeSlack", "Fault"]


@dataclass
class Fault:
    """What happens to the next call of a method: Slack's error word, an HTTP status, 429 with `after` seconds, or the
    connection closed `before` or `after` the work was done; each after `delay` seconds."""

    error: str = ""
    status: int = 200
    after: int = 0
    drop: str = ""
    delay: float = 0.0


@dataclass
class FakeSlack(Outbox):
    port: int = 0
    world: Workspace = field(default_factory=Workspace)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    faults: dict[str, deque[Fault]] = field(default_factory=lambda: defaultdict(deque))

    async def __aenter__(self) -> "FakeSlack":
        app = web.Application(client_max_size=8 * 2**20)
        app.router.add_route("*", "/api/{method}", self._api)
        app.router.add_get("/socket", self._socket)
        app.router.add_route("*", "/control/{what}", self._control)
        self._runner = web.AppRunner(app, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.stop()
        await self._runner.cleanup()

    @property
    def api(self) -> str:
        """SLACK_API_BASE."""
        return f"http://127.0.0.1:{self.port}/api/"

    # The user's side

    def say(self, channel: str, user: str, text: str, thread_ts: str = "") -> str:
        """Write a message; its `ts`. `<@U0BOT>` in a channel's text is a mention and arrives twice, as with Slack."""
        message = self.world.write(channel, user, text, thread_ts)
        event = message.as_slack() | {"channel": channel, "event_ts": message.ts}
        kinds = {"D": "im", "G": "group"}
        if thread_ts:
            event["parent_user_id"] = self.world.at(channel, thread_ts).user
        events = [event | {"channel_type": kinds.get(channel[0], "channel")}]
        if f"<@{BOT_USER}>" in text and channel[0] != "D":
            events.append(event | {"type": "app_mention"})
        self._send([self._wrapped(event) for event in events])
        return message.ts

    def edit(self, channel: str, ts: str, text: str) -> None:
        message = self.world.at(channel, ts)
        before, message.text = message.as_slack(), text
        after = message.as_slack() | {"edited": {"user": message.user, "ts": self.world.ts()}}
        event = {"type": "message", "subtype": "message_changed", "channel": channel, "message": after}
        self._send([self._wrapped(event | {"previous_message": before, "ts": self.world.ts()})])

    def press(self, channel: str, ts: str, label: str, user: str = "U0ANN") -> None:
        """Press the button of a message that reads `label`."""
        message = self.world.at(channel, ts)
        (button,) = (button for button in message.buttons if button["text"]["text"] == label)
        action = {"type": button["type"], "action_id": button["action_id"], "value": button["value"]}
        payload = {
            "type": "block_actions",
            "team": {"id": TEAM},
            "user": {"id": user},
            "api_app_id": APP,
            "channel": {"id": channel},
            "message": message.as_slack(),
            "container": {"type": "message", "message_ts": ts, "channel_id": channel},
            "actions": [action | {"action_ts": self.world.ts()}],
        }
        self._send([payload])

    def shown(self, channel: str, thread: str | None = None) -> list[Message]:
        return self.world.shown(channel, thread)

    def fail(self, method: str, *faults: Fault) -> None:
        """The next calls of `method`, one fault each."""
        self.faults[method].extend(faults)

    def posts(self, method: str = "chat.postMessage") -> list[dict[str, Any]]:
        return [args for name, args in self.calls if name == method]

    # The Web API

    async def _api(self, request: web.Request) -> web.StreamResponse:
        method, args = request.match_info["method"], await _arguments(request)
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        self.calls.append((method, args))
        fault = self.faults[method].popleft() if self.faults[method] else Fault()
        await asyncio.sleep(fault.delay)
        if fault.after:
            return web.json_response(
                {"ok": False, "error": "ratelimited"}, status=429, headers={"Retry-After": str(fault.after)}
            )
        if fault.status != 200:
            return web.Response(status=fault.status, text="<html>not today</html>", content_type="text/html")
        if fault.drop == "before":
            return _hang_up(request)
        answer = {"ok": False, "error": fault.error} if fault.error else self._do(method, args, token)
        return _hang_up(request) if fault.drop == "after" else web.json_response(answer)

    def _do(self, method: str, args: dict[str, Any], token: str) -> dict[str, Any]:
        known: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "auth.test": lambda _: {"team_id": TEAM, "user_id": BOT_USER, "bot_id": BOT_ID, "team": "Fake", "user": "turnout"},
            "apps.connections.open": lambda _: {"url": f"ws://127.0.0.1:{self.port}/socket"},
            "chat.postMessage": self.world.post,
            "chat.update": self.world.update,
            "chat.delete": self.world.delete,
            "conversations.replies": self.world.replies,
            "conversations.history": self.world.history,
            "conversations.members": self.world.roll,
            "assistant.threads.setStatus": self.world.status,
        }
        if token != (APP_TOKEN if method == "apps.connections.open" else TOKEN):
            return {"ok": False, "error": "invalid_auth"}
        if method not in known:
            return {"ok": False, "error": "unknown_method"}
        try:
            return {"ok": True, **known[method](args)}
        except Complaint as complaint:
            return {"ok": False, "error": str(complaint)}

    # For tests in another process

    async def _control(self, request: web.Request) -> web.Response:
        asked = await request.json() if request.can_read_body else dict(request.query)
        match request.match_info["what"]:
            case "say":
                return web.json_response({"ts": self.say(**asked)})
            case "edit":
                self.edit(**asked)
            case "press":
                self.press(**asked)
            case "fail":
                self.fail(asked.pop("method"), Fault(**asked))
            case "hook":
                self.hook = asked["url"]
            case "members":
                self.world.members[asked["channel"]] = asked["people"]
            case "cut":
                await self.cut()
            case "shown":
                found = self.shown(asked["channel"], asked.get("thread"))
                return web.json_response([{**m.as_slack(), "shown": m.shown, "versions": m.versions} for m in found])
            case "deliveries":
                return web.json_response([vars(one) for one in self.deliveries])
            case _:
                raise web.HTTPNotFound
        return web.json_response({})


async def _arguments(request: web.Request) -> dict[str, Any]:
    args: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json" and request.can_read_body:
        return args | await request.json()
    args |= dict(await request.post())
    return {name: json.loads(value) if name in ("blocks", "metadata") else value for name, value in args.items()}


def _hang_up(request: web.Request) -> web.Response:
    if request.transport:
        request.transport.abort()
    return web.Response()


async def main(port: int, hook: str) -> None:
    async with FakeSlack(port=port, hook=hook) as slack:
        print(slack.api, flush=True)
        wait: Awaitable[Any] = asyncio.Event().wait()
        await wait


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--hook", default="", help="where events go; unset: over the socket")
    options = parser.parse_args()
    asyncio.run(main(options.port, options.hook))
