"""What a sweep tells while it goes on, for displays, for logs and for other programs."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TextIO

from workbench.runs.inputs.task import Task
from workbench.runs.storage import staging
from workbench.runs.storage.folder import Run

__all__ = ["Event", "OnCell", "OnEvent", "write_events"]


@dataclass(frozen=True)
class Event:
    """One piece of news.

    Parameters
    ----------
    kind : {"planned", "cluster", "started", "cell", "finished", "stopping", "ended"}
    total : int
        Tasks in all.
    number : int
        Which task, from 1; 0 where the news concern all.
    task : Task, optional
    run : Run, optional
        Of a finished task.
    reused : bool
        Whether the run was in the store already.
    done, cells : int
        Of a cell: its position from 1, and how many code cells there are.
        Of a plan: runs that are in the store already, and workers.
    cell : str
        Name of the cell; of a cluster, the address of its dashboard.
    left : float
        Seconds until all is done, by earlier runs; NaN where nothing is known.
    """

    kind: str
    total: int
    number: int = 0
    task: Task | None = None
    run: Run | None = None
    reused: bool = False
    done: int = 0
    cells: int = 0
    cell: str = ""
    left: float = math.nan

    def record(self) -> dict[str, Any]:
        """JSON-ready form without what does not concern this kind."""
        told: dict[str, Any] = {"event": self.kind, "time": staging.timestamp(),
                                "total": self.total}
        if self.task is not None:
            told |= {"number": self.number, "study": self.task.name,
                     "params": self.task.changed}
        if self.kind == "planned":
            told |= {"in_store": self.done, "workers": self.cells}
        if self.kind == "cluster":
            told["dashboard"] = self.cell
        if self.kind == "cell":
            told |= {"cell": self.cell, "done": self.done, "cells": self.cells}
        if self.run is not None:
            told |= _ending(self.run, reused=self.reused)
        if math.isfinite(self.left):
            told["seconds_left"] = round(self.left, 1)
        return told


OnCell = Callable[[int, int, str], None]    # position from 1, number of cells, name
OnEvent = Callable[[Event], None]


def write_events(stream: TextIO) -> OnEvent:
    """Function that writes each event as one line of JSON.

    Parameters
    ----------
    stream : TextIO
        Flushed after each line, so that a reader is never behind.
    """
    def write(event: Event) -> None:
        stream.write(json.dumps(event.record(), allow_nan=False, default=str) + "\n")
        stream.flush()

    return write


def _ending(run: Run, *, reused: bool) -> dict[str, Any]:
    return {"state": "skipped" if reused else run.state, "run": run.id, "key": run.key,
            "error": run.error, "seconds": run.seconds if math.isfinite(run.seconds) else None,
            "summary": {name: number.record() for name, number in run.summary.items()}}
