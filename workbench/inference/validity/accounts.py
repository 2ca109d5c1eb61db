"""One account per holdout in one file, which all copies and processes draw from.

Search loops copy a scorer, and processes get copies of copies. What was spent must not be copied
with it, so it lies in an SQLite file: each answer is one exclusive transaction.
"""

import atexit
import contextlib
import json
import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

__all__ = ["Account"]

PATIENCE = 60.0          # seconds that an answer waits for those of other processes
LOG = ("query", "answer", "used_holdout", "flag", "remaining", "epsilon")
TABLES = """
CREATE TABLE IF NOT EXISTS account (one INTEGER PRIMARY KEY CHECK (one = 1), identity TEXT,
                                    state TEXT);
CREATE TABLE IF NOT EXISTS answers (query INTEGER, answer REAL, used_holdout INTEGER, flag TEXT,
                                    remaining REAL, epsilon REAL);
"""


class Account:
    """The state of one holdout in a file on a local disk.

    Parameters
    ----------
    path : str or Path
        Of the file; empty makes a temporary one, which goes with this process.
    identity : mapping
        What the account is of: a file of another identity is refused.
    state : mapping
        With which it begins where the file is new.
    """

    def __init__(self, path: str | Path, identity: Mapping[str, Any], state: Mapping[str, Any]):
        self.path = str(Path(path).expanduser().resolve()) if path else _temporary()
        if not Path(self.path).parent.is_dir():
            raise ValueError(f"account must lie in a folder that exists, got {str(path)!r}. Make "
                             "the folder first.")
        own = json.dumps(identity, sort_keys=True)
        with self._open(new=True) as file:
            for statement in TABLES.split(";"):
                file.execute(statement)
            found = file.execute("SELECT identity FROM account").fetchone()
            if found is None:
                file.execute("INSERT INTO account VALUES (1, ?, ?)", (own, json.dumps(state)))
            elif found[0] != own:
                raise ValueError(
                    f"account must be that of this holdout and these settings, but {self.path!r} "
                    f"differs in {_differing(json.loads(found[0]), identity)}. Name another file; "
                    "a holdout that was asked elsewhere is not fresh.")

    def change(self, work: Callable[[dict[str, Any]], tuple[Any, dict[str, Any], list[Any]]]
               ) -> Any:
        """Replace the state while nobody else can, and enter rows in the log."""
        with self._open() as file:
            (text,) = file.execute("SELECT state FROM account").fetchone()
            answer, state, rows = work(json.loads(text))
            file.execute("UPDATE account SET state = ?", (json.dumps(state),))
            file.executemany("INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?)", rows)
        return answer

    def state(self) -> dict[str, Any]:
        """The state as it is now."""
        with self._open() as file:
            (text,) = file.execute("SELECT state FROM account").fetchone()
        found: dict[str, Any] = json.loads(text)
        return found

    def table(self) -> pd.DataFrame:
        """Every answer of all processes, in order."""
        with self._open() as file:
            rows = file.execute("SELECT * FROM answers ORDER BY query").fetchall()
        return pd.DataFrame(rows, columns=list(LOG)).astype({"used_holdout": bool})

    @contextlib.contextmanager
    def _open(self, *, new: bool = False) -> Iterator[sqlite3.Connection]:
        """The file, locked from the first statement on; a failure leaves it as it was."""
        if not new and not Path(self.path).exists():
            raise ValueError(f"account must exist, but {self.path!r} is gone: a temporary one "
                             "goes with the process that made it. Pass account= a path to keep "
                             "it.")
        if Path(self.path).is_dir():
            raise ValueError(f"account must be a file, but {self.path!r} is a folder. Name a file "
                             "in it.")
        file = sqlite3.connect(self.path, timeout=PATIENCE, isolation_level=None)
        try:
            file.execute("BEGIN IMMEDIATE")
            yield file
            file.execute("COMMIT")
        except sqlite3.DatabaseError as trouble:
            raise ValueError(f"account must be a file of this library on a local disk, but "
                             f"{self.path!r} cannot be used: {trouble}. Name another file."
                             ) from trouble
        finally:
            file.close()             # what was not committed is undone


def _temporary() -> str:
    handle, path = tempfile.mkstemp(prefix="holdout-", suffix=".account")
    os.close(handle)
    atexit.register(lambda: Path(path).unlink(missing_ok=True))
    return path


def _differing(found: Mapping[str, Any], own: Mapping[str, Any]) -> str:
    return ", ".join(sorted(name for name in {*found, *own} if found.get(name) != own.get(name)))
