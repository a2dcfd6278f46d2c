"""Runs of an evaluation as files: the next run finds the last one of the same set there, to be compared with."""

import time
from pathlib import Path
from typing import TypeVar

import msgspec

from core.errors import RecordError
from core.records import Versioned, decode, encode


class Kept(Versioned, frozen=True, kw_only=True):
    """What every run has: the name of the set it measured, by which the next run finds it, and its moment in Unix seconds."""

    questions: str
    at: float


Run = TypeVar("Run", bound=Kept)


def keep(folder: Path, run: Kept) -> Path:
    """Where it is now kept; names sort by time."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime(run.at))}-{int(run.at * 1000) % 1000:03}.json"
    path.write_bytes(msgspec.json.format(encode(run), indent=1))
    return path


def last(folder: Path, kind: type[Run], questions: str) -> Run | None:
    """The latest run of the same set; files that are no run of this kind and version are passed over."""
    for path in sorted(folder.glob("*.json"), reverse=True):
        try:
            run = decode(kind, path.read_bytes())
        except RecordError:
            continue
        if run.questions == questions:
            return run
    return None
