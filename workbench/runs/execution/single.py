"""Any notebook that papermill can execute, once; and a saved run once more."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workbench.runs.execution.events import OnEvent
from workbench.runs.execution.sweep import carry_out_all
from workbench.runs.inputs import notebooks
from workbench.runs.inputs.task import Settings, Task
from workbench.runs.storage.folder import Run
from workbench.runs.storage.replacing import replacing
from workbench.runs.storage.store import Store

__all__ = ["prepare", "rerun", "run"]


def run(notebook: Path | str | Task, values: Mapping[str, Any] | None = None, *,
        output: Path | str | None = None, store: Store | Path | str | None = None,
        settings: Settings | None = None, on_event: OnEvent | None = None) -> Run:
    """Execute a notebook, one that papermill can execute, into a run of the store.

    Parameters
    ----------
    notebook : Path or Task
    values : mapping, optional
        Parameters; a name that the notebook's parameters cell lacks is refused.
    output : Path, optional
        Where the executed notebook is copied to; names of parameters in braces are filled in.
    store, settings, on_event
        As in :func:`workbench.runs.sweep`; without ``settings`` an unchanged notebook is
        executed again.

    Returns
    -------
    run : Run

    Raises
    ------
    ParameterError
        If the notebook refuses a value.
    ValueError
        If the notebook cannot be read.
    OSError
        If the copy cannot be written; nothing is executed where its folder cannot be made.
    """
    task = notebook if isinstance(notebook, Task) else Task.of(Path(notebook), values or {})
    how = settings or Settings(force=True)
    target = None if output is None else _ready(filled(output, task.values))
    done = carry_out_all([task], store, how, on_event)[0]
    if target is not None and done.notebook is not None:
        copy(done.notebook, target)
    return done


def rerun(key: str, values: Mapping[str, str] | None = None, *,
          store: Store | Path | str | None = None, settings: Settings | None = None,
          on_event: OnEvent | None = None) -> Run:
    """Execute a saved run again with today's code and data.

    Parameters
    ----------
    key : str
        Name of a run, or the first digits of its key.
    values : mapping of str to str, optional
        Parameters to change, as texts.
    store, settings, on_event
        As in :func:`workbench.runs.sweep`; without `settings` an unchanged run is executed again.

    Raises
    ------
    ParameterError
        If today's study refuses the parameters.
    ValueError
        If there is no such run, or its study or notebook is gone.
    """
    room = Store.of(store)
    task = Task.of_run(room.load(key), values or {})
    return carry_out_all([task], room, settings or Settings(force=True), on_event)[0]


def prepare(task: Task, output: Path | str) -> Path:
    """Write the notebook with its parameters, not executed.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    from papermill.execute import execute_notebook

    content = notebooks.load(task.notebook)
    language = content.metadata.get("kernelspec", {}).get("language") or "python"
    content = execute_notebook(content, None, parameters=dict(task.values), prepare_only=True,
                               kernel_name=task.kernel or "python3", language=language)
    path = _ready(filled(output, task.values))
    notebooks.write(path, content)
    return path


def copy(source: Path, target: Path) -> None:
    """Copy so that a reader sees the old file or the new one."""
    with replacing(target) as partial:
        shutil.copyfile(source, partial)


def _ready(target: Path) -> Path:
    """Make the folder of a file, so that a wrong name is refused before the notebook is run."""
    if target.is_dir():
        raise IsADirectoryError(f"output must name a file, got the folder {str(target)!r}. "
                                "Write the notebook's name behind it.")
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


def filled(path: Path | str, values: Mapping[str, Any]) -> Path:
    """Path with the values of parameters in braces; other braces stay as they are.

    Examples
    --------
    >>> filled("out {x}/{alpha}.ipynb", {"alpha": 0.6}).as_posix()
    'out {x}/0.6.ipynb'
    """
    text = str(path)
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", str(value).replace("/", "-"))
    return Path(text)


