"""What `turnout check` asks of others: the servers, the model, the platforms, the index. Plain HTTP and short deadlines, so
that a check costs seconds and imports no platform's SDK. No finding ever shows a token.
"""

import asyncio
import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from core import assistant, keys
from core.errors import ConfigError, TurnoutError
from core.records import Health, decode
from core.settings import Settings, shown

if TYPE_CHECKING:
    import aiohttp

PATIENCE = 8.0
MARKS = {"good": "✓", "bad": "✗", "unused": "–"}
NOT_RUNNING = "not running; `turnout up` starts it"
OPENAI, TELEGRAM, SLACK = "https://api.openai.com/v1", "https://api.telegram.org", "https://slack.com/api/"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of `turnout check`. `fix` is empty where there is none, or where `text` says it already."""

    what: str
    state: Literal["good", "bad", "unused"]
    text: str
    fix: str = ""

    def line(self, width: int) -> str:
        text = self.text.replace("\n", "\n" + " " * (width + 2))
        return f"{MARKS[self.state]} {self.what:<{width}}{text}{self._arrow}"

    def sentence(self) -> str:
        return f"{self.what}: {self.text}{self._arrow}"

    @property
    def _arrow(self) -> str:
        return f" → {self.fix}" if self.fix else ""


def good(what: str, text: str) -> Finding:
    return Finding(what, "good", text)


def bad(what: str, text: str, fix: str = "") -> Finding:
    return Finding(what, "bad", text, fix)


def unused(what: str, text: str) -> Finding:
    return Finding(what, "unused", text)


def reachable(host: str) -> str:
    """Where to call a server that listens on `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)


async def nats(settings: Settings) -> Finding:
    from core.embedded import programs

    what = "NATS"
    if not settings.nats_url:
        return _embedded(settings, what, "every message is on disk before it is acknowledged")
    try:
        await programs.check_nats(settings.nats_url)
    except ConfigError as error:
        return bad(what, str(error))
    return await _kept(what, settings.nats_url)


async def _kept(what: str, nats_url: str) -> Finding:
    """Whether an acknowledged message is on disk, and whether one can be written: only the server's monitoring page tells."""
    from core.embedded import programs

    answers = f"{', '.join(map(shown, nats_url.split(',')))} answers, JetStream is on"
    try:
        told = await programs.look_at(nats_url)
    except OSError:
        return good(
            what, f"{answers}; whether it syncs every message cannot be seen from here (single node: sync_interval: always)"
        )
    if told.trouble:
        return bad(what, f"{answers}, but: {told.trouble}", "make room on its disk, then start it again")
    if told.syncs:
        return good(what, f"{answers}, every message is synced to disk")
    return bad(
        what, f"{answers}, but a power cut loses what it acknowledged", "set `sync_interval: always`, or run three replicas"
    )


async def redis(settings: Settings) -> Finding:
    what = "Redis"
    if not settings.redis_url:
        return _embedded(settings, what, "appends to disk each second")
    from core import redis_store

    try:
        await redis_store.check(settings.redis_url, may_forget=settings.redis_may_forget)
    except ConfigError as error:
        return bad(what, str(error))
    keeps = "may forget what it holds" if settings.redis_may_forget else "keeps what it holds"
    return good(what, f"{shown(settings.redis_url)} answers and {keeps}")


def _embedded(settings: Settings, what: str, keeps: str) -> Finding:
    from core import embedded

    try:
        where = embedded.locate(settings)
    except ConfigError:
        return unused(what, f"embedded, {NOT_RUNNING}")
    url = where.nats_url if what == "NATS" else where.redis_url
    return good(what, f"embedded, running at {shown(url)}; {keeps}")


async def routes(settings: Settings) -> Finding:
    """Which version of the routes is in force, and whether it has become too old for what runs."""
    from core import embedded
    from core.bus_nats import connect
    from core.routes import telling, versions
    from core.routes.ageing import age

    what = "routes"
    try:
        async with connect(embedded.locate(settings).nats_url, name="check") as bus:
            now = await versions.newest(bus)
            found = await age(bus, settings, assistant.read(settings.assistant), now)
    except ConfigError:
        return unused(what, f"not seen: NATS is {NOT_RUNNING}")
    except TurnoutError as error:
        return unused(what, f"not seen: {error}")
    again = [*found.stale, *(["what people ask for has moved"] if found.drift.real else [])]
    told = f"; to be measured again ({', '.join(again)}): `turnout routes show`" if again else ""
    return good(what, telling.headline(now).partition(";")[0] + told)


async def service(settings: Settings, name: str) -> Finding:
    """What a service says of itself, over the bus."""
    from core import bus_nats, embedded

    try:
        async with asyncio.timeout(3), bus_nats.connect(embedded.locate(settings).nats_url) as bus:
            answer = decode(Health, await bus.request(keys.health(name), b"", timeout=2))
    except (TurnoutError, TimeoutError):
        return unused(name, NOT_RUNNING)
    return good(name, answer.detail or "ready") if answer.ready else bad(name, answer.detail, f"see the log of {name}")


async def index(settings: Settings) -> Finding:
    return dataclasses.replace(await service(settings, "retrieval"), what="index")


async def passages(settings: Settings) -> Finding:
    """The Qdrant server; whether the passages lie there, the index's line says."""
    what, url, key = "passages", settings.qdrant_url, settings.qdrant_key
    if not url:
        return unused(what, "in the retrieval service; set QDRANT_URL for a Qdrant server")
    headers = {"api-key": key} if key else {}
    try:
        status, answer = await _ask("GET", f"{url.rstrip('/')}/collections", headers=headers)
    except TurnoutError as error:
        return bad(what, f"QDRANT_URL {shown(url)}: {error}", "start the Qdrant server, or correct the address")
    if status in (401, 403):
        return bad(what, f"{shown(url)} refuses the key ({status})", "set QDRANT_API_KEY to a valid one")
    if status != 200 or "collections" not in (answer.get("result") or {}):
        return bad(what, f"{shown(url)} answers {status}, and not as Qdrant does", "QDRANT_URL is the server's own address")
    return good(what, f"a Qdrant server answers at {shown(url)}")


async def model(settings: Settings) -> Finding:
    what, base, key = "model", settings.openai_base_url or OPENAI, settings.openai_api_key
    if not (settings.openai_base_url or key):
        asked = {"TURNOUT_MODEL": settings.model, "TURNOUT_TUNED_MODEL": settings.tuned_model}
        for variable, name in asked.items():
            if name not in ("", "extractive"):
                return bad(what, f"{variable} is {name!r}, but no server is", "set OPENAI_API_KEY or OPENAI_BASE_URL")
        return unused(what, "none: answers quote the documents; set OPENAI_API_KEY or OPENAI_BASE_URL for a model")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        status, answer = await _ask("GET", f"{base.rstrip('/')}/models", headers=headers)
    except TurnoutError as error:
        return bad(what, f"OPENAI_BASE_URL {base}: {error}", "start the model server, or correct the address")
    if status in (401, 403):
        return bad(what, f"{base} refuses the key ({status})", "set OPENAI_API_KEY to a valid one")
    if status != 200:
        return bad(
            what, f"{base}/models answers {status}", "OPENAI_BASE_URL must end where /models and /chat/completions start"
        )
    return _named(settings, base, {entry.get("id", "") for entry in answer.get("data", ()) if isinstance(entry, dict)})


def _named(settings: Settings, base: str, known: set[str]) -> Finding:
    """Whether the models we would ask for are among those the server has."""
    try:
        models = assistant.read(settings.assistant).models
    except ConfigError:
        models = assistant.Models()
    wanted = {settings.model or models.prompt, settings.tuned_model or models.tuned} - {"", "extractive"}
    if known and (missing := sorted(wanted - known)):
        some = ", ".join(sorted(known)[:5])
        return bad(
            "model", f"{base} has no model {missing[0]!r}", f"set TURNOUT_MODEL or the assistant's [models] to one of: {some}"
        )
    return good("model", f"{base} answers{': ' + ', '.join(sorted(wanted)) if wanted else ''}")


async def telegram(settings: Settings) -> Finding:
    what, base = "telegram", settings.telegram_api or TELEGRAM
    if not settings.telegram_token:
        return unused(what, "off; TELEGRAM_BOT_TOKEN switches it on")
    try:
        status, answer = await _ask("POST", f"{base.rstrip('/')}/bot{settings.telegram_token}/getMe")
    except TurnoutError as error:
        return bad(what, f"{base}: {error}", "check the network and TELEGRAM_API_BASE")
    if status == 200 and answer.get("ok"):
        return good(what, f"@{answer.get('result', {}).get('username', '?')}")
    return bad(
        what, f"TELEGRAM_BOT_TOKEN is refused ({status} {answer.get('description', '')})".rstrip(), "ask @BotFather for it"
    )


async def slack(settings: Settings) -> Finding:
    what, base = "slack", settings.slack_api or SLACK
    if not settings.slack_token:
        return unused(what, "off; SLACK_BOT_TOKEN switches it on")
    headers = {"Authorization": f"Bearer {settings.slack_token}"}
    try:
        status, answer = await _ask("POST", f"{base.rstrip('/')}/auth.test", headers=headers)
    except TurnoutError as error:
        return bad(what, f"{base}: {error}", "check the network and SLACK_API_BASE")
    if status == 200 and answer.get("ok"):
        return good(what, f"{answer.get('user', '?')} in {answer.get('team', '?')}")
    reason = answer.get("error", status)
    return bad(what, f"SLACK_BOT_TOKEN is refused ({reason})", "copy the bot token (xoxb-…) of the installed app")


async def _ask(
    method: str, url: str, *, headers: dict[str, str] | None = None, patience: float = PATIENCE
) -> tuple[int, dict[str, Any]]:
    """One call: status and JSON object, {} where the body is none. TurnoutError, naming no URL, when nobody answers."""
    import aiohttp

    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=patience)) as session,
            session.request(method, url, headers=headers) as answer,
        ):
            return answer.status, await _object(answer)
    except TimeoutError:
        raise TurnoutError(f"no answer within {patience:g} s") from None
    except aiohttp.InvalidURL:
        raise TurnoutError("that is no address") from None
    except (aiohttp.ClientError, OSError) as error:
        raise TurnoutError(f"cannot be reached ({type(error).__name__})") from None


async def _object(answer: "aiohttp.ClientResponse") -> dict[str, Any]:
    try:
        body = await answer.json(content_type=None)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
