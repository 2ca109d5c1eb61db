"""Runs side by side in one page: what differs first, then cell by cell with their figures."""

import difflib
import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.runs.reports import assets
from workbench.runs.reports.cells import INJECTED, TITLE, TOLD_ELSEWHERE, Cell, cells
from workbench.runs.reports.compare import Comparison
from workbench.runs.reports.frames import Frames

__all__ = ["write_comparison"]

KINDS = {"-": "gone", "+": "new", "@": "place"}
LONGEST = 400  # lines of a difference between texts; the reports show the whole


def write_comparison(comparison: Comparison, path: Path | str) -> Path:
    """Write a comparison as one HTML page that needs no other file.

    Parameters
    ----------
    comparison : Comparison
    path : Path
        Of the page.

    Returns
    -------
    path : Path
    """
    path, frames = Path(path), Frames()
    kept = {label: {cell.id: cell for cell in cells(notebook, frames)}
            for label, run in zip(comparison.labels, comparison.runs, strict=True)
            if (notebook := run.notebook) is not None}
    names = dict.fromkeys(name for run in kept.values() for name in run)
    versions = {name: {label: run.get(name) for label, run in kept.items()} for name in names}
    parts = [_part(name, cells, comparison.cells.get(name, ""))
             for name, cells in versions.items() if _is_shown(name, [*cells.values()])]
    page = assets.page("comparison.html.j2").render(
        comparison=comparison, parts=parts,
        without=[label for label in comparison.labels if label not in kept],
        shared=assets.shared(path.parent, "report.js", frames=frames, single_file=True))
    path.parent.mkdir(parents=True, exist_ok=True)
    return assets.write_page(path, page)


def _is_shown(name: str, versions: Sequence[Cell | None]) -> bool:
    """Whether a cell says what the tables above do not say already."""
    have = [cell for cell in versions if cell is not None]
    if name == INJECTED or TITLE.match(have[0].source):
        return False
    if name in TOLD_ELSEWHERE:
        return any(cell.failed for cell in have)
    return (have[0].kind == "text" or any(cell.outputs for cell in have)
            or len({cell.source for cell in have}) > 1 or len(have) < len(versions))


def _part(name: str, versions: Mapping[str, Cell | None], what: str) -> dict[str, Any]:
    """One cell of all runs: its prose once, its code where it differs, its outputs in columns."""
    have = [cell for cell in versions.values() if cell is not None]
    first = have[0]
    columns = [{"label": label, "cell": cell} for label, cell in versions.items()]
    spoken = any(cell.outputs for cell in have) or len(have) < len(versions)
    return {
        "name": first.label or name, "what": what, "first": first, "same": not what,
        "columns": columns if spoken else [],
        "source": _difference([cell.source for cell in have]),
        "text": _difference([cell.told for cell in have]) if "outputs" in what else ""}


def _difference(texts: Sequence[str]) -> str:
    """Lines that differ between the first and the last text, as HTML; nothing if none do."""
    if len(set(texts)) < 2:
        return ""
    lines = list(difflib.unified_diff(texts[0].splitlines(), texts[-1].splitlines(), lineterm="",
                                      n=2))[2:]
    shown = [f'<span class="{KINDS.get(line[:1], "same")}">{html.escape(line)}</span>'
             for line in lines[:LONGEST]]
    if len(lines) > LONGEST:
        shown.append(f"<span>… {len(lines) - LONGEST} more lines</span>")
    return "\n".join(shown)
