"""One task becomes one run: found in the store when it is there already, else executed."""

import json
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from workbench.core import Estimate, Params, Summary
from workbench.runs import metrics
from workbench.runs.execution.events import OnCell
from workbench.runs.execution.limits import Cancellation, Limits
from workbench.runs.inputs import notebooks
from workbench.runs.inputs.task import Settings, Task
from workbench.runs.keys import environment, fingerprint
from workbench.runs.reports.page import write_report
from workbench.runs.storage import staging
from workbench.runs.storage.folder import Run, rebuilt
from workbench.runs.storage.names import ENVIRONMENTS
from workbench.runs.storage.staging import Stage
from workbench.runs.storage.store import RUN_FOLDER, Store

__all__ = ["Circumstances", "carry_out", "execute"]

PARTING = b"KeyboardInterrupt caught in kernel"  # each kernel may say so when it is shut down
PATIENCE = 0.5   # seconds between looks at an interrupt, while another process executes the task


@dataclass(frozen=True)
class Circumstances:
    """What surrounds one execution: the fork server, the share of cores, the way to stop it."""

    limits: Limits = field(default_factory=Limits)
    server: Any = None
    threads: int | None = None
    single_file: bool = False
    force: bool = False
    cancelled: Cancellation = field(default_factory=Cancellation)
    on_cell: OnCell | None = None


def execute(study: Any, params: Params, *, store: Store | Path | str | None = None,
            notebook: Path | None = None, settings: Settings | None = None,
            on_cell: OnCell | None = None) -> Run:
    """Execute a study's notebook with papermill into a folder of its own, with a report.

    The kernel is the Python that calls this, and it works in the current folder. Whatever goes
    wrong inside the notebook is told by the run's state; what was computed until then is kept.

    Parameters
    ----------
    study : module
        A study.
    params : Params
        An instance of the study's `Params`.
    store : Store, Path or URL, optional
        ``data/runs`` or ``WORKBENCH_RUNS`` by default.
    notebook : Path, optional
        The notebook of the study's name by default.
    settings : Settings, optional
        Only `limits` and `single_file` concern a single execution.
    on_cell : callable, optional
        Called with position (from 1), number of code cells and name as each one starts.

    Returns
    -------
    run : Run

    Raises
    ------
    TypeError
        If `params` is not an instance of the study's `Params`.
    ParameterError
        If the notebook does not declare one of the parameters.
    ValueError
        If the notebook is missing or cannot be read.
    """
    from workbench.runs.execution.sweep import carry_out_all

    how = replace(settings or Settings(), force=True, workers=1)
    told = None if on_cell is None else lambda event: (
        on_cell(event.done, event.cells, event.cell) if event.kind == "cell" else None)
    return carry_out_all([Task.of_study(study, params, notebook)], store, how, told)[0]


def carry_out(task: Task, store: Store, around: Circumstances) -> tuple[Run, bool]:
    """Run of a task, and whether it was in the store already.

    While another process executes the same task this waits for its run.

    Raises
    ------
    ParameterError, ValueError
        If the notebook cannot be read or refuses the parameters.
    OSError
        If the store cannot be written.
    """
    if around.force or fingerprint.obstacle(task.key_parts):
        return _executed(task, store, around), False
    while True:
        found = store.find(task.key)
        if found is not None:
            return found, True
        with store.claim(task.key, wait=PATIENCE) as mine:
            if mine:
                found = store.find(task.key)
                return (found, True) if found else (_executed(task, store, around), False)
        if around.cancelled.is_set():
            raise KeyboardInterrupt


def _executed(task: Task, store: Store, around: Circumstances) -> Run:
    content = notebooks.load(task.notebook)
    task.refuse(content)
    about = task.about() | {"started": staging.timestamp(), "host": socket.gethostname()}
    with store.staged(task.name, task.key, about) as stage:
        record = about | _outcome(content, task, stage, around)
        _remember_environment(store)
        try:
            write_report(rebuilt(stage.folder, {"id": stage.id, **record}),
                         single_file=around.single_file)
        except Exception as problem:  # the result outlives an unwritten report
            record["notes"].append(f"The report could not be written: {problem}.")
        return store.publish(stage, record)


def _outcome(content: Any, task: Task, stage: Stage, around: Circumstances) -> dict[str, Any]:
    """Run the notebook, save it, and return what the manifest tells about it."""
    from workbench.runs.execution.driver import run_notebook
    from workbench.runs.execution.engine import Conditions
    from workbench.runs.kernels.launch import KernelOptions

    folder = stage.folder
    kernel = KernelOptions(
        environment={RUN_FOLDER: str(folder.resolve())}, memory=around.limits.memory,
        cwd=None if task.cwd is None else str(task.cwd), threads=around.threads,
        server=None if task.kernel else around.server, kernel=task.kernel)
    if kernel.server is not None:
        _ = kernel.server.notes  # waits for its imports, which are no part of the run
    begun = time.monotonic()
    log = folder / "log.txt"
    outcome = run_notebook(content, task.values,
                           Conditions(kernel, around.limits, around.cancelled, around.on_cell,
                                      beat=stage.beat), log)
    seconds = time.monotonic() - begun
    folder.mkdir(exist_ok=True)   # a notebook may have removed it
    if log.exists() and all(PARTING in line for line in log.read_bytes().splitlines()):
        log.unlink()
    notebooks.write(folder / "notebook.ipynb", outcome.notebook)
    saved = _saved(folder)
    summary = metrics.merged(_summary(saved), metrics.recorded(folder))
    return {"state": outcome.state, "error": outcome.error, "seconds": round(seconds, 3),
            "summary": {name: number.record() for name, number in summary.items()},
            "notes": [*summary.notes, *_notes(task, outcome, saved)],
            "kernel": "warm" if outcome.warm else "cold", "peak_memory": outcome.peak_memory,
            "cells": {"done": outcome.done, "total": outcome.total}}


def _notes(task: Task, outcome: Any, saved: Mapping[str, Any]) -> list[str]:
    notes = []
    if task.study and not saved and outcome.state == "succeeded":
        notes.append("The notebook saved no result; its last cell should call runs.save().")
    elif task.study and saved and saved["params"] != dict(task.values):
        notes.append("The notebook saved a result of other parameters than it was given.")
    if outcome.state == "succeeded" and outcome.done < outcome.total:
        notes.append(f"The notebook ended itself after {outcome.done} of {outcome.total} cells.")
    return notes


def _summary(saved: Mapping[str, Any]) -> Summary:
    numbers = saved.get("summary", {})
    return Summary({name: Estimate.from_record(entry) for name, entry in numbers.items()},
                   tuple(saved.get("notes", ())))


def _remember_environment(store: Store) -> None:
    """Keep the list of packages that the key stands for, once for all runs."""
    folder = store.workspace / ENVIRONMENTS
    name = f"{environment.remember_environment(folder)}.json"
    if store.local is None and not store.exists(f"{ENVIRONMENTS}/{name}"):
        store.put(f"{ENVIRONMENTS}/{name}", folder / name)


def _saved(folder: Path) -> dict[str, Any]:
    """What the notebook gave to `save`, or nothing."""
    path = folder / "metrics.json"
    if not path.is_file():
        return {}
    try:
        saved: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        saved["params"], _summary(saved)  # what was written by hand may lack either
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}
    return saved



