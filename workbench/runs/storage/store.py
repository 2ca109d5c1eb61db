"""The store: one folder per run, local or at any address that fsspec knows."""

import json
import shutil
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from workbench.core import places
from workbench.runs.keys.fingerprint import study_name
from workbench.runs.storage import claims, lookup, names, staging
from workbench.runs.storage.catalogue import Wanted, catalogue_of
from workbench.runs.storage.folder import MANIFEST, Run, read, rebuilt
from workbench.runs.storage.local_folder import LocalFolder
from workbench.runs.storage.names import StoreError
from workbench.runs.storage.rows import Row
from workbench.runs.storage.staging import RUN_FOLDER, Stage

if TYPE_CHECKING:
    from workbench.runs.storage.remote import RemoteFolder

__all__ = ["RUN_FOLDER", "Store", "StoreError", "list_runs", "load"]

T = TypeVar("T", Run, Row)


class Store:
    """Runs below one root.

    Parameters
    ----------
    root : str or Path, optional
        A folder, or a URL such as ``s3://bucket/runs``; by default ``WORKBENCH_RUNS`` or
        ``data/runs``. The folder is made when the first run is saved.

    Attributes
    ----------
    url : str
        The root as text.
    local : Path or None
        The root, when it is a local folder.
    workspace : Path
        Local folder where runs grow; fetched runs of a remote store lie there too.
    """

    def __init__(self, root: str | Path | None = None):
        self.url, self.local = names.address(places.store() if root is None else root)
        self.place: LocalFolder | RemoteFolder
        self.place, self.workspace = (LocalFolder(self.local), self.local) \
            if self.local is not None else _remote(self.url)

    def __repr__(self) -> str:
        return f"Store({self.url!r})"

    @classmethod
    def of(cls, store: "Store | str | Path | None" = None) -> "Store":
        """The store itself, or the store of a path or URL, or the default one."""
        return store if isinstance(store, Store) else cls(store)

    def staged(self, name: str, key: str,
               about: Mapping[str, Any] | None = None) -> AbstractContextManager[Stage]:
        """Hidden folder of a new run, removed unless it is published.

        The mapping `about` holds what is known at the start (keys of the manifest), for those who
        look at the run before it is over, and for :meth:`sweep` if it never is. `StoreError` is
        raised when the store cannot be written.
        """
        return staging.staged(self.workspace, name, key, about)

    def publish(self, stage: Stage, record: Mapping[str, Any]) -> Run:
        """Write the manifest and show the run; after a `StoreError` readers see nothing."""
        stage.seal(record)
        self.place.receive(stage)
        return self.read(stage.id)

    def runs(self, study: Any = None, *, states: Iterable[str] | None = None,
             limit: int | None = None) -> list[Run]:
        """Runs, newest first: those in progress, then the others; damaged ones are told as such.

        Parameters
        ----------
        study : module or str, optional
            Only the runs of this study.
        states : iterable of str, optional
            Only runs in these states.
        limit : int, optional
            At most so many.
        """
        live, wanted = self._wanted(study, states, limit)
        told = catalogue_of(self.url).records(self.place, wanted)
        return _first(live, [self._run(*entry) for entry in told], limit)

    def rows(self, study: Any = None, *, states: Iterable[str] | None = None,
             limit: int | None = None) -> list[Row]:
        """As :meth:`runs`, ten times faster: what a table shows of each run."""
        live, wanted = self._wanted(study, states, limit)
        return _first(map(Row.of, live), catalogue_of(self.url).rows(self.place, wanted), limit)

    def count(self, study: Any = None) -> dict[str, int]:
        """Number of runs by state."""
        live, wanted = self._wanted(study, None, None)
        found = catalogue_of(self.url).count(self.place, wanted)
        return found | ({"running": len(live)} if live else {})

    def find(self, key: str) -> Run | None:
        """Newest succeeded run of a key, or nothing."""
        for _, name, stamp, record in catalogue_of(self.url).of_keys([key]):
            if self.place.stamp(name) == stamp:
                return self._run(name, record, "")
        # The catalogue may not know it yet; names tell which folders to look at.
        there = [run for run in map(self.read, self.place.named(key))
                 if run.key == key and run.state == "succeeded"]
        return max(there, key=lambda run: (run.started, run.id), default=None)

    def find_all(self, keys: Iterable[str]) -> dict[str, Run]:
        """Newest succeeded run of each key that has one; far faster than many :meth:`find`."""
        found: dict[str, Run] = {}
        for key, name, _, record in catalogue_of(self.url).of_keys([*keys], self.place):
            if key not in found:
                found[key] = self._run(name, record, "")
        return found

    def load(self, name: str) -> Run:
        """Run of an identifier, or of the first digits (at least 4) of its key.

        Raises
        ------
        ValueError
            If there is no such run, or several keys begin so.
        """
        return lookup.found(self, name)

    def read(self, name: str) -> Run:
        """Run of a folder's name, straight from the folder; damaged if it is none."""
        _, told = next(iter(self.place.contents([name])))
        return read(self.workspace / name, told, self._origin)

    def remove(self, run: Run) -> None:
        """Take a run away: at once for readers, then its files."""
        if not names.ID.fullmatch(run.id) or run.state == "running":
            raise ValueError(f"run must be a finished run of the store, got {run!r}. "
                             "Remove other folders by hand.")
        self.place.remove(run.id)

    def claim(self, key: str, *, wait: bool | float = True) -> AbstractContextManager[bool]:
        """Work on a key alone: other processes and threads that claim it wait, or are told no.

        Parameters
        ----------
        key : str
            Hash of the run.
        wait : bool or float
            Whether to wait for the other one, who has probably done the work then; at most so
            many seconds if a number.

        Returns
        -------
        claimed : context manager of bool
            False when another one still works on the key.
        """
        return claims.claim(self, names.checked_key(key), wait)

    def sweep(self) -> list[Run]:
        """Turn what dead processes left into runs in the state "lost"; return them."""
        found = map(self._salvaged, staging.abandoned(self.workspace))
        return [run for run in found if run is not None]

    def put(self, path: str, source: Path) -> None:
        """Copy a local file into the store, for instance to ``index.html``."""
        self.place.put(names.below(path), source)

    def fetch(self, path: str) -> Path | None:
        """Local path of a file that never changes, or nothing where there is none."""
        return self.place.fetch(names.below(path))

    def exists(self, path: str) -> bool:
        """Whether the store holds a file."""
        return self.place.exists(names.below(path))

    @property
    def _origin(self) -> str:
        return "" if self.local is not None else self.url

    def _run(self, name: str, record: str, error: str) -> Run:
        """Run as the catalogue tells it."""
        folder = self.workspace / name
        return (rebuilt(folder, json.loads(record), self._origin) if record
                else Run(name, folder, error=error, origin=self._origin))

    def _wanted(self, study: Any, states: Iterable[str] | None,
                limit: int | None) -> tuple[list[Run], Wanted]:
        """Runs in progress that are asked for, and what to ask of the catalogue besides."""
        name = None if study is None else study_name(study)
        kinds = None if states is None else frozenset(states)
        live = [run for run in staging.running(self.workspace)
                if (kinds is None or "running" in kinds) and name in (None, run.study)]
        return live, Wanted(name, kinds, limit=limit)

    def _salvaged(self, stage: Stage) -> Run | None:
        """What a dead process left, published: as it is when it was whole, else as lost."""
        if (stage.folder / MANIFEST).is_file():
            self.place.receive(stage)
            return self.read(stage.id)
        record = staging.lost(stage)
        if record is None:
            shutil.rmtree(stage.folder, ignore_errors=True)
            return None
        return self.publish(stage, record)


def list_runs(study: Any = None, store: Store | str | Path | None = None) -> list[Run]:
    """Runs, newest first; runs that cannot be read are listed as damaged.

    A folder is a run when its name is a run's or it holds a ``manifest.json``. Other folders, and
    links out of the store, are no runs and are left alone.

    Parameters
    ----------
    study : module or str, optional
        Only the runs of this study.
    store : Store, path or URL, optional
        ``WORKBENCH_RUNS`` or ``data/runs`` by default.
    """
    return Store.of(store).runs(study)


def load(run_id: str, store: Store | str | Path | None = None) -> Run:
    """Run of an identifier, or of the first digits (at least 4) of its key.

    Raises
    ------
    ValueError
        If there is no such run; the message names the nearest one.
    """
    return Store.of(store).load(run_id)


def _remote(url: str) -> "tuple[RemoteFolder, Path]":
    from workbench.runs.storage import remote

    return remote.RemoteFolder(url), remote.workspace(url)


def _first(live: Iterable[T], others: list[T], limit: int | None) -> list[T]:
    """Runs in progress before the others; one that was published meanwhile is not told twice."""
    over = {each.id for each in others}
    return ([each for each in live if each.id not in over] + others)[:limit]
