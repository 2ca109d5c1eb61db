"""Notebook files: read with one clear error, written plainly, looked at without a kernel."""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from workbench.core import check
from workbench.runs.keys.digests import stamp

__all__ = ["PYTHON", "cells", "cheap_import", "code_cells", "language", "load", "raw", "tagged",
           "write"]

OLDEST, NEWEST, MINOR = 1, 4, 5          # versions of the format
PYTHON = {"python", "python2", "python3", "ipython", "ipython3"}
MAPPINGS = ("kernelspec", "language_info", "papermill", "execution")    # of the metadata
TROUBLE = (OSError, ValueError, RecursionError)

_known: dict[str, tuple[Any, dict[str, Any]]] = {}


def load(path: Path | str) -> Any:
    """Notebook of a file as ``nbformat`` knows it, in version 4.5; older ones are upgraded.

    Cells without an identifier get one from their position, so that two runs of one notebook
    have the same. As papermill does, small departures from the format are let pass.

    Raises
    ------
    ValueError
        If the file is missing, is not JSON, is not a notebook, or of a version that nobody knows.
    """
    content = raw(path)
    with cheap_import():
        import nbformat
    try:
        if content["nbformat"] < NEWEST:
            older = nbformat.reader.reads(json.dumps(content))
            found = nbformat.convert(older, NEWEST)
        else:
            found = nbformat.from_dict(content)
        for (name, _), cell in zip(cells(content), found["cells"], strict=True):
            cell["id"] = name
            _complete(cell)
        nbformat.v4.rwbase.rejoin_lines(found)
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise _unreadable(path, problem) from problem
    found.nbformat_minor = max(MINOR, found.get("nbformat_minor", 0))
    found.setdefault("metadata", {})
    return found


def write(path: Path, content: Any) -> None:
    """Write a notebook whose final name appears by a later rename of its folder."""
    with cheap_import():
        import nbformat
    text = nbformat.writes(content)
    path.write_text(text, encoding="utf-8", errors="backslashreplace")


def raw(path: Path | str) -> dict[str, Any]:
    """JSON of a notebook file, checked to be a notebook; not to be changed.

    Raises
    ------
    ValueError
        As :func:`load`.
    """
    path = Path(path)
    now = stamp(path)
    known = _known.get(str(path))
    if known is not None and now and known[0] == now:
        return known[1]
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        near = check.suggestion(path.name, [other.name for other in path.parent.glob("*.ipynb")])
        raise ValueError(f"notebook must be an existing file, got {str(path)!r}.{near} "
                         "Each study has a notebook of its name.") from None
    except TROUBLE as problem:
        raise _unreadable(path, problem) from problem
    _check(path, content)
    _drop_broken_metadata(content)
    _known[str(path)] = now, content
    return content


def cells(content: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Cells with their identifiers; those without a good one are named by their position."""
    found: dict[str, Any] = {}
    sheets = content.get("worksheets") or [content]
    for place, cell in enumerate((cell for sheet in sheets for cell in sheet["cells"]), 1):
        name = cell.get("id")
        good = isinstance(name, str) and re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name)
        found[str(name) if good and name not in found else f"cell-{place}"] = cell
    return list(found.items())


def code_cells(content: Mapping[str, Any]) -> list[tuple[str, Any, str]]:
    """Identifier, cell and source of each code cell in order."""
    return [(name, cell, _source(cell)) for name, cell in cells(content)
            if cell["cell_type"] == "code"]


def tagged(content: Mapping[str, Any], tag: str) -> str | None:
    """Source of the first code cell with a tag; None when there is none."""
    return next((source for _, cell, source in code_cells(content) if tag in _tags(cell)), None)


def language(content: Mapping[str, Any]) -> str:
    """Language of the code cells in small letters; ``python`` where nothing is said."""
    about = content.get("metadata", {})
    spec = about.get("kernelspec", {})
    said = (spec.get("language") or about.get("language_info", {}).get("name")
            or spec.get("name") or "python")
    return "python" if str(said).lower() in PYTHON else str(said).lower()


@contextmanager
def cheap_import() -> Iterator[None]:
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


def _check(path: Path, content: Any) -> None:
    if not isinstance(content, dict) or type(content.get("nbformat")) is not int:
        raise _unreadable(path, ValueError("it is JSON but says no nbformat"))
    major = content["nbformat"]
    if not OLDEST <= major <= NEWEST:
        raise _unreadable(path, ValueError(f"its nbformat is {major}, this reads {OLDEST} to "
                                           f"{NEWEST}"))
    try:
        wrong = [name for name, cell in cells(content) if not isinstance(_source(cell), str)
                 or not isinstance(cell["cell_type"], str)
                 or not isinstance(cell.get("metadata", {}), dict)]
    except (KeyError, TypeError, AttributeError):
        wrong = ["cells"]
    if wrong or not isinstance(content.get("metadata", {}), dict):
        raise _unreadable(path, ValueError(f"its {(wrong or ['metadata'])[0]} is not what a "
                                           "notebook holds"))


def _drop_broken_metadata(content: Mapping[str, Any]) -> None:
    """Forget entries of another type than papermill and nbclient take for granted."""
    about = content.get("metadata", {})
    for name in MAPPINGS:
        if not isinstance(about.get(name, {}), dict):
            del about[name]
    for _, cell in cells(content):
        own = cell.get("metadata", {})
        if not isinstance(own.get("tags", []), list):
            del own["tags"]


def _complete(cell: Any) -> None:
    for name, default in {"metadata": {}, "source": ""}.items():
        cell.setdefault(name, default)
    if cell["cell_type"] == "code":
        cell.setdefault("outputs", [])
        cell.setdefault("execution_count", None)


def _unreadable(path: Path | str, problem: Exception) -> ValueError:
    cause = next(iter(str(problem).splitlines()), "")[:200]
    return ValueError(f"notebook must be a Jupyter notebook, got {str(path)!r}, which cannot be "
                      f"read ({cause or type(problem).__name__}). Restore the file.")


def _source(cell: Mapping[str, Any]) -> str:
    found = cell.get("source", cell.get("input", ""))
    return "".join(found) if isinstance(found, list) else found


def _tags(cell: Mapping[str, Any]) -> list[str]:
    found = cell.get("metadata", {}).get("tags", [])
    return found if isinstance(found, list) else []
