"""What a sweep has done so far: its runs, how long they took, and the news of them in order."""

import math
import queue
import statistics
from typing import Any

from workbench.runs.execution.events import Event, OnEvent
from workbench.runs.execution.plan import Plan
from workbench.runs.storage.folder import Run

__all__ = ["Ledger"]


class Ledger:
    """Takes news from any thread and tells them in one.

    Parameters
    ----------
    planned : Plan
    tell : callable
        Called with each event, in the thread that calls `announce`, `pass_on` and `enter`.

    Attributes
    ----------
    runs : dict
        Run of each number that is done.
    """

    def __init__(self, planned: Plan, tell: OnEvent):
        self.runs: dict[int, Run] = {}
        self._plan, self._tell = planned, tell
        self._news: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._taken: list[float] = []

    def note(self, number: int, kind: str, **facts: Any) -> None:
        """Take news of a task, to be told when `pass_on` is called; from any thread."""
        self._news.put(self._event(number, kind, **facts))

    def announce(self, kind: str, **facts: Any) -> None:
        """Tell at once what concerns all tasks."""
        self._tell(Event(kind, len(self._plan.tasks), **facts))

    def pass_on(self) -> None:
        """Tell what was noted; news of a run that is done come too late and are left out."""
        while not self._news.empty():
            event = self._news.get()
            if event.number - 1 not in self.runs:
                self._tell(event)

    def enter(self, number: int, run: Run, *, reused: bool) -> None:
        """Count a run as done, and tell it with the time that all others will take."""
        self.runs[number] = run
        if not reused and math.isfinite(run.seconds):
            self._taken.append(run.seconds)
        expected = statistics.median(self._taken) if self._taken else self._plan.seconds
        left = self._plan.left(len(self._plan.todo) - len(self.runs), expected)
        self._tell(self._event(number, "finished", run=run, reused=reused, left=left))

    def _event(self, number: int, kind: str, **facts: Any) -> Event:
        tasks = self._plan.tasks
        return Event(kind, len(tasks), number + 1, tasks[number], **facts)
