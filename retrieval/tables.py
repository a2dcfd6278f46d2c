"""The tables' rows as the manifest keeps them: each row once, found by the names it goes by."""

import sqlite3
from collections.abc import Iterable

import msgspec

from core.knowledge import Passage, Tags
from retrieval.cells import Question, Row, names, rows
from retrieval.readers.contract import Table
from retrieval.scope import Scope

SCHEMA = """
create table if not exists rows (
    id integer primary key, rev integer, name text, header blob, cells blob, start integer, end integer);
create index if not exists rows_of on rows (rev);
create table if not exists names (name text, row integer, primary key (name, row)) without rowid;
create index if not exists names_of on names (row);
"""
COMMON = 500
"""Rows that share a name up to which it still helps to tell them apart."""

_KNOWN = "select value from json_each(?) where exists (select 1 from names where name = value)"
_NAMED = f"select row from names where name = ? limit {COMMON + 1}"
_FULL = """select d.source, d.title, d.url, d.tags, substr(d.text, r.start + 1, r.end - r.start), r.start, r.end,
    r.name, r.header, r.cells
    from rows r join documents d on d.rev = r.rev where r.id in (select value from json_each(?))"""

_texts = msgspec.json.Decoder(tuple[str, ...])
_tags = msgspec.json.Decoder(Tags)


def keep(db: sqlite3.Connection, rev: int, tables: Iterable[Table]) -> None:
    for table in tables:
        header = msgspec.json.encode(table.header)
        for cells, (start, end) in rows(table):
            made = db.execute(
                "insert into rows (rev, name, header, cells, start, end) values (?, ?, ?, ?, ?, ?)",
                (rev, table.title, header, msgspec.json.encode(cells), start, end),
            )
            called = {(" ".join(name), made.lastrowid) for name in names(table.header, cells)}
            db.executemany("insert into names values (?, ?)", called)


def forget(db: sqlite3.Connection, source: str) -> None:
    """The rows of whatever document stands under this source."""
    of = "select r.id from rows r join documents d on d.rev = r.rev where d.source = ?"
    db.execute(f"delete from names where row in ({of})", (source,))
    db.execute(f"delete from rows where id in ({of})", (source,))


def named(db: sqlite3.Connection, asked: Question, scope: Scope) -> list[Row]:
    """The rows that a question names, of documents that the scope admits."""
    phrases = msgspec.json.encode({" ".join(name) for name in asked.phrases()}).decode()
    found: set[int] = set()
    for (name,) in db.execute(_KNOWN, (phrases,)).fetchall():
        some = db.execute(_NAMED, (name,)).fetchall()
        found |= {row for (row,) in some} if len(some) <= COMMON else set()
    full = db.execute(_FULL, (msgspec.json.encode(found).decode(),)).fetchall() if found else []
    return [_row(values) for values in full if scope.admits(_tags.decode(values[3]))]


def _row(values: tuple[str, str, str, bytes, str, int, int, str, bytes, bytes]) -> Row:
    source, title, url, tags, text, start, end, name, header, cells = values
    shown = {"source": source, "title": title, "url": url, "text": text, "start": start, "end": end}
    passage = msgspec.convert({"id": f"{source}:{start}", "tags": _tags.decode(tags), **shown}, Passage)
    return Row(passage, name, _texts.decode(header), _texts.decode(cells))
