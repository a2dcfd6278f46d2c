"""A mailbox export: an mbox file or a Maildir folder, each message of which is offered by itself.

It is foreign and may be large: it is read in pieces, with a limit on a message's length.
"""

import asyncio
import hashlib
import re
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path

from core.assistant import Source
from retrieval.kinds.contract import Blob, Content, Cut, Listing, Offer, Seen, piece
from retrieval.readers.contract import Empty, Unreadable
from retrieval.records import Skipped

LARGEST = 32 << 20
PART = 1 << 20
_ID = re.compile(rb"^message-id:\s*<?([^>\r\n]+)", re.IGNORECASE | re.MULTILINE)
_DATE = re.compile(rb"^date:\s*([^\r\n]+)", re.IGNORECASE | re.MULTILINE)


def mailbox(source: Source, path: Path) -> Listing:
    """The messages of an mbox file or a Maildir folder. Raises OSError, or an Unreadable when it is neither."""
    if path.is_dir():
        found = [file for part in ("cur", "new") if (path / part).is_dir() for file in sorted((path / part).iterdir())]
        messages = ((file, (0, file.stat().st_size)) for file in found if not file.name.startswith("."))
    else:
        messages = ((path, cut) for cut in _mbox(path))
    listing, seen = Listing(), dict[str, str]()
    for file, cut in messages:
        if cut[1] - cut[0] > LARGEST:
            listing.skipped.append(Skipped(path=f"{file}, byte {cut[0]}", reason=f"a message of more than {LARGEST >> 20} MiB"))
            continue
        offer = _message(source, (file, cut), seen)
        listing.offers += [offer] if offer else []
    if not listing.offers:
        raise Empty("there is no message in it (an mbox file or a Maildir folder is meant)")
    return listing


def _message(source: Source, where: tuple[Path, Cut], seen: dict[str, str]) -> Offer | None:
    """The offer of a message; None for one that is there twice."""
    file, cut = where
    data = piece(file, cut)
    sign = hashlib.sha256(data).hexdigest()
    head = data[: 1 << 16].partition(b"\n\n")[0].partition(b"\r\n\r\n")[0]
    told, dated = _ID.search(head), _DATE.search(head)
    name = re.sub(r"[^\w.@+-]+", "-", told[1].decode("ascii", "replace").strip())[:100] if told else sign[:16]
    if seen.get(name) == sign:
        return None
    name = f"{name}-{sign[:8]}" if name in seen else name
    seen[name] = sign

    async def content() -> Content:
        again = await asyncio.to_thread(piece, file, cut)
        if hashlib.sha256(again).hexdigest() != sign:
            raise Unreadable("the export changed while it was read")
        return Blob(f"{name}.eml", re.sub(rb"^>(>*From )", rb"\1", again, flags=re.MULTILINE))

    async def look(_stamp: str) -> Seen:
        return Seen(sign, content, sign, _dated(dated[1].decode("ascii", "replace")) if dated else 0.0)

    return Offer(f"{source.name}/{name}", f"{file}#{name}", look, sign)


def _dated(text: str) -> float:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError, TypeError, OSError):
        return 0.0


def _mbox(path: Path) -> Iterator[Cut]:
    """Where messages begin, after their `From ` line, and end."""
    begin, at, blank = -1, 0, True
    for part in _parts(path):
        if blank and part.startswith(b"From "):
            if begin >= 0:
                yield begin, at
            begin = at + len(part)
        at += len(part)
        blank = part in (b"\n", b"\r\n")
    if begin >= 0:
        yield begin, at


def _parts(path: Path) -> Iterator[bytes]:
    """Lines, long ones in parts."""
    with path.open("rb") as file:
        yield from iter(lambda: file.readline(PART), b"")
