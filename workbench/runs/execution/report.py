"""Execute studies and write their reports and the index."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from workbench.runs.execution.events import OnEvent
from workbench.runs.execution.sweep import carry_out_all
from workbench.runs.inputs.task import Settings, Task
from workbench.runs.storage.folder import Run
from workbench.runs.storage.store import Store

__all__ = ["report"]


def report(studies: Iterable[Any], values: Mapping[str, Any] | None = None, *,
           store: Store | Path | str | None = None, settings: Settings | None = None,
           on_event: OnEvent | None = None) -> list[Run]:
    """One run of each study, from the store when nothing has changed, and the index of all runs.

    Parameters
    ----------
    studies : iterable of modules
    values : mapping, optional
        Parameters that differ from the defaults, given to every study.
    store : Store, Path or URL, optional
        ``data/runs`` or ``WORKBENCH_RUNS`` by default.
    settings : Settings, optional
    on_event : callable, optional
        Called with each `Event`.

    Returns
    -------
    runs : list of Run
        In the order of the studies.

    Raises
    ------
    ParameterError
        If a study refuses the values; nothing has been executed then.
    """
    tasks = [Task.of(study, values or {}) for study in studies]
    return carry_out_all(tasks, store, settings, on_event)
