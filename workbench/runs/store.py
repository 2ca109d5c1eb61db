"""The store: one folder per run, local or at any address that fsspec knows."""

import json
import shutil
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.core import places
from workbench.runs import lookup, names, staging
from workbench.runs.catalogue import Wanted, catalogue_of
from workbench.runs.folder import MANIFEST, Run, Unreadable, rebuilt, record_of
from workbench.runs.local_folder import LocalFolder
from workbench.runs.names import StoreError
from workbench.runs.rows import Row
from workbench.runs.staging import RUN_FOLDER, Stage

if TYPE_CHECKING:
    from workbench.runs.remote import RemoteFolder

__all__ = ["RUN_FOLDER", "Store", "StoreError", "list_runs", "load", "store_folder"]


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

    @classmethod
    def of(cls, store: "Store | str | Path | None" = None) -> "Store":
        """The store itself, or the store of a path or URL, or the default one."""
        return store if isinstance(store, Store) else cls(store)

    def staged(self, name: str, key: str,
               about: Mapping[str, Any] | None = None) -> AbstractContextManager[Stage]:
        """Hidden folder of a new run, removed unless it is published.

        Parameters
        ----------
        name : str
            Name of the study or notebook.
        key : str
            Hash of the run.
        about : mapping, optional
            What is known at the start (keys of the manifest), for those who look at the run
            before it is over, and for :meth:`sweep` if it never is.

        Raises
        ------
        StoreError
            If the store cannot be written.
        """
        return staging.staged(self.workspace, name, key, about)

    def publish(self, stage: Stage, record: Mapping[str, Any]) -> Run:
        """Write the manifest and let readers see the run.

        Raises
        ------
        StoreError
            If the run cannot be saved; readers see nothing then.
        """
        try:
            stage.seal(record)
        except OSError as problem:
            raise staging.unsaved(stage.id, self.url, problem) from problem
        return self._placed(stage)

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
        return live + [self._run(*entry) for entry in told]

    def rows(self, study: Any = None, *, states: Iterable[str] | None = None,
             limit: int | None = None) -> list[Row]:
        """As :meth:`runs`, ten times faster: what a table shows of each run."""
        live, wanted = self._wanted(study, states, limit)
        return [Row.of(run) for run in live] + catalogue_of(self.url).rows(self.place, wanted)

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
        for name in self.place.named(key):
            run = self.read(name)
            if run.key == key and run.state == "succeeded":
                return run
        return None

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
        told = next(iter(self.place.contents([name])))[1]
        try:
            if isinstance(told, Unreadable):
                raise told
            return self._run(name, json.dumps(record_of(name, told)), "")
        except Unreadable as problem:
            return self._run(name, "", str(problem))

    def remove(self, run: Run) -> None:
        """Take a run away: at once for readers, then its files."""
        if not names.ID.fullmatch(run.id) or run.state == "running":
            raise ValueError(f"run must be a finished run of the store, got {run!r}. "
                             "Remove other folders by hand.")
        self.place.remove(run.id)

    def claim(self, key: str, *, wait: bool = True) -> AbstractContextManager[bool]:
        """Work on a key alone: other processes and threads that claim it wait, or are told no.

        Parameters
        ----------
        key : str
            Hash of the run.
        wait : bool
            Whether to wait for the other one, who has probably done the work then.

        Returns
        -------
        claimed : context manager of bool
            False only without `wait`, when another one works on the key.
        """
        if not names.KEY.fullmatch(key):
            raise ValueError(f"key must be 8 to 64 hexadecimal digits, got {key!r}. "
                             "Take it from fingerprint.key_of().")
        from workbench.runs import claims

        return claims.claim(self, key, wait=wait)

    def sweep(self) -> list[Run]:
        """Turn what dead processes left into runs in the state "lost"; return them."""
        found = []
        for stage in staging.abandoned(self.workspace):
            run = self._salvaged(stage)
            if run is not None:
                found.append(run)
        return found

    def put(self, path: str, source: Path) -> None:
        """Copy a local file into the store, for instance to ``index.html``."""
        self.place.put(names.below(path), source)

    def exists(self, path: str) -> bool:
        """Whether the store holds a file."""
        return self.place.exists(names.below(path))

    def _run(self, name: str, record: str, error: str) -> Run:
        origin = "" if self.local is not None else self.url
        if not record:
            return Run(name, self.workspace / name, error=error, origin=origin)
        return rebuilt(self.workspace / name, json.loads(record), origin)

    def _wanted(self, study: Any, states: Iterable[str] | None,
                limit: int | None) -> tuple[list[Run], Wanted]:
        """Runs in progress that are asked for, and what to ask of the catalogue besides."""
        name = None if study is None else _name(study)
        kinds = None if states is None else frozenset(states)
        live = [run for run in staging.running(self.workspace)
                if (kinds is None or "running" in kinds) and name in (None, run.study)][:limit]
        return live, Wanted(name, kinds, limit=None if limit is None else limit - len(live))

    def _salvaged(self, stage: Stage) -> Run | None:
        """What a dead process left, published: as it is when it was whole, else as lost."""
        if (stage.folder / MANIFEST).is_file():
            return self._placed(stage)
        record = staging.lost(stage)
        if record is None:
            shutil.rmtree(stage.folder, ignore_errors=True)
            return None
        return self.publish(stage, record)

    def _placed(self, stage: Stage) -> Run:
        """Let readers see a sealed run."""
        try:
            self.place.receive(stage)
        except OSError as problem:
            raise staging.unsaved(stage.id, self.url, problem) from problem
        return self.read(stage.id)


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


def store_folder(store: Store | str | Path | None = None) -> Path:
    """Local folder of a store: the store itself, or the workspace of a remote one."""
    return Store.of(store).workspace


def _remote(url: str) -> "tuple[RemoteFolder, Path]":
    from workbench.runs import remote

    return remote.RemoteFolder(url), remote.workspace(url)


def _name(study: Any) -> str:
    return str(getattr(study, "__name__", study)).rpartition(".")[2]
