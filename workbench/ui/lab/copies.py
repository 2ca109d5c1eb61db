"""Notebooks of studies with parameters filled in, to open and change without touching git."""

import hashlib
import json
import secrets
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from workbench import runs
from workbench.core import Study, places

__all__ = ["COPIES", "copy_notebook", "copy_welcome", "filled"]

COPIES = "copies"        # folder among the notebooks, which git ignores
WELCOME = "welcome.ipynb"


def copy_notebook(study: Study, values: Mapping[str, Any] | None = None) -> Path:
    """A copy of a study's notebook with values filled in, as a run would fill them in.

    Equal values lead to the same copy, which is left as it is once it exists: whoever changed it
    finds the changes again. Below the defaults stands a cell with the values that differ.

    Parameters
    ----------
    study : module
    values : mapping, optional
        Parameters that differ from the defaults; none for the notebook as it is.

    Returns
    -------
    path : Path
        Relative to :func:`workbench.core.places.root`.

    Raises
    ------
    ParameterError
        If the study refuses a value.
    ValueError
        If the study has no notebook, or it cannot be read.
    OSError
        If the copy cannot be written.
    """
    params = study.Params(**(values or {}))
    task = runs.Task.of_study(study, params)
    text = task.notebook.read_bytes() if task.notebook.is_file() else b""
    return _kept(task.name, text + params.key().encode(),
                 lambda: filled(replace(task, values=task.changed)))


def copy_welcome() -> Path | None:
    """A copy of the welcome notebook, relative to the root; none where that was removed."""
    source = places.notebooks() / WELCOME
    if not source.is_file():
        return None
    content = source.read_bytes()
    return _kept(source.stem, content, lambda: content)


def filled(task: runs.Task) -> bytes:
    """A task's notebook with its parameters, not executed, without papermill's notes."""
    with tempfile.TemporaryDirectory(prefix="workbench-") as folder:
        text = runs.prepare(task, Path(folder) / "copy.ipynb").read_text(encoding="utf-8")
    book = json.loads(text)
    for part in (book, *book["cells"]):      # papermill's notes hold the whole notebook again
        part["metadata"].pop("papermill", None)
    return (json.dumps(book, indent=1, ensure_ascii=False) + "\n").encode()


def _kept(name: str, about: bytes, make: Callable[[], bytes]) -> Path:
    """The copy of a name, told from others by a digest; made if it is not there."""
    digits = hashlib.sha256(about).hexdigest()[:8]
    target = places.notebooks() / COPIES / f"{name}-{digits}.ipynb"
    if not target.exists():
        content = make()
        target.parent.mkdir(parents=True, exist_ok=True)
        _put(content, target)
    return target.relative_to(places.root())


def _put(content: bytes, target: Path) -> None:
    """Let the whole file appear at once."""
    partial = target.with_name(f".{target.name}.{secrets.token_hex(3)}.partial")
    try:
        partial.write_bytes(content)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
