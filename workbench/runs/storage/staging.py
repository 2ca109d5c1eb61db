"""A run grows in a hidden sibling folder and is renamed when it is whole.

The hidden name tells host, process and birth of its owner, so that leftovers of a process that
is gone can be told from a run in progress. What is known at the start lies in ``begun.json``;
the owner touches that file from time to time, for the eyes of other hosts.
"""

import errno
import json
import math
import os
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workbench.runs.storage import owners
from workbench.runs.storage.artifacts import listed
from workbench.runs.storage.folder import MANIFEST, SCHEMA_VERSION, SPOILT, Run, rebuilt
from workbench.runs.storage.names import ID, StoreError, new_id
from workbench.runs.storage.replacing import MARK, replacing

__all__ = ["RUN_FOLDER", "Stage", "abandoned", "lost", "running", "staged", "timestamp", "unsaved",
           "write_json"]

RUN_FOLDER = "WORKBENCH_RUN_FOLDER"  # tells a kernel where the run grows that executes it
PARTIAL = re.compile(rf"\.(?P<id>{ID.pattern})\.(?P<host>.+)\.(?P<pid>\d+)-(?P<born>\d+)\.partial",
                     re.ASCII)
# What a killed process leaves of its own files in a run; without six digits: as once written.
HALF_WRITTEN = re.compile(r"\.(?:(?:begun|manifest|metrics)\.json|report\.html)"
                          rf"(?:{MARK}|\.partial)", re.ASCII)
BEGUN = "begun.json"
SILENCE = 6 * 3600.0  # seconds without a beat after which a run of another host is given up
BLANK: Mapping[str, Any] = {
    "study": "", "title": "", "params": {}, "defaults": {}, "seed": None, "key": "",
    "key_parts": {}, "versions": {}, "started": "", "seconds": None, "summary": {}, "notes": []}


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

    @property
    def about(self) -> dict[str, Any]:
        """What was known when the run began; empty when that cannot be read."""
        try:
            told = json.loads((self.folder / BEGUN).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return told if isinstance(told, dict) else {}

    def beat(self) -> None:
        """Tell other hosts that the run is alive; every few minutes is enough."""
        with suppress(OSError):
            os.utime(self.folder / BEGUN)

    def seal(self, record: Mapping[str, Any]) -> None:
        """Write ``manifest.json``; the folder is whole then, but nobody sees it yet."""
        whole = {"schema_version": SCHEMA_VERSION, "id": self.id, **record}
        try:
            for path in self.folder.glob(".*.partial"):
                if HALF_WRITTEN.fullmatch(path.name):
                    with suppress(OSError):
                        path.unlink()
            write_json(self.folder / MANIFEST, whole | {"files": listed(self.folder)})
            _sync(self.folder / MANIFEST)
        except OSError as problem:
            raise unsaved(self.id, self.folder.parent, problem) from problem

    def place(self, parent: Path) -> Path:
        """Rename the folder to its final name below `parent`."""
        (self.folder / BEGUN).unlink(missing_ok=True)
        final = parent / self.id
        self.folder.rename(final)
        _sync(parent)
        return final


@contextmanager
def staged(workspace: Path, name: str, key: str,
           about: Mapping[str, Any] | None = None) -> Iterator[Stage]:
    """Hidden folder of a new run, removed unless it is published.

    Parameters
    ----------
    workspace : Path
        Made when it does not exist.
    name : str
        Name of the study or notebook.
    key : str
        Hash of the run, at least 8 hexadecimal digits.
    about : mapping, optional
        What is known of the run before it starts, for those who look at it or find it lost.

    Raises
    ------
    StoreError
        If the store cannot be written.
    """
    run_id = new_id(name, key)
    stage = Stage(run_id, workspace / f".{run_id}.{owners.mine()}.partial")
    try:
        try:
            workspace.mkdir(parents=True, exist_ok=True)
            stage.folder.mkdir()
            known = {"started": timestamp(), "key": key, "host": owners.host()}
            write_json(stage.folder / BEGUN, known | dict(about or {}))
        except OSError as problem:
            raise unsaved(run_id, workspace, problem) from problem
        yield stage
    finally:
        shutil.rmtree(stage.folder, ignore_errors=True)


def running(workspace: Path) -> list[Run]:
    """Runs in progress whose owners live, newest first."""
    stages = [(Stage(matched["id"], workspace / matched.string), matched)
              for matched in _partials(workspace)]
    live = [_begun(stage) for stage, matched in stages if not _is_abandoned(stage, matched)]
    return sorted(live, key=lambda run: (run.started, run.id), reverse=True)


def abandoned(workspace: Path) -> Iterator[Stage]:
    """Stages whose owners are gone, each taken over by this process before it is handed out."""
    for matched in _partials(workspace):
        stage = Stage(matched["id"], workspace / matched.string)
        if not _is_abandoned(stage, matched):
            continue
        taken = workspace / f".{stage.id}.{owners.mine()}.partial"
        try:
            stage.folder.rename(taken)
        except OSError:  # another process was faster
            continue
        yield Stage(stage.id, taken)


def lost(stage: Stage) -> dict[str, Any] | None:
    """Record of a run whose owner is gone, or nothing when nothing is known of it."""
    from workbench.runs import metrics

    about = stage.about
    if not about:
        return None
    record = dict(BLANK) | {name: about[name] for name in about if name != "state"}
    with suppress(OSError, ValueError, TypeError, KeyError):
        record["summary"] = {name: number.record()
                             for name, number in metrics.recorded(stage.folder).items()}
        saved = json.loads((stage.folder / "metrics.json").read_text(encoding="utf-8"))
        record |= {"summary": record["summary"] | saved["summary"], "notes": list(saved["notes"])}
    return record | {"state": "lost", "error": "the process that executed this run is gone"}


def timestamp() -> str:
    """Now in UTC, ISO 8601 with microseconds."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON so that a reader sees the old file or the new one, never a part."""
    text = json.dumps(content, indent=1, ensure_ascii=True, allow_nan=False)
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")


def unsaved(run_id: str, store: Path | str, problem: OSError) -> StoreError:
    """One clear error for a run that could not be written."""
    return StoreError(problem.errno or 0, f"the run {run_id} could not be saved "
                      f"({problem.strerror or problem}). Make room or give yourself the right to "
                      "write, then run it again", str(store))


def _partials(workspace: Path) -> list[re.Match[str]]:
    try:
        names = [entry.name for entry in os.scandir(workspace)
                 if entry.name.endswith(".partial")]
    except OSError:
        return []
    return [matched for matched in map(PARTIAL.fullmatch, names) if matched]


def _is_abandoned(stage: Stage, owner: re.Match[str]) -> bool:
    if owner["host"] == owners.place():
        return not owners.alive(int(owner["pid"]), int(owner["born"]))
    try:
        beat = max((stage.folder / name).stat().st_mtime for name in (BEGUN, "")
                   if (stage.folder / name).exists())
    except (OSError, ValueError):
        return False  # gone meanwhile
    return time.time() - beat > SILENCE


def _begun(stage: Stage) -> Run:
    record = dict(BLANK) | stage.about
    record |= {"id": stage.id, "state": "succeeded", "error": "", "seconds": None, "summary": {},
               "notes": []}
    try:
        told = rebuilt(stage.folder, record)
    except SPOILT:
        told = Run(stage.id, stage.folder, seconds=math.nan)
    return replace(told, state="running")


def _sync(path: Path) -> None:
    """Make a file, or the renames in a folder, survive a power cut."""
    if os.name != "posix":
        return  # elsewhere folders cannot be opened, and files only to write
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as problem:
        if problem.errno not in (errno.EINVAL, errno.ENOTSUP):  # some shared file systems refuse
            raise
    finally:
        os.close(handle)
