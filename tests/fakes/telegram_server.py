"""A Telegram Bot API over real HTTP, as the real client libraries see it, with a user's side and faults on demand.

    async with FakeTelegram() as telegram:
        telegram.say(7, "hello")              # a person writes in private chat 7 (negative: a group)
        await telegram.wait(lambda: telegram.texts(7))
        telegram.fault("sendMessage", "drop") # the next send is done, its reply is lost

`python -m tests.fakes.telegram_server [PORT]` runs it alone; the user's side is then JSON under `/control/…`.
"""

import asyncio
import contextlib
import itertools
import sys
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Self

import aiohttp
from aiohttp import web

from tests.fakes.telegram_text import Bad, Entity, read
from tests.fakes.telegram_things import ANSWERS, FORM, chat_of, keys_of, user_of

Fault = Literal["delay", "drop", "hang up", "limit", "forbidden", "unparsable", "error"]


@dataclass
class Shown:
    """A message as a person sees it."""

    id: int
    text: str
    entities: list[Entity] = field(default_factory=list)
    keys: list[list[dict[str, str]]] = field(default_factory=list)
    edits: int = 0

    @property
    def labels(self) -> list[str]:
        return [key["text"] for row in self.keys for key in row]


class FakeTelegram:
    def __init__(self, token: str = "42:TEST", username: str = "turnout_bot", port: int = 0) -> None:
        self.token, self.username, self.port = token, username, port
        self.me = {"id": int(token.split(":")[0]), "is_bot": True, "first_name": "Turnout", "username": username}
        self.chats: dict[int, list[Shown]] = defaultdict(list)
        self.drafts: dict[int, list[str]] = defaultdict(list)
        self.actions: dict[int, list[str]] = defaultdict(list)
        self.calls: list[tuple[str, FORM]] = []
        self.pending: deque[dict[str, Any]] = deque()
        self.confirmed = 0
        self.answered: list[str] = []
        self.slowed_down: set[int] = set()  # chats in which every send has to wait a second longer
        self.refused: list[int] = []
        self.webhook: dict[str, str] = {}
        self.statuses: list[int] = []
        self._faults: dict[str, deque[tuple[Fault, float]]] = defaultdict(deque)
        self._numbers = itertools.count(1000)
        self._updates = itertools.count(500)
        self._changed = asyncio.Event()
        self._polls = 0

    # What a person does

    def say(self, chat: int, text: str, *, user: int = 0, **fields: Any) -> int:
        """Write into a chat (or with `message_id`, redeliver that message); returns the message id."""
        message = {"message_id": next(self._numbers), **self._written(chat, text, user), **fields}
        self._arrive({"message": message})
        return int(message["message_id"])

    def edit(self, chat: int, message_id: int, text: str, *, user: int = 0) -> None:
        written = self._written(chat, text, user)
        self._arrive({"edited_message": {"message_id": message_id, **written, "edit_date": int(time.time())}})

    def press(self, chat: int, label: str, *, user: int = 0) -> None:
        """Tap the newest key that says `label`."""
        for shown in reversed(self.chats[chat]):
            for key in (key for row in shown.keys for key in row if key["text"] == label):
                message = {"message_id": shown.id, "date": int(time.time()), "chat": chat_of(chat), "from": self.me}
                message |= {"text": shown.text, "reply_markup": {"inline_keyboard": shown.keys}}
                query = {"id": str(next(self._numbers)), "from": user_of(user or abs(chat)), "chat_instance": "1"}
                self._arrive({"callback_query": {**query, "data": key["callback_data"], "message": message}})
                return
        raise LookupError(f"no key {label!r} in chat {chat}")

    def texts(self, chat: int) -> list[str]:
        """What the bot has written there, in order, as it is seen now."""
        return [shown.text for shown in self.chats[chat]]

    def fault(self, method: str, kind: Fault, value: float = 0, *, times: int = 1) -> None:
        """The next calls of a method go wrong; `value`: seconds of `delay`, or `retry_after` of `limit`."""
        self._faults[method].extend([(kind, value)] * times)

    def heal(self, method: str) -> None:
        self._faults[method].clear()

    def to_come(self, method: str) -> int:
        """How many faults still wait for a call of the method."""
        return len(self._faults[method])

    async def wait(self, true: Callable[[], object], seconds: float = 60.0) -> None:
        """Until a condition holds; TimeoutError when it does not."""
        async with asyncio.timeout(seconds):
            while not true():
                self._changed.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), 0.2)

    def _written(self, chat: int, text: str, user: int) -> dict[str, Any]:
        entities = [
            {"type": kind, "offset": len(text[: text.index(word)].encode("utf-16-le")) // 2, "length": len(word)}
            for word in text.split()
            for kind, sign in (("bot_command", "/"), ("mention", "@"))
            if word.startswith(sign) and len(word) > 1
        ]
        who = user_of(user or abs(chat))
        return {"chat": chat_of(chat), "from": who, "date": int(time.time()), "text": text, "entities": entities}

    def _arrive(self, update: dict[str, Any]) -> None:
        self.pending.append({"update_id": next(self._updates), **update})
        self._changed.set()

    # The server

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/bot{token}/{method}", self._call)
        app.router.add_post("/control/{what}", self._control)
        self._runner = web.AppRunner(app, shutdown_timeout=0.05)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        self._pushing = asyncio.create_task(self._push(), name="fake-telegram-webhook")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._pushing.cancel()
        await asyncio.gather(self._pushing, return_exceptions=True)
        await self._runner.cleanup()

    async def _call(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        form = {name: str(value) for name, value in (await request.post()).items()}
        if request.match_info["token"] != self.token:
            return _error(401, "Unauthorized")
        work = getattr(self, f"_do_{method}", None)
        if work is None:
            return _error(404, "Not Found: method not found")
        kind, value = self._faults[method].popleft() if self._faults[method] else ("", 0.0)
        if method == "sendMessage" and (chat := int(form["chat_id"])) in self.slowed_down:
            self.refused.append(chat)
            kind, value = "limit", 1
        refused = await self._refuse(request, kind, value)
        if refused is not None:
            return refused
        self.calls.append((method, form))
        try:
            result = await work(form)
        except Bad as error:
            return _error(400, f"Bad Request: {error}")
        except web.HTTPConflict as conflict:
            return _error(409, f"Conflict: {conflict.text}")
        self._changed.set()
        if kind == "drop" and request.transport is not None:
            request.transport.abort()
        return web.json_response({"ok": True, "result": result})

    async def _refuse(self, request: web.Request, kind: str, value: float) -> web.Response | None:
        """The answer of a fault that keeps the work from being done."""
        if kind == "delay":
            await asyncio.sleep(value)
        elif kind == "hang up" and request.transport is not None:
            request.transport.abort()
            return web.Response()
        elif kind == "limit":
            return _error(429, f"Too Many Requests: retry after {int(value)}", retry_after=int(value))
        elif kind in ANSWERS:
            return _error(*ANSWERS[kind])
        return None

    async def _control(self, request: web.Request) -> web.Response:
        """`/control/say` {chat, text}, `/control/press` {chat, label}, `/control/fault` {method, kind}, `/control/texts` {chat}."""
        what, fields = request.match_info["what"], await request.json()
        work = {"say": self.say, "edit": self.edit, "press": self.press, "fault": self.fault, "texts": self.texts}[what]
        return web.json_response({"result": work(**fields)})

    async def _push(self) -> None:
        """Webhook delivery: one update at a time, again and again until the answer is 2xx."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
            while True:
                await self.wait(lambda: self.webhook and self.pending, seconds=3600)
                update, headers = self.pending[0], {"X-Telegram-Bot-Api-Secret-Token": self.webhook["secret_token"]}
                try:
                    async with session.post(self.webhook["url"], json=update, headers=headers) as answer:
                        self.statuses.append(answer.status)
                except (aiohttp.ClientError, TimeoutError):
                    self.statuses.append(0)
                if 200 <= self.statuses[-1] < 300:
                    self.confirmed = self.pending.popleft()["update_id"]
                else:
                    await asyncio.sleep(0.1)
                self._changed.set()

    # The methods

    async def _do_getMe(self, form: FORM) -> dict[str, Any]:
        return self.me

    async def _do_getUpdates(self, form: FORM) -> list[dict[str, Any]]:
        if self.webhook:
            raise web.HTTPConflict(text="can't use getUpdates method while webhook is active")
        if self._polls:
            raise web.HTTPConflict(text="terminated by other getUpdates request")
        offset = int(form.get("offset", 0))
        while self.pending and self.pending[0]["update_id"] < offset:
            self.confirmed = self.pending.popleft()["update_id"]
        self._polls += 1
        try:
            await self.wait(lambda: self.pending, float(form.get("timeout", 0)))
        except TimeoutError:
            pass
        finally:
            self._polls -= 1
        return list(self.pending)[:100]

    async def _do_setWebhook(self, form: FORM) -> bool:
        self.webhook = {"url": form["url"], "secret_token": form.get("secret_token", "")}
        return True

    async def _do_deleteWebhook(self, form: FORM) -> bool:
        self.webhook = {}
        return True

    async def _do_sendMessage(self, form: FORM) -> dict[str, Any]:
        text, entities = read(form["text"], form.get("parse_mode", ""))
        shown = Shown(next(self._numbers), text, entities, keys_of(form))
        self.chats[int(form["chat_id"])].append(shown)
        return self._sent(form, shown)

    async def _do_editMessageText(self, form: FORM) -> dict[str, Any]:
        shown = self._find(form)
        text, entities = read(form["text"], form.get("parse_mode", ""))
        if (text, entities, keys_of(form)) == (shown.text, shown.entities, shown.keys):
            raise Bad("message is not modified: specified new message content and reply markup are exactly the same")
        shown.text, shown.entities, shown.keys, shown.edits = text, entities, keys_of(form), shown.edits + 1
        return self._sent(form, shown)

    async def _do_deleteMessage(self, form: FORM) -> bool:
        self.chats[int(form["chat_id"])].remove(self._find(form))
        return True

    async def _do_sendMessageDraft(self, form: FORM) -> bool:
        if int(form["chat_id"]) < 0 or int(form["draft_id"]) == 0:
            raise Bad("drafts are for private chats and need a non-zero draft_id")
        self.drafts[int(form["chat_id"])].append(read(form["text"], form.get("parse_mode", ""))[0])
        return True

    async def _do_sendChatAction(self, form: FORM) -> bool:
        self.actions[int(form["chat_id"])].append(form["action"])
        return True

    async def _do_answerCallbackQuery(self, form: FORM) -> bool:
        self.answered.append(form["callback_query_id"])
        return True

    def _find(self, form: FORM) -> Shown:
        for shown in self.chats[int(form["chat_id"])]:
            if shown.id == int(form["message_id"]):
                return shown
        raise Bad("message to edit not found")

    def _sent(self, form: FORM, shown: Shown) -> dict[str, Any]:
        chat = chat_of(int(form["chat_id"]))
        return {"message_id": shown.id, "date": int(time.time()), "chat": chat, "from": self.me, "text": shown.text}


def _error(status: int, description: str, **parameters: int) -> web.Response:
    answer: dict[str, Any] = {"ok": False, "error_code": status, "description": description}
    if parameters:
        answer["parameters"] = parameters
    return web.json_response(answer, status=status)


async def _alone(port: int) -> None:
    async with FakeTelegram(port=port) as telegram:
        print(telegram.base, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_alone(int(sys.argv[1]) if len(sys.argv) > 1 else 0))
