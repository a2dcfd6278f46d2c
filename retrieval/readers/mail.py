"""A mail: who wrote it to whom and when, its text, and those of its attachments that have a reader."""

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import PurePath
from typing import cast

from retrieval.readers import extract
from retrieval.readers.contract import Corrupt, Extract, Unreadable, Unsupported, Writer, WrongEncoding
from retrieval.readers.html import page
from retrieval.readers.text import clean

_SHOWN = ("From", "To", "Date")
DEPTH = 3
ATTACHMENTS = 100


def read(data: bytes) -> Extract:
    message = message_from_bytes(data, policy=default)
    if not any(message.get(name) for name in ("From", "Date", "Subject", "Received")):
        raise Corrupt("no mail: it has no sender, date or subject")
    writer = Writer()
    _write(message, writer, 0)
    return writer.extract()


def _write(message: EmailMessage, writer: Writer, depth: int) -> None:
    writer.heading(min(depth + 1, 6), clean(str(message.get("Subject") or "(no subject)")))
    shown = (f"{name}: {' '.join(str(message[name]).split())}" for name in _SHOWN if message.get(name))
    writer.block(clean("\n".join(shown)))
    body = message.get_body(("plain", "html"))
    if body is not None:
        _body(cast(EmailMessage, body), writer)
    attachments = list(message.iter_attachments()) if message.is_multipart() else []
    for part in attachments[:ATTACHMENTS]:
        _attachment(part, writer, depth + 1)
    if len(attachments) > ATTACHMENTS:
        writer.flag(f"{len(attachments) - ATTACHMENTS} more attachments not read")


def _body(part: EmailMessage, writer: Writer) -> None:
    try:
        text = clean(str(part.get_content()))
    except (LookupError, UnicodeError) as error:
        raise WrongEncoding(f"the mail is not in the encoding it declares ({error})") from None
    if part.get_content_subtype() == "html":
        writer.append(page(text), 1)
    else:
        writer.block(text)


def _attachment(part: EmailMessage, writer: Writer, depth: int) -> None:
    """Written below its name; one that cannot be read is told, and the mail stands without it."""
    name = clean(part.get_filename() or "")
    inner = part.get_payload(0) if part.get_content_type() == "message/rfc822" and part.is_multipart() else None
    if depth > DEPTH:
        writer.flag("mails within mails, too deep to read")
    elif isinstance(inner, EmailMessage):
        _write(inner, writer, depth)
    else:
        payload = part.get_payload(decode=True)
        try:
            found = extract(payload if isinstance(payload, bytes) else b"", PurePath(name).suffix)
        except Unsupported:
            return
        except Unreadable as error:
            writer.flag(f"attachment {name} not read: {error}")
            return
        writer.heading(min(depth + 1, 6), name)
        writer.append(found, depth + 1)
