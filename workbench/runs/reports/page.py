"""The report of a run: one HTML file that opens from disk and asks no network for anything."""

import re
from pathlib import Path
from typing import Any

from workbench.runs.reports import assets, text
from workbench.runs.reports.cells import TITLE, TOLD_ELSEWHERE, Cell, cells
from workbench.runs.reports.frames import Frames
from workbench.runs.reports.sanitise import bare
from workbench.runs.storage.artifacts import regular_files
from workbench.runs.storage.folder import Run
from workbench.runs.storage.staging import BEGUN

__all__ = ["ALARMS", "sentence", "write_report"]

HEADING = re.compile(r'<h([23])[^>]*\bid="([^"]+)"[^>]*>(.*?)</h\1>', re.DOTALL)
CONTENTS_FROM = 4
ALARMS = {
    "failed": "This run failed.",
    "timed-out": "This run exceeded its time limit and was stopped.",
    "killed": "The kernel of this run was killed.",
    "interrupted": "This run was interrupted before its end.",
    "lost": "This run was lost.",
    "running": "This run had not ended when this page was written.",
}


def write_report(run: Run, *, single_file: bool = False) -> Path:
    """Write ``report.html`` into the run's folder.

    Parameters
    ----------
    run : Run
        Not a damaged one.
    single_file : bool
        Put style and scripts into the report instead of the ``_assets`` folder beside the runs.

    Returns
    -------
    path : Path

    Raises
    ------
    ValueError
        If the run is damaged.
    """
    if run.state == "damaged":
        raise ValueError(f"run must be readable, got {run.id!r}: {run.error} "
                         "Execute the study again.")
    frames, question, broken = Frames(), "", ""
    try:
        shown = cells(run.notebook, frames)
    except ValueError:  # half a notebook, of a run that was lost while it was written
        shown, broken = [], "The notebook that was kept cannot be read."
    if shown and shown[0].kind == "text":
        question, shown = text.markdown(TITLE.sub("", shown[0].source)), shown[1:]
    files = sorted(path.relative_to(run.folder).as_posix()
                   for path in regular_files(run.folder) if path.name[0] != ".")
    page = assets.page("report.html.j2").render(
        run=run, question=question, cells=[_without_repetition(cell) for cell in shown],
        contents=_contents(shown), alarm=_alarm(run, shown, broken),
        failed_cell=next((cell.id for cell in shown if cell.failed), ""),
        files=sorted({*files, "manifest.json"} - {"report.html", BEGUN}), about=_about(run),
        shared=assets.shared(run.folder.parent, "report.js", frames=frames, prefix="../",
                             single_file=single_file))
    return assets.write_page(run.folder / "report.html", page)


def sentence(cause: str) -> str:
    """A cause as a sentence of its own."""
    end = "" if not cause or cause.endswith((".", "!", "?")) else "."
    plain = cause.partition(" ")[0].isalpha()  # not the name of a file or of a thing in quotes
    return f"{cause[:1].upper() if plain else cause[:1]}{cause[1:]}{end}"


def _without_repetition(cell: Cell) -> Cell:
    if cell.id not in TOLD_ELSEWHERE or cell.failed:
        return cell
    return Cell(cell.id, cell.kind, cell.source, cell.shown, label=cell.label)


def _contents(shown: list[Cell]) -> list[tuple[str, str]]:
    """Anchor and text of the headings, when there are enough to get lost."""
    found = [(anchor, bare(words).rstrip("¶")) for cell in shown if cell.kind == "text"
             for _, anchor, words in HEADING.findall(cell.shown)]
    return found if len(found) >= CONTENTS_FROM else []


def _alarm(run: Run, shown: list[Cell], broken: str) -> dict[str, str]:
    """What happened, why, and what was kept; nothing for a run that succeeded."""
    if run.state == "succeeded":
        return {"headline": broken, "cause": "", "kept": ""} if broken else {}
    cause = sentence(run.error)
    if any(cell.outputs for cell in shown):
        kept = "What was shown up to there is below."
    elif run.notebook is not None and not broken:
        kept = "The notebook was kept; nothing was shown up to there."
    else:
        kept = broken or "No executed notebook was kept."
    return {"headline": ALARMS[run.state], "cause": cause, "kept": kept}


def _about(run: Run) -> dict[str, Any]:
    """How the run went, where the manifest tells: kernel, peak memory [bytes], cells."""
    return {"kernel": run.kernel, "memory": run.peak_memory, "done": run.cells.get("done"),
            "total": run.cells.get("total")}
