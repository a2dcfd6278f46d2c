"""What `turnout ingest` and the retrieval service say to each other. What every service may ask stands in core.knowledge."""

from datetime import UTC, datetime

from core.records import Record, Versioned


class IngestRequest(Versioned, frozen=True):
    """`retrieval.ingest`: absolute paths of files and folders that the service reads itself, or the assistant's `sources` by
    name; neither: all of these. `dry`: only say what would become of them. Answered by a Progress at once."""

    paths: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    dry: bool = False


class ProgressRequest(Versioned, frozen=True):
    """`retrieval.progress`: how far a job is."""

    job: str


class RemoveRequest(Versioned, frozen=True):
    """`retrieval.remove`: forget a document, by its name or the absolute path it was read from. Answered by a Removed."""

    source: str


class MoveRequest(Versioned, frozen=True):
    """`retrieval.move`: keep the passages in another store from now on, `server` or `embedded`; "": only say how far that is.
    Answered by a Moved."""

    kind: str = ""


class Moved(Versioned, frozen=True):
    """A move: `copied` of `documents` are in the store that they are moved to, until all are there and `done`. `store` says
    which that is. `trouble`: why it does not go on for now; `error`: why it was given up, or could not begin."""

    store: str = ""
    copied: int = 0
    documents: int = 0
    done: bool = True
    trouble: str = ""
    error: str = ""


class Removed(Versioned, frozen=True):
    """Whether it was there. `offered_by`: the source of the assistant's that still has it, "" where none has."""

    removed: bool
    offered_by: str = ""


class Skipped(Record, frozen=True):
    """A file that was not taken, and why. What was known of it before is kept."""

    path: str
    reason: str


class Planned(Record, frozen=True):
    """What would become of a document: `added`, `changed` or `removed`."""

    outcome: str
    source: str


class Progress(Versioned, frozen=True):
    """A job: counts of documents, `passages` written so far, `waiting` passages of the index that have no vector yet. `skipped`
    are the first of `unread` documents, `failed` counts sources that failed altogether.

    `done` once everything is searchable by its words; `error` when the job could not run at all."""

    job: str
    done: bool = False
    files: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0
    skipped: tuple[Skipped, ...] = ()
    unread: int = 0
    failed: int = 0
    planned: tuple[Planned, ...] = ()
    passages: int = 0
    waiting: int = 0
    seconds: float = 0.0
    error: str = ""

    @property
    def seen(self) -> int:
        return self.added + self.changed + self.unchanged + self.unread

    @property
    def rate(self) -> float:
        """Documents a second."""
        return self.seen / self.seconds if self.seconds else 0.0

    @property
    def left(self) -> float:
        """How many seconds more it takes, if it goes on like that."""
        return max(0, self.files - self.seen) / self.rate if self.rate else 0.0


class Indexed(Record, frozen=True):
    """A document of the index; `at` is when it was taken, in Unix seconds; `flags` what its owner should know of it."""

    source: str
    title: str
    passages: int
    at: float
    path: str
    origin: str = ""
    flags: tuple[str, ...] = ()


class SourceStatus(Record, frozen=True):
    """How a source does. Times are Unix seconds, 0: never, or not. `success` is when it last went well, `next` when it will be
    looked at again (0: it is watched), `failing` since when it fails, and why: until then its last good text is served."""

    name: str
    kind: str
    at: str
    documents: int = 0
    passages: int = 0
    success: float = 0.0
    next: float = 0.0
    failing: float = 0.0
    reason: str = ""
    flagged: int = 0


class Status(Versioned, frozen=True):
    """`retrieval.status`: what the index holds; `listed` are the first documents by name, `embedder` "": by words alone.
    `store` says where the passages are, `trouble` why they cannot be searched now. `spent`: seconds of reading, storing and
    embedding that the index took so far."""

    documents: int = 0
    passages: int = 0
    waiting: int = 0
    embedder: str = ""
    language: str = ""
    sources: tuple[SourceStatus, ...] = ()
    listed: tuple[Indexed, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    store: str = ""
    trouble: str = ""
    spent: float = 0.0


def told(at: float) -> str:
    """A time as people read it."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
