"""The catalogue: an index of a store's manifests that can be deleted at any time.

The folders are the truth. A refresh compares what lies in the store with what was indexed and
reads only the manifests that changed. The index lies in the user's cache folder, never in the
store, since shared file systems break the locks of SQLite.
"""

import hashlib
import json
import math
import os
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from workbench.core import places
from workbench.runs.storage import owners
from workbench.runs.storage.folder import SCHEMA_VERSION, Unreadable, record_of
from workbench.runs.storage.rows import Row

__all__ = ["Catalogue", "Place", "Wanted", "catalogue_of"]

T = TypeVar("T")
VERSION = 1000 * SCHEMA_VERSION + 2  # manifests of another schema are read anew
WAIT = 30.0  # seconds for another process to finish writing
TABLES = """
CREATE TABLE runs (name TEXT PRIMARY KEY, stamp TEXT, study TEXT, title TEXT, state TEXT,
                   key TEXT, started TEXT, seconds REAL, error TEXT, facts TEXT);
CREATE TABLE records (name TEXT PRIMARY KEY, record TEXT);
CREATE INDEX keys ON runs (key);
CREATE INDEX newest ON runs (started DESC, name DESC);
"""
COLUMNS = ("name", "stamp", "study", "title", "state", "key", "started", "seconds", "error",
           "facts")
TEXTS = ("study", "title", "state", "key", "started")
FACTS = ("params", "defaults", "summary", "notes", "kernel", "peak_memory", "cells", "host")
BROKEN = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR}


class Place(Protocol):
    """Where the manifests lie: a local folder or a remote one."""

    def stamps(self) -> dict[str, str]: ...

    def contents(self, wanted: Iterable[str]) -> Iterator[tuple[str, bytes | Unreadable]]: ...


@dataclass(frozen=True)
class Wanted:
    """Which runs: of a study, in some states, of keys that begin so; newest first."""

    study: str | None = None
    states: Collection[str] | None = None
    prefix: str = ""
    limit: int | None = None

    def query(self, columns: str, tables: str) -> tuple[str, list[Any]]:
        """Statement and its values."""
        conditions, values = ["1"], []
        if self.study is not None:
            conditions.append("study = ?")
            values.append(self.study)
        if self.states is not None:
            conditions.append(f"state IN ({', '.join('?' * len(self.states))})")
            values.extend(self.states)
        if self.prefix:
            conditions.append("key GLOB ?")
            values.append(f"{self.prefix}*")
        return (f"SELECT {columns} FROM {tables} WHERE {' AND '.join(conditions)} "
                "ORDER BY started DESC, name DESC LIMIT ?",
                [*values, -1 if self.limit is None else self.limit])


class Catalogue:
    """Index of one store.

    Parameters
    ----------
    url : str
        Of the store; names the file of the index.
    """

    def __init__(self, url: str):
        # A file for each host, since homes are shared and the log's index is of one host only.
        label = hashlib.sha256(f"{url}\n{owners.host()}".encode("utf-8", "surrogateescape"))
        self.path = places.cache() / "catalogues" / f"{label.hexdigest()[:24]}.sqlite"
        self._memory: sqlite3.Connection | None = None
        self._turn = threading.RLock()

    def rows(self, place: Place, wanted: Wanted) -> list[Row]:
        """Rows of a refreshed index."""
        query = wanted.query("name, study, title, state, key, started, seconds, error, facts",
                             "runs")
        return self._do(place, lambda index: _rows(index.execute(*query).fetchall()))

    def newest(self, place: Place) -> list[Row]:
        """Row of the succeeded run of each study that began last, of a refreshed index."""
        query = ("SELECT name, study, title, state, key, MAX(started), seconds, error, facts "
                 "FROM runs WHERE state = 'succeeded' GROUP BY study")
        return self._do(place, lambda index: _rows(index.execute(query).fetchall()))

    def records(self, place: Place, wanted: Wanted) -> list[tuple[str, str, str]]:
        """Name, manifest as JSON without its files, and error of refreshed runs."""
        query = wanted.query("runs.name, record, error", "runs JOIN records USING (name)")
        return self._do(place, lambda index: index.execute(*query).fetchall())

    def count(self, place: Place, wanted: Wanted) -> dict[str, int]:
        """Number of refreshed runs by state."""
        query, values = wanted.query("state", "runs")
        whole = f"SELECT state, COUNT(*) FROM ({query}) GROUP BY state"
        return self._do(place, lambda index: dict(index.execute(whole, values)))

    def of_keys(self, keys: Sequence[str],
                place: Place | None = None) -> list[tuple[str, str, str, str]]:
        """Key, name, stamp and record of succeeded runs, newest first; refreshed with `place`."""
        query = ("SELECT key, runs.name, stamp, record FROM runs JOIN records USING (name) "
                 "WHERE key = ? AND state = 'succeeded' ORDER BY started DESC, name DESC")
        return self._do(place, lambda index: [row for key in keys
                                              for row in index.execute(query, (key,))])

    def _do(self, place: Place | None, action: Callable[[sqlite3.Connection], T]) -> T:
        """Act on the index; on a new one if it is broken, in memory if it cannot be written."""
        with self._turn:
            for _ in range(2):
                index = self._memory or _opened(self.path)
                if index is None:
                    break
                try:
                    return _act(index, place, action)
                except sqlite3.DatabaseError as problem:
                    if problem.sqlite_errorcode & 0xFF not in BROKEN:
                        break
                    _discard(self.path)
                finally:
                    if index is not self._memory:
                        index.close()
            self._memory = sqlite3.connect(":memory:", check_same_thread=False,
                                           isolation_level=None)
            return _act(self._memory, place, action)


_CATALOGUES: dict[Path, Catalogue] = {}
if hasattr(os, "register_at_fork"):  # locks and connections belong to one process
    os.register_at_fork(after_in_child=_CATALOGUES.clear)


def catalogue_of(url: str) -> Catalogue:
    """The process's catalogue of a store; one that lives in memory is kept."""
    fresh = Catalogue(url)
    return _CATALOGUES.setdefault(fresh.path, fresh)


def _opened(path: Path) -> sqlite3.Connection | None:
    try:
        # For this user's eyes only, as the store may be.
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return sqlite3.connect(path, timeout=WAIT, isolation_level=None)
    except (OSError, sqlite3.OperationalError):
        return None


def _act(index: sqlite3.Connection, place: Place | None,
         action: Callable[[sqlite3.Connection], T]) -> T:
    _prepare(index)
    if place is not None:
        _refresh(index, place)
    return action(index)


def _prepare(index: sqlite3.Connection) -> None:
    """Make the tables, once; every statement after this is quick."""
    if _version(index) == VERSION:
        index.execute("PRAGMA synchronous = NORMAL")  # the last changes can be made again
        return
    index.execute("PRAGMA journal_mode = WAL")
    with index:
        index.execute("BEGIN EXCLUSIVE")
        if _version(index) == VERSION:  # another process was faster
            return
        for (name,) in index.execute("SELECT name FROM sqlite_master WHERE type = 'table' "
                                     "AND name NOT LIKE 'sqlite_%'").fetchall():
            index.execute(f'DROP TABLE "{name}"')
        for statement in TABLES.split(";"):
            index.execute(statement)
        index.execute(f"PRAGMA user_version = {VERSION}")


def _version(index: sqlite3.Connection) -> int:
    return int(index.execute("PRAGMA user_version").fetchone()[0])


def _discard(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _refresh(index: sqlite3.Connection, place: Place) -> None:
    # The index is read first: what it knows was there before the folders are looked at, so a
    # run that another process adds meanwhile is never taken for one that was deleted.
    known = dict(index.execute("SELECT name, stamp FROM runs"))
    found = place.stamps()
    gone = known.keys() - found.keys()
    fresh = [name for name, stamp in found.items() if known.get(name) != stamp]
    if not (gone or fresh):
        return
    entries = [_entry(name, found[name], told) for name, told in place.contents(fresh)]
    marks = ", ".join("?" * len(COLUMNS))
    with index:
        index.execute("BEGIN IMMEDIATE")
        for table in ("runs", "records"):
            index.executemany(f"DELETE FROM {table} WHERE name = ?",
                              [(name,) for name in gone])
        index.executemany(f"INSERT OR REPLACE INTO runs VALUES ({marks})",
                          [row for row, _ in entries])
        index.executemany("INSERT OR REPLACE INTO records VALUES (?, ?)",
                          [(row[0], record) for row, record in entries])


def _entry(name: str, stamp: str, told: bytes | Unreadable) -> tuple[tuple[Any, ...], str]:
    """Row of the index, and the manifest without its list of files."""
    try:
        record = record_of(name, told)
    except Unreadable as problem:
        stamp = "" if problem.passing else stamp
        return (name, stamp, "", "", "damaged", "", "", None, str(problem), "{}"), ""
    facts = json.dumps({word: record[word] for word in FACTS if word in record})
    record.pop("files", None)
    # SQLite takes no half surrogates; the record keeps what was said exactly.
    *texts, error = (record[word].encode("utf-8", "replace").decode()
                     for word in (*TEXTS, "error"))
    seconds = record["seconds"] if record["seconds"] is None else float(record["seconds"])
    return (name, stamp, *texts, seconds, error, facts), json.dumps(record)


def _rows(found: list[Any]) -> list[Row]:
    # One text for all: reading ten thousand small ones takes far longer.
    facts = json.loads("[" + ",".join(row[8] for row in found) + "]")
    names = ("id", "study", "title", "state", "key", "started", "seconds", "error")
    texts = [dict(zip(names, row, strict=False)) for row in found]
    return [Row(**text | {"seconds": math.nan if text["seconds"] is None else text["seconds"]},
                facts=told) for text, told in zip(texts, facts, strict=True)]
