"""A kernel that the template owns, in the shape of ``subprocess.Popen``."""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import threading
import time
from typing import Any

__all__ = ["KernelProcess", "ask", "reply"]


class KernelProcess:
    """A kernel's process; closing its connection ends it with everything it has started.

    Attributes
    ----------
    pid : int
        Also the number of its process group and session.
    returncode : int or None
        Minus the signal's number when a signal ended it; None while it runs.
    peak : int or None
        Largest resident memory beyond what it has from the template [bytes], known once it has
        ended.
    warm : bool
        Whether it was forked from imported libraries.
    """

    stdin = stdout = stderr = None

    def __init__(self, connection: socket.socket, pid: int, *, warm: bool,
                 inherited: int = 0):
        self.pid = pid
        self.warm = warm
        self.returncode: int | None = None
        self.peak: int | None = None
        self._connection = connection
        self._inherited = inherited
        self._lock = threading.Lock()

    def poll(self) -> int | None:
        """Exit code, or None while the process runs."""
        with self._lock:
            if self.returncode is None and readable(self._connection, 0):
                self._learn()
            return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Exit code, once the process has ended.

        Raises
        ------
        subprocess.TimeoutExpired
            If it still runs after `timeout` seconds.
        """
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            code = self.poll()
            if code is not None:
                return code
            rest = 1.0 if end is None else min(1.0, end - time.monotonic())
            if rest < 0:
                raise subprocess.TimeoutExpired(f"kernel {self.pid}", timeout or 0.0)
            readable(self._connection, rest)

    def send_signal(self, number: int) -> None:
        """Send a signal to the process, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask the process to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the process and its group at once."""
        if self.poll() is None:
            os.killpg(self.pid, signal.SIGKILL)

    def close(self) -> None:
        """Let go: the template ends what still runs."""
        self._connection.close()

    def _learn(self) -> None:
        told = reply(self._connection)
        self.returncode = told.get("exit")
        self.peak = max(0, told.get("peak", 0) - self._inherited)
        if self.returncode is None:  # the template has died, and its kernels with it
            self.returncode = -signal.SIGKILL
            with contextlib.suppress(OSError):
                os.killpg(self.pid, signal.SIGKILL)
        self._connection.close()


def ask(path: str, word: bytes, files: list[int]) -> socket.socket:
    """Connect to a template and send a request."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        connection.connect(path)
        socket.send_fds(connection, [word], files)
    except OSError:
        connection.close()
        raise
    return connection


def reply(connection: socket.socket) -> dict[str, Any]:
    """Next message of the template, empty when it has ended."""
    try:
        content = connection.recv(1 << 20)
    except OSError:
        content = b""
    told: dict[str, Any] = json.loads(content or b"{}")
    return told


def readable(connection: socket.socket, seconds: float | None) -> bool:
    """Whether a message or the end of the connection arrives in time; None waits for ever."""
    if connection.fileno() < 0:
        return False
    poller = select.poll()
    poller.register(connection.fileno(), select.POLLIN)
    return bool(poller.poll(None if seconds is None else seconds * 1000))
