"""A mailbox in one file: mail after mail, each on a page of its own."""

import re
from collections.abc import Iterator
from dataclasses import replace

from retrieval.readers import mail
from retrieval.readers.contract import Corrupt, Extract, Unreadable, Writer

_BEGINS = re.compile(rb"^From [^\n]*\n", re.MULTILINE)
_AFTER = (b"\n\n", b"\n\r\n")


def read(data: bytes) -> Extract:
    """Mails that cannot be read are told by their number, and the rest goes on."""
    writer = Writer()
    for number, message in enumerate(messages(data), 1):
        writer.page()
        try:
            writer.append(mail.read(message))
        except Unreadable as error:
            writer.flag(f"mail {number} not read: {error}")
    return replace(writer.extract(), title="")


def messages(data: bytes) -> Iterator[bytes]:
    """The mails of a mailbox. Raises Corrupt."""
    starts = [one for one in _BEGINS.finditer(data) if not one.start() or data.endswith(_AFTER, 0, one.start())]
    if not starts or data[: starts[0].start()].strip():
        raise Corrupt("no mailbox: it does not begin with a From line")
    ends = [one.start() for one in starts[1:]] + [len(data)]
    for start, end in zip(starts, ends, strict=True):
        yield re.sub(rb"(?m)^>(>*From )", rb"\1", data[start.end() : end])
