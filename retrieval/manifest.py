"""The manifest: which documents the index holds, in SQLite. It is the truth; the shard can always be made again from it.

A document's row names the revision whose passages count. Revisions in `hidden` have passages in the shard that nobody may
see: those being written, and those replaced and not yet deleted. After a crash exactly these are swept away.
"""

import sqlite3
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from core.errors import ConfigError
from core.knowledge import Tags, print_of
from retrieval import tables
from retrieval.cells import Question
from retrieval.cells import Row as CellRow
from retrieval.readers.contract import LoadedDocument
from retrieval.scope import Scope
from retrieval.splitting import Piece

TABLES = (
    """
create table if not exists documents (
    source text primary key, rev integer unique, path text, origin text, hash text,
    title text, url text, tags blob, text text, pieces blob, passages integer, at real);
create index if not exists passages_of on documents (passages);
create table if not exists hidden (rev integer primary key);
create table if not exists settings (key text primary key, value text);
"""
    + tables.SCHEMA
)
SPENT = "spent"
ADD = "insert into settings values (?, ?) on conflict (key) do update set value = value + excluded.value"

WRITTEN = "written"
"""How many passages the store was given since it was made; those that it holds no more may still take room there."""

DRAWN = "drawn"
"""How many passages there were when the store's graph was drawn."""

COLUMNS = "source, rev, path, origin, hash, title, url, passages, at, tags"

_pieces = msgspec.json.Decoder(list[Piece])
_tags = msgspec.json.Decoder(Tags)


@dataclass(frozen=True, slots=True)
class Row:
    """A document in the index. `path` is where it was read, `origin` who asked for it (`assistant`: the assistant file;
    `command`: turnout ingest), `hash` of the bytes it was made from; `at` in Unix seconds."""

    source: str
    rev: int
    path: str
    origin: str
    hash: str
    title: str
    url: str
    passages: int
    at: float
    tags: Tags = Tags()


@dataclass(frozen=True, slots=True)
class Change:
    """A document to be shown instead of what stands under its source; reading it took so many seconds."""

    document: LoadedDocument
    pieces: Sequence[Piece]
    row: Row
    seconds: float = 0.0

    def as_revision(self, rev: int) -> "Change":
        return replace(self, row=replace(self.row, rev=rev, passages=len(self.pieces)))


class Manifest:
    """All methods may be called from any thread."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._counts: tuple[int, int] | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._db.create_function("print_of", 1, print_of, deterministic=True)
            self._db.executescript("pragma journal_mode = wal; pragma synchronous = full;" + TABLES)
        except (OSError, sqlite3.Error) as error:
            raise ConfigError(f"the index at {path} cannot be opened ({error}): delete its folder to make it anew") from None

    def close(self) -> None:
        self._db.close()

    def stage(self, count: int) -> range:
        """So many new revisions, hidden from now on."""
        with self._transaction() as db:
            (top,) = db.execute(
                "select max(0, (select coalesce(max(rev), 0) from documents), (select coalesce(max(rev), 0) from hidden))"
            ).fetchone()
            revs = range(int(top) + 1, int(top) + 1 + count)
            db.executemany("insert into hidden values (?)", [(rev,) for rev in revs])
        return revs

    def commit(self, changes: Sequence[Change]) -> None:
        """Show the revisions of their rows, hide those they replace; one step."""
        with self._transaction() as db:
            for change in changes:
                self._show(db, change)
            db.executemany("delete from hidden where rev = ?", [(change.row.rev,) for change in changes])
            added = sum(change.row.passages for change in changes)
            db.execute(ADD, (WRITTEN, str(added)))

    def spend(self, seconds: float) -> None:
        """So long was worked on the index, once more."""
        with self._transaction() as db:
            db.execute(ADD, (SPENT, repr(seconds)))

    @property
    def spent(self) -> float:
        return float(self.get(SPENT) or 0.0)

    def remove(self, source: str) -> None:
        with self._transaction() as db:
            self._hide(db, source)
            db.execute("delete from documents where source = ?", (source,))

    def touch(self, source: str, origin: str) -> None:
        """The same document, now asked for by `origin`."""
        with self._transaction() as db:
            db.execute("update documents set origin = ? where source = ?", (origin, source))

    def retag(self, source: str, tags: Tags) -> None:
        with self._transaction() as db:
            db.execute("update documents set tags = ? where source = ?", (msgspec.json.encode(tags), source))

    def rewritten(self, passages: int) -> None:
        """So many passages took another place in the store, where it has a graph: there nothing is changed in its place."""
        if self.get(DRAWN) not in ("", "0"):
            with self._transaction() as db:
                db.execute(ADD, (WRITTEN, str(passages)))

    def swept(self, revs: Collection[int]) -> None:
        """Hidden revisions' passages are gone from the store."""
        with self._transaction() as db:
            db.executemany("delete from hidden where rev = ?", [(rev,) for rev in revs])

    def hidden(self) -> frozenset[int]:
        return frozenset(rev for (rev,) in self._all("select rev from hidden"))

    def rows(self) -> list[Row]:
        return [_row(values) for values in self._all(f"select {COLUMNS} from documents order by source")]

    def revs(self) -> frozenset[int]:
        """Those that count."""
        return frozenset(rev for (rev,) in self._all("select rev from documents"))

    def row(self, source: str) -> Row | None:
        found = self._all(f"select {COLUMNS} from documents where source = ?", source)
        return _row(found[0]) if found else None

    def content(self, source: str) -> tuple[str, list[Piece]]:
        """(text, passages) of a document; empty where there is none."""
        found = self._all("select text, pieces from documents where source = ?", source)
        return (found[0][0], _pieces.decode(found[0][1])) if found else ("", [])

    def prints(self, after: str, most: int) -> dict[str, str]:
        """Fingerprints of so many documents' texts at most, by name, from the first whose name comes after this one."""
        asked = "select source, print_of(text) from documents where source > ? order by source limit ?"
        return dict(self._all(asked, after, most))

    def named(self, asked: Question, scope: Scope) -> list[CellRow]:
        """The rows of tables that a question names, of documents that the scope admits."""
        with self._lock:
            return tables.named(self._db, asked, scope)

    def counts(self) -> tuple[int, int]:
        """(documents, passages)."""
        with self._lock:
            if self._counts is None:
                found = self._db.execute("select count(*), coalesce(sum(passages), 0) from documents").fetchone()
                self._counts = int(found[0]), int(found[1])
            return self._counts

    def get(self, key: str) -> str:
        found = self._all("select value from settings where key = ?", key)
        return str(found[0][0]) if found else ""

    def put(self, key: str, value: str) -> None:
        with self._transaction() as db:
            db.execute("insert or replace into settings values (?, ?)", (key, value))

    def _show(self, db: sqlite3.Connection, change: Change) -> None:
        row, document = change.row, change.document
        self._hide(db, row.source)
        plain = (getattr(row, name) for name in COLUMNS.split(", ")[:-1])
        values = (*plain, msgspec.json.encode(row.tags), document.text, msgspec.json.encode(list(change.pieces)))
        marks = ", ".join("?" * len(values))
        db.execute(f"insert or replace into documents ({COLUMNS}, text, pieces) values ({marks})", values)
        tables.keep(db, row.rev, document.tables)

    def _hide(self, db: sqlite3.Connection, source: str) -> None:
        tables.forget(db, source)
        db.execute("insert or ignore into hidden select rev from documents where source = ?", (source,))

    def _all(self, query: str, *values: str | int) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._db.execute(query, values).fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._db.execute("begin immediate")
            try:
                yield self._db
            except BaseException:
                self._db.execute("rollback")
                raise
            self._db.execute("commit")
            self._counts = None


def _row(values: tuple[Any, ...]) -> Row:
    *plain, tags = values
    return Row(*(*plain, _tags.decode(tags)))
