"""The owner's end of one template process: start it, ask it, end it."""

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.runs.kernels.private import private_folder, private_root
from workbench.runs.kernels.process import KernelProcess, ask, readable, reply

__all__ = ["Launch", "NotWarm", "TemplateHost"]

SCRIPT = Path(__file__).with_name("template.py")
ANSWER = 60.0  # a fork answers in milliseconds; past this it hangs [s]


class NotWarm(RuntimeError):  # noqa: N818 - no error: the kernel starts cold
    """Why a kernel cannot be forked from imported libraries."""


@dataclass(frozen=True)
class Launch:
    """What a kernel is started with.

    Attributes
    ----------
    argv : sequence of str
        The command, as for a cold kernel.
    env : mapping
        The whole environment.
    cwd : str
        Working folder.
    stdout, stderr : int
        Descriptors; the caller closes them.
    memory : int or None
        Limit of private memory [bytes].
    """

    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: str = "."
    stdout: int = 1
    stderr: int = 2
    memory: int | None = None


class TemplateHost:
    """A started template; it ends with `close`, with this process, or retired and idle.

    Parameters
    ----------
    modules : sequence of str or None
        What it imports before it answers; None for one that only starts cold kernels.
    environment : mapping
        Its whole environment.
    """

    def __init__(self, modules: Sequence[str] | None, environment: Mapping[str, str]):
        self.environment = dict(environment)
        self.folder = private_folder()
        self.path = str(self.folder / "s")
        self.log = self.folder / "log"
        self._told: dict[str, Any] | None = None
        self._lock = threading.Lock()
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            listener.bind(self.path)
            Path(self.path).chmod(0o600)
            listener.listen(128)
            self._process = self._start(modules, listener.fileno())
        self._question = ask(self.path, b"report", [])

    def report(self) -> dict[str, Any]:
        """What the template tells once it has imported: notes, sources, seconds, trouble.

        Raises
        ------
        NotWarm
            If it has ended.
        """
        with self._lock:
            if self._told is None:
                readable(self._question, None)
                self._told = reply(self._question)
                self._question.close()
        if not self._told:
            raise NotWarm(f"the template has ended{self._last_words()}")
        return self._told

    def is_ready(self) -> bool:
        """Whether the imports are done; does not wait."""
        return self._told is not None or readable(self._question, 0)

    def has_ended(self) -> bool:
        """Whether the template process is gone."""
        return self._process.poll() is not None

    def fork(self, launch: Launch, *, warm: bool) -> KernelProcess:
        """Start a kernel.

        Raises
        ------
        NotWarm
            If the template refuses, has ended or does not answer.
        """
        request = _in_memory(launch)
        try:
            word = b"warm" if warm else b"cold"
            connection = ask(self.path, word, [request, launch.stdout, launch.stderr])
        except OSError as problem:
            raise NotWarm(f"the template cannot be reached ({problem})") from None
        finally:
            os.close(request)
        told: dict[str, Any] = (reply(connection) if readable(connection, ANSWER)
                else {"refused": "the template does not answer"})
        if "pid" not in told:
            connection.close()
            raise NotWarm(told.get("refused") or f"the kernel ended at once{self._last_words()}")
        return KernelProcess(connection, told["pid"], warm=warm,
                             inherited=told.get("inherited", 0))

    def retire(self) -> None:
        """Take no more requests and end with the last kernel."""
        self._say(b"retire")

    def close(self) -> None:
        """End the template and its kernels."""
        self._question.close()
        self._say(b"end")
        assert self._process.stdin is not None  # noqa: S101 - started with a pipe
        self._process.stdin.close()
        self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self, modules: Sequence[str] | None, listener: int) -> subprocess.Popen[bytes]:
        settings = {"modules": None if modules is None else list(modules), "listener": listener,
                    "owner": os.getpid(), "root": str(private_root())}
        command = [sys.executable, "-Xfrozen_modules=off", str(SCRIPT), json.dumps(settings)]
        with self.log.open("wb") as log:
            # In a session of its own: Ctrl-C and the group of the owner do not reach it.
            return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log,
                                    env=self.environment, pass_fds=[listener], bufsize=0,
                                    start_new_session=True)

    def _say(self, word: bytes) -> None:
        assert self._process.stdin is not None  # noqa: S101 - started with a pipe
        try:
            self._process.stdin.write(word)
        except (OSError, ValueError):  # it has ended, or been told before
            return

    def _last_words(self) -> str:
        try:
            lines = self.log.read_text(errors="replace").strip().splitlines()
        except OSError:
            return ""
        return f" ({lines[-1]})" if lines else ""


def _in_memory(launch: Launch) -> int:
    """The request as a file in memory: an environment may be larger than a message."""
    content = {"argv": list(launch.argv), "env": dict(launch.env), "memory": launch.memory,
               "cwd": os.path.abspath(launch.cwd), "umask": _umask()}  # noqa: PTH100 - links stay
    file = os.memfd_create("request")
    os.write(file, json.dumps(content).encode())
    os.lseek(file, 0, os.SEEK_SET)
    return file


def _umask() -> int:
    status = Path("/proc/self/status").read_text().splitlines()  # os.umask would set it to read
    return int(next(line.split()[1] for line in status if line.startswith("Umask:")), 8)
