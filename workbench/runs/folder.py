"""One run as its folder tells it; ``manifest.json`` is written last and rebuilt into a `Run`."""

import hashlib
import html
import json
import math
import mimetypes
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.core import Estimate, Summary, libraries

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ID", "SCHEMA_VERSION", "Run", "manifest", "read", "rebuilt",
           "write_json"]

SCHEMA_VERSION = 2
ID = re.compile(r"\d{8}T\d{6}Z-[A-Za-z0-9_]+-[0-9a-f]{8}-[0-9a-f]{6}", re.ASCII)
STATES = ("succeeded", "failed", "timed-out", "killed", "interrupted", "lost")
DERIVED = frozenset({"report.html", "manifest.json"})  # written from the run, so not part of it
MEDIA_TYPES = {".ipynb": "application/x-ipynb+json", ".nc": "application/x-netcdf",
               ".parquet": "application/vnd.apache.parquet"}


@dataclass(frozen=True, repr=False)
class Run:
    """One executed notebook, or one result saved by hand.

    Parameters
    ----------
    id : str
        Name of the folder.
    folder : Path
    study : str
        Name of the study, without its package.
    title : str
    state : {"succeeded", "failed", "damaged", "running"}
        "running" only inside the notebook that is being executed.
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
    versions : dict
        Versions of Python and the libraries.
    """

    id: str
    folder: Path
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

    @property
    def report(self) -> Path | None:
        """Report of the run."""
        return _existing(self.folder / "report.html")

    @property
    def notebook(self) -> Path | None:
        """Executed notebook; none for a result saved by hand."""
        return _existing(self.folder / "notebook.ipynb")

    @property
    def thumbnail(self) -> Path | None:
        """First figure as SVG."""
        return _existing(self.folder / "thumbnail.svg")

    @property
    def changed(self) -> dict[str, Any]:
        """Parameters that differ from their defaults."""
        return {name: value for name, value in self.params.items()
                if name not in self.defaults or value != self.defaults[name]}

    def tables(self) -> "dict[str, pd.DataFrame]":
        """Tables of the result, read from Parquet."""
        import pandas as pd

        return {path.stem: pd.read_parquet(path)
                for path in sorted((self.folder / "artifacts").glob("*.parquet"))}

    def inference(self) -> dict[str, Any]:
        """``arviz.InferenceData`` of the result, read from NetCDF."""
        paths = sorted((self.folder / "artifacts").glob("*.nc"))
        if not paths:
            return {}
        arviz = libraries.arviz()

        return {path.stem: arviz.from_netcdf(path, engine="h5netcdf") for path in paths}

    def __repr__(self) -> str:
        cause = f": {self.error}" if self.error else ""
        return f"Run {self.id}, {self.state}{cause}"

    def _repr_html_(self) -> str:
        return f"<p class='run'>{html.escape(repr(self))}</p>"


def read(folder: Path) -> Run:
    """Run of a folder; a folder that cannot be read is a damaged run, never an exception."""
    try:
        record = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        other = _other_schema(record["schema_version"])
        if other:
            return Run(folder.name, folder, error=other)
        if record["id"] != folder.name:
            raise ValueError("manifest.json belongs to another folder")
        return rebuilt(folder, record)
    except FileNotFoundError:
        cause = "manifest.json is missing, so the run never finished."
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
        cause = f"manifest.json cannot be used ({type(problem).__name__})."
    return Run(folder.name, folder, error=f"{cause} Move the folder out of the store, or run the "
                                          "study again.")


def manifest(folder: Path) -> dict[str, dict[str, Any]]:
    """Size [bytes], SHA-256 and media type of each file of a run."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): {
        "bytes": path.stat().st_size, "sha256": _digest(path), "media_type": _media_type(path)}
        for path in paths if path.name not in DERIVED}


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON so that a reader sees the old file or the new one, never a part."""
    text = json.dumps(content, indent=1, ensure_ascii=True, allow_nan=False)
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def rebuilt(folder: Path, record: Mapping[str, Any]) -> Run:
    """Run of a record; raises ValueError, KeyError or TypeError when the record is not whole."""
    texts = {name: record[name]
             for name in ("id", "study", "title", "state", "key", "started", "error")}
    wrong = [name for name, text in texts.items() if not isinstance(text, str)]
    if wrong or texts["state"] not in STATES:
        raise ValueError(f"{', '.join(wrong) or 'state'} must be one of the known texts")
    numbers = {name: Estimate.from_record(entry) for name, entry in record["summary"].items()}
    seconds = math.nan if record["seconds"] is None else float(record["seconds"])
    return Run(
        folder=folder, params=dict(record["params"]), seconds=seconds,
        summary=Summary(numbers, tuple(map(str, record["notes"]))),
        versions=dict(record["versions"]), defaults=dict(record["defaults"]), **texts)


def _other_schema(version: object) -> str:
    """Why a run of another schema cannot be read, or nothing."""
    if type(version) is not int:
        raise TypeError("schema_version must be a whole number")
    if version > SCHEMA_VERSION:
        return (f"manifest.json was made by a newer workbench (schema {version}, this one reads "
                f"{SCHEMA_VERSION}). Update workbench to read it.")
    if version < SCHEMA_VERSION:
        return (f"manifest.json was made by an older workbench (schema {version}, this one reads "
                f"{SCHEMA_VERSION}). Run the study again.")
    return ""


def _existing(path: Path) -> Path | None:
    return path if path.is_file() else None


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _media_type(path: Path) -> str:
    guessed = MEDIA_TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0]
    return guessed or "application/octet-stream"
