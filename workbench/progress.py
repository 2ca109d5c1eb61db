"""Run the stages of a set-up: a line each with its seconds, the output kept in a log."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["SetupError", "Stage"]

NEWS_EVERY = 20.0  # seconds between lines where no terminal can rewrite one
LAST_LINES = 12
REMEDIES = (
    (("no space left", "disk quota"), "Free disk space, then run the same command again."),
    (("name resolution", "max retries", "connection", "timed out", "ssl", "proxy",
      "could not find a version", "no matching distribution"),
     "Check the network, and in pip's settings the proxy and the index, then run the same "
     "command again."),
    (("requires-python", "requires a different python", "not a supported wheel"),
     "Use Python 3.11, for which the pins are made: python3.11 -m workbench"),
    (("no module named pip", "no module named ensurepip", "no module named venv"),
     "Add pip and venv to this Python (on Debian: apt install python3-pip python3-venv)."),
)
OTHERWISE = ("Check network, disk space and Python version (3.11 is best), then run the same "
             "command again; after deleting .venv it starts from nothing.")


class SetupError(Exception):
    """Set-up cannot go on; the text says why and what to do."""


class Stage:
    """Runs commands, shows how far they are, keeps their output.

    Parameters
    ----------
    log : Path
        File that their output is appended to; its folder must exist.
    folder : Path
        Where they run.
    surroundings : mapping of str to str
        Their environment variables.
    handle : int
        Open file that they inherit on POSIX.
    """

    def __init__(self, log: Path, folder: Path, surroundings: Mapping[str, str], handle: int):
        self.log = log
        self.folder = folder
        self.surroundings = surroundings
        self.handles = () if os.name == "nt" else (handle,)
        self.terminal = sys.stderr.isatty()

    def run(self, title: str, command: Sequence[str]) -> None:
        """Run one command to its end.

        Raises
        ------
        SetupError
            If it cannot be started or ends with another exit status than 0.
        """
        started = time.monotonic()
        with self.log.open("ab") as log:
            log.write(f"$ {' '.join(command)}\n".encode())
            log.flush()
            start = log.tell()
            process = subprocess.Popen(
                list(command), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                cwd=self.folder, env=dict(self.surroundings), pass_fds=self.handles,
                start_new_session=True)
            try:
                self._watch(process, title, started, start)
            except KeyboardInterrupt:
                _stop(process)
                raise
        seconds = time.monotonic() - started
        if process.returncode:
            self._erase()
            raise SetupError(self._failure(title, process.returncode, start))
        self._erase()
        sys.stderr.write(f"  {title}: {seconds:.1f} s\n")
        sys.stderr.flush()

    def _watch(self, process: subprocess.Popen[bytes], title: str, started: float,
               start: int) -> None:
        told = started
        while True:
            try:
                process.wait(timeout=0.3)
                return
            except subprocess.TimeoutExpired:
                now = time.monotonic()
                if not self.terminal and now - told < NEWS_EVERY:
                    continue
                told = now
                self._tell(f"  {title}: {now - started:.0f} s, {self._news(start)}")

    def _tell(self, line: str) -> None:
        width = shutil.get_terminal_size().columns - 1
        short = line if len(line) <= width else line[:width - 1] + "…"
        sys.stderr.write(f"\r\x1b[K{short}" if self.terminal else f"{short}\n")
        sys.stderr.flush()

    def _erase(self) -> None:
        if self.terminal:
            sys.stderr.write("\r\x1b[K")

    def _news(self, start: int) -> str:
        lines = self._lines(start)
        news = lines[-1].split(" (from ")[0] if lines else "starting"
        listed = news.startswith("Installing collected packages")
        return f"installing {news.count(',') + 1} packages" if listed else news

    def _lines(self, start: int) -> list[str]:
        text = self.log.read_bytes()[start:].decode("utf-8", "replace")
        return [line.strip() for line in text.splitlines() if line.strip()]

    def _failure(self, title: str, status: int, start: int) -> str:
        lines = self._lines(start)[-LAST_LINES:]
        text = "\n".join(lines).lower()
        remedy = next((advice for signs, advice in REMEDIES if any(s in text for s in signs)),
                      OTHERWISE)
        return "\n".join([f"set-up failed at {title!r} (exit status {status}):",
                          *(f"    {line}" for line in lines), remedy,
                          f"All output: {self.log}"])


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the command and what it started, which a signal to one process would leave behind."""
    if os.name == "nt":
        process.terminate()
    else:
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
