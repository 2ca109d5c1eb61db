"""Claims: one process at a time works on a key, so that the same work is done once.

A local claim is a POSIX record lock (``fcntl.lockf``) on a file below ``.claims``. The system
drops it when its process ends however that happens, children do not inherit it, and it works
between the hosts of a shared file system. It knows no threads, so they have a lock of their own.
"""

import errno
import os
import stat
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.runs.storage.local_folder import CLAIMS
from workbench.runs.storage.names import StoreError

if TYPE_CHECKING:
    from workbench.runs.storage.store import Store

__all__ = ["claim", "pauses"]

SHORTEST, LONGEST = 0.01, 0.5  # seconds between two tries

_THREADS: dict[str, threading.Lock] = {}
if hasattr(os, "register_at_fork"):  # what another thread of the parent holds stays with it
    os.register_at_fork(after_in_child=_THREADS.clear)


@contextmanager
def claim(store: "Store", key: str, wait: bool | float) -> Iterator[bool]:  # noqa: FBT001
    """Claim of a store, as :meth:`workbench.runs.storage.store.Store.claim` says."""
    # By the real folder: closing a second handle of a file gives up the lock of the first one, so
    # no other thread of this process may even open it.
    home = store.url if store.local is None else str(store.local.resolve())
    turn = _THREADS.setdefault(f"{home}\n{key}", threading.Lock())
    if not any(turn.acquire(blocking=False) for _ in pauses(wait)):
        yield False
        return
    try:
        if store.local is not None:
            taken = _local(store.local / CLAIMS / f"{key}.lock", wait)
        else:
            from workbench.runs.storage import remote_claims

            taken = remote_claims.claim(store.url, key, wait)
        with taken as mine:
            yield mine
    finally:
        turn.release()


def pauses(wait: bool | float) -> Iterator[None]:  # noqa: FBT001
    """Once without waiting, else again and again with growing pauses, at most `wait` seconds."""
    pause, begun = SHORTEST, time.monotonic()
    yield
    while wait is True or time.monotonic() - begun < wait:
        time.sleep(pause)
        pause = min(2 * pause, LONGEST)
        yield


@contextmanager
def _local(path: Path, wait: bool | float) -> Iterator[bool]:  # noqa: FBT001
    try:
        _make(path.parent)
        handle = next((found for _ in pauses(wait) if (found := _tried(path)) is not None), None)
    except OSError as problem:
        raise StoreError(problem.errno or 0, f"the store cannot be written ({problem.strerror}). "
                         "Make room or give yourself the right to write", str(path)) from problem
    if handle is None:
        yield False
        return
    try:
        yield True
    finally:
        # Removed while it is held: whoever opened it meanwhile sees that it is not the file.
        with suppress(OSError):
            path.unlink()
        os.close(handle)


def _make(folder: Path) -> None:
    """Make the folder of claims, for everyone who may write to the store."""
    if folder.is_dir():
        return
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(stat.S_IMODE(folder.parent.stat().st_mode))


def _tried(path: Path) -> int | None:
    """Open and locked file, or nothing when another process holds it."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
    try:
        with suppress(PermissionError, AttributeError):  # of another user; not on this system
            os.fchmod(handle, stat.S_IMODE(path.parent.stat().st_mode) & 0o666)
        if _locked(handle) and os.path.samestat(os.fstat(handle), path.stat()):
            return handle
    except FileNotFoundError:  # the last holder removed it just now
        pass
    except BaseException:
        os.close(handle)
        raise
    os.close(handle)
    return None


def _locked(handle: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            # Tried again and again rather than waited for: the system would suspect a deadlock
            # between two processes that each hold one key and whose threads wait for the other.
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError as problem:
        # A file system without locks cannot tell processes apart; work done twice harms nothing.
        if problem.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS):
            raise
    return True
