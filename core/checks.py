"""`turnout check`: what is configured, whether it works, and how to mend it; one line each.

✓ works · ✗ is broken, with the fix · – is not used, or not running now. `before_start` asks the part that must hold before
anything is started, so that `turnout up` refuses a broken configuration in a second instead of starting half of it.
What stands on this machine is looked at here; what is somewhere else is asked in `core.probes`.
"""

import asyncio
import difflib
import errno
import http.client
import os
import platform
import re
import shutil
import socket
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

import click

from core import assistant, cli, named, probes, settings
from core.errors import ConfigError
from core.probes import Finding, bad, good
from core.settings import Settings

LEAST_FREE = 200 * 1024 * 1024
LEAST_SECRET = 16
WIDTH = 14

Check = Callable[[Settings], Finding | Awaitable[Finding]]


@click.command()
@click.argument("service", required=False)
def check(service: str | None) -> None:
    """Check configuration, servers, tokens, model and index: one line each, with the fix.

    With SERVICE, only whether that one is running and ready: for the health checks of containers.
    """
    if service:
        finding = asyncio.run(probes.service(settings.load(), service))
        click.echo(finding.line(WIDTH))
        raise click.exceptions.Exit(0 if finding.state == "good" else 1)
    click.echo(good("Python", platform.python_version()).line(WIDTH))
    try:
        loaded = settings.load()
    except ConfigError as error:
        click.echo(bad("settings", str(error), "set them right, see deploy/env.example").line(WIDTH))
        raise click.exceptions.Exit(1) from None
    findings = asyncio.run(_ask(loaded, [*HERE, address, *ELSEWHERE]))
    for finding in [good("settings", "every variable is well-formed"), *findings]:
        click.echo(finding.line(WIDTH))
    if any(finding.state == "bad" for finding in findings):
        raise click.exceptions.Exit(1)


async def before_start(loaded: Settings) -> None:
    """Raises one ConfigError that names everything that keeps Turnout from starting, each with its fix."""
    findings = await _ask(loaded, [*HERE, free_address])
    if broken := [finding for finding in findings if finding.state == "bad"]:
        raise ConfigError("\n".join(finding.sentence() for finding in broken))


async def _ask(loaded: Settings, checks: Iterable[Check]) -> list[Finding]:
    async def one(check: Check) -> Finding:
        finding = check(loaded)
        return finding if isinstance(finding, Finding) else await finding

    return list(await asyncio.gather(*map(one, checks)))


def assistant_file(loaded: Settings) -> Finding:
    what, path = "assistant", loaded.assistant
    try:
        read = assistant.read(path)
    except ConfigError as error:
        return bad(what, str(error))
    if wrong := _wrong_names(read, path):
        return bad(what, f"{path}: {wrong}", "correct it, or take it out")
    return good(what, f"{read.about.name!r}, {len(read.intents)} intents ({path})")


def _wrong_names(read: assistant.Assistant, path: Path) -> str:
    """The first thing the file names that is not there."""
    paths = {f"tracks.{name}": target for name, target in read.tracks.items()}
    if read.knowledge.embeddings:
        paths["knowledge.embeddings"] = read.knowledge.embeddings
    for key, target in paths.items():
        if wrong := named.missing(target):
            return f"{key}: {wrong}"
    for place in read.knowledge.paths:
        wrong = named.missing(place) if ":" in place else f"{place} does not exist"
        if wrong and not (path.parent / place).exists():
            return f"knowledge.paths: {wrong}"
    for name in read.channels:
        if meant := _meant(name, {*cli.found(cli.CHANNELS), "web"}):
            return f"channels.{name}: no channel is called so: did you mean {meant!r}?"
    return ""


def _meant(name: str, known: set[str]) -> str:
    """The known name that an unknown one is mistyped from, as far as one can tell: channels of one's own have any name."""
    return "" if name in known else "".join(difflib.get_close_matches(name, known, n=1, cutoff=0.75))


def own_tracks(loaded: Settings) -> Finding:
    """Whether what `[tracks]` names can be imported and run, as the core will."""
    what = "tracks"
    if assistant_file(loaded).state == "bad" or not (read := assistant.read(loaded.assistant)).tracks:
        return probes.unused(what, "none of your own")
    from core.dialog import tracks

    sys.path.insert(0, os.getcwd())
    try:
        tracks.load(read)
    except ConfigError as error:
        return bad(what, str(error))
    return good(what, ", ".join(read.tracks))


def data_folder(loaded: Settings) -> Finding:
    """Looks without making the folder: a check leaves nothing behind."""
    what, folder, fix = "data folder", loaded.data.absolute(), "choose another folder with TURNOUT_DATA"
    there = next(place for place in (folder, *folder.parents) if place.exists())
    if not there.is_dir():
        return bad(what, f"{there} is not a folder", fix)
    try:
        _try_writing(there)
    except OSError as error:
        return bad(what, f"{folder} is not writable ({error.strerror})", fix)
    if (free := shutil.disk_usage(there).free) < LEAST_FREE:
        return bad(what, f"{folder}: only {free >> 20} MiB are free", f"free some: at least {LEAST_FREE >> 20} MiB")
    return good(what, f"{folder}{'' if there == folder else ' (will be made)'}")


def _try_writing(folder: Path) -> None:
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"\0")


def signing(loaded: Settings) -> Finding:
    what, length = "signing key", len(loaded.secret)
    if 0 < length < LEAST_SECRET:
        told = f"TURNOUT_SECRET has {length} characters and can be guessed"
        return bad(what, told, f"set {LEAST_SECRET} random ones or more, or unset it")
    return good(what, "TURNOUT_SECRET" if length else "in the data folder")


def services(loaded: Settings) -> Finding:
    """Whom /readyz asks; names of one's own channels are not known here."""
    what, names = "services", [name.strip() for name in loaded.services.split(",") if name.strip()]
    if not names:
        return bad(what, "TURNOUT_SERVICES names none", "unset it, or list what runs, for example core,retrieval,web")
    known = {*cli.found(cli.CHANNELS), *cli.found(cli.SERVICES)}
    for name in names:
        if meant := _meant(name, known):
            return bad(what, f"TURNOUT_SERVICES: nothing is called {name!r}", f"did you mean {meant!r}?")
    return good(what, ", ".join(names))


def channels(loaded: Settings) -> Finding:
    """What belongs together is set together, and looks like what it should be."""
    what = "channels"
    for wrong, text, fix in (*_telegram(loaded), *_slack(loaded)):
        if wrong:
            return bad(what, text, fix)
    names = [name for name, token in (("telegram", loaded.telegram_token), ("slack", loaded.slack_token)) if token]
    return good(what, ", ".join(["web", *names]))


Wrong = tuple[object, str, str]
"""Whether it is so, what is wrong then, and the fix."""


def _telegram(loaded: Settings) -> tuple[Wrong, ...]:
    token, url, told = loaded.telegram_token, loaded.telegram_webhook_url, loaded.telegram_webhook_secret
    return (
        (
            token and not re.fullmatch(r"\d+:[\w-]+", token, re.ASCII),
            "TELEGRAM_BOT_TOKEN is malformed",
            "it looks like 123456:ABC-DEF: copy it again from @BotFather",
        ),
        (
            url and not told,
            "TELEGRAM_WEBHOOK_URL is set without TELEGRAM_WEBHOOK_SECRET",
            "set both, or neither for long polling",
        ),
        (url and not token, "TELEGRAM_WEBHOOK_URL is set without TELEGRAM_BOT_TOKEN", "set the bot's token"),
        (
            url.startswith("http:") and not loaded.telegram_api,
            "TELEGRAM_WEBHOOK_URL begins with http://",
            "Telegram calls https:// addresses only",
        ),
        (
            told and not re.fullmatch(r"[\w-]{1,256}", told, re.ASCII),
            "TELEGRAM_WEBHOOK_SECRET holds what Telegram does not take",
            "use letters, digits, _ and - only, 256 at most",
        ),
    )


def _slack(loaded: Settings) -> tuple[Wrong, ...]:
    token, signing, app = loaded.slack_token, loaded.slack_signing_secret, loaded.slack_app_token
    return (
        (
            token and not (signing or app),
            "SLACK_BOT_TOKEN is set, but no way for Slack to reach us",
            "set SLACK_SIGNING_SECRET (events over HTTP) or SLACK_APP_TOKEN (socket mode)",
        ),
        (
            (signing or app) and not token,
            "Slack is half set up: SLACK_BOT_TOKEN is missing",
            "set it, or unset the other SLACK_ variables",
        ),
        (
            token.startswith("xapp-"),
            "SLACK_BOT_TOKEN holds an app-level token",
            "copy the bot token (xoxb-…) from the app's OAuth page; xapp-… belongs into SLACK_APP_TOKEN",
        ),
        (
            app and not app.startswith("xapp-"),
            "SLACK_APP_TOKEN is no app-level token",
            "it begins with xapp-: make one on the app's Basic Information page, with connections:write",
        ),
    )


def address(loaded: Settings) -> Finding:
    """The web service's address: free, or Turnout's own."""
    finding = free_address(loaded)
    if finding.state == "bad" and _turnout_answers(*loaded.http_address):
        return good("address", f"{loaded.http}: Turnout answers")
    return finding


def free_address(loaded: Settings) -> Finding:
    """Whether the web service could listen there now."""
    what, (host, port) = "address", loaded.http_address
    if port == 0:
        return bad(what, "TURNOUT_HTTP names no port", "set it to HOST:PORT, for example 127.0.0.1:8080")
    try:
        _listen(host, port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            other = f"TURNOUT_HTTP={host}:{port + 1 if port < 65535 else 8080}"
            return bad(what, f"TURNOUT_HTTP {loaded.http} is taken", f"stop what listens there, or choose another: {other}")
        return bad(
            what, f"TURNOUT_HTTP {loaded.http}: {error.strerror}", "name an address of this machine and a port above 1023"
        )
    return good(what, f"{loaded.http} is free")


def _listen(host: str, port: int) -> None:
    family, _, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(place)


def _turnout_answers(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(probes.reachable(host), port, timeout=2.0)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


HERE: tuple[Check, ...] = (assistant_file, data_folder, signing, services, channels)
ELSEWHERE: tuple[Check, ...] = (
    own_tracks,
    probes.nats,
    probes.redis,
    probes.passages,
    probes.model,
    probes.telegram,
    probes.slack,
    probes.index,
    probes.routes,
)
