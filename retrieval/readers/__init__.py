"""Readers: a file becomes one text with its headings and pages. `read` picks the reader by the file's suffix.

A reader is a function of the file's bytes that returns an `Extract` or raises an `Unreadable`. They run in the process of
`retrieval.worker`, never in the service, so what a hostile file does to a parser it does to a process that can be thrown away.
"""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from retrieval.readers.contract import LONGEST, Corrupt, Empty, Extract, TooLarge, Unreadable, Unsupported

LARGEST = 64 * 1024 * 1024

READERS = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".mdown": "markdown",
    ".txt": "text",
    ".text": "text",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".pdf": "pdf",
    ".docx": "docx",
    ".docm": "docx",
    ".pptx": "pptx",
    ".pptm": "pptx",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".epub": "epub",
    ".eml": "mail",
    ".mbox": "mbox",
    ".csv": "table",
    ".tsv": "table",
}

__all__ = ["READERS", "Extract", "Unreadable", "extract", "read"]


def read(path: Path) -> Extract:
    """The text of a file. Raises an Unreadable that names what is wrong with it."""
    _reader(path.suffix)
    try:
        if not path.is_file():
            raise Unreadable("not a file: a folder, a pipe or a device")
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise Unreadable(f"cannot be opened: {error.strerror}") from None
    if len(data) > LARGEST:
        raise TooLarge(f"{path.stat().st_size >> 20} MiB is more than the {LARGEST >> 20} MiB a reader takes: split the file")
    return extract(data, path.suffix)


def extract(data: bytes, suffix: str) -> Extract:
    """The text of a file's bytes; the suffix says which reader's they are."""
    reader = _reader(suffix)
    if not data.strip():
        raise Empty("the file is empty")
    try:
        found = reader(data)
    except Unreadable:
        raise
    except (MemoryError, RecursionError) as error:
        raise Corrupt(f"reading it exhausts this program ({type(error).__name__})") from None
    except Exception as error:  # noqa: BLE001  # parsers of foreign formats raise whatever they like at broken input
        raise Corrupt(f"not a readable {suffix.lower()} file ({type(error).__name__}: {error})") from None
    if len(found.text) > LONGEST:
        raise TooLarge(f"{len(found.text):,} characters are more than a document's {LONGEST:,}: split the file")
    if not found.text.strip():
        raise Empty("there is no text in it (a scan needs text recognition first)")
    return found


def _reader(suffix: str) -> Callable[[bytes], Extract]:
    name = READERS.get(suffix.lower())
    if name is None:
        known = " ".join(sorted(READERS))
        raise Unsupported(f"{suffix or 'a file without suffix'} is none of the kinds that are read ({known})")
    found: Callable[[bytes], Extract] = import_module(f"retrieval.readers.{name}").read
    return found
