"""What people did and saw, as frozen records: a list in memory, JSON lines on disk while it grows.

with History(folder / "history.jsonl") as history:
    history.add(Said("telegram", "7", "k3f", accepted=True, at=now))
records = read(folder / "history.jsonl")
"""

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec


class Said(msgspec.Struct, frozen=True, tag="said"):
    """A person's question. `accepted`: the platform was told so, at `at`. It was first handed over at `since` (0: just then):
    two questions have an order only where one was accepted before the other was first handed over."""

    channel: str
    conversation: str
    token: str
    accepted: bool
    at: float
    since: float = 0.0


class Shown(msgspec.Struct, frozen=True, tag="shown"):
    """A native message as it now reads, new or edited. The last one of a native id counts; its place is where it first stood.
    `growing`: it says of itself that more is to come."""

    channel: str
    conversation: str
    message: str
    text: str
    at: float
    growing: bool = False


class Gone(msgspec.Struct, frozen=True, tag="gone"):
    """A native message was removed."""

    channel: str
    conversation: str
    message: str
    at: float


Record = Said | Shown | Gone
_encode, _decode = msgspec.json.Encoder().encode, msgspec.json.Decoder(Record).decode


class History:
    """Records in the order they came; each is in the file before `add` returns, so that a killed run leaves its history."""

    def __init__(self, path: Path | None = None) -> None:
        self.records: list[Record] = []
        self._file = path.open("ab", buffering=0) if path else None

    def add(self, record: Record) -> None:
        self.records.append(record)
        if self._file:
            self._file.write(_encode(record) + b"\n")

    def __iter__(self) -> Iterator[Record]:
        return iter(self.records)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        if self._file:
            self._file.close()


def read(path: Path) -> list[Record]:
    """A history from disk; a last line that was cut off by a kill is left out."""
    lines = path.read_bytes().split(b"\n")
    return [_decode(line) for line in lines[:-1] if line]
