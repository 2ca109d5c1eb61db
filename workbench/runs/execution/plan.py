"""What a sweep is about to do: which runs are there, how many at a time, how long it may take."""

import math
import os
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from workbench.runs.inputs import notebooks
from workbench.runs.inputs.task import Settings, Task
from workbench.runs.keys import fingerprint
from workbench.runs.storage.folder import Run
from workbench.runs.storage.store import Store

__all__ = ["Plan", "plan"]

USUAL_MEMORY = 400_000_000   # bytes of a kernel that nobody has measured yet
LOOK_BACK = 20               # earlier runs that tell duration and memory


@dataclass(frozen=True)
class Plan:
    """Tasks, the runs that are in the store already, and the numbers of the others.

    Parameters
    ----------
    tasks : sequence of Task
    found : dict
        Run of each number that need not be executed.
    todo : list of int
        Numbers, from 0, in the order of the tasks.
    workers : int
        Runs at a time.
    seconds : float
        Median duration of earlier runs; NaN where there are none.
    """

    tasks: Sequence[Task]
    found: dict[int, Run]
    todo: list[int]
    workers: int
    seconds: float

    @property
    def threads(self) -> int | None:
        """Cores of each kernel; none when one run may have them all."""
        return max(1, cores() // self.workers) if self.workers > 1 else None

    @cached_property
    def expected(self) -> float:
        """Seconds that all will take, by earlier runs."""
        return self.left(len(self.todo), self.seconds)

    def left(self, remaining: int, seconds: float) -> float:
        """Seconds until `remaining` runs of `seconds` each are done."""
        return math.ceil(remaining / self.workers) * seconds if remaining else 0.0


def plan(tasks: Sequence[Task], store: Store, settings: Settings) -> Plan:
    """Check all tasks and look which ones need no execution.

    Raises
    ------
    ParameterError, ValueError
        If a notebook cannot be read or refuses its parameters; nothing has been executed then.
    """
    contents = {path: notebooks.load(path) for path in {task.notebook for task in tasks}}
    for task in tasks:
        task.refuse(contents[task.notebook])
    found = {} if settings.force else _present(tasks, store)
    todo = [number for number in range(len(tasks)) if number not in found]
    earlier = _earlier([tasks[number] for number in todo], store)
    seconds = [run.seconds for run in earlier if math.isfinite(run.seconds)]
    return Plan(tasks, found, todo, _workers(len(todo), earlier, settings),
                statistics.median(seconds) if seconds else math.nan)


def cores() -> int:
    """Cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on this system
        return os.cpu_count() or 1


def _present(tasks: Sequence[Task], store: Store) -> dict[int, Run]:
    keys = {number: task.key for number, task in enumerate(tasks)
            if not fingerprint.obstacle(task.key_parts)}
    runs = store.find_all(keys.values())
    return {number: runs[key] for number, key in keys.items() if key in runs}


def _earlier(tasks: Sequence[Task], store: Store) -> list[Run]:
    names = list(dict.fromkeys(task.name for task in tasks))[:LOOK_BACK]
    return [run for name in names
            for run in store.runs(name, states=("succeeded",), limit=LOOK_BACK)]


def _workers(todo: int, earlier: list[Run], settings: Settings) -> int:
    """As many as asked for, or as cores and free memory allow."""
    if settings.workers is not None:
        return max(1, min(settings.workers, todo))
    import psutil

    peaks = [run.peak_memory for run in earlier if run.peak_memory]
    each = max(peaks, default=USUAL_MEMORY)
    if settings.limits.memory:
        each = min(each, settings.limits.memory)
    fitting = int(psutil.virtual_memory().available * 0.8 // each)
    return max(1, min(todo, cores(), fitting))
