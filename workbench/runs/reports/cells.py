"""Cells of an executed notebook as pieces of a page, each safe to show on its own."""

import html
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.runs.reports import images, text
from workbench.runs.reports.frames import Frames, is_alive
from workbench.runs.reports.sanitise import sanitised

__all__ = ["INJECTED", "TITLE", "TOLD_ELSEWHERE", "Cell", "cells", "raw_cells"]

# JavaScript of its own and saved widgets would need a Jupyter front end.
ORDER = ("text/html", "text/markdown", "image/svg+xml", "image/png", "image/jpeg", "image/gif",
         "image/webp", "text/latex", "text/plain")
# Outputs that only bring a library to a Jupyter front end; the report has its own.
LOADERS = re.compile(r'class="logo-block"|type="esms-options"|"model_name":"BrowserInfo"'
                     r"|panel\.models\.browser\.BrowserInfo")
MALFORMED = (TypeError, ValueError, KeyError, AttributeError, RecursionError)
UNREADABLE = "This cell cannot be read."
TITLE = re.compile(r"\A\s*# .*(\n|\Z)")  # of the notebook; the page has its own
TOLD_ELSEWHERE = frozenset({"headline", "save"})  # head and foot of a page show these
INJECTED = "injected-parameters"
SCOPED = re.compile(r"<style scoped>.*?</style>", re.DOTALL)  # pandas sends one with each table


@dataclass(frozen=True)
class Cell:
    """One cell of a report.

    Parameters
    ----------
    id : str
        Name of the cell; may hold any character.
    kind : {"text", "code"}
    source : str
    shown : str
        Source as HTML.
    outputs : tuple of str
        Each output as HTML.
    told : str
        What the outputs say in plain text, for a comparison.
    label : str
        What the reader opens to see the code.
    failed : bool
    """

    id: str
    kind: str
    source: str
    shown: str
    outputs: tuple[str, ...] = ()
    told: str = ""
    label: str = ""
    failed: bool = False


def cells(path: Path | None, frames: Frames) -> list[Cell]:
    """Cells of a notebook's file; none without a file.

    Parameters
    ----------
    path : Path or None
        Notebook of format 4.
    frames : Frames
        Collects the outputs that need scripts.

    Raises
    ------
    ValueError
        If the file is no notebook.
    """
    return [_any_cell(name, cell, metadata, frames) for name, cell, metadata in _read(path)]


def raw_cells(path: Path | None) -> list[tuple[str, Mapping[str, Any]]]:
    """Name and content of each cell of a notebook's file; none without a file.

    Raises
    ------
    ValueError
        If the file is no notebook.
    """
    return [(name, cell) for name, cell, _ in _read(path)]


def _read(path: Path | None) -> list[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    """Name and content of each cell, and what the notebook says of itself."""
    if path is None:
        return []
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        metadata = notebook.get("metadata", {})
        return [(_name(number, cell), cell, metadata)
                for number, cell in enumerate(notebook["cells"])]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
        raise ValueError(f"notebook must be a Jupyter notebook of format 4, got {path.name!r} "
                         f"({type(problem).__name__}). Run the notebook again.") from problem


def _name(number: int, cell: Mapping[str, Any]) -> str:
    """The cell's own name; the parameters given get a new one in each execution."""
    return INJECTED if _is_injected(cell) else str(cell.get("id", number))


def _is_injected(cell: Mapping[str, Any]) -> bool:
    return INJECTED in cell.get("metadata", {}).get("tags", [])


def _any_cell(name: str, cell: Mapping[str, Any], metadata: Any, frames: Frames) -> Cell:
    try:
        return _cell(name, cell, _language(metadata), frames)
    except MALFORMED:  # one cell of a notebook that a program wrote wrongly; the others are shown
        return Cell(name, "code", UNREADABLE, f"<pre>{UNREADABLE}</pre>",
                    (f'<p class="quiet">{UNREADABLE}</p>',), UNREADABLE, name)


def _cell(name: str, cell: Mapping[str, Any], language: str, frames: Frames) -> Cell:
    source = _joined(cell.get("source", ""))
    if cell.get("cell_type") == "markdown":
        return Cell(name, "text", source, text.markdown(source, cell.get("attachments")))
    if cell.get("cell_type") != "code":
        return Cell(name, "text", source, f"<pre>{html.escape(source)}</pre>")
    outputs = cell.get("outputs", [])
    label = "parameters given" if _is_injected(cell) else name
    return Cell(name, "code", source, text.code(source, language),
                tuple(filter(None, (_output(output, frames) for output in outputs))),
                "\n".join(filter(None, map(_told, outputs))), label,
                any(output.get("output_type") == "error" for output in outputs))


def _output(output: Mapping[str, Any], frames: Frames) -> str:
    kind = output.get("output_type")
    if kind == "stream":
        name = "stderr" if output.get("name") == "stderr" else "stdout"
        return f'<pre class="output {name}">{text.terminal(_joined(output.get("text", "")))}</pre>'
    if kind == "error":
        traceback = "\n".join(output.get("traceback", ())) or f"{output.get('ename')}"
        return f'<pre class="output traceback">{text.terminal(traceback)}</pre>'
    metadata = output.get("metadata", {})
    for media_type, content in _forms(output.get("data", {})):
        shown = _rich(media_type, content, metadata.get(media_type), frames)
        if shown:
            return shown
    return ""


def _forms(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Forms of one output that can be shown, the richest first."""
    for media_type in ORDER:
        if media_type in data:
            content = _joined(data[media_type])
            if media_type == "text/html" and LOADERS.search(content):
                return
            yield media_type, content


def _rich(media_type: str, content: str, shown: Any, frames: Frames) -> str:
    if media_type == "text/html":
        content = SCOPED.sub("", content)
        inside = frames.add(content) if is_alive(content) else sanitised(content).strip()
    elif media_type == "text/markdown":
        inside = text.markdown(content)
    elif media_type == "image/svg+xml":
        inside = images.vector(content)
    elif media_type.startswith("image/"):
        inside = images.picture(media_type, content, shown)
    else:
        return f'<pre class="output">{text.terminal(content)}</pre>'
    return inside and f'<div class="output">{inside}</div>'


def _told(output: Mapping[str, Any]) -> str:
    if output.get("output_type") == "stream":
        return text.plain(_joined(output.get("text", ""))).rstrip("\n")
    if output.get("output_type") == "error":
        return f"{output.get('ename')}: {text.plain(str(output.get('evalue', '')))}"
    data = output.get("data", {})
    for media_type in ("text/plain", "text/markdown", "text/latex"):
        if media_type in data:
            return _joined(data[media_type])
    return ", ".join(sorted(data))


def _language(metadata: Mapping[str, Any]) -> str:
    info, kernel = (metadata.get(word) or {} for word in ("language_info", "kernelspec"))
    return str(info.get("name") or kernel.get("language") or "python").lower()


def _joined(content: Any) -> str:
    return content if isinstance(content, str) else "".join(map(str, content))
