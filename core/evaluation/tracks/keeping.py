"""A run's folder: `begun.json` is written first, each answer at once to `answers.jsonl`, `run.json` at the end, with its
`report.html` and the `routes.json` that it proposes.

So a run that is killed at any moment goes on where it was: what was answered is never asked, and paid, again.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from core.errors import ConfigError, RecordError
from core.evaluation.tracks import report
from core.evaluation.tracks.deciding import proposal
from core.evaluation.tracks.records import Answered, Run
from core.records import decode, encode

FOLDER = Path("evaluation") / "tracks"
BEGUN, ANSWERS, WHOLE, ROUTES, REPORT = "begun.json", "answers.jsonl", "run.json", "routes.json", "report.html"


@dataclass(frozen=True, slots=True)
class Kept:
    """One run's folder."""

    folder: Path

    @property
    def begun(self) -> Run:
        return decode(Run, (self.folder / BEGUN).read_bytes())

    @property
    def whole(self) -> Run | None:
        path = self.folder / WHOLE
        return decode(Run, path.read_bytes()) if path.exists() else None

    def answers(self) -> list[Answered]:
        """Every answer so far, the last one of a case and track; a line that a crash cut off is none."""
        path = self.folder / ANSWERS
        found: dict[tuple[str, str], Answered] = {}
        for line in path.read_bytes().splitlines() if path.exists() else ():
            try:
                one = decode(Answered, line)
            except RecordError:
                continue
            found[one.case, one.track] = one
        return list(found.values())

    def begin(self, run: Run) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        _write(self.folder / BEGUN, encode(run))

    @contextmanager
    def writing(self) -> Iterator["Book"]:
        """The only one who may add answers. Raises ConfigError where another evaluation is at it."""
        with (self.folder / ANSWERS).open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise ConfigError(f"another evaluation is writing to {self.folder}: wait until it is through") from None
            if file.tell():
                file.write(b"\n")  # what a crash cut off ends here
            yield Book(file.fileno())

    def finish(self, run: Run) -> None:
        """The report is written of every run; routes are proposed only of one that its checks do not speak against."""
        _write(self.folder / REPORT, report.page(run).encode())
        if report.failed(run):
            (self.folder / ROUTES).unlink(missing_ok=True)
        else:
            _write(self.folder / ROUTES, msgspec.json.format(encode(proposal(run)), indent=1))
        _write(self.folder / WHOLE, encode(run))


@dataclass(frozen=True, slots=True)
class Book:
    """Where answers are written down, on disk before it returns."""

    handle: int

    def add(self, answered: Answered) -> None:
        os.write(self.handle, encode(answered) + b"\n")
        os.fsync(self.handle)


def fresh(data: Path, at: float) -> Kept:
    """A folder that no run has; its name is the run's id and sorts by time."""
    name = f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime(at))}-{int(at * 1000) % 1000:03}"
    return Kept(data / FOLDER / name)


def unfinished(data: Path, questions: str) -> Kept | None:
    """The newest run of these questions (by their fingerprint), if it was cut off or stopped early."""
    for kept in newest(data):
        run = kept.begun
        if run.made_with.get("questions") == questions:
            whole = kept.whole
            return kept if whole is None or whole.stopped else None
    return None


def find(data: Path, name: str) -> tuple[Kept, Run]:
    """A whole run, by its id or its folder. Raises ConfigError where there is none."""
    for kept in (Kept(data / FOLDER / name), Kept(Path(name))):
        if (run := kept.whole) is not None:
            return kept, run
    known = ", ".join(kept.folder.name for kept in newest(data) if kept.whole) or "none"
    raise ConfigError(f"no run is called {name!r}: known are {known}")


def newest(data: Path) -> Iterator[Kept]:
    """Every run that can be read, the newest first."""
    for path in sorted((data / FOLDER).glob(f"*/{BEGUN}"), reverse=True):
        kept = Kept(path.parent)
        try:
            _ = kept.begun
        except RecordError:
            continue
        yield kept


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all."""
    half = path.with_suffix(".half")
    with half.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    half.replace(path)
