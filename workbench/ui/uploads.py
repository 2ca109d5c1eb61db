"""Files that visitors gave, on this machine's disk: one for equal content, readable by us alone.

A file lies at ``uploads/<digits of its sha256>/<its own name>`` below the cache, so that a run's
parameters and the name of the data tell what was given. Whoever names a file names these two
parts, and nothing outside the folder can be meant by them.
"""

import contextlib
import hashlib
import os
import re
import secrets
import threading
import time
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path

from workbench import runs
from workbench.core import places
from workbench.datasets.files import EXTENSIONS

__all__ = ["ENDINGS", "Incoming", "Uploads", "named_by_runs", "plain_name"]

ENDINGS = {"table": EXTENSIONS, "images": (".npz",), "any": (*EXTENSIONS, ".npz")}
MOST = 2**30             # of all files [bytes]
SECONDS = 7 * 86400.0    # that a file is kept without being used
STALE = 3600.0           # after which what was never finished is no longer coming
DIGITS = 32              # of the sha256
LONGEST = 100            # of a name without its ending [bytes]
NAMED = re.compile(r"([0-9a-f]{32})/([^/\\\0]{1,200})")


class Uploads:
    """A folder of given files.

    Parameters
    ----------
    folder : Path, optional
        Below :func:`workbench.core.places.cache` by default.
    most : int
        Size from which the files used longest ago are removed [bytes].
    seconds : float
        Time without use after which a file is removed.
    needed : callable, optional
        Gives the paths that must be kept; those that saved runs name by default.
    """

    def __init__(self, folder: Path | None = None, *, most: int = MOST, seconds: float = SECONDS,
                 needed: Callable[[], Iterable[str]] | None = None):
        self.folder = places.cache() / "uploads" if folder is None else folder
        self._most, self._seconds = most, seconds
        self._needed = named_by_runs if needed is None else needed
        self._lock = threading.Lock()

    def begin(self, name: str) -> "Incoming":
        """Take in a file piece by piece.

        Raises
        ------
        ValueError
            If its name has no ending of a table or of images.
        OSError
            If the folder cannot be written.
        """
        return Incoming(self.folder, plain_name(name))

    def find(self, told: str) -> Path:
        """The file of a name that :meth:`Incoming.finish` gave; it counts as used now.

        Raises
        ------
        ValueError
            If there is no such file here.
        """
        parts = NAMED.fullmatch(told)
        path = self.folder / parts[1] / parts[2] if parts and parts[2] not in (".", "..") else None
        if path is None or path.is_symlink() or not path.is_file():
            raise ValueError("data must be a file that was given to this page, but it is no "
                             "longer here. Give it again.")
        os.utime(path)
        return path

    def tidy(self) -> list[Path]:
        """Remove what was not used for long, and the oldest beyond the size; runs keep theirs."""
        with self._lock:
            needed, now = {str(path) for path in self._needed()}, time.time()
            files = sorted(self._files(), key=lambda each: each[1].st_mtime)
            total, removed = sum(state.st_size for _, state in files), []
            for path, state in files:
                unfinished = path.parent == self.folder
                age = now - state.st_mtime
                old = age > (STALE if unfinished else self._seconds)
                full = total > self._most and not unfinished
                if (old or full) and str(path) not in needed:
                    removed.append(path)
                    total -= state.st_size
                    _remove(path, self.folder)
            return removed

    def _files(self) -> Iterable[tuple[Path, os.stat_result]]:
        for path in [*self.folder.glob("*/*"), *self.folder.glob("*.partial")]:
            with contextlib.suppress(OSError):
                yield path, path.stat()


class Incoming:
    """A file that is on its way: written at once, kept only when it is whole."""

    def __init__(self, folder: Path, name: str):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.name, self.size = name, 0
        self._folder = folder
        self._path = folder / f"{secrets.token_hex(8)}.partial"
        self._digest = hashlib.sha256()
        self._file = os.fdopen(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600),
                               "wb")

    def write(self, piece: bytes) -> None:
        """Take the next piece."""
        self._file.write(piece)
        self._digest.update(piece)
        self.size += len(piece)

    def finish(self) -> str:
        """Keep the file, unless the same is here; gives the name by which it is found again."""
        self._file.close()
        place = self._folder / self._digest.hexdigest()[:DIGITS]
        place.mkdir(exist_ok=True, mode=0o700)
        ending = _ending(self.name)
        for known in place.iterdir():
            if _ending(known.name) == ending:
                self._path.unlink()
                os.utime(known)
                return f"{place.name}/{known.name}"
        self._path.rename(place / self.name)
        return f"{place.name}/{self.name}"

    def drop(self) -> None:
        """Forget it."""
        self._file.close()
        self._path.unlink(missing_ok=True)


def plain_name(name: str) -> str:
    r"""The name of a file as it may stand on this disk and on a page.

    Raises
    ------
    ValueError
        If it has no ending of a table or of images.

    Examples
    --------
    >>> plain_name("..\\..\\My <b>news</b> (2).CSV"), plain_name("/etc/.csv")
    ('b_ (2).csv', 'table.csv')
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    ending = _ending(last)
    if not ending:
        known = ", ".join(ENDINGS["any"])
        shown = last if last.isprintable() and len(last) <= 80 else "another name"
        raise ValueError(f"data must end in {known}, got {shown!r}. Save the table as CSV or "
                         "Parquet, or images as .npz.")
    stem = re.sub(r"[^\w .()+-]+", "_", last[:-len(ending)]).strip(" .")
    while len(stem.encode()) > LONGEST:
        stem = stem[:-1]
    return (stem.strip(" .") or "table") + ending


def named_by_runs() -> set[str]:
    """Every path that a parameter of a saved run names."""
    return {value for run in runs.runs() for value in run.params.values()
            if isinstance(value, str) and os.sep in value}


def _ending(name: str) -> str:
    every = sorted(ENDINGS["any"], key=len, reverse=True)
    return next((end for end in every if name.lower().endswith(end)), "")


def _remove(path: Path, folder: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
        if path.parent != folder:
            path.parent.rmdir()
