"""JetStream's management requests: make streams and consumers, read messages at a place."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from core.bus import Stored, Stream
from core.bus_nats.link import Link, NobodyThere
from core.errors import BusError, ConfigError, Conflict, Full, Unavailable

log = structlog.get_logger("core.bus")

TIMEOUT = 5.0
DUPLICATES = 600
MISSING, IN_USE = 10059, 10058
_CONFLICTS = {10071, 10164}
_FULL = {10023, 10047, 10077}


def nanoseconds(seconds: float) -> int:
    return int(seconds * 1e9)


def failure(subject: str, error: dict[str, Any]) -> BusError:
    """What JetStream refused, as one of our errors."""
    number, text = error.get("err_code", 0), f"{error.get('description', 'refused')} ({subject})"
    if number in _CONFLICTS:
        return Conflict(text)
    if number in _FULL or "maximum" in text or "insufficient" in text:
        return Full(text)
    if error.get("code") == 503:
        return Unavailable(text)
    return BusError(text)


async def call(link: Link, verb: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """One request to the JetStream API; the answer may carry `error`."""
    try:
        message = await link.ask(f"$JS.API.{verb}", json.dumps(body).encode() if body else b"", timeout=TIMEOUT)
    except NobodyThere:
        raise Unavailable(f"NATS at {link.shown} has no JetStream: start it with -js or a jetstream section") from None
    answer: dict[str, Any] = json.loads(message.data)
    return answer


async def ensure(link: Link, streams: Sequence[Stream], *, again: bool) -> None:
    """Make the streams or bring their settings up to date; what an operator set besides (replicas, placement) stays.

    `again`: they were there before, so a missing one has lost what it held, which is said loudly. One made anew beside
    streams that point into it (a turn in LOG to its events in IN) counts from the time in microseconds: a place before the
    loss is never taken for one after it.
    """
    found = {stream.name: await call(link, f"STREAM.INFO.{stream.name}") for stream in streams}
    lost = again or any(answer["state"]["last_seq"] for answer in found.values() if "state" in answer)
    for stream in streams:
        answer = await _ensure(link, stream, found[stream.name], lost=lost)
        if error := answer.get("error"):
            known = failure(stream.name, error)
            if isinstance(known, Unavailable):
                raise known
            raise ConfigError(f"NATS does not take stream {stream.name}: {known}. Give JetStream more room, or fix the stream")


async def _ensure(link: Link, stream: Stream, answer: dict[str, Any], *, lost: bool) -> dict[str, Any]:
    wanted = {
        "name": stream.name,
        "subjects": list(stream.subjects),
        "retention": "limits",
        "discard": "new",
        "max_age": nanoseconds(stream.days * 86400),
        "max_bytes": stream.megabytes * 1024 * 1024,
        "duplicate_window": nanoseconds(DUPLICATES),
        "allow_direct": True,
        "max_msgs_per_subject": stream.history or -1,
    }
    if answer.get("error", {}).get("err_code") == MISSING:
        if lost:
            log.error("stream was gone and is made anew: what it held is lost", stream=stream.name)
        first = {"first_seq": time.time_ns() // 1000} if lost else {}
        answer = await call(link, f"STREAM.CREATE.{stream.name}", {**wanted, **first, "storage": "file"})
        if answer.get("error", {}).get("err_code") != IN_USE:  # else another process made it in this moment
            return answer
        answer = await call(link, f"STREAM.INFO.{stream.name}")
    if "error" not in answer and answer["config"]["storage"] != "file":
        raise ConfigError(
            f"NATS keeps stream {stream.name} in memory, so a restart loses what was acknowledged: remove that stream (it is"
            " made anew on disk), or set NATS_URL to another server"
        )
    if "error" not in answer and any(answer["config"].get(key) != value for key, value in wanted.items()):
        answer = await call(link, f"STREAM.UPDATE.{stream.name}", {**answer["config"], **wanted})
    return answer


async def consumer(link: Link, stream: str, config: dict[str, Any]) -> str:
    """Make a consumer, or bring the one of this name up to date; returns its name."""
    name = config["name"]
    verb = f"CONSUMER.DURABLE.CREATE.{stream}.{name}" if "durable_name" in config else f"CONSUMER.CREATE.{stream}.{name}"
    answer = await call(link, verb, {"stream_name": stream, "config": config})
    if error := answer.get("error"):
        raise failure(f"consumer {name} of {stream}", error)
    return str(name)


@dataclass(frozen=True, slots=True)
class ConsumerState:
    """What a consumer is not through with: `ahead` it has not delivered yet."""

    ahead: int = 0
    unacknowledged: int = 0


async def consumer_state(link: Link, stream: str, name: str) -> ConsumerState:
    """All 0 where it, or its stream, is not there."""
    answer = await call(link, f"CONSUMER.INFO.{stream}.{name}")
    if error := answer.get("error"):
        if error.get("code") == 404:
            return ConsumerState()
        raise failure(f"consumer {name} of {stream}", error)
    return ConsumerState(int(answer["num_pending"]), int(answer["num_ack_pending"]))


async def get(link: Link, stream: str, query: bytes) -> tuple[Stored, str] | None:
    """A direct get: the message and its id, None where there is none."""
    message = await link.ask(f"$JS.API.DIRECT.GET.{stream}", query, timeout=TIMEOUT)
    headers = message.headers or {}
    status = headers.get("Status")
    if status == "404":
        return None
    if status is not None:
        raise BusError(f"NATS does not read from {stream}: {status} {headers.get('Description', '')}")
    return Stored(headers["Nats-Subject"], message.data, int(headers["Nats-Sequence"])), headers.get("Nats-Msg-Id", "")
