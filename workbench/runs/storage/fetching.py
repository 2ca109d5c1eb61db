"""Bring a run of a remote store to this machine, once and whole."""

import errno
import hashlib
import json
import secrets
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from workbench.runs.storage import names
from workbench.runs.storage.folder import MANIFEST, SPOILT
from workbench.runs.storage.names import StoreError
from workbench.runs.storage.remote import SHARED, RemoteFolder, workspace

__all__ = ["fetched"]


def fetched(url: str, run_id: str) -> Path:
    """Local folder of a remote run, fetched unless it is here.

    Raises
    ------
    StoreError
        If the run is not whole there, holds a file that would lead out of its folder, or arrives
        otherwise than its manifest says.
    """
    if not names.ID.fullmatch(run_id):
        raise ValueError(f"run_id must name a saved run, got {run_id!r}. "
                         "List them with list_runs().")
    home = workspace(url)
    if not (home / run_id).is_dir():
        _bring(RemoteFolder(url), run_id, home)
    return home / run_id


def _bring(place: RemoteFolder, run_id: str, home: Path) -> None:
    system, root = place.opened()
    paths = place.listing(f"/{run_id}")
    if MANIFEST not in paths:
        raise StoreError(errno.ENOENT, f"the run {run_id} is not whole. Run the study again",
                         place.url)
    _refuse_leading_out(paths, run_id)
    partial = home / f".{run_id}.{secrets.token_hex(3)}.fetching"
    try:
        system.get([f"{root}/{run_id}/{path}" for path in paths],
                   [str(partial / path) for path in paths])
        _verify(partial, run_id)
        # Reports link to files that they share.
        for name in place.entries(f"/{SHARED[0]}"):
            with suppress(ValueError):
                place.fetch(names.below(f"{SHARED[0]}/{name}"))
        with suppress(OSError):  # another process was faster
            partial.rename(home / run_id)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _refuse_leading_out(paths: Iterable[str], run_id: str) -> None:
    for path in paths:
        if any(part in ("", ".", "..") for part in path.split("/")) or set(path) & {"\0", "\\"}:
            raise StoreError(errno.EPERM, f"the run {run_id} holds a file that would lead out of "
                             f"its folder, {path!r}. Remove it from the store")


def _verify(folder: Path, run_id: str) -> None:
    try:
        files = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
        told = {str(path): str(each["sha256"]) for path, each in files.items()}
    except SPOILT:
        raise StoreError(errno.EIO, f"the manifest of the run {run_id} cannot be used. Run the "
                         "study again") from None
    _refuse_leading_out(told, run_id)
    for path, digest in told.items():
        if _digest(folder / path) != digest:
            raise StoreError(errno.EIO, f"{path} of the run {run_id} is not what its manifest "
                             "says. Run the study again")


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return ""
