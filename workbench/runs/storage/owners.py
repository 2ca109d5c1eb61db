"""Whether the process that owns a folder or a claim still lives, told without trusting clocks."""

import hashlib
import os
import re
import socket
import uuid
from functools import cache
from pathlib import Path

__all__ = ["alive", "host", "mine", "place"]

BOOT = Path("/proc/sys/kernel/random/boot_id")
CONTAINER = Path("/proc/self/ns/pid")
OWN = Path("/proc/self/stat")
NOBODY, HIDDEN = -1, -2


def host() -> str:
    """Name of this machine."""
    return socket.gethostname()


@cache
def place() -> str:
    """Name of the world in which process numbers mean something: machine, boot, container.

    Two machines may share a name, and two containers a machine; a process number of the other
    one says nothing here.
    """
    try:
        world = BOOT.read_text().strip() + str(CONTAINER.readlink())
    except OSError:
        world = str(uuid.getnode())
    word = re.sub(r"[^A-Za-z0-9-]+", "-", host())[:40] or "host"
    return f"{word}-{hashlib.sha256(world.encode()).hexdigest()[:6]}"


def mine() -> str:
    """Place, process number and birth of this process."""
    return f"{place()}.{os.getpid()}-{_born(os.getpid())}"


def alive(pid: int, born: int) -> bool:
    """Whether the process of this place with that number and birth lives."""
    return pid > 0 and _born(pid) in (born, HIDDEN)


def _born(pid: int) -> int:
    """Birth of a living process in a unit that no clock change moves, or `NOBODY`."""
    try:
        # After the name in brackets, which may hold anything: the state, and as the twentieth
        # entry the start in ticks since the machine's boot.
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        return NOBODY if fields[0] in "ZX" else int(fields[19])
    except OSError:
        return _hidden(pid) if OWN.exists() else _born_elsewhere(pid)


def _hidden(pid: int) -> int:
    """Some systems show a user only their own processes, yet tell that a number is taken."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return HIDDEN
    except OSError:
        pass
    return NOBODY


def _born_elsewhere(pid: int) -> int:
    import psutil

    try:
        return int(psutil.Process(pid).create_time())
    except psutil.Error:
        return NOBODY
