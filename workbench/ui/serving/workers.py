"""Several processes that serve one port side by side, and the one that keeps them alive.

All accept from the same listening socket, so that a connection waits for whoever is free and
none is lost when one of them ends. Each starts as a new program rather than as a fork, because
threads of numerical libraries do not survive a fork. A page and its socket may meet different
processes: the signed token in the page tells the second one to build the same page again.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from queue import Empty, SimpleQueue
from typing import Any

from workbench.ui.serving.attending import Attendance

__all__ = ["described", "oversee"]

COMMAND = (sys.executable, "-m", "workbench.ui.serving.worker")
FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0     # seconds before one that ended is started again
STEADY = 60.0                            # seconds after which an end counts as the first
HOPELESS = 5                             # ends in a row of one that never answered
GRACE = 60.0                             # seconds in which runs under way may stop


@dataclass
class _Worker:
    number: int
    process: subprocess.Popen[bytes] | None = None
    begun: float = 0.0
    due: float = 0.0           # when to start it, while it has no process
    ends: int = 0              # in a row
    is_ready: bool = False


def oversee(work: Attendance, listener: socket.socket, ready: Callable[[], None]) -> None:
    """Keep the processes alive until Ctrl-C or SIGTERM, then stop them in good order.

    Raises
    ------
    ValueError
        Where a process cannot inherit a socket.
    ChildProcessError
        If one of them ends again and again before it answers.
    """
    if os.name != "posix":
        raise ValueError(f"workers must be 1 on this system, got {work.terms.workers}. Leave "
                         "--workers out, or start several servers on ports of their own.")
    events: SimpleQueue[tuple[Any, ...]] = SimpleQueue()
    crew = _Crew(work, listener, events)
    with _signals(events):
        try:
            crew.run(ready)
        finally:
            crew.stop()


class _Crew:
    """The processes; what happens to them comes in by `events`."""

    def __init__(self, work: Attendance, listener: socket.socket,
                 events: "SimpleQueue[tuple[Any, ...]]"):
        self._told = json.dumps(described(work) | {"listener": listener.fileno()})
        self._listener, self._events = listener, events
        self._workers = [_Worker(number) for number in range(work.terms.workers)]

    def run(self, ready: Callable[[], None]) -> None:
        """Until somebody asks to stop."""
        is_told = False
        while True:
            self._start_due()
            try:
                kind, *rest = self._events.get(timeout=self._seconds())
            except Empty:
                continue
            if kind == "stop":
                return
            if kind == "ready":
                rest[0].is_ready = True
                if not is_told and all(each.is_ready for each in self._workers):
                    is_told = True
                    ready()
            elif kind == "ended":
                self._ended(*rest)

    def stop(self) -> None:
        """Ask all to end, and end those that do not."""
        alive = [each.process for each in self._workers if each.process is not None]
        for process in alive:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        end = time.monotonic() + GRACE
        while any(process.poll() is None for process in alive):
            try:
                kind, *_ = self._events.get(timeout=max(0.0, end - time.monotonic()))
            except Empty:
                kind = "stop"
            if kind == "stop":         # they had their time, or somebody is in a hurry
                for process in alive:
                    process.kill()
                    process.wait()
        for process in alive:
            _let_go(process)

    def _start_due(self) -> None:
        for worker in self._workers:
            if worker.process is None and worker.due <= time.monotonic():
                self._start(worker)

    def _seconds(self) -> float | None:
        due = [each.due for each in self._workers if each.process is None]
        return max(0.0, min(due) - time.monotonic()) if due else None

    def _start(self, worker: _Worker) -> None:
        read, write = os.pipe()
        try:
            # A session of its own: Ctrl-C in the terminal reaches this process, which tells them.
            process = subprocess.Popen(COMMAND, stdin=subprocess.PIPE, start_new_session=True,
                                       pass_fds=[self._listener.fileno(), write], bufsize=0,
                                       env=os.environ | {"WORKBENCH_READY": str(write)})
        finally:
            os.close(write)
        worker.process, worker.begun, worker.is_ready = process, time.monotonic(), False
        with contextlib.suppress(OSError):     # it ended before it was told anything
            process.stdin.write(self._told.encode() + b"\n")   # type: ignore[union-attr]
        threading.Thread(target=self._watch, args=(worker, process, read), daemon=True,
                         name=f"worker-{worker.number}").start()

    def _watch(self, worker: _Worker, process: "subprocess.Popen[bytes]", read: int) -> None:
        with os.fdopen(read, "rb") as told:
            if told.read(1):
                self._events.put(("ready", worker))
        self._events.put(("ended", worker, process.wait()))

    def _ended(self, worker: _Worker, code: int) -> None:
        _let_go(worker.process)
        steady = worker.is_ready and time.monotonic() - worker.begun > STEADY
        worker.ends = 1 if steady else worker.ends + 1
        if not worker.is_ready and worker.ends >= HOPELESS:
            raise ChildProcessError("The processes of --workers end before they answer. Their "
                                    "last lines above say why.")
        wait = min(LONGEST_WAIT, FIRST_WAIT * 2 ** (worker.ends - 1))
        worker.process, worker.is_ready = None, False
        worker.due = time.monotonic() + wait
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        sys.stderr.write(f"A process of --workers ended with {how}; another one starts in "
                         f"{wait:g} s.\n")


def _let_go(process: "subprocess.Popen[bytes] | None") -> None:
    """Close what holds a process alive."""
    if process is not None and process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()


def described(work: Attendance) -> dict[str, Any]:
    """What a new process has to know, as JSON can hold it; secrets are in no part of it."""
    terms = asdict(work.terms)
    terms["users"] = str(work.terms.users.resolve()) if work.terms.users else None
    studies = {name: study.__name__ for name, study in work.studies.items()}
    return {"studies": studies, "address": work.address, "port": work.port, "terms": terms}


@contextlib.contextmanager
def _signals(events: "SimpleQueue[tuple[Any, ...]]") -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, lambda *_: events.put(("stop",)))
              for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
