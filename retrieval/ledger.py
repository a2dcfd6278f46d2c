"""The ledger: what sources were like when they were last looked at, in SQLite, so that a restart reads nothing twice.

It is a memory, not a truth: what it says of a document counts only where the index holds that very text. Losing it costs a
look at everything.
"""

import sqlite3
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from core.errors import ConfigError

TABLES = """
create table if not exists documents (name text primary key, digest text, stamp text, flags text);
create table if not exists sources (name text primary key, sign text, success real, failing real, reason text);
"""


@dataclass(frozen=True, slots=True)
class Memory:
    """Of a document: the digest of the text that was read, the stamp by which a look knows it, what its reader flagged."""

    digest: str
    stamp: str = ""
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """Of a source: `success` and `failing` are when it last went well and since when it has not, in Unix seconds, 0:
    never, not. `sign`: what it was then, so that another address under the same name is looked at at once."""

    sign: str = ""
    success: float = 0.0
    failing: float = 0.0
    reason: str = ""


class Ledger:
    """All methods block, and may be called from any thread."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._db.executescript("pragma journal_mode = wal; pragma synchronous = normal;" + TABLES)
        except (OSError, sqlite3.Error) as error:
            raise ConfigError(f"{path} cannot be opened ({error}): delete it, and sources are looked at anew") from None

    def close(self) -> None:
        self._db.close()

    def remembered(self) -> dict[str, Memory]:
        rows = self._all("select name, digest, stamp, flags from documents")
        return {name: Memory(digest, stamp, tuple(msgspec.json.decode(flags))) for name, digest, stamp, flags in rows}

    def note(self, memories: Mapping[str, Memory]) -> None:
        """Remember these documents, by name."""
        rows = [(name, one.digest, one.stamp, msgspec.json.encode(one.flags).decode()) for name, one in memories.items()]
        with self._lock:
            self._db.execute("begin")
            self._db.executemany("insert or replace into documents values (?, ?, ?, ?)", rows)
            self._db.execute("commit")

    def forget(self, name: str) -> None:
        self._all("delete from documents where name = ?", name)

    def standing(self, source: str) -> Standing:
        found = self._all("select sign, success, failing, reason from sources where name = ?", source)
        return Standing(*found[0]) if found else Standing()

    def stand(self, source: str, standing: Standing) -> None:
        values = (standing.sign, standing.success, standing.failing, standing.reason)
        self._all("insert or replace into sources values (?, ?, ?, ?, ?)", source, *values)

    def _all(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._db.execute(query, values).fetchall()
