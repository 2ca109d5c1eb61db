"""Many tasks: planned, executed some at a time, told as they go, stopped in good order."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from workbench.runs.execution.events import Event, OnEvent
from workbench.runs.execution.plan import plan
from workbench.runs.execution.workers import Workers
from workbench.runs.inputs.grid import batch, combinations, parse_grid
from workbench.runs.inputs.task import Settings, Task
from workbench.runs.reports.index import write_index
from workbench.runs.reports.salvage import salvage
from workbench.runs.storage.folder import Run
from workbench.runs.storage.store import Store

__all__ = ["carry_out_all", "sweep", "tasks"]


def sweep(study: Any, grid: Mapping[str, Sequence[Any]], values: Mapping[str, Any] | None = None,
          *, store: Store | Path | str | None = None, settings: Settings | None = None,
          on_event: OnEvent | None = None) -> list[Run]:
    """Execute a study, or any notebook, with every combination of the grid's values.

    What is in the store already is not executed again, so a sweep that was stopped goes on
    where it was.

    Parameters
    ----------
    study : module or Path
        A study, or the path of a notebook.
    grid : mapping of str to sequence
        Values of each parameter that varies.
    values : mapping, optional
        Parameters that are the same for all and differ from the defaults.
    store : Store, Path or URL, optional
        ``data/runs`` or ``WORKBENCH_RUNS`` by default.
    settings : Settings, optional
    on_event : callable, optional
        Called with each `Event`, in the thread that called this.

    Returns
    -------
    runs : list of Run
        In the order of the combinations; those that were not begun after a failure are missing
        when `fail_fast` is set.

    Raises
    ------
    ParameterError
        If a value is refused; nothing has been executed then.
    """
    chosen = [{**(values or {}), **each} for each in combinations(grid)]
    wanted = [replace(Task.of(study, each), varied=tuple(grid)) for each in chosen]
    return carry_out_all(wanted, store, settings, on_event)


def tasks(study: Any, fixed: Mapping[str, str], *, grid: Iterable[str] | None = None,
          rows: Path | None = None) -> list[Task]:
    """Tasks of a sweep that is written as texts, as on the command line.

    Parameters
    ----------
    study : module or Path
        A study, or the path of a notebook.
    fixed : mapping of str to str
        Parameters that are the same for all.
    grid : iterable of str, optional
        ``NAME=VALUE,VALUE`` or ``NAME=START:STOP``.
    rows : Path, optional
        File of parameter sets: CSV, whose cells are texts too, JSON or YAML.

    Raises
    ------
    ParameterError
        Naming each value that is refused.
    """
    sets = batch(rows) if rows is not None else combinations(parse_grid(grid or ()))
    if rows is None or rows.suffix.lower() == ".csv":
        found = [Task.of_texts(study, {**fixed, **each}) for each in sets]
    else:
        found = [Task.of_texts(study, {name: text for name, text in fixed.items()
                                       if name not in each}, each) for each in sets]
    return [replace(task, varied=tuple(each)) for task, each in zip(found, sets, strict=True)]


def carry_out_all(wanted: Sequence[Task], store: Store | Path | str | None = None,
                  settings: Settings | None = None,
                  on_event: OnEvent | None = None) -> list[Run]:
    """Runs of tasks in their order, from the store or executed; see :func:`sweep`."""
    room, how = Store.of(store), settings or Settings()
    tell = on_event or _silent
    salvage(room)
    planned = plan(wanted, room, how)
    total = len(wanted)
    tell(Event("planned", total, done=len(planned.found), cells=planned.workers,
               left=planned.expected))
    for number, run in planned.found.items():
        tell(Event("finished", total, number + 1, wanted[number], run, reused=True))
    executed: dict[int, Run] = {}
    try:
        if planned.todo:
            executed = _executor(how)(planned, room, how, tell).go()
    finally:
        if planned.todo or not room.exists("index.html"):
            write_index(room)
        tell(Event("ended", total, done=len(planned.found) + len(executed)))
    runs = planned.found | executed
    return [runs[number] for number in sorted(runs)]


def _executor(how: Settings) -> Any:
    if not how.scheduler:
        return Workers
    from workbench.runs.execution.distributed import Distributed

    return Distributed


def _silent(event: Event) -> None:
    del event
