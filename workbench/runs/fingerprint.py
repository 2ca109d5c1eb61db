"""The key of a run: a hash of everything that decides its result.

Two runs with one key would give one result; the parts say which component changed.
"""

import hashlib
import importlib.metadata
import json
import platform
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import workbench
from workbench.core import Params, places

__all__ = ["KEY_SCHEMA", "code_cells", "key", "key_of", "key_parts", "notebook_path", "study_name",
           "versions"]

KEY_SCHEMA = 1
LIBRARIES = ("numpy", "pandas", "scipy", "param", "pyarrow", "pymc", "nutpie", "numba", "arviz",
             "torch", "holoviews", "bokeh", "panel", "papermill", "nbclient", "ipykernel")


def key(study: Any, params: Params, *, notebook: Path | None = None) -> str:
    """Hash of code cells, parameters, source, data, environment and Python.

    Parameters
    ----------
    study : module
        A study.
    params : Params
        Its parameters.
    notebook : Path, optional
        Where the code cells are read; the study's own notebook by default.

    Returns
    -------
    key : str
        64 hexadecimal digits.
    """
    return key_of(key_parts(study, params, notebook=notebook))


def key_of(parts: dict[str, Any]) -> str:
    """Hash of the parts in canonical JSON."""
    return _text_hash(json.dumps(parts, sort_keys=True, separators=(",", ":"), allow_nan=False))


def key_parts(study: Any, params: Params, *, notebook: Path | None = None) -> dict[str, Any]:
    """Components of :func:`key`, each a hash or a plain value."""
    cells = code_cells(notebook if notebook is not None else notebook_path(study))
    source = Path(workbench.__file__).parent
    return {
        "schema": KEY_SCHEMA,
        "cells": _text_hash(json.dumps(cells)),
        "params": params.values(),
        "study": _files_hash([Path(study.__file__)] if getattr(study, "__file__", None) else []),
        "workbench": _files_hash(source.rglob("*.py"), root=source),
        "data": _data_hash(params.values().get("data")),
        "environment": _text_hash("\n".join(_distributions())),
        "python": platform.python_version(),
    }


def code_cells(notebook: Path) -> list[str]:
    """Code cells in order; text and outputs do not decide a result."""
    if not notebook.is_file():
        return []
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def notebook_path(study: Any) -> Path:
    """Notebook of the study's name."""
    return places.notebooks() / f"{study_name(study)}.ipynb"


def study_name(study: Any) -> str:
    """Last part of the module's name; a name stays as it is."""
    return str(getattr(study, "__name__", study)).rpartition(".")[2]


def versions() -> dict[str, str]:
    """Versions of Python, this package and the installed libraries that decide results."""
    found = {"python": platform.python_version(), "workbench": workbench.__version__}
    for name in LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _data_hash(data: Any) -> str:
    """Hash of the user's file if `data` names one, else of the shipped files."""
    named = Path(data).expanduser() if isinstance(data, str) and data else None
    if named is not None and _is_file(named):
        return _files_hash([named])
    shipped = places.raw_data()
    return _files_hash((path for path in shipped.rglob("*") if path.is_file()), root=shipped)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no file system takes
        return False


def _distributions() -> list[str]:
    # Folder names are read instead of importlib.metadata, which costs a hundred times more.
    folders = {Path(entry) for entry in sys.path if entry}
    return sorted({path.name for folder in folders if folder.is_dir()
                   for path in folder.glob("*.dist-info")})


def _files_hash(paths: Iterable[Path], root: Path | None = None) -> str:
    # Names below the root only: the same files elsewhere on disk are the same files.
    total = hashlib.sha256()
    for path in sorted(paths):
        name = path.relative_to(root).as_posix() if root else path.name
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        total.update(f"{name}\0{content}\n".encode("utf-8", "surrogateescape"))
    return total.hexdigest()


def _text_hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
