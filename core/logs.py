"""The logs: one line per event on standard error, as JSON or as text, with service, level and UTC time.

`configure` is called once per process. Libraries that log through `logging` (warnings and up) and Python's own warnings come
out as the same lines. What a person wrote never belongs into a log call; secrets that slip in (a token inside a library's
URL, say) are blanked here, whatever line they stand in.
"""

import json
import logging
import sys
from collections.abc import Iterable, MutableMapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import click
import structlog
from structlog.typing import Processor

from core.settings import Settings

SHORTEST_SECRET = 8
COLOURS = ("cyan", "yellow", "green", "magenta", "blue", "bright_red", "bright_cyan", "bright_yellow")


def configure(service: str, settings: Settings, *, prefix: str = "") -> None:
    """Log as `service`, in the format TURNOUT_LOG names; unset means text on a terminal, else JSON. `prefix` goes before each
    line of text."""
    kind = kind_of(settings)
    common: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        _named(service),
    ]
    last = [*_renderers(kind), _finished(secrets_of(settings), prefix)]
    structlog.configure(
        processors=[*common, *last],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    _route_libraries(common, last)


def kind_of(settings: Settings) -> str:
    """`json` or `text`."""
    return settings.log_format or ("text" if sys.stderr.isatty() else "json")


def secrets_of(settings: Settings) -> tuple[str, ...]:
    """The values of every setting that `repr` hides, which are the secret ones, and what servers' addresses hold of them."""
    hidden = [str(getattr(settings, name)) for name, field in type(settings).model_fields.items() if not field.repr]
    addresses = [address.strip() for address in (*settings.nats_url.split(","), settings.redis_url)]
    urls = [urlsplit(address if "//" in address else f"//{address}") for address in addresses]
    inside = [url.password or url.username or "" for url in urls]
    return tuple(value for value in (*hidden, *inside) if len(value) >= SHORTEST_SECRET)


def _renderers(kind: str) -> list[Processor]:
    if kind == "json":
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
    console = structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(),
        timestamp_key="time",
        pad_event_to=0,
        exception_formatter=structlog.dev.plain_traceback,
    )
    return [console]


def _named(service: str) -> Processor:
    def add(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        line.setdefault("service", service)
        return line

    return add


def _finished(secrets: Iterable[str], prefix: str) -> Processor:
    """The last step: the whole line as text, with every secret blanked."""

    def finish(_logger: Any, _method: str, line: Any) -> Any:
        for secret in secrets:
            if secret in line:
                line = line.replace(secret, "[secret]")
        return prefix + line

    return finish


def _route_libraries(common: list[Processor], last: list[Processor]) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*common, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.captureWarnings(True)


class Merged:
    """The logs of several processes as one, on standard error: text behind a coloured name, or JSON lines as they are."""

    def __init__(self, settings: Settings, names: Sequence[str]) -> None:
        self._json = kind_of(settings) == "json"
        self._width = max(map(len, names))
        self._colours = {name: COLOURS[place % len(COLOURS)] for place, name in enumerate(names)}

    def prefix(self, name: str) -> str:
        """What stands before each line of a process; "" in JSON."""
        text = click.style(f"{name:<{self._width}} │ ", fg=self._colours.get(name))
        return "" if self._json else text if sys.stderr.isatty() else click.unstyle(text)

    def __call__(self, name: str, line: str) -> None:
        if self._json and not line.startswith("{"):
            now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
            line = json.dumps({"event": line, "level": "info", "time": now, "service": name}, ensure_ascii=False)
        with suppress(OSError):  # nobody reads any more; whoever speaks must not be stopped by that, nor its pipe left to fill
            click.echo(self.prefix(name) + line, err=True)
