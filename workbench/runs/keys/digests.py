"""Content hashes of files, each file read once for as long as it stays the same file."""

import hashlib
import os
import time
from pathlib import Path

__all__ = ["file_digest", "stamp", "text_digest"]

LENGTH = 32               # hexadecimal digits: 128 bits
FRESH = 2_000_000_000     # ns; a file changed this recently may change again unseen by its clock
MOST = 50_000
Stamp = tuple[int, ...]

_known: dict[str, tuple[Stamp, str]] = {}


def file_digest(path: Path | str) -> str | None:
    """First 32 hexadecimal digits of a file's SHA-256; None when there is no readable file."""
    name, now = os.fspath(path), stamp(path)
    known = _known.get(name)
    if known is not None and known[0] == now:   # never None nor empty: see below
        return known[1]
    try:
        if not os.path.isfile(name):  # noqa: PTH113 - a pipe would be waited for
            return None
        with open(name, "rb") as file:  # noqa: PTH123 - half the time of Path.open
            found = hashlib.file_digest(file, "sha256").hexdigest()[:LENGTH]
    except (OSError, ValueError):
        return None
    if now and now == stamp(path):
        if len(_known) >= MOST:
            _known.clear()
        _known[name] = now, found
    return found


def text_digest(text: str | bytes) -> str:
    """First 32 hexadecimal digits of a text's SHA-256; lone surrogates are allowed."""
    raw = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    return hashlib.sha256(raw).hexdigest()[:LENGTH]


def stamp(path: Path | str) -> Stamp | None:
    """What tells that a file or folder is still the same; empty when there is none.

    None stands for one that has changed so recently that the next change could go unseen.
    """
    try:
        now = os.stat(path)  # noqa: PTH116 - half the time of Path.stat
    except (OSError, ValueError):
        return ()
    newest = max(now.st_mtime_ns, now.st_ctime_ns)
    if time.time_ns() - newest < FRESH:
        return None
    return now.st_dev, now.st_ino, now.st_size, now.st_mtime_ns, now.st_ctime_ns
