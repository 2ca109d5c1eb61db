"""One run as its folder tells it; ``manifest.json`` is written last and rebuilt into a `Run`."""

import html
import json
import math
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.core import Summary
from workbench.runs.storage.manifest import SCHEMA_VERSION, STATES, checked, other_schema

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

__all__ = ["MANIFEST", "SCHEMA_VERSION", "SPOILT", "STATES", "Run", "Unreadable", "content",
           "damaged", "read", "rebuilt", "record_of"]

MANIFEST = "manifest.json"
LARGEST = 64 * 2**20  # a manifest beyond this many bytes is none
SPOILT = (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError)


class Unreadable(Exception):  # noqa: N818 - says what the folder is, not that the program failed
    """A folder is no run that this workbench can read; the message says why, in one line."""

    passing = False  # whether the same bytes may be readable later


@dataclass(frozen=True, repr=False)
class Run:
    """One executed notebook, or one result saved by hand.

    Parameters
    ----------
    id : str
        Name of the folder.
    path : Path
        Local folder; for a run of a remote store the place where :attr:`folder` brings it.
    study : str
        Name of the study without its package, or of a foreign notebook without its suffix.
    title : str
    state : str
        "succeeded", "failed", "timed-out", "killed", "interrupted", "lost"; "damaged" when the
        folder cannot be read, "running" while the run is not over.
    params, defaults : dict
        Values of this run and of the study's declaration at that time.
    key : str
        Hash of everything that decides the result, 64 hexadecimal digits.
    summary : Summary
        Headline numbers and notes.
    started : str
        UTC, ISO 8601.
    seconds : float
        From start to end on a monotonic clock; NaN where nobody measured it.
    error : str
        Cause of a failure in one line, or nothing.
    versions, key_parts : dict
        Versions of Python and the libraries; components of the key.
    kernel : {"warm", "cold", ""}
    peak_memory : int or None
        Of the kernel [bytes].
    cells : dict
        Code cells "done" and "total".
    host : str
        Machine that executed the run.
    source, module : str
        Path of the notebook that was executed; module of its study, if it has one.
    cwd, kernel_name : str
        Folder where the kernel worked, and its name, where they were asked for.
    origin : str
        URL of the remote store; nothing for a local one.
    """

    id: str
    path: Path
    study: str = ""
    title: str = ""
    state: str = "damaged"
    params: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""
    summary: Summary = field(default_factory=lambda: Summary({}))
    started: str = ""
    seconds: float = math.nan
    error: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    key_parts: Mapping[str, Any] = field(default_factory=dict)
    kernel: str = ""
    peak_memory: int | None = None
    cells: Mapping[str, int] = field(default_factory=dict)
    host: str = ""
    source: str = ""
    module: str = ""
    cwd: str = ""
    kernel_name: str = ""
    origin: str = ""

    @property
    def folder(self) -> Path:
        """Local folder of the run; a run of a remote store is fetched once."""
        if not self.origin:
            return self.path
        from workbench.runs.storage.fetching import fetched

        return fetched(self.origin, self.id)

    @property
    def report(self) -> Path | None:
        """Report of the run."""
        return self._file("report.html")

    @property
    def notebook(self) -> Path | None:
        """Executed notebook; none for a result saved by hand."""
        return self._file("notebook.ipynb")

    @property
    def thumbnail(self) -> Path | None:
        """First figure as SVG."""
        return self._file("thumbnail.svg")

    @property
    def address(self) -> str:
        """Where the run lies: its URL in a remote store, else its folder."""
        return f"{self.origin}/{self.id}" if self.origin else str(self.path)

    @property
    def values(self) -> dict[str, Any]:
        """Parameters in full: those given, and the defaults of all others."""
        return {**self.defaults, **self.params}

    @property
    def changed(self) -> dict[str, Any]:
        """Parameters that differ from their defaults."""
        return {name: value for name, value in self.params.items()
                if name not in self.defaults or value != self.defaults[name]}

    def tables(self) -> "dict[str, pd.DataFrame]":
        """Tables of the result, read from Parquet."""
        from workbench.runs.storage import artifacts

        return artifacts.tables(self.folder)

    def inference(self) -> dict[str, Any]:
        """``arviz.InferenceData`` of the result, read from NetCDF."""
        from workbench.runs.storage import artifacts

        return artifacts.inference(self.folder)

    def arrays(self) -> dict[str, Any]:
        """Arrays of the result, read from NetCDF: NumPy arrays or xarray objects as saved."""
        from workbench.runs.storage import artifacts

        return artifacts.arrays(self.folder)

    def networks(self) -> "dict[str, dict[str, np.ndarray]]":
        """Parameters of the result's networks as NumPy arrays, read from safetensors."""
        from workbench.runs.storage import artifacts

        return artifacts.networks(self.folder)

    def _file(self, name: str) -> Path | None:
        if self.state == "damaged" and self.origin:
            return None  # there is nothing whole to fetch
        path = self.folder / name
        try:
            # A link could lead out of the store, so only a file itself counts.
            return path if stat.S_ISREG(path.lstat().st_mode) else None
        except OSError:
            return None

    def __repr__(self) -> str:
        cause = f": {self.error}" if self.error else ""
        return f"Run {self.id}, {self.state}{cause}"

    def _repr_html_(self) -> str:
        return f"<p class='run'>{html.escape(repr(self))}</p>"


def read(folder: Path, text: "bytes | Unreadable | None" = None, origin: str = "") -> Run:
    """Run of a folder; one that cannot be read is a damaged run, never an exception."""
    try:
        found = content(folder) if text is None else text
        return rebuilt(folder, record_of(folder.name, found), origin)
    except Unreadable as problem:
        return Run(folder.name, folder, error=str(problem), origin=origin)


def content(folder: Path) -> bytes:
    """Bytes of a folder's manifest; raises `Unreadable`."""
    try:
        # Neither a link out of the store is followed nor a pipe waited for.
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        with os.fdopen(os.open(folder / MANIFEST, flags), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise OSError("not a regular file")
            return file.read(LARGEST)
    except FileNotFoundError:
        raise damaged("manifest.json is missing, so the run never finished.") from None
    except OSError as problem:
        cause = damaged(f"manifest.json cannot be used ({type(problem).__name__}).")
        cause.passing = True
        raise cause from None


def record_of(name: str, text: bytes | Unreadable) -> dict[str, Any]:
    """Record that the bytes of a manifest hold; raises `Unreadable`."""
    if isinstance(text, Unreadable):
        raise text
    try:
        record: dict[str, Any] = json.loads(text)
        other = other_schema(record["schema_version"])
        if other:
            raise Unreadable(other)
        if record["id"] != name:
            raise ValueError("manifest.json belongs to another folder")
        rebuilt(Path(name), record)
    except SPOILT as problem:
        raise damaged(f"manifest.json cannot be used ({type(problem).__name__}).") from None
    return record


def rebuilt(folder: Path, record: Mapping[str, Any], origin: str = "") -> Run:
    """Run of a record; raises ValueError, KeyError or TypeError when the record is not whole."""
    told = checked(record)
    seconds, numbers = told.pop("seconds"), told.pop("summary")
    return Run(
        path=folder, summary=Summary(numbers, tuple(map(str, record["notes"]))),
        seconds=math.nan if seconds is None else seconds, origin=origin, **told)


def damaged(cause: str) -> Unreadable:
    """What to say of a folder that is no whole run."""
    return Unreadable(f"{cause} Move the folder out of the store, or run the study again.")
