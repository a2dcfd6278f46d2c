"""A town: the real core, web service and channels in this process, between a scripted model, Telegram and Slack."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import bots.telegram.client  # noqa: F401  (imports aiogram now, lest that stop every service of the process for seconds)
from bots.kit.service import serve as serve_channel
from bots.slack.channel import Slack
from bots.telegram.channel import Telegram
from core.dialog.service import serve as serve_core
from core.embedded import Servers
from core.settings import Settings, load
from tests.bots.telegram_rig import SECRET
from tests.bots.web_rig import Front, serving
from tests.fakes.openai_server import Asked, OpenAIServer
from tests.fakes.ports import free_port
from tests.fakes.slack_server import SIGNING_SECRET, TOKEN, FakeSlack
from tests.fakes.telegram_server import FakeTelegram

TOKENS = re.compile(r"#(\w+)")


def pieces(question: str, of: int = 2) -> str:
    """For each token of a question its marked pieces."""
    return "\n\n".join(
        f"Some words about it ‹{token} {piece}/{of}›" for token in TOKENS.findall(question) for piece in range(1, of + 1)
    )


def answered(asked: Asked) -> str:
    """What the scripted model writes."""
    return pieces(asked.question)


@dataclass
class Town:
    settings: Settings
    model: OpenAIServer
    telegram: FakeTelegram
    slack: FakeSlack
    front: Front

    async def ready(self) -> None:
        async with asyncio.timeout(90):
            while (await self.front.client.get("/readyz")).status_code != 200:
                await asyncio.sleep(0.05)


async def until(true: Callable[[], object], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.02)


def assistant(route: Sequence[str], deadlines: Mapping[str, float], more: str) -> str:
    head = f'[assistant]\nname = "Town"\ndefault_route = {json.dumps(list(route))}\nno_answer = "I cannot answer that right now."\n'
    return head + "[models]\n" + "".join(f"{name} = {value}\n" for name, value in deadlines.items()) + more


@asynccontextmanager
async def town(
    servers: Servers,
    folder: Path,
    *,
    more: str = "",
    channels: str = "telegram,slack",
    route: Sequence[str] = ("prompt",),
    deadlines: Mapping[str, float] = MappingProxyType({}),
) -> AsyncIterator[Town]:
    """The core, the web service, and each of `channels` (named twice: two replicas), ready. `more` is added to the assistant."""
    file = folder / "assistant.toml"
    file.write_text(assistant(route, deadlines, more))
    async with OpenAIServer() as model, FakeTelegram() as telegram, FakeSlack(patience=60) as slack, AsyncExitStack() as stack:
        model.otherwise(answered)
        address = f"127.0.0.1:{free_port()}"
        slack.hook = f"http://{address}/slack/events"
        settings = load(
            NATS_URL=servers.nats_url,
            REDIS_URL=servers.redis_url,
            OPENAI_BASE_URL=model.base_url,
            TURNOUT_ASSISTANT=str(file),
            TURNOUT_DATA=str(folder),
            TURNOUT_SECRET="a secret of the tests",
            TURNOUT_HTTP=address,
            TURNOUT_SERVICES=",".join(dict.fromkeys(f"core,web,{channels}".strip(",").split(","))),
            TELEGRAM_BOT_TOKEN=telegram.token,
            TELEGRAM_API_BASE=telegram.base,
            TELEGRAM_WEBHOOK_URL=f"http://{address}/telegram/webhook",
            TELEGRAM_WEBHOOK_SECRET=SECRET,
            SLACK_BOT_TOKEN=TOKEN,
            SLACK_API_BASE=slack.api,
            SLACK_SIGNING_SECRET=SIGNING_SECRET,
        )
        front = await stack.enter_async_context(serving(settings))
        _run(stack, serve_core(settings), "core")
        for name in filter(None, channels.split(",")):
            _run(stack, serve_channel(settings, {"telegram": Telegram, "slack": Slack}[name]), name)
        here = Town(settings, model, telegram, slack, front)
        await here.ready()
        await until(lambda: [method for method, _ in telegram.calls].count("setWebhook") >= channels.count("telegram"))
        await until(lambda: len(slack.posts("auth.test")) >= channels.count("slack"))
        yield here


def _run(stack: AsyncExitStack, service: Awaitable[None], name: str) -> None:
    stack.push_async_callback(_stop, asyncio.ensure_future(service), name)


async def _stop(task: "asyncio.Future[None]", name: str) -> None:
    """End a service; one that ended by itself is an error."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
        raise AssertionError(f"{name} ended by itself")
