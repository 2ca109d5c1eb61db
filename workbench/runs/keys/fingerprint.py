"""The key of a run: a hash of everything that decides its result.

Two runs with one key would give one result; the parts say which component changed. What cannot be
seen from outside: files that code names itself (declare them under ``workbench: {"data": [...]}``
in the notebook's metadata), modules whose names are computed, services and the clock (declare
``workbench: {"cache": "never"}``).
"""

import hashlib
import json
import math
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workbench.core import Params, places
from workbench.runs.inputs import notebooks
from workbench.runs.keys import environment
from workbench.runs.keys.closure import closure
from workbench.runs.keys.data import TOO_MANY, data_files
from workbench.runs.keys.digests import text_digest
from workbench.runs.keys.environment import versions

__all__ = ["KEY_SCHEMA", "key", "key_of", "key_parts", "notebook_path", "obstacle",
           "study_name", "versions"]

KEY_SCHEMA = 2
EXECUTES = ("workbench.__main__", "workbench.catalog", "workbench.cli", "workbench.environment",
            "workbench.installer", "workbench.progress", "workbench.runs", "workbench.scaffold",
            "workbench.ui")           # these carry a computation out and have no part in it


def key(study: Any, params: Params, *, notebook: Path | None = None) -> str:
    """Key of a study's run.

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
    source = notebook_path(study) if notebook is None else notebook
    return key_of(key_parts(source, params.values(), study=study))


def key_of(parts: Mapping[str, Any]) -> str:
    """Hash of the parts in canonical JSON; names of cells do not count, their order does."""
    decisive = dict(parts)
    if isinstance(parts.get("cells"), list):
        decisive["cells"] = [content for _, content in parts["cells"]]
    text = json.dumps(decisive, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def key_parts(notebook: Path | None, values: Mapping[str, Any], *, study: Any = None,
              folder: Path | None = None, kernel: str = "",
              defaults: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Components of a key, each a plain JSON value.

    Parameters
    ----------
    notebook : Path or None
        A file that does not exist has no cells.
    values : mapping
        Resolved parameters: JSON values; numbers need not be finite.
    study : module, optional
        Its source and imports count as if a cell imported them; its `Params.paths` say which
        parameters name files. Without any, every text that names a file does.
    folder : Path, optional
        Where the kernel works; the current folder by default.
    kernel : str
        Name of a kernel that is not the Python that calls this.
    defaults : mapping, optional
        What the notebook assigns by itself; files that these name count as well.

    Returns
    -------
    parts : dict
        ``cells``: pairs of identifier and hash; ``params``; ``code``: hash of each module;
        ``data``: hash of each file, null where there is none; ``environment``; ``python``;
        ``device``; ``kernel``: name or language, if it is not this Python; ``cache``; ``schema``.

    Raises
    ------
    ValueError
        If the notebook cannot be read.
    """
    content = notebooks.raw(notebook) if notebook and Path(notebook).is_file() else {"cells": []}
    book = Path(notebook).absolute().parent if notebook else Path.cwd()
    work = Path(folder or Path.cwd()).absolute()
    code_cells = [(name, source) for name, cell, source in notebooks.code_cells(content)
                  if source.strip() and not (values and _is_injected(cell))]
    spoken = notebooks.language(content)
    code = closure([source for _, source in code_cells] if spoken == "python" else [],
                   _modules(study), folders=dict.fromkeys([work, book]), without=EXECUTES)
    wishes = content.get("metadata", {}).get("workbench", {})
    wishes = wishes if isinstance(wishes, dict) else {}
    return {
        "schema": KEY_SCHEMA,
        "cells": [[name, text_digest(source)] for name, source in code_cells],
        "params": {str(name): _finite(value) for name, value in values.items()},
        "code": dict(sorted(code.items())),
        "data": data_files({**(defaults or {}), **values}, wishes, code, work=work, book=book,
                           only=getattr(getattr(study, "Params", None), "paths", None) or None),
        "environment": environment.environment().hash,
        "python": platform.python_version(),
        "device": environment.device_class(),
        "kernel": kernel or ("" if spoken == "python" else spoken),
        "cache": str(wishes.get("cache", "")),
    }


def obstacle(parts: Mapping[str, Any]) -> str:
    """Why a run with this key must not stand for another one; nothing when it may."""
    cache, kernel = parts.get("cache", ""), parts.get("kernel", "")
    if cache == "never":
        return "the notebook's metadata say workbench.cache = never"
    data = parts.get("data")
    many = [name for name, told in data.items() if told == TOO_MANY] if isinstance(
        data, Mapping) else []
    if many and cache != "always":
        return (f"the folder of {many[0]} holds {TOO_MANY}, too many to watch; "
                "workbench.cache = always in the notebook's metadata says that they do not change")
    if kernel and cache != "always":
        return (f"the packages of the kernel {kernel} cannot be seen; workbench.cache = always in "
                "the notebook's metadata says that they do not change")
    return ""


def notebook_path(study: Any) -> Path:
    """Notebook of the study's name."""
    return places.notebooks() / f"{study_name(study)}.ipynb"


def study_name(study: Any) -> str:
    """Last part of the module's name; a name stays as it is."""
    return str(getattr(study, "__name__", study)).rpartition(".")[2]


def _modules(study: Any) -> dict[str, Path]:
    file = getattr(study, "__file__", None)
    return {study.__name__: Path(file)} if file else {}


def _is_injected(cell: Mapping[str, Any]) -> bool:
    """Whether papermill will replace the cell by the one that holds the parameters."""
    tags = cell.get("metadata", {}).get("tags", [])
    return isinstance(tags, list) and "injected-parameters" in tags


def _finite(value: Any) -> Any:
    """The value with NaN and infinities as something that JSON has."""
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(float(value))}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    if isinstance(value, Mapping):
        return {str(name): _finite(each) for name, each in value.items()}
    return value
