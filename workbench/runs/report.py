"""Execute studies and write their reports and the index."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from workbench.runs.folder import Run
from workbench.runs.reports.index import write_index

__all__ = ["report"]


def report(studies: Iterable[Any], values: Mapping[str, Any] | None = None, *,
           store: Path | None = None, single_file: bool = False,
           on_cell: Callable[[Any, int, int, str], None] | None = None,
           on_done: Callable[[Run], None] | None = None) -> list[Run]:
    """Execute studies one after the other and write the index of all runs.

    Parameters
    ----------
    studies : iterable of modules
    values : mapping, optional
        Parameters that differ from the defaults, given to every study.
    store : Path, optional
        ``places.runs()`` by default.
    single_file : bool
        Put style and scripts into each report instead of beside it.
    on_cell : callable, optional
        Called with study, position (from 1), number of code cells and name as each cell starts.
    on_done : callable, optional
        Called with each finished run.

    Returns
    -------
    runs : list of Run
        In the order of the studies.

    Raises
    ------
    ParameterError
        If a study refuses the values; nothing has been executed then.
    """
    from workbench.runs.execute import execute

    wanted = [(study, study.Params(**(values or {}))) for study in studies]
    runs = []
    try:
        for study, params in wanted:
            run = execute(study, params, store=store, single_file=single_file,
                          on_cell=partial(on_cell, study) if on_cell else None)
            runs.append(run)
            if on_done:
                on_done(run)
    finally:
        write_index(store)  # after an interrupt too: the finished runs are there
    return runs
