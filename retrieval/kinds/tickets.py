"""Resolved tickets or conversations, one JSON object a line, each of which is offered by itself and without personal data.

The file is foreign and may be large: it is read in pieces, with a limit on a line's length.
"""

import asyncio
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from core.assistant import Source
from core.scrub import scrub
from retrieval.kinds.contract import Blob, Content, Cut, Listing, Offer, Seen, piece
from retrieval.kinds.sitemap import seconds
from retrieval.readers.contract import Empty, TooLarge, Unreadable
from retrieval.records import Skipped

LINE = 1 << 20
PART = 1 << 20
RESOLVED = ("resolved", "closed", "solved", "done", "completed")
ROLES = ("customer", "user", "client", "agent", "assistant", "support", "staff")


class Ticket(msgspec.Struct):
    """A line. A message is a text, or an object with `text` and `role`."""

    id: str | int
    status: str
    messages: list[str | dict[str, Any]]
    title: str = ""
    updated: str | float = 0.0


class _Unusable(Unreadable):
    """This line is no ticket."""


def tickets(source: Source, path: Path) -> Listing:
    """The resolved tickets of a file; of one that stands there twice, the later line counts. A line that cannot be read may
    hide any ticket, so nothing is forgotten then. Raises OSError, or an Unreadable when there is no ticket at all."""
    found: dict[str, Offer | None] = {}
    listing = Listing()
    for number, cut in enumerate(_lines(path), 1):
        try:
            ticket, sign = _read(path, cut)
        except (_Unusable, TooLarge) as error:
            listing.skipped.append(Skipped(path=f"{path}, line {number}", reason=str(error)))
            listing.complete = False
            continue
        name = re.sub(r"[^\w.@+-]+", "-", scrub(str(ticket.id))[0])[:100]
        resolved = ticket.status.strip().lower() in RESOLVED
        found[name] = _offer(source, (path, cut), ticket, name=name, sign=sign) if resolved else None
    listing.offers = [offer for offer in found.values() if offer]
    if not found:
        raise Empty("there is no ticket in it" + (f": {listing.skipped[0].reason}" if listing.skipped else ""))
    return listing


def _read(path: Path, cut: Cut) -> tuple[Ticket, str]:
    if cut[1] - cut[0] > LINE:
        raise TooLarge(f"it is longer than {LINE >> 20} MiB")
    line = piece(path, cut)
    try:
        return msgspec.json.decode(line, type=Ticket), hashlib.sha256(line).hexdigest()
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _Unusable(f"it is no ticket ({error})") from None


def _offer(source: Source, where: tuple[Path, Cut], ticket: Ticket, *, name: str, sign: str) -> Offer:
    at = seconds(ticket.updated) if isinstance(ticket.updated, str) else float(ticket.updated)

    async def content() -> Content:
        again, now = await asyncio.to_thread(_read, *where)
        if now != sign:
            raise Unreadable("the export changed while it was read")
        return Blob(f"{name}.md", (await asyncio.to_thread(_told, again)).encode())

    async def look(_stamp: str) -> Seen:
        return Seen(sign, content, sign, at)

    return Offer(f"{source.name}/{name}", f"{where[0]}#{name}", look, sign)


def _told(ticket: Ticket) -> str:
    """A ticket as Markdown, without personal data that has a form; of who spoke, only the part they played."""
    blocks = [f"# {' '.join(ticket.title.split())}"] if ticket.title.strip() else []
    for message in ticket.messages:
        if isinstance(message, str):
            blocks.append(message)
            continue
        text = next((str(message[key]) for key in ("text", "content", "body") if message.get(key)), "")
        part = next((str(message[key]).lower() for key in ("role", "from", "author") if message.get(key)), "")
        blocks.append(f"{part.capitalize()}: {text}" if part in ROLES else text)
    return scrub("\n\n".join(blocks))[0]


def _lines(path: Path) -> Iterator[Cut]:
    """Where lines begin and end; no line is ever held whole."""
    with path.open("rb") as file:
        begin = at = 0
        while part := file.readline(PART):
            at += len(part)
            if part.endswith(b"\n") and part.strip():
                yield begin, at
            begin = at if part.endswith(b"\n") else begin
        if at > begin:
            yield begin, at
