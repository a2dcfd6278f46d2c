"""`turnout dead`: the events that were given up, and how to try them again.

A replayed event goes to the end of its lane under an id of its own (`ID.replay.N`): the bus drops an id it has seen, and the
lane would take the old one for answered. N counts the replays that stand in the lane, so running a replay twice at the
same moment still stores one event.
"""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import click
import msgspec

from core import keys, settings
from core.bus import Bus, so_far
from core.errors import RecordError, TurnoutError
from core.records import Event, Versioned, decode, encode

REPLAY = ".replay."
ALL = "dead.>"


class DeadEvent(Versioned, frozen=True):
    """An event given up after its last try, with the reason. `raw` holds the bytes when they were no valid Event."""

    id: str
    subject: str
    reason: str
    tries: int
    raw: bytes
    at: float


class Unknown(TurnoutError):
    """No dead letter has this id."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead event, and how often its original has been replayed since it died (0: never)."""

    event: DeadEvent
    replays: int

    @property
    def channel(self) -> str:
        return keys.lane_of(self.event.subject)[0]

    @property
    def when(self) -> str:
        return datetime.fromtimestamp(self.event.at, UTC).isoformat(timespec="seconds")

    def line(self) -> str:
        reason = self.event.reason.partition("\n")[0]
        again = f"  (replayed {self.replays}×)" if self.replays else ""
        return f"{self.event.id}  {self.when}  {self.channel:<9} {self.event.tries} tries  {reason}{again}"

    def data(self) -> dict[str, Any]:
        """Everything but what the person wrote."""
        event = self.event
        return {
            "id": event.id,
            "when": self.when,
            "channel": self.channel,
            "subject": event.subject,
            "tries": event.tries,
            "reason": event.reason,
            "replays": self.replays,
        }


async def letters(bus: Bus) -> list[Letter]:
    """Every dead event, newest first."""
    dead = [decode(DeadEvent, message.data) async for message in so_far(bus, "DEAD", ALL)]
    lanes = {subject: await _replayed(bus, subject) for subject in {event.subject for event in dead}}
    return [Letter(event, _replays(event, lanes[event.subject])) for event in reversed(dead)]


def _replays(event: DeadEvent, lane: dict[str, int]) -> int:
    root, own = _split(event.id)
    return max(0, lane.get(root, 0) - own)


async def replay(bus: Bus, letter: Letter) -> str:
    """Put a dead event at the end of its lane again; returns the id it has there. RecordError when it is no valid event."""
    dead = letter.event
    try:
        event = decode(Event, dead.raw)
    except RecordError as error:
        raise RecordError(f"{dead.id} cannot be replayed, whoever reads it would fail again: {error}") from None
    root, done = _split(dead.id)
    id = f"{root}{REPLAY}{done + letter.replays + 1}"
    await bus.publish(dead.subject, encode(msgspec.structs.replace(event, id=id)), id=id)
    return id


def _split(id: str) -> tuple[str, int]:
    """The id an event had at first, and the number of the replay this one is (0: it is the first)."""
    root, _, number = id.partition(REPLAY)
    return root, int(number) if number.isdigit() else 0


async def _replayed(bus: Bus, subject: str) -> dict[str, int]:
    """The number of the newest replay of each event that was replayed in a lane."""
    newest: dict[str, int] = {}
    seq = 0
    while message := await bus.first_after("IN", subject, seq):
        seq = message.seq
        with suppress(RecordError):  # what is no event is no replay either
            root, number = _split(decode(Event, message.data).id)
            newest[root] = max(number, newest.get(root, 0))
    return newest


@asynccontextmanager
async def _connected() -> AsyncIterator[Bus]:
    from core.bus_nats import connect
    from core.embedded import locate

    async with connect(locate(settings.load()).nats_url) as bus:
        yield bus


@click.group()
def dead() -> None:
    """List the events that were given up, and try them again."""


@dead.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON array, with the whole reasons.")
def list_command(as_json: bool) -> None:
    """List dead letters, newest first: id, when, channel, tries, reason."""

    async def run() -> list[Letter]:
        async with _connected() as bus:
            return await letters(bus)

    found = asyncio.run(run())
    if as_json:
        click.echo(json.dumps([letter.data() for letter in found], ensure_ascii=False, indent=2))
    elif not found:
        click.echo("no dead letters")
    else:
        click.echo("\n".join(letter.line() for letter in found))


@dead.command("replay")
@click.argument("id", required=False)
@click.option("--all", "everything", is_flag=True, help="Every dead letter that has not been replayed since it died.")
def replay_command(id: str | None, everything: bool) -> None:
    """Answer a dead event after all, after you have mended what it died of."""
    if (id is None) != everything:
        raise click.UsageError("name one ID of `turnout dead list`, or say --all")
    done, failed = asyncio.run(_replay_many(id))
    for line in itertools.chain(done, failed):
        click.echo(line, err=line in failed)
    if failed:
        raise click.exceptions.Exit(1)
    if everything and not done:
        click.echo("nothing to replay")


async def _replay_many(id: str | None) -> tuple[list[str], list[str]]:
    """Replay one letter, or with None all that have not been; what was done and what could not be, as lines."""
    done, failed = [], []
    async with _connected() as bus:
        known = await letters(bus)
        chosen = [letter for letter in reversed(known) if (letter.event.id == id if id else not letter.replays)]
        if id and not chosen:
            raise Unknown(f"no dead letter has the id {id}: see `turnout dead list`")
        for letter in chosen[-1:] if id else chosen:
            try:
                done.append(f"{letter.event.id} replayed as {await replay(bus, letter)}")
            except RecordError as error:
                failed.append(str(error))
    return done, failed
