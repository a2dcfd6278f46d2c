"""`turnout ingest PATH…`, and `status`, `plan`, `refresh` and `remove` after it. They ask the running retrieval service."""

import asyncio
import os
from contextlib import AbstractAsyncContextManager

import click

from core import settings
from core.bus import Bus
from core.connecting import connected
from core.errors import TurnoutError, Unavailable
from core.progress import line
from core.records import Record, decode, encode
from retrieval.records import (
    IngestRequest,
    Moved,
    MoveRequest,
    Progress,
    ProgressRequest,
    Removed,
    RemoveRequest,
    SourceStatus,
    Status,
    told,
)

PATIENCE = 10.0
LOOK = 0.2
WATCHED = ("folder", "mailbox", "tickets")
NOT_RUNNING = "the retrieval service does not answer: start it with `turnout up` or `turnout serve retrieval`"


WHAT = "PATH… | status | plan [PATH…] | refresh [SOURCE…] | remove DOCUMENT… | move STORE"


class Unknown(TurnoutError):
    """No document of that name is in the index."""


@click.command()
@click.argument("what", nargs=-1, required=True, metavar=WHAT)
@click.option("--wait/--no-wait", default=False, help="Wait until every passage has its vector, not only its words.")
def ingest(what: tuple[str, ...], wait: bool) -> None:
    """Take files and folders into the assistant's knowledge, or show, look at again and remove what is there.

    PATH is a file, a folder or a pattern. `status` shows every source and document. `plan` says what would be added, changed,
    removed and skipped: by taking PATH, or by looking at all the assistant's sources again, which `refresh` does. `remove`
    forgets a document by its name or path. `move server` brings all passages to the Qdrant server at QDRANT_URL, `move
    embedded` back into the retrieval service, while searches go on. What cannot be read is named and skipped; the exit status
    is 1 when nothing could be taken, or a source failed. A folder that is called like a command is written ./status.
    """
    command, *rest = what
    paths = tuple(os.path.abspath(path) for path in (rest if command == "plan" else what))
    if command == "status" and not rest:
        asyncio.run(_status())
    elif command == "remove" and rest:
        asyncio.run(_remove(tuple(rest)))
    elif command == "move" and len(rest) == 1:
        asyncio.run(_move(rest[0]))
    elif command in ("status", "remove", "move"):
        raise click.UsageError("write `turnout ingest status`, `remove DOCUMENT…`, or `move server` or `move embedded`")
    elif command == "refresh":
        asyncio.run(_ingest(IngestRequest(sources=tuple(rest)), wait))
    else:
        asyncio.run(_ingest(IngestRequest(paths=paths, dry=command == "plan"), wait))


async def _ingest(asked: IngestRequest, wait: bool) -> None:
    async with _service() as bus:
        now = decode(Progress, await _ask(bus, "retrieval.ingest", asked))
        while not now.done or (wait and now.waiting):
            await asyncio.sleep(LOOK)
            now = decode(Progress, await _ask(bus, "retrieval.progress", ProgressRequest(job=now.job)))
            line(f"{now.waiting} passages to embed" if now.done else _far(now))
    line("")
    for planned in now.planned:
        click.echo(f"{'would be ' if asked.dry else ''}{planned.outcome}: {planned.source}")
    for skipped in now.skipped:
        click.echo(f"skipped {skipped.path}: {skipped.reason}", err=True)
    if now.error:
        raise TurnoutError(now.error)
    click.echo(("it would be: " if asked.dry else "") + _summary(now))
    if now.failed or (now.skipped and not now.added + now.changed + now.unchanged + now.removed):
        raise click.exceptions.Exit(1)


def _far(now: Progress) -> str:
    """How far a job is, how fast, and how long it may still take."""
    pace = f", {now.rate:.0f} a second, {_span(now.left)} left" if now.seen else ""
    return f"{min(now.seen, now.files)}/{now.files} documents, {now.passages} passages{pace}"


def _span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def _summary(now: Progress) -> str:
    counts = ", ".join(f"{getattr(now, name)} {name}" for name in ("added", "changed", "unchanged", "removed"))
    text = f"{counts}, {now.unread} skipped; {now.passages} passages in {now.seconds:.1f} s"
    return text + (f"; {now.waiting} passages are being embedded in the background" if now.waiting else "")


async def _status() -> None:
    async with _service() as bus:
        status = decode(Status, await _ask(bus, "retrieval.status", Status()))
    for document in status.listed:
        flags = f"  ({', '.join(document.flags)})" if document.flags else ""
        click.echo(f"{told(document.at)}  {document.passages:>5}  {document.source}  {document.title}{flags}")
    for skipped in status.skipped:
        click.echo(f"skipped {skipped.path}: {skipped.reason}")
    for source in status.sources:
        click.echo(_source(source))
    if status.trouble:
        click.echo(f"NOTHING CAN BE FOUND NOW: {status.trouble}")
    search = f"words and {status.embedder}" if status.embedder else "words alone"
    click.echo(
        f"{status.documents} documents, {status.passages} passages, {status.waiting} waiting for vectors; "
        f"{status.store}, searched by {search}"
    )


def _source(source: SourceStatus) -> str:
    """A line: what a source holds, when it was looked at and will be again, and whether it fails."""
    good = f"read {told(source.success)}" if source.success else "not read yet"
    again = f", again {told(source.next)}" if source.next else ", watched" if source.kind in WATCHED else ""
    bad = f"; FAILING since {told(source.failing)}: {source.reason}" if source.failing else ""
    flags = f"; {source.flagged} documents hide something, see above" if source.flagged else ""
    holds = f"{source.documents} documents, {source.passages} passages"
    return f"source {source.name} ({source.kind} {source.at}): {holds}, {good}{again}{bad}{flags}"


async def _remove(sources: tuple[str, ...]) -> None:
    async with _service() as bus:
        for source, path in zip(sources, map(os.path.abspath, sources), strict=True):
            done = await _removed(bus, source)
            if not (done.removed or (done := await _removed(bus, path)).removed):
                raise Unknown(f"{source}: no such document; `turnout ingest status` lists them")
            still = f"; source {done.offered_by} has it, and takes it again at its next look" if done.offered_by else ""
            click.echo(f"removed {source}{still}")


async def _removed(bus: Bus, source: str) -> Removed:
    return decode(Removed, await _ask(bus, "retrieval.remove", RemoveRequest(source=source)))


async def _move(kind: str) -> None:
    """Begin, or look on: a move goes on by itself when nobody looks."""
    async with _service() as bus:
        now = decode(Moved, await _ask(bus, "retrieval.move", MoveRequest(kind=kind)))
        while not now.done and not now.error:
            line(now.trouble or f"{now.copied}/{now.documents} documents are there")
            await asyncio.sleep(LOOK)
            now = decode(Moved, await _ask(bus, "retrieval.move", MoveRequest()))
    line("")
    if now.error:
        raise TurnoutError(now.error)
    click.echo(f"all passages are {now.store}, and searched there")


def _service() -> AbstractAsyncContextManager[Bus]:
    return connected(settings.load(), name="ingest", absent=NOT_RUNNING)


async def _ask(bus: Bus, subject: str, question: Record) -> bytes:
    try:
        return await bus.request(subject, encode(question), timeout=PATIENCE)
    except Unavailable as error:
        raise Unavailable(f"{NOT_RUNNING} ({error})") from None
