"""The process of one run that a page started: its news line by line, and its end in good order."""

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["JobProcess"]

PATIENCE = 10.0          # seconds from one way to stop a run to the next, harder one
LOG = logging.getLogger(__name__)
COMMAND = (sys.executable, "-u", "-m", "workbench.runs.execution.alone")


class JobProcess:
    """A run in a process of its own, so that it can be stopped and never slows a page.

    Parameters
    ----------
    asked : mapping
        What :mod:`workbench.runs.execution.alone` takes.
    on_event : callable
        Called with each event, in a thread of this object.
    on_line : callable
        Called with each other line that is printed.
    on_end : callable
        Called once with the exit code, after all else.
    """

    def __init__(self, asked: Mapping[str, Any], *,
                 on_event: Callable[[Mapping[str, Any]], None],
                 on_line: Callable[[str], None], on_end: Callable[[int], None]):
        self._on_event, self._on_line, self._on_end = on_event, on_line, on_end
        # A session of its own: Ctrl-C in the terminal of the pages reaches only the pages.
        self._process = subprocess.Popen(
            COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, encoding="utf-8", errors="replace", start_new_session=True)
        self._thread = threading.Thread(target=self._follow, args=(json.dumps(asked),),
                                        name="job", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Interrupt it; again when it does not stop, and at last end it with all it started."""
        threading.Thread(target=self._stop, name="stop-job", daemon=True).start()

    def wait(self) -> None:
        """Wait until it has ended and all is told."""
        self._thread.join(4 * PATIENCE)

    def _stop(self) -> None:
        for number in (signal.SIGINT, signal.SIGINT, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                if number == signal.SIGKILL:
                    os.killpg(self._process.pid, number)
                else:
                    self._process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(PATIENCE)
                return

    def _follow(self, asked: str) -> None:
        process = self._process
        with contextlib.suppress(OSError):     # it ended before it was told anything
            process.stdin.write(asked + "\n")  # type: ignore[union-attr]
            process.stdin.flush()              # type: ignore[union-attr]
        for line in process.stdout:            # type: ignore[union-attr]
            try:
                self._tell(line.rstrip())
            except Exception:  # its end must be told all the same
                LOG.exception("News of a run could not be taken in")
        code = process.wait()
        with contextlib.suppress(OSError):
            process.stdin.close()              # type: ignore[union-attr]
        process.stdout.close()                 # type: ignore[union-attr]
        self._on_end(code)

    def _tell(self, line: str) -> None:
        try:
            event = json.loads(line) if line.startswith('{"event"') else None
        except ValueError:
            event = None
        if event is not None:
            self._on_event(event)
        elif line:
            self._on_line(line)
