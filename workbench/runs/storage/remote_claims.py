"""Claims in a remote store: an object that only one can create, renewed while the work lasts.

The claim's owner rewrites the object every now and then. Who waits compares what it says with
what it said before, by a clock of their own, and takes it over when it has not changed for long;
owners on this machine are looked up instead. Where a file system cannot create exclusively, two
processes that start within the same moment may both get the claim: then work is done twice, which
costs time but harms nothing, since a run is published whole or not at all.
"""

import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from workbench.runs.storage import owners
from workbench.runs.storage.claims import pauses
from workbench.runs.storage.local_folder import CLAIMS
from workbench.runs.storage.remote import RemoteFolder

__all__ = ["claim"]

BEAT, EXPIRY = 20.0, 90.0  # seconds between two signs of life, and after the last one

_SEEN: dict[str, tuple[bytes, float]] = {}  # what each claim of others said, and since when


@contextmanager
def claim(url: str, key: str, wait: bool | float) -> Iterator[bool]:  # noqa: FBT001
    """Claim of a key in a remote store."""
    system, root = RemoteFolder(url).opened()
    mine = _Claim(system, f"{root}/{CLAIMS}/{key}.json")
    if not any(mine.taken() for _ in pauses(wait)):
        yield False
        return
    over = threading.Event()
    thread = threading.Thread(target=mine.renew, args=(over,), daemon=True)
    thread.start()
    try:
        yield True
    finally:
        over.set()
        thread.join()
        mine.drop()


class _Claim:
    def __init__(self, system: Any, path: str):
        self.system, self.path = system, path
        self.token, self.beats = secrets.token_hex(8), 0

    def taken(self) -> bool:
        """Whether the claim is ours now; one whose owner is gone is taken over."""
        there = self._read()
        if there is not None and not self._is_stale(there):
            return False
        if there is not None and self._read() == there:
            self._remove()
        return self._created()

    def renew(self, over: threading.Event) -> None:
        """Show signs of life until the work is over or another one has taken the claim."""
        while not over.wait(BEAT):
            with suppress(Exception):  # the network may come back before the claim expires
                if not self._is_mine():
                    return
                self.beats += 1
                self.system.pipe_file(self.path, self._text())

    def drop(self) -> None:
        """Give the claim back; one that cannot be removed expires."""
        with suppress(Exception):
            if self._is_mine():
                self._remove()

    def _created(self) -> bool:
        try:
            self.system.pipe_file(self.path, self._text(), mode="create")
        except FileExistsError:
            return False
        return self._is_mine()  # some systems overwrite whatever the mode says

    def _is_mine(self) -> bool:
        there = self._read()
        return there is not None and _told(there).get("token") == self.token

    def _is_stale(self, there: bytes) -> bool:
        place, _, process = str(_told(there).get("owner", "")).rpartition(".")
        pid, _, born = process.partition("-")
        if place == owners.place() and pid.isdecimal() and born.isdecimal():
            return not owners.alive(int(pid), int(born))
        said, since = _SEEN.get(self.path, (b"", 0.0))
        if said != there:
            _SEEN[self.path] = (there, time.monotonic())
            return False
        return time.monotonic() - since > EXPIRY

    def _text(self) -> bytes:
        return json.dumps({"owner": owners.mine(), "token": self.token,
                           "beats": self.beats}).encode()

    def _read(self) -> bytes | None:
        self.system.invalidate_cache()
        try:
            return bytes(self.system.cat_file(self.path))
        except FileNotFoundError:
            return None

    def _remove(self) -> None:
        with suppress(FileNotFoundError):
            self.system.rm_file(self.path)


def _told(there: bytes) -> dict[str, Any]:
    try:
        told = json.loads(there)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
