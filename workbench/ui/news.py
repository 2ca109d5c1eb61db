"""What is new among the runs: looked at once for all visitors, and told to those who stay.

One thread looks every few seconds whether runs began or ended, and only while somebody follows.
Each visitor is woken only when there is news, and reads what was gathered once for all of them.
"""

import logging
import statistics
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import panel as pn

from workbench import runs
from workbench.runs import Row
from workbench.ui.jobs import JOBS, Job, Jobs

__all__ = ["NEWS", "Busy", "News", "follow"]

EVERY = 2.0              # seconds between two looks into the store
SHORTEST = 0.25          # seconds between two pieces of news
LOOK_BACK = 20           # earlier runs that tell how long one takes
LISTED = 30              # runs of one study
LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Busy:
    """A run in progress, or in line, as all pages tell it; seconds are NaN where unknown."""

    id: str
    study: str
    title: str
    state: str
    values: Mapping[str, Any]
    changed: Mapping[str, Any]
    key: str = ""
    job: Job | None = None
    seconds: float = 0.0
    expected: float = float("nan")


@dataclass
class _Kept:
    """What was gathered at one state of the store."""

    pulse: Any = None
    newest: dict[str, Row] | None = None
    running: list[runs.Run] | None = None
    recent: dict[int, list[Row]] = field(default_factory=dict)
    studies: dict[str, list[Row]] = field(default_factory=dict)


class News:
    """The runs of a store and of the pages' own line, as they are now.

    Parameters
    ----------
    jobs : Jobs
    every : float
        Seconds between two looks into the store.
    """

    def __init__(self, jobs: Jobs = JOBS, *, every: float = EVERY):
        self._jobs, self._every = jobs, every
        self._followers: dict[object, Callable[[], None]] = {}
        self._lock, self._woken = threading.RLock(), threading.Event()
        self._thread: threading.Thread | None = None
        self._kept = _Kept()
        jobs.follow(self._woken.set)

    def follow(self, told: Callable[[], None]) -> Callable[[], None]:
        """Call `told`, in a thread, after each piece of news; what is returned ends that."""
        name = object()
        with self._lock:
            self._followers[name] = told
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="news", daemon=True)
                self._thread.start()
        return lambda: self._leave(name)

    def newest(self) -> dict[str, Row]:
        """Newest succeeded run of each study."""
        with self._lock:
            kept = self._fresh()
            if kept.newest is None:
                kept.newest = runs.newest()
            return kept.newest

    def recent(self, limit: int) -> list[Row]:
        """Runs that are over, newest first."""
        with self._lock:
            kept = self._fresh()
            if limit not in kept.recent:
                kept.recent[limit] = _over(runs.Store().rows(limit=2 * limit))[:limit]
            return kept.recent[limit]

    def of(self, study: str) -> list[Row]:
        """Runs of a study that are over, newest first."""
        with self._lock:
            kept = self._fresh()
            if study not in kept.studies:
                kept.studies[study] = _over(runs.Store().rows(study, limit=LISTED))
            return kept.studies[study]

    def busy(self, study: str | None = None) -> list[Busy]:
        """Runs in progress and in line, of these pages and of other programs; newest first."""
        own = [job for job in self._jobs.jobs(study) if not job.is_over]
        keys = {job.key for job in self._jobs.jobs(study)}
        with self._lock:
            others = [run for run in self._running() if run.key not in keys
                      and study in (None, run.study)]
        return [*map(_of_job, own), *map(self._of_run, others)]

    def _of_run(self, run: runs.Run) -> Busy:
        took = [row.seconds for row in self.of(run.study)[:LOOK_BACK]
                if row.state == "succeeded" and row.seconds == row.seconds]
        return Busy(run.id, run.study, run.title or run.study, "running", run.values, run.changed,
                    run.key, seconds=_since(run.started),
                    expected=statistics.median(took) if took else float("nan"))

    def _running(self) -> list[runs.Run]:
        kept = self._fresh()
        if kept.running is None:
            kept.running = runs.running()
        return kept.running

    def _fresh(self) -> _Kept:
        """What is kept, emptied when the store has changed; the pulse is from before a look."""
        beat = runs.Store().url, runs.pulse()
        if beat != self._kept.pulse:
            self._kept = _Kept(beat)
        return self._kept

    def _leave(self, name: object) -> None:
        with self._lock:
            self._followers.pop(name, None)
            if not self._followers:
                self._woken.set()        # the thread ends

    def _watch(self) -> None:
        seen = self._state()
        while True:
            self._woken.wait(self._every)
            self._woken.clear()
            with self._lock:
                if not self._followers:
                    self._thread = None
                    return
                followers = list(self._followers.values())
            found = self._state()
            if found != seen:
                seen = found
                for told in followers:
                    try:
                        told()
                    except Exception:  # one page that has just gone must not silence the others
                        LOG.exception("A page could not be told the news")
            time.sleep(SHORTEST)

    def _state(self) -> Any:
        """What differs when there is news; what was asked for before is gathered here again."""
        try:
            with self._lock:
                asked = self._kept
                if asked.running:       # a program that is killed leaves the store as it is
                    asked.running = None
                if self._fresh() is not asked:
                    self._gather(asked)
                return (self._kept.pulse, [run.id for run in self._running()],
                        self._jobs.version)
        except Exception as problem:  # a look that fails must not be the last one
            if not isinstance(problem, OSError | ValueError):
                LOG.exception("The store could not be looked at")
            return type(problem).__name__

    def _gather(self, asked: _Kept) -> None:
        """Ask for what was asked for before, so that no visitor waits for it."""
        if asked.newest is not None:
            self.newest()
        for limit in asked.recent:
            self.recent(limit)
        for study in asked.studies:
            self.of(study)


def follow(told: Callable[[], None]) -> Callable[[], None]:
    """Call `told` in this visitor's session after each piece of news, until the visitor leaves.

    Nothing here keeps the page alive: when it is gone, so is its wish.
    """
    document = pn.state.curdoc
    if document is None or document.session_context is None:
        return lambda: None
    there, method = weakref.ref(document), weakref.WeakMethod(told)

    def now() -> None:
        found = method()
        if found is not None:
            found()

    def wake() -> None:
        page = there()
        if page is None or method() is None:
            stop()
        else:
            page.add_next_tick_callback(now)

    stop = NEWS.follow(wake)
    document.on_session_destroyed(lambda _: stop())
    return stop


def _of_job(job: Job) -> Busy:
    return Busy(job.id, job.study, job.title, job.state, job.values, job.changed, job.key, job,
                job.seconds, job.expected)


def _over(rows: list[Row]) -> list[Row]:
    return [row for row in rows if row.state != "running"]


def _since(started: str) -> float:
    try:
        begun = datetime.fromisoformat(started)
    except ValueError:
        return 0.0
    return max((datetime.now(UTC) - begun).total_seconds(), 0.0) if begun.tzinfo else 0.0


NEWS = News()
