"""Real runs that pages start: each a process of its own, a few at a time, the others in line."""

import atexit
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from workbench import runs
from workbench.core import Params, Study
from workbench.ui.jobs.job import Job
from workbench.ui.jobs.process import JobProcess

__all__ = ["JOBS", "Jobs"]

AT_ONCE = 2              # runs in progress
WAITING = 20             # runs in line; more are refused
KEPT = 50                # jobs that are over and can still be asked for
LINES = 200              # of a log


@dataclass
class _Entry:
    """A job and what carries it out."""

    job: Job
    module: str
    force: bool
    process: JobProcess | None = None
    cancelled: bool = field(default=False)


class Jobs:
    """The runs that the pages of this process have started.

    Parameters
    ----------
    at_once, waiting : int
        Runs in progress, and how many may wait besides.

    Attributes
    ----------
    version : int
        Counts the changes.
    """

    def __init__(self, *, at_once: int = AT_ONCE, waiting: int = WAITING):
        self._at_once, self._waiting = at_once, waiting
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._lock = threading.RLock()
        self._followers: list[Callable[[], Any]] = []
        self.version = 0

    def follow(self, told: Callable[[], Any]) -> None:
        """Call `told`, which must be quick, after each change; in any thread."""
        self._followers.append(told)

    def share(self, processes: int) -> None:
        """Leave room for the runs of other processes that serve the same site."""
        self._at_once = max(1, AT_ONCE // processes)

    def start(self, study: Study, params: Params, *, force: bool = False) -> Job:
        """Begin a run, or put it in line; a run that is in the store or under way is joined.

        Parameters
        ----------
        study : module
        params : Params
        force : bool
            Execute again what is in the store.

        Raises
        ------
        ValueError
            If the notebook refuses the parameters, or too many runs wait already.
        """
        task = runs.Task.of_study(study, params)
        planned = runs.plan([task], runs.Store(), runs.Settings(force=force, workers=1))
        job = Job(secrets.token_hex(4), task.name, study.TITLE, task.values, task.key,
                  task.changed, expected=planned.seconds)
        if planned.found:
            return replace(job, state="succeeded", run=planned.found[0], reused=True)
        with self._lock:
            for entry in self._under_way():
                if entry.job.key == task.key and not entry.cancelled:
                    return entry.job
            waiting = sum(entry.process is None for entry in self._under_way())
            if waiting >= self._waiting:
                raise ValueError(f"A run can be started while fewer than {self._waiting} wait, "
                                 f"but {waiting} do. Wait for one of them, or cancel one.")
            self._entries[job.id] = _Entry(job, study.__name__, force)
            self._changed()
            self._advance()
            return self._entries[job.id].job

    def jobs(self, study: str | None = None) -> list[Job]:
        """Jobs, those begun last first; perhaps only those of one study."""
        with self._lock:
            found = [entry.job for entry in reversed(self._entries.values())]
        return [job for job in found if study in (None, job.study)]

    def find(self, job_id: str) -> Job | None:
        """The job as it is now; nothing when it is long over."""
        with self._lock:
            entry = self._entries.get(job_id)
            return entry.job if entry else None

    def cancel(self, job_id: str) -> None:
        """Stop a run in good order, or take it out of the line; over is over."""
        with self._lock:
            entry = self._entries.get(job_id)
            if entry is None or entry.job.is_over or entry.cancelled:
                return
            entry.cancelled = True
            if entry.process is None:
                self._set(entry, state="cancelled", error="It was cancelled before it began.")
                return
            entry.process.stop()
            self._log(entry, "Stopping; what was computed is kept.")

    def close(self) -> None:
        """Stop all, and wait until they have stopped."""
        with self._lock:
            under_way = self._under_way()
            for entry in under_way:
                self.cancel(entry.job.id)
        for entry in under_way:
            if entry.process is not None:
                entry.process.wait()

    def _under_way(self) -> list[_Entry]:
        return [entry for entry in self._entries.values() if not entry.job.is_over]

    def _advance(self) -> None:
        """Begin as many as may run, in the order in which they came; forget the oldest."""
        under_way = self._under_way()
        for entry in under_way[:self._at_once]:
            if entry.process is None:
                self._begin(entry)
        over = [name for name, entry in self._entries.items() if entry.job.is_over]
        for name in over[:max(len(over) - KEPT, 0)]:
            del self._entries[name]

    def _begin(self, entry: _Entry) -> None:
        job = entry.job
        self._set(entry, state="running", begun=time.monotonic())
        try:
            entry.process = JobProcess(
                {"study": entry.module, "values": dict(job.values), "force": entry.force},
                on_event=partial(self._told, entry), on_line=partial(self._log, entry),
                on_end=partial(self._ended, entry))
        except OSError as problem:
            self._set(entry, state="failed", ended=time.monotonic(),
                      error=f"The run could not be started: {problem.strerror}.")

    def _told(self, entry: _Entry, event: Mapping[str, Any]) -> None:
        kind = event["event"]
        if kind == "cell":
            self._set(entry, cell=event["cell"], done=event["done"], cells=event["cells"])
            self._log(entry, f"Cell {event['done']} of {event['cells']}: {event['cell']}")
        elif kind == "finished":
            reused = event["state"] == "skipped"
            run = _loaded(event["run"])
            state = run.state if run else event["state"]
            self._set(entry, run=run, error=event["error"], reused=reused,
                      state="cancelled" if entry.cancelled and state != "succeeded" else state,
                      ended=time.monotonic())
        elif kind == "refused":
            self._set(entry, state="refused", error=event["error"], ended=time.monotonic())

    def _ended(self, entry: _Entry, code: int) -> None:
        with self._lock:
            if not entry.job.is_over:
                last = entry.job.log[-1] if entry.job.log else f"exit code {code}"
                self._set(entry, ended=time.monotonic(),
                          state="cancelled" if entry.cancelled else "failed",
                          error="It was cancelled before it had a result." if entry.cancelled
                          else f"The run ended without a result: {last}")
            self._advance()

    def _log(self, entry: _Entry, line: str) -> None:
        told = f"{time.strftime('%H:%M:%S')}  {line}"
        with self._lock:
            self._set(entry, log=(*entry.job.log, told)[-LINES:])

    def _set(self, entry: _Entry, **facts: Any) -> None:
        with self._lock:
            entry.job = replace(entry.job, **facts)
        self._changed()

    def _changed(self) -> None:
        with self._lock:
            self.version += 1
        for told in self._followers:
            told()


def _loaded(name: str) -> runs.Run | None:
    """The run, if it could be kept."""
    try:
        return runs.load(name) if name else None
    except ValueError:
        return None


JOBS = Jobs()
atexit.register(JOBS.close)
