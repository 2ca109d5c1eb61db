"""Short folders that nobody else can read, for sockets: their paths end at 108 bytes."""

import atexit
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

__all__ = ["private_folder", "private_root"]

SHORT = 40  # bytes that leave room for the names inside


def private_root() -> Path:
    """Folder of this process, with mode 0700; removed at its end, by the template if need be."""
    return _root(os.getpid())  # a forked process makes its own


def private_folder() -> Path:
    """Make a new folder inside the root; the caller removes it."""
    return Path(tempfile.mkdtemp(prefix="k", dir=private_root()))


@cache
def _root(process: int) -> Path:
    usual = tempfile.gettempdir()
    place = usual if len(os.fsencode(usual)) <= SHORT or os.name != "posix" else "/tmp"
    folder = Path(tempfile.mkdtemp(prefix="wb-", dir=place))
    atexit.register(_remove, folder, process)
    return folder


def _remove(folder: Path, process: int) -> None:
    if os.getpid() == process:
        shutil.rmtree(folder, ignore_errors=True)
