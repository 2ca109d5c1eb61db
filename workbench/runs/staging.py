"""A run grows in a hidden sibling folder and is renamed when it is whole.

The hidden name tells host, process and birth of its owner, so that leftovers of a process that
is gone can be told from a run in progress.
"""

import os
import re
import secrets
import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workbench.runs.folder import ID, SCHEMA_VERSION, manifest, write_json

__all__ = ["Stage", "staged", "sweep", "timestamp"]

PARTIAL = re.compile(rf"\.(?P<id>{ID.pattern})\.(?P<host>.+)\.(?P<pid>\d+)-(?P<born>\d+)\.partial",
                     re.ASCII)


@dataclass(frozen=True)
class Stage:
    """A run in progress: its final name and its hidden folder."""

    id: str
    folder: Path

    @classmethod
    def of(cls, folder: Path) -> "Stage":
        """Stage of a hidden folder.

        Raises
        ------
        ValueError
            If the folder is not the hidden folder of a run.
        """
        matched = PARTIAL.fullmatch(folder.name)
        if matched is None:
            raise ValueError(f"WORKBENCH_RUN_FOLDER must name the folder of a run in progress, "
                             f"got {folder.name!r}. Unset it; only the runner sets it.")
        return cls(matched["id"], folder)

    def publish(self, record: Mapping[str, Any]) -> Path:
        """Write ``manifest.json`` and rename the folder; from now on readers see the run."""
        whole = {"schema_version": SCHEMA_VERSION, "id": self.id, **record,
                 "files": manifest(self.folder)}
        write_json(self.folder / "manifest.json", whole)
        final = self.folder.with_name(self.id)
        self.folder.rename(final)
        return final


@contextmanager
def staged(store: Path, name: str, key: str) -> Iterator[Stage]:
    """Hidden folder of a new run, removed unless it is published.

    Parameters
    ----------
    store : Path
        Made when it does not exist.
    name : str
        Name of the notebook.
    key : str
        Hash of the run, at least 8 hexadecimal digits.
    """
    store.mkdir(parents=True, exist_ok=True)
    word = re.sub(r"[^A-Za-z0-9_]+", "_", name) or "notebook"
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    run_id = f"{stamp}-{word[:60]}-{key[:8]}-{secrets.token_hex(3)}"
    host = re.sub(r"[^A-Za-z0-9-]+", "-", socket.gethostname())[:40] or "host"
    folder = store / f".{run_id}.{host}.{os.getpid()}-{_born(os.getpid())}.partial"
    folder.mkdir()
    try:
        yield Stage(run_id, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep(store: Path) -> list[str]:
    """Remove hidden folders whose process on this host is gone; return the names of their runs."""
    here = re.sub(r"[^A-Za-z0-9-]+", "-", socket.gethostname())[:40] or "host"
    removed = []
    for folder in store.glob(".*.partial"):
        matched = PARTIAL.fullmatch(folder.name)
        if matched is None or matched["host"] != here:
            continue
        # A second of birth can differ by one between two readings when the clock is adjusted.
        if abs(_born(int(matched["pid"])) - int(matched["born"])) > 2:
            shutil.rmtree(folder, ignore_errors=True)
            removed.append(matched["id"])
    return removed


def timestamp() -> str:
    """Now in UTC, ISO 8601 with microseconds."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _born(pid: int) -> int:
    """Second in which a process started, or -1 when there is none."""
    import psutil

    try:
        return int(psutil.Process(pid).create_time())
    except psutil.Error:
        return -1
