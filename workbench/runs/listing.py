"""Runs of the store in the order of their age, filtered; and one of them in full."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from time import monotonic
from typing import Any

from workbench.core import ParameterError, check
from workbench.runs.storage import staging
from workbench.runs.storage.catalogue import catalogue_of
from workbench.runs.storage.folder import STATES, Run
from workbench.runs.storage.rows import Row
from workbench.runs.storage.store import Store

__all__ = ["newest", "pulse", "running", "runs", "show"]

FILTERS = (*STATES, "running", "damaged")
PATIENCE = 30.0          # seconds between looks into a store that lies elsewhere


def runs(study: Any = None, *, states: Sequence[str] = (), where: Mapping[str, str] | None = None,
         store: Store | Path | str | None = None, limit: int | None = None) -> list[Run]:
    """Runs, newest first.

    Parameters
    ----------
    study : module or str, optional
        Only the runs of this study or notebook.
    states : sequence of str
        Only runs in one of these states.
    where : mapping of str to str, optional
        Only runs whose parameter has this value, written as on the command line.
    store : Store, Path or URL, optional
        ``data/runs`` or ``WORKBENCH_RUNS`` by default.
    limit : int, optional
        At most so many.

    Raises
    ------
    ValueError
        If a state is unknown.
    ParameterError
        If no run has a parameter of a name in `where`.
    """
    for state in states:
        check.one_of(FILTERS, state=state)
    wanted, opened = dict(where or {}), Store.of(store)
    if not wanted:
        return opened.runs(study, states=tuple(states) or None, limit=limit)
    rows = opened.rows(study)
    _refuse_unknown(wanted, rows)
    fitting = [row.id for row in rows if (not states or row.state in states)
               and all(_equal(row.values.get(name), text) for name, text in wanted.items())]
    live = {run.id: run for run in opened.runs(study, states=("running",))}
    return [live[name] if name in live else opened.read(name) for name in fitting[:limit]]


def show(key: str, *, store: Store | Path | str | None = None) -> Run:
    """Run of a name, or of the first digits of its key.

    Raises
    ------
    ValueError
        If there is no such run, or several.
    """
    return Store.of(store).load(key)


def newest(store: Store | Path | str | None = None) -> dict[str, Row]:
    """Newest succeeded run of each study, by the study's name."""
    opened = Store.of(store)
    return {row.study: row for row in catalogue_of(opened.url).newest(opened.place)}


def pulse(store: Store | Path | str | None = None) -> tuple[Any, ...]:
    """What differs after a run has begun, ended or been removed; found without listing the runs.

    A store that lies elsewhere cannot be asked so cheaply: it counts as changed now and then.
    """
    opened = Store.of(store)
    try:
        begun = opened.workspace.stat().st_mtime_ns
    except OSError:
        begun = 0
    return begun, 0 if opened.local is not None else int(monotonic() / PATIENCE)


def running(store: Store | Path | str | None = None) -> list[Run]:
    """Runs in progress, whichever program executes them, newest first; quick."""
    return staging.running(Store.of(store).workspace)


def _refuse_unknown(wanted: Mapping[str, str], rows: Sequence[Row]) -> None:
    """Refuse a name that no run has, in whatever state."""
    known = {name for row in rows for name in row.values}
    problems = [f"unknown parameter {name!r}.{check.suggestion(name, known)} Known: "
                f"{', '.join(sorted(known))}." for name in wanted if rows and name not in known]
    if problems:
        raise ParameterError(problems)


def _equal(value: Any, text: str) -> bool:
    if str(value).lower() == text.strip().lower():
        return True
    try:
        return not isinstance(value, str | bool) and value == float(text)
    except ValueError:
        return value is None and text.strip().lower() in {"", "null"}
