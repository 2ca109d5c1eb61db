"""One notebook and one parameter set become one run folder; unknown parameters are refused."""

import ast
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from workbench.core import ParameterError, Params, check
from workbench.runs import fingerprint, staging
from workbench.runs.folder import Run, read, rebuilt
from workbench.runs.reports.page import write_report
from workbench.runs.store import RUN_FOLDER, store_folder

__all__ = ["execute"]

PARTING = b"KeyboardInterrupt caught in kernel"  # each kernel may say so when it is shut down
NOTHING_SAVED: Mapping[str, Any] = {"params": None, "summary": {}, "notes": []}


def execute(study: Any, params: Params, *, store: Path | None = None,
            notebook: Path | None = None, single_file: bool = False,
            on_cell: Callable[[int, int, str], None] | None = None) -> Run:
    """Execute a study's notebook with papermill into a folder of its own, with a report.

    The kernel is the Python that calls this, and it works in the current folder. A failing cell
    or a kernel that dies gives a run whose state is "failed"; an interrupt leaves nothing.

    Parameters
    ----------
    study : module
        A study.
    params : Params
        An instance of the study's `Params`.
    store : Path, optional
        ``places.runs()`` by default.
    notebook : Path, optional
        The notebook of the study's name by default.
    single_file : bool
        Put style and scripts into the report instead of beside it.
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
    if not isinstance(params, study.Params):
        raise TypeError(f"params must be an instance of the study's Params, got {params!r}. "
                        "Build it with study.Params(...).")
    source = fingerprint.notebook_path(study) if notebook is None else Path(notebook)
    content = _notebook(source)
    _declares(content, params)
    folder = store_folder(store)
    staging.sweep(folder)
    parts = fingerprint.key_parts(study, params, notebook=source)
    key = fingerprint.key_of(parts)
    with staging.staged(folder, source.stem, key) as stage:
        record = {"study": fingerprint.study_name(study), "title": study.TITLE,
                  "params": params.values(), "defaults": params.defaults(),
                  "seed": params.values().get("seed"), "key": key, "key_parts": parts,
                  "versions": fingerprint.versions(), "started": staging.timestamp()}
        record |= _carry_out(content, params, stage.folder, on_cell)
        try:
            write_report(rebuilt(stage.folder, {"id": stage.id, **record}),
                         single_file=single_file)
        finally:
            folder = stage.publish(record)  # the result outlives a report that cannot be written
        return read(folder)


def _carry_out(content: Any, params: Params, folder: Path,
               on_cell: Callable[[int, int, str], None] | None) -> dict[str, Any]:
    """Run the notebook, save it, and return what ``manifest.json`` tells about it."""
    from workbench.runs.engine import run_notebook

    begun = time.monotonic()
    log = folder / "log.txt"
    outcome = run_notebook(content, params.values(), {RUN_FOLDER: str(folder.resolve())}, log,
                           on_cell)
    seconds = time.monotonic() - begun
    if all(PARTING in line for line in log.read_bytes().splitlines()):
        log.unlink()
    _write_notebook(folder / "notebook.ipynb", outcome.notebook)
    saved = _saved(folder)
    notes = list(saved["notes"])
    if saved is NOTHING_SAVED and not outcome.error:
        notes.append("The notebook saved no result; its last cell should call runs.save().")
    elif saved is not NOTHING_SAVED and saved["params"] != params.values():
        notes.append("The notebook saved a result of other parameters than it was given.")
    return {"state": "failed" if outcome.error else "succeeded", "error": outcome.error,
            "seconds": round(seconds, 3), "summary": saved["summary"], "notes": notes}


def _notebook(path: Path) -> Any:
    with _cheap_import():
        import nbformat
    try:
        content = nbformat.read(path, as_version=4)
    except FileNotFoundError:
        near = check.suggestion(path.name, [other.name for other in path.parent.glob("*.ipynb")])
        raise ValueError(f"notebook must be an existing file, got {str(path)!r}.{near} "
                         "Each study has a notebook of its name.") from None
    except (ValueError, KeyError, AttributeError) as problem:
        cause = next(iter(str(problem).splitlines()), "")[:200]
        raise ValueError(f"notebook must be a Jupyter notebook, got {str(path)!r}, which cannot "
                         f"be read ({cause}). Restore the file.") from problem
    for cell in content.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return content


@contextmanager
def _cheap_import() -> Iterator[None]:
    """Import nbformat without an optional grammar that costs a second at each start."""
    name = "rfc3987_syntax"
    if name in sys.modules or "jsonschema" in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[name]


def _declares(content: Any, params: Params) -> None:
    """Papermill only warns about a name that the notebook does not know, so refuse it here."""
    tagged = [cell.source for cell in content.cells
              if cell.cell_type == "code" and "parameters" in cell.metadata.get("tags", [])]
    if not tagged:
        raise ParameterError(["the notebook has no cell tagged 'parameters'. Tag the cell that "
                              "holds the defaults."])
    names = [target.id for node in ast.parse(tagged[0]).body for target in _targets(node)
             if isinstance(target, ast.Name)]
    problems = [f"parameter {name!r} is missing from the notebook's parameters cell."
                f"{check.suggestion(name, names)} Assign its default there."
                for name in params.values() if name not in names]
    if problems:
        raise ParameterError(problems)


def _targets(node: ast.stmt) -> list[ast.expr]:
    if isinstance(node, ast.Assign):
        return node.targets
    return [node.target] if isinstance(node, ast.AnnAssign) else []


def _saved(folder: Path) -> Mapping[str, Any]:
    path = folder / "metrics.json"
    if not path.is_file():
        return NOTHING_SAVED
    saved: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return saved


def _write_notebook(path: Path, content: Any) -> None:
    import nbformat

    # The final name appears by the folder's rename, so a plain write is enough.
    text = nbformat.writes(content)
    path.write_text(text, encoding="utf-8", errors="backslashreplace")
