"""A store at an address that fsspec knows, such as ``s3://bucket/runs`` or ``memory://runs``.

A run grows in a private folder of this machine, its workspace; its files are sent when it is whole
and ``manifest.json`` last, so a reader never sees half a run. A run that is looked at is fetched
once, since runs do not change. Credentials and addresses come from where fsspec looks for them:
the environment (``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``, ``AWS_ENDPOINT_URL`` for S3) or
the files in ``~/.config/fsspec``; they are never part of the URL.
"""

import errno
import hashlib
import math
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.core import places
from workbench.runs.storage import names, owners
from workbench.runs.storage.artifacts import regular_files
from workbench.runs.storage.folder import MANIFEST, Unreadable, damaged
from workbench.runs.storage.local_folder import CLAIMS, NO_MANIFEST
from workbench.runs.storage.names import StoreError
from workbench.runs.storage.replacing import replacing
from workbench.runs.storage.staging import BEGUN, Stage

__all__ = ["SHARED", "RemoteFolder", "workspace"]

SHARED = ("_assets", names.ENVIRONMENTS)
UNFINISHED = 24 * 3600.0  # seconds after which files without a manifest are no upload any more
BATCH = 500  # manifests asked for at once


@dataclass(frozen=True)
class RemoteFolder:
    """The runs below one URL."""

    url: str

    def stamps(self) -> dict[str, str]:
        """Each run's name with the state of its manifest; one listing of the whole store."""
        manifests: dict[str, str] = {}
        newest: dict[str, float] = {}
        for path, told in self.listing("").items():
            name, _, rest = path.partition("/")
            if not rest or name[0] in "._":
                continue
            if rest == MANIFEST:
                manifests[name] = _told(told)
            elif names.ID.fullmatch(name):
                newest[name] = max(newest.get(name, -math.inf), _moment(told))
        # Without a manifest a run is still on its way, unless that was long ago.
        old = {name for name, moment in newest.items() if time.time() - moment > UNFINISHED}
        return dict.fromkeys(old, NO_MANIFEST) | manifests

    def stamp(self, name: str) -> str:
        """State of one manifest; empty where there is none."""
        system, root = self.opened()
        told = self._ask(system.info, f"{root}/{name}/{MANIFEST}")
        return "" if told is None else _told(told)

    def contents(self, wanted: Iterable[str]) -> Iterator[tuple[str, bytes | Unreadable]]:
        """Bytes of each manifest, or why there are none."""
        system, root = self.opened()
        order = list(wanted)
        for start in range(0, len(order), BATCH):
            batch = {f"{root}/{name}/{MANIFEST}": name for name in order[start:start + BATCH]}
            got = self._ask(system.cat, list(batch), on_error="return") or {}
            for path, name in batch.items():
                yield name, _manifest(got.get(path, FileNotFoundError()), self.url)

    def named(self, key: str) -> list[str]:
        """Runs whose names say that they are of this key, newest first."""
        return sorted((name for name in self.entries()
                       if names.ID.fullmatch(name) and f"-{key[:8]}-" in name), reverse=True)

    def holds(self, name: str) -> bool:
        """Whether there is a folder of that name, whole or damaged."""
        return self.exists(name)

    def receive(self, stage: Stage) -> None:
        """Send a sealed run, its manifest last; one that cannot be sent is kept for a sweep."""
        system, root = self.opened()
        home = workspace(self.url)
        try:
            names_of = {path: path.relative_to(stage.folder).as_posix()
                        for path in regular_files(stage.folder)}
            _send(system, {path: f"{root}/{stage.id}/{name}" for path, name in names_of.items()
                           if name not in (MANIFEST, BEGUN)})
            self._send_shared(home)
            system.put_file(str(stage.folder / MANIFEST), f"{root}/{stage.id}/{MANIFEST}")
        except BaseException as problem:
            # Nobody's folder: the next sweep of any process on this machine sends it again.
            stage.folder.rename(home / f".{stage.id}.{owners.place()}.0-0.partial")
            if not isinstance(problem, Exception):
                raise
            cause = next(iter(str(problem).splitlines()), type(problem).__name__)
            raise StoreError(errno.EIO, f"the run {stage.id} could not be sent ({cause}). It is "
                             f"kept in {home} and sent by the next sweep", self.url) from problem
        shutil.rmtree(home / stage.id, ignore_errors=True)
        stage.place(home)

    def claimed(self) -> list[str]:
        """Keys that have a claim, held or left over."""
        stems = [name.partition(".")[0] for name in self.entries(f"/{CLAIMS}")]
        return [stem for stem in stems if names.KEY.fullmatch(stem)]

    def remove(self, name: str) -> None:
        """Take a run away for all readers, then its files."""
        system, root = self.opened()
        with suppress(FileNotFoundError):
            system.rm_file(f"{root}/{name}/{MANIFEST}")
        with suppress(FileNotFoundError):
            system.rm(f"{root}/{name}", recursive=True)
        shutil.rmtree(workspace(self.url) / name, ignore_errors=True)

    def put(self, path: str, source: Path) -> None:
        """Copy a local file into the store."""
        system, root = self.opened()
        _send(system, {source: f"{root}/{path}"})

    def fetch(self, path: str) -> Path | None:
        """Local copy of one file, fetched unless it is there; nothing where there is none."""
        system, root = self.opened()
        target = workspace(self.url) / path
        if not target.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                with replacing(target) as partial:
                    system.get_file(f"{root}/{path}", str(partial))
            except FileNotFoundError:
                return None
        return target

    def exists(self, path: str) -> bool:
        """Whether the store holds a file or folder."""
        system, root = self.opened()
        return bool(self._ask(system.exists, f"{root}/{path}"))

    def opened(self) -> tuple[Any, str]:
        """File system and root, without what it remembers: other machines write too."""
        import fsspec

        try:
            system, root = fsspec.core.url_to_fs(self.url)
        except Exception as problem:
            raise _unreachable(problem, self.url) from problem
        system.invalidate_cache()
        return system, root.rstrip("/")

    def _ask(self, question: Callable[..., Any], *where: Any, **how: Any) -> Any:
        """Answer of a file system, or nothing where there is no such file."""
        try:
            return question(*where, **how)
        except FileNotFoundError:
            return None
        except Exception as problem:  # each system has its own errors
            raise _unreachable(problem, self.url) from problem

    def listing(self, below: str) -> dict[str, Any]:
        """Path relative to a folder, and details, of every file there."""
        system, root = self.opened()
        prefix = f"{root}{below}/"
        found: dict[str, Any] = self._ask(system.find, prefix.rstrip("/"), detail=True) or {}
        return {path.removeprefix(prefix): told for path, told in found.items()
                if path.startswith(prefix) and path != prefix}

    def entries(self, below: str = "") -> list[str]:
        """Names of what lies directly in a folder."""
        system, root = self.opened()
        found: list[str] = self._ask(system.ls, f"{root}{below}", detail=False) or []
        return [path.rstrip("/").rpartition("/")[2] for path in found]

    def _send_shared(self, home: Path) -> None:
        system, root = self.opened()
        for folder in SHARED:
            here = [path for path in regular_files(home / folder) if path.name[0] != "."]
            there = set(self.entries(f"/{folder}")) if here else set()
            _send(system, {path: f"{root}/{folder}/{path.name}" for path in here
                           if path.name not in there})

def workspace(url: str) -> Path:
    """Local folder, of this user only, where runs of a remote store grow and copies lie."""
    home = places.cache() / "stores" / hashlib.sha256(url.encode()).hexdigest()[:24]
    with suppress(OSError):  # whoever writes there is told
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    return home


def _send(system: Any, files: dict[Path, str]) -> None:
    if files:
        system.put([str(path) for path in files], list(files.values()))


def _manifest(got: Any, url: str) -> bytes | Unreadable:
    if isinstance(got, bytes):
        return got
    if isinstance(got, FileNotFoundError):
        return damaged("manifest.json is missing, so the run never finished.")
    raise _unreachable(got, url) from got


def _unreachable(problem: Exception, url: str) -> StoreError:
    cause = next(iter(str(problem).splitlines()), type(problem).__name__)
    return StoreError(errno.EIO, f"the store cannot be reached ({cause}). Check its address, your "
                      "credentials and what must be installed for it", url)


def _told(told: dict[str, Any]) -> str:
    version = told.get("ETag") or told.get("etag") or told.get("md5Hash") or _moment(told)
    return f"{version}-{told.get('size')}"


def _moment(told: dict[str, Any]) -> float:
    """Time of the last change [seconds since 1970]; infinite where nobody tells."""
    for word in ("LastModified", "last_modified", "mtime", "modified", "updated", "created"):
        moment = told.get(word)
        if moment is not None:
            return float(moment.timestamp() if hasattr(moment, "timestamp") else moment)
    return math.inf
