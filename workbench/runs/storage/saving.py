"""Save a result: into the run that executes the notebook, else as a run of its own."""

import os
import secrets
import shutil
from pathlib import Path
from typing import Any

from workbench.core import Params, Result
from workbench.runs.keys import fingerprint
from workbench.runs.storage import artifacts
from workbench.runs.storage.folder import Run
from workbench.runs.storage.staging import RUN_FOLDER, Stage, timestamp, write_json
from workbench.runs.storage.store import Store

__all__ = ["save"]


def save(study: Any, params: Params, result: Result) -> Run:
    """Save a result: into the run that executes this notebook, else as a run of its own.

    What an earlier call in the same notebook saved is replaced, and only when everything is
    written.

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
        If a table, posterior, array or network has a name that cannot be a file name, or holds
        what its file format does not know.
    """
    inside = os.environ.get(RUN_FOLDER)
    name = fingerprint.study_name(study)
    if inside:
        stage = Stage.of(Path(inside))
        _write(stage.folder, study, params, result)
        return Run(stage.id, stage.folder, name, study.TITLE, "running", params.values(),
                   summary=result.summary, defaults=params.defaults())
    parts = fingerprint.key_parts(fingerprint.notebook_path(study), params.values(), study=study)
    key = fingerprint.key_of(parts)
    about = _head(study, params) | {"key": key, "key_parts": parts, "started": timestamp()}
    store = Store()
    with store.staged(name, key, about) as stage:
        _write(stage.folder, study, params, result)
        return store.publish(stage, about | {"state": "succeeded", "seconds": None, "error": "",
                                             **_numbers(result)})


def _head(study: Any, params: Params) -> dict[str, Any]:
    values = params.values()
    return {"study": fingerprint.study_name(study), "module": study.__name__,
            "title": study.TITLE, "params": values,
            "defaults": params.defaults(), "seed": values.get("seed"),
            "versions": fingerprint.versions()}


def _numbers(result: Result) -> dict[str, Any]:
    return {"summary": {name: number.record() for name, number in result.summary.items()},
            "notes": list(result.summary.notes)}


def _write(folder: Path, study: Any, params: Params, result: Result) -> None:
    fresh = folder / f".saving-{secrets.token_hex(3)}"
    try:
        artifacts.write(fresh, result)
        picture = _picture(study, result)
        if fresh.is_dir():
            shutil.rmtree(folder / artifacts.FOLDER, ignore_errors=True)
            fresh.rename(folder / artifacts.FOLDER)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    if picture is not None:
        (folder / "thumbnail.svg").write_text(picture, encoding="utf-8")
    # Last, since its parameters say that a result was saved.
    write_json(folder / "metrics.json", {"params": params.values(), **_numbers(result)})


def _picture(study: Any, result: Result) -> str | None:
    figures = study.figures(result)
    if not figures:
        return None
    from workbench.plots import thumbnail

    return thumbnail(next(iter(figures.values())))
