"""How long and how large a run may become, and the thread that sees to it."""

import contextlib
import math
import os
import re
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["NO_LIMITS", "Cancellation", "Limits", "Watch", "parse_bytes", "parse_seconds"]

GRACE = 5.0             # seconds between the polite interrupt and the end of the process group
LOOK_EVERY = 0.2        # seconds
BEAT_EVERY = 60.0       # seconds between signs of life for other machines
WEIGH_EVERY = 1.0       # seconds; reading private memory costs about a millisecond a process
SECONDS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
BYTES = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12,
         "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40}
KILL = getattr(signal, "SIGKILL", signal.SIGTERM)
QUANTITY = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([a-zA-Z]*)\s*", re.ASCII)


@dataclass(frozen=True)
class Limits:
    """Limits of one run; nothing means no limit.

    Parameters
    ----------
    run, cell : float > 0, optional
        Seconds for all cells together and for each.
    memory : int > 0, optional
        Bytes of private memory of the kernel and what it starts.
    output : int > 0
        Characters kept in the notebook of what one cell prints to one stream; ``log.txt`` has
        all of it.

    Raises
    ------
    ValueError
        If a limit is not positive.
    """

    run: float | None = None
    cell: float | None = None
    memory: int | None = None
    output: int = 1_000_000

    def __post_init__(self) -> None:
        for name in ("run", "cell", "memory", "output"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"{name} must be positive or none, got {value!r}. "
                                 "Leave it out for no limit.")


NO_LIMITS = Limits()


class Cancellation(threading.Event):
    """Set by whoever wants runs to stop; `at_once` without the polite interrupt first."""

    at_once = False


class Watch:
    """Ends a kernel that has used up its time or memory, or whose run was cancelled.

    First the kernel is interrupted; what still runs after a few seconds is ended with its group.

    Parameters
    ----------
    limits : Limits
    cancelled : Cancellation
    beat : callable, optional
        Called now and then while the run goes on.
    """

    def __init__(self, limits: Limits, cancelled: Cancellation | None = None,
                 beat: Callable[[], None] | None = None):
        self.limits, self._beat = limits, beat
        self.cancelled = Cancellation() if cancelled is None else cancelled
        self.verdict = self.reason = ""
        self.peak_memory = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, name="workbench-watch", daemon=True)
        self._kernel: int | None = None
        self._begun = math.inf      # a kernel that starts uses up none of the run's time
        self._cell_begun: float | None = None
        self._judged = self._weighed = 0.0

    def attach(self, pid: int | None) -> None:
        """Tell the process that may be ended; it leads its own group, and its time begins."""
        self._kernel = pid
        self._begun = time.monotonic()

    def cell_begins(self) -> None:
        self._cell_begun = time.monotonic()

    def cell_ends(self) -> None:
        self._cell_begun = None

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def end(self) -> None:
        """Stop watching."""
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        beaten = time.monotonic()
        while not self._ended.wait(LOOK_EVERY):
            now = time.monotonic()
            if self._beat is not None and now - beaten > BEAT_EVERY:
                beaten = now
                self._beat()
            if not self.verdict:
                self._judge(now)
            elif self.cancelled.at_once or now - self._judged > GRACE:
                self._signal(KILL)

    def _judge(self, now: float) -> None:
        limits = self.limits
        if self.cancelled.is_set():
            self._stop("interrupted", "interrupted")
        elif limits.run is not None and now - self._begun > limits.run:
            self._stop("timed-out", f"the run took longer than its limit of {limits.run:g} s")
        elif (limits.cell is not None and self._cell_begun is not None
              and now - self._cell_begun > limits.cell):
            self._stop("timed-out", f"the cell took longer than its limit of {limits.cell:g} s")
        elif self._kernel is not None and now - self._weighed > WEIGH_EVERY:
            self._weighed = now
            self._weigh(limits.memory)

    def _weigh(self, most: int | None) -> None:
        used = sum(map(_private_bytes, _group(self._kernel or 0)))
        self.peak_memory = max(self.peak_memory, used)
        if most is not None and used > most:
            self.verdict = "killed"
            self.reason = (f"out of memory: {used / 1e6:.0f} MB in use, the limit is "
                           f"{most / 1e6:.0f} MB")
            self._judged = time.monotonic()
            self._signal(KILL)

    def _stop(self, verdict: str, reason: str) -> None:
        self.verdict, self.reason, self._judged = verdict, reason, time.monotonic()
        self._signal(signal.SIGINT)

    def _signal(self, number: int) -> None:
        if self._kernel is None:
            return
        with contextlib.suppress(OSError):
            if os.name == "posix":
                os.killpg(self._kernel, number)
            else:
                os.kill(self._kernel, number)


def parse_seconds(text: str) -> float:
    """Seconds of ``90``, ``90s``, ``5m``, ``1.5h`` or ``30d``.

    Raises
    ------
    ValueError
        If the text is no duration.
    """
    return _quantity(text, SECONDS, "a duration such as 90s, 5m, 2h or 30d")


def parse_bytes(text: str) -> int:
    """Bytes of ``2GB``, ``512MiB`` or a plain number.

    Raises
    ------
    ValueError
        If the text is no amount of memory.
    """
    return int(_quantity(text, BYTES, "an amount of memory such as 512MB or 2GB"))


def _quantity(text: str, units: dict[str, int], rule: str) -> float:
    matched = QUANTITY.fullmatch(text)
    unit = units.get(matched[2].lower()) if matched else None
    if matched is None or unit is None or not float(matched[1]):
        raise ValueError(f"it must be {rule}, got {text!r}. Write it so.")
    return float(matched[1]) * unit


def _group(leader: int) -> list[int]:
    """Processes of the group that a process leads."""
    if not Path("/proc/self/stat").exists():
        return [leader]
    found = []
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if os.getpgid(int(entry.name)) == leader:
                    found.append(int(entry.name))
    return found


def _private_bytes(pid: int) -> int:
    """Memory that would be free again without the process; shared pages of a fork count once."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    sizes = (line.split() for line in lines if line.startswith("Private_"))
    return sum(int(words[1]) for words in sizes) * 1024
