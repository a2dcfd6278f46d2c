"""The same scripted conversation carries the same content on every channel, through the platforms' real client libraries.

Two systems cover the four ways in: Telegram polling with Slack over signed HTTP, Telegram webhook with Slack's socket.
"""

import asyncio
import re
import string
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.e2e.system import System
from tests.fakes.slack_server import APP_TOKEN, SIGNING_SECRET, TOKEN, FakeSlack
from tests.fakes.telegram_server import FakeTelegram

SCRIPT = (
    "hello!",
    "How long do I have to return a bike?",
    "and a helmet?",
    "What is the capital of Mongolia?",
    "thanks a lot",
)
Say = Callable[[str], Awaitable[str]]


def words(text: str) -> list[str]:
    """What a text says, whatever signs a platform draws it with."""
    text = re.sub(r"\[\d+\]|https?://\S+|\(/sources\S*\)", " ", text)
    return [word.strip(string.punctuation + "•·–—…»«“”") for word in text.lower().split() if re.search(r"\w", word)]


def holds(shown: str, content: str) -> bool:
    """Whether the words of `content` stand in `shown`, in order; what a platform adds (sources, buttons) may stand between."""
    rest = iter(words(shown))
    return all(word in rest for word in words(content))


async def on_telegram(telegram: FakeTelegram, text: str) -> str:
    before = len(telegram.texts(7))
    telegram.say(7, text)
    await telegram.wait(lambda: len(telegram.texts(7)) > before, 120)
    return telegram.texts(7)[-1]


async def on_slack(slack: FakeSlack, text: str) -> str:
    before = len([message for message in slack.shown("D0ANN") if message.bot])
    slack.say("D0ANN", "U0ANN", text)
    async with asyncio.timeout(120):
        while True:
            answers = [message for message in slack.shown("D0ANN") if message.bot]
            if len(answers) > before and not answers[-1].growing:
                return answers[-1].shown
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("webhooks", ["telegram", "slack"])
async def test_one_conversation_on_every_channel(webhooks: str, tmp_path: Path) -> None:
    async with FakeTelegram() as telegram, FakeSlack() as slack:
        system = System(tmp_path)
        system.variables |= {
            "TELEGRAM_BOT_TOKEN": telegram.token,
            "TELEGRAM_API_BASE": telegram.base,
            "SLACK_BOT_TOKEN": TOKEN,
            "SLACK_API_BASE": slack.api,
        }
        if webhooks == "telegram":
            system.variables |= {
                "TELEGRAM_WEBHOOK_URL": f"{system.url}/telegram/webhook",
                "TELEGRAM_WEBHOOK_SECRET": "a-secret",
                "SLACK_APP_TOKEN": APP_TOKEN,
            }
        else:
            system.variables |= {"SLACK_SIGNING_SECRET": SIGNING_SECRET}
            slack.hook = f"{system.url}/slack/events"
        async with system.up(), system.visitor() as visitor:
            while ", 0 waiting for vectors" not in await system.command("ingest", "status"):
                await asyncio.sleep(1)  # until then the best passage may still change
            for text in SCRIPT:
                content = (await visitor.ask(text))["text"]
                shown = await asyncio.gather(on_telegram(telegram, text), on_slack(slack, text))
                for channel, answer in zip(("telegram", "slack"), shown, strict=True):
                    assert holds(answer, content), f"{channel}, {text!r}:\n{answer}\ninstead of\n{content}"
            assert len(telegram.texts(7)) == len(SCRIPT)
            assert len([message for message in slack.shown("D0ANN") if message.bot]) == len(SCRIPT)
