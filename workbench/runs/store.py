"""Save, load and list runs: one folder each."""

import os
import re
from pathlib import Path
from typing import Any

from workbench.core import Params, Result, check, places
from workbench.runs import fingerprint, staging
from workbench.runs.folder import ID, Run, read, write_json

__all__ = ["RUN_FOLDER", "list_runs", "load", "save", "store_folder"]

RUN_FOLDER = "WORKBENCH_RUN_FOLDER"
PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_ -]*", re.ASCII)


def save(study: Any, params: Params, result: Result) -> Run:
    """Save a result: into the run that executes this notebook, else as a run of its own.

    Parameters
    ----------
    study : module
        A study.
    params : Params
        The parameters that gave the result.
    result : Result

    Returns
    -------
    run : Run

    Raises
    ------
    ValueError
        If a table or posterior has a name that cannot be a file name.
    """
    inside = os.environ.get(RUN_FOLDER)
    if inside:
        stage = staging.Stage.of(Path(inside))
        _write(stage.folder, study, params, result)
        return Run(stage.id, stage.folder, fingerprint.study_name(study), study.TITLE, "running",
                   params.values(), summary=result.summary, defaults=params.defaults())
    parts = fingerprint.key_parts(study, params)
    key = fingerprint.key_of(parts)
    with staging.staged(places.runs(), fingerprint.study_name(study), key) as stage:
        _write(stage.folder, study, params, result)
        record = _head(study, params) | {
            "state": "succeeded", "key": key, "key_parts": parts, "started": staging.timestamp(),
            "seconds": None, "error": "", **_numbers(result)}
        return read(stage.publish(record))


def load(run_id: str, store: Path | None = None) -> Run:
    """Run of an identifier.

    Raises
    ------
    ValueError
        If there is no such run; the message names the nearest one.
    """
    folder = store_folder(store)
    named = isinstance(run_id, str) and ID.fullmatch(run_id) is not None
    if named and (folder / run_id).is_dir() and not _inside(folder / run_id, folder):
        raise ValueError(f"run_id must name a folder inside the store, got {run_id!r}, which is "
                         "a link out of it. Copy the folder instead.")
    known = [path.name for path in _folders(folder)]
    if not named or run_id not in known:
        raise ValueError(f"run_id must name a saved run, got {run_id!r}."
                         f"{check.suggestion(run_id, known)} List them with list_runs().")
    return read(folder / run_id)


def list_runs(study: Any = None, store: Path | None = None) -> list[Run]:
    """Runs, newest first; runs that cannot be read are listed as damaged.

    A folder is a run when its name is a run's or it holds a ``manifest.json``. Other folders, and
    links out of the store, are no runs and are left alone.

    Parameters
    ----------
    study : module or str, optional
        Only the runs of this study.
    store : Path, optional
        ``places.runs()`` by default.
    """
    runs = [read(folder) for folder in _folders(store_folder(store))]
    if study is not None:
        name = fingerprint.study_name(study)
        runs = [run for run in runs if run.study == name]
    return sorted(runs, key=lambda run: (run.started, run.id), reverse=True)


def store_folder(store: Path | None) -> Path:
    """The given store, or the default one."""
    return places.runs() if store is None else Path(store)


def _folders(store: Path) -> list[Path]:
    if not store.is_dir():
        return []
    return [path for path in store.iterdir() if _is_run(path) and _inside(path, store)]


def _is_run(path: Path) -> bool:
    try:
        return path.name[0] not in "._" and path.is_dir() and (
            ID.fullmatch(path.name) is not None or (path / "manifest.json").exists())
    except OSError:  # a folder that may not be entered says nothing of itself
        return False


def _inside(path: Path, store: Path) -> bool:
    return path.resolve().is_relative_to(store.resolve())


def _head(study: Any, params: Params) -> dict[str, Any]:
    values = params.values()
    return {"study": fingerprint.study_name(study), "title": study.TITLE, "params": values,
            "defaults": params.defaults(), "seed": values.get("seed"),
            "versions": fingerprint.versions()}


def _numbers(result: Result) -> dict[str, Any]:
    return {"summary": {name: number.record() for name, number in result.summary.items()},
            "notes": list(result.summary.notes)}


def _write(folder: Path, study: Any, params: Params, result: Result) -> None:
    artifacts = folder / "artifacts"
    for name in (*result.tables, *result.inference):
        if not PLAIN_NAME.fullmatch(name):
            raise ValueError(f"names of tables and posteriors must be letters, digits, spaces, "
                             f"- and _, got {name!r}. Rename it in the study.")
        artifacts.mkdir(exist_ok=True)
    for name, table in result.tables.items():
        table.to_parquet(artifacts / f"{name}.parquet")
    for name, posterior in result.inference.items():
        posterior.to_netcdf(str(artifacts / f"{name}.nc"), engine="h5netcdf")
    figures = study.figures(result)
    if figures:
        from workbench.plots import thumbnail

        picture = thumbnail(next(iter(figures.values())))
        (folder / "thumbnail.svg").write_text(picture, encoding="utf-8")
    write_json(folder / "metrics.json", {"params": params.values(), **_numbers(result)})
