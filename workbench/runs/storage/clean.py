"""Remove old runs and what dead processes left behind; what cannot be read is left alone."""

import json
import re
import shutil
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path

from workbench.runs.storage import names
from workbench.runs.storage.folder import Run
from workbench.runs.storage.remote import SHARED
from workbench.runs.storage.replacing import MARK
from workbench.runs.storage.staging import PARTIAL
from workbench.runs.storage.store import Store

__all__ = ["clean"]

GRACE = 24 * 3600.0  # seconds in which a file may wait for the run that will need it
# A store may be a folder with other things in it: only names that this program gives are touched.
ASSET = re.compile(r"(?:report|index|comparison|bokeh|bokeh-[a-z]+|panel)-[0-9a-z.]+\.(?:css|js)",
                   re.ASCII)
ENVIRONMENT = re.compile(r"[0-9a-f]{32}\.json", re.ASCII)
FILE = rf"(?:index\.html|report\.html|report\.pdf|{ASSET.pattern}|{ENVIRONMENT.pattern})"
# Once the number of the process stood where six random digits stand now.
LEFTOVER = re.compile(rf"\.{names.ID.pattern}\.[0-9a-f]{{6}}\.(?:removed|fetching|partial)"
                      rf"|\.{FILE}(?:{MARK}|\.\d+\.partial)", re.ASCII)


def clean(*, older_than: timedelta | None = None, keep_latest: int = 0,
          states: Iterable[str] | None = None, store: Store | str | Path | None = None,
          dry_run: bool = False) -> list[Run]:
    """Remove runs that meet every condition, and files that no run needs any more.

    Without a condition no run is removed, only what is left over: claims nobody holds, hidden
    folders of dead processes, shared files that no report uses.

    Parameters
    ----------
    older_than : timedelta, optional
        Only runs that started longer ago.
    keep_latest : int
        Of each study, keep so many of the newest runs that meet the other conditions' states.
    states : iterable of str, optional
        Only runs in these states; damaged ones are removed only when "damaged" is named.
    store : Store, path or URL, optional
        ``WORKBENCH_RUNS`` or ``data/runs`` by default.
    dry_run : bool
        Change nothing.

    Returns
    -------
    runs : list of Run
        What was, or would be, removed.

    Raises
    ------
    ValueError
        If `older_than` or `keep_latest` is negative, or a running run is asked for.
    """
    place = Store.of(store)
    wanted = None if states is None else frozenset(states)
    if keep_latest < 0 or (older_than is not None and older_than < timedelta(0)):
        raise ValueError(f"older_than and keep_latest must not be negative, got {older_than!r} "
                         f"and {keep_latest!r}. Leave them out to set no limit.")
    if wanted is not None and "running" in wanted:
        raise ValueError("states must not name 'running', since a run in progress is not removed. "
                         "Stop it first.")
    if not dry_run:
        from workbench.runs.reports.salvage import salvage

        salvage(place)
    chosen = [] if older_than is None and not keep_latest and wanted is None else _chosen(
        place, older_than, keep_latest, wanted)
    if not dry_run:
        for run in chosen:
            place.remove(run)
        _tidy(place)
    return chosen


def _chosen(store: Store, older_than: timedelta | None, keep_latest: int,
            states: frozenset[str] | None) -> list[Run]:
    latest: Counter[str] = Counter()
    chosen = []
    for run in store.runs(states=states):
        if run.state == "running" or not names.ID.fullmatch(run.id):
            continue
        if run.state == "damaged" and states is None:
            continue
        latest[run.study] += 1
        if latest[run.study] > keep_latest and _is_older(run, older_than):
            chosen.append(run)
    return chosen


def _is_older(run: Run, age: timedelta | None) -> bool:
    # The name tells the second too, and damaged runs have nothing else.
    try:
        begun = datetime.strptime(run.id[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:  # digits that are no date: of unknown age
        return age is None
    return age is None or datetime.now(UTC) - begun > age


def _tidy(store: Store) -> None:
    """Remove what no run needs. Files shared by the reports of a remote store stay."""
    for key in store.place.claimed():
        with store.claim(key, wait=False):
            pass  # a claim that can be had has no owner, and leaving it removes its file
    entries = _entries(store.workspace)
    ours = [path for path in entries if not path.is_symlink() and (
        path.name in SHARED or names.ID.fullmatch(path.name))]
    for path in chain(entries, *map(_entries, ours)):
        if LEFTOVER.fullmatch(path.name) and _is_old(path):
            _delete(path)
    # A run in progress may be about to use a file that no report names yet.
    if store.local is not None and not any(PARTIAL.fullmatch(path.name) for path in entries):
        _drop_unused(store.local / "_assets", ASSET, _pages(store.local))
        _drop_unused(store.local / names.ENVIRONMENTS, ENVIRONMENT,
                     (json.dumps(run.key_parts).encode() for run in store.runs()))


def _drop_unused(folder: Path, ours: re.Pattern[str], texts: Iterable[bytes]) -> None:
    """Remove old files of ours whose names no text tells."""
    if folder.is_symlink():  # what it leads to is not of this store alone
        return
    unused = {path.stem.encode(): path for path in _entries(folder)
              if ours.fullmatch(path.name) and _is_old(path)}
    for text in texts:
        if not unused:
            return
        unused = {name: path for name, path in unused.items() if name not in text}
    for path in unused.values():
        _delete(path)


def _pages(root: Path) -> Iterator[bytes]:
    shared = [path for path in _entries(root / "_assets") if path.suffix in (".css", ".js")]
    for path in [root / "index.html", *shared, *(each / "report.html" for each in _entries(root))]:
        with suppress(OSError):
            yield path.read_bytes()


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _is_old(path: Path) -> bool:
    try:
        return time.time() - path.lstat().st_mtime > GRACE
    except OSError:
        return False


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()
