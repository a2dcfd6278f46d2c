"""The outside as the soak stands it up: the fake platforms, telling a scribe what they show, and the scripted model."""

import random
import re
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.openai_server import Asked, OpenAIServer, Reply
from tests.fakes.slack_server import FakeSlack
from tests.fakes.slack_workspace import Message, Workspace
from tests.fakes.telegram_server import FORM, FakeTelegram
from tests.reliability.scribe import Key, Scribe

TOKEN = re.compile(r"#(\w+)")
WORDS = ("harbour", "ropewalk", "lantern", "ferryman", "signal", "junction", "turnout", "semaphore", "points", "siding")
LONG = 0.12  # the share of answers that need several native messages
SLOWEST = 1.0  # seconds that an answer takes to be written
KEPT = 300


def answer(token: str) -> str:
    """The pieces of one question's answer, always the same ones."""
    dice = random.Random(token)
    long = dice.random() < LONG
    of = dice.randint(4, 6) if long else dice.randint(1, 3)
    size = dice.randint(1400, 2400) if long else dice.randint(20, 150)
    return "\n\n".join(f"{_words(dice, size)} ‹{token} {place}/{of}›" for place in range(1, of + 1))


def _words(dice: random.Random, size: int) -> str:
    """Few and long ones, so that a long answer is not many tokens."""
    words: list[str] = []
    while sum(map(len, words)) < size:
        words.append("-".join(dice.choice(WORDS) for _ in range(dice.randint(2, 8 if size > 500 else 3))))
    return " ".join(words)


def scripted(asked: Asked) -> Reply:
    """Answers every question of a burst in order; anything else is a summary to be made."""
    tokens = [] if asked.question.startswith("Summary so far") else TOKEN.findall(asked.question)
    text = "\n\n".join(map(answer, tokens)) or "They talked about railways."
    return Reply(text, pace=random.Random(asked.question).uniform(0, SLOWEST) / len(text.split()))


class SeenTelegram(FakeTelegram):
    """Telegram whose every message is written down. A user's message may arrive again later."""

    def __init__(self, scribe: Scribe) -> None:
        super().__init__()
        self.scribe = scribe
        self.late: deque[dict[str, Any]] = deque(maxlen=20)

    def _arrive(self, update: dict[str, Any]) -> None:
        super()._arrive(update)
        self.late.append(update)

    def repeat(self, dice: random.Random) -> None:
        """One of the last messages comes once more."""
        if self.late:
            super()._arrive(dict(dice.choice(self.late)))

    async def _do_sendMessage(self, form: FORM) -> dict[str, Any]:
        return self._tell(form, await super()._do_sendMessage(form))

    async def _do_editMessageText(self, form: FORM) -> dict[str, Any]:
        return self._tell(form, await super()._do_editMessageText(form))

    async def _do_deleteMessage(self, form: FORM) -> bool:
        done = await super()._do_deleteMessage(form)
        self.scribe.gone(("telegram", form["chat_id"]), form["message_id"])
        return done

    def _tell(self, form: FORM, sent: dict[str, Any]) -> dict[str, Any]:
        self.scribe.shown(("telegram", form["chat_id"]), str(sent["message_id"]), sent["text"])
        return sent


def talk_of(message: Message) -> Key:
    """A direct message is one conversation; in a channel each thread is."""
    return "slack", message.channel if message.channel.startswith("D") else f"{message.channel}/{message.thread_ts}"


@dataclass
class SeenWorkspace(Workspace):
    scribe: Scribe = field(kw_only=True)

    def post(self, args: dict[str, Any]) -> dict[str, Any]:
        return self._tell(super().post(args))

    def update(self, args: dict[str, Any]) -> dict[str, Any]:
        return self._tell(super().update(args))

    def delete(self, args: dict[str, Any]) -> dict[str, Any]:
        message = self.at(str(args["channel"]), str(args["ts"]))
        done = super().delete(args)
        self.scribe.gone(talk_of(message), message.ts)
        return done

    def _tell(self, done: dict[str, Any]) -> dict[str, Any]:
        message = self.at(done["channel"], done["ts"])
        self.scribe.shown(talk_of(message), message.ts, message.shown, growing=message.growing)
        return done


@dataclass
class SeenSlack(FakeSlack):
    """Slack whose every message is written down, and every question once it is accepted or given up. `hooks`: the addresses it
    calls, as behind a load balancer. `open`: the questions of which nothing is known yet, by `ts`."""

    scribe: Scribe = field(kw_only=True)
    hooks: tuple[str, ...] = ()
    open: dict[str, tuple[Key, str, float]] = field(default_factory=dict)
    _tries: dict[str, int] = field(default_factory=dict)

    def ask(self, key: Key, channel: str, user: str, text: str, thread: str = "") -> str:
        """Say something; it is written down as soon as Slack knows what became of it. Returns its `ts`. In a channel the key of
        a conversation that begins is its own `ts`."""
        began = time.time()
        ts = self.say(channel, user, text, thread)
        key = key if thread or channel.startswith("D") else ("slack", f"{channel}/{ts}")
        self.open[ts] = key, TOKEN.findall(text)[0], began
        return ts

    async def _by_http(self, payload: dict[str, Any], retry: int) -> int:
        self.hook = random.choice(self.hooks)
        return await super()._by_http(payload, retry)

    async def _insist(self, payload: dict[str, Any]) -> None:
        event = payload.get("event", {})
        ts = str(event.get("ts", ""))
        self._tries[ts] = self._tries.get(ts, 0) + 1
        await super()._insist(payload)
        mine = [one.status for one in self.deliveries if one.event_id == payload.get("event_id")]
        self._tries[ts] -= 1
        accepted = 200 in mine
        if ts in self.open and (accepted or not self._tries[ts]):
            key, token, since = self.open.pop(ts)
            self.scribe.said(key, token, accepted=accepted, since=since)
        if not self._tries[ts]:
            del self._tries[ts]


def forget(telegram: FakeTelegram, slack: FakeSlack, model: OpenAIServer) -> None:
    """Let go of what only tests of single calls look at: a soak runs for long."""
    for kept in (telegram.calls, telegram.statuses, slack.calls, slack.deliveries, slack.world.statuses, model.asked):
        del kept[:-KEPT]  # type: ignore[attr-defined]
    telegram.actions.clear()
    telegram.drafts.clear()
