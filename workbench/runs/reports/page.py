"""The report of a run: one HTML file that opens from disk and asks no network for anything."""

import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from workbench.runs.folder import Run
from workbench.runs.reports import assets

__all__ = ["write_report"]

TOLD_ELSEWHERE = frozenset({"headline", "save"})  # the report's own head and foot show these
HEADING = re.compile(r"<h([23])[^>]*\bid=\"([^\"]+)\"[^>]*>(.*?)</h\1>", re.DOTALL)
MARKUP = re.compile(r'<a class="anchor-link.*?</a>|<[^>]+>', re.DOTALL)
CONTENTS_FROM = 4


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
    notebook = _notebook(run)
    body = _body(notebook)
    page = assets.page("report.html.j2")
    files = sorted(path.relative_to(run.folder).as_posix()
                   for path in run.folder.rglob("*") if path.is_file() and path.name[0] != ".")
    text = page.render(
        run=run, question=_question(notebook), body=body, contents=_contents(body),
        failed_cell=_failed_cell(notebook),
        files=sorted({*files, "manifest.json"} - {"report.html"}),
        head=assets.head(run.folder.parent, body, prefix="../", single_file=single_file))
    return assets.write_page(run.folder / "report.html", text)


def _notebook(run: Run) -> Any:
    import nbformat

    if run.notebook is None:
        return nbformat.v4.new_notebook()
    return nbformat.read(run.notebook, as_version=4)


def _question(notebook: Any) -> str:
    """Text below the title, as HTML; the title itself comes from the study."""
    from nbconvert.filters.markdown_mistune import markdown2html_mistune

    first = notebook.cells[0] if notebook.cells else None
    if first is None or first.cell_type != "markdown":
        return ""
    return str(markdown2html_mistune(re.sub(r"\A\s*# .*(\n|\Z)", "", first.source)))


def _body(notebook: Any) -> str:
    cells = notebook.cells
    shown = notebook.copy()
    shown.cells = [_without_repetition(cell) for cell in
                   (cells[1:] if cells and cells[0].cell_type == "markdown" else cells)]
    return str(_exporter().from_notebook_node(shown)[0])


def _without_repetition(cell: Any) -> Any:
    failed = any(output.output_type == "error" for output in cell.get("outputs", []))
    if cell.get("id") not in TOLD_ELSEWHERE or failed:
        return cell
    bare = cell.copy()
    bare.outputs = []
    return bare


@lru_cache(maxsize=1)
def _exporter() -> Any:
    """One exporter for all reports of a process; making it costs more than using it."""
    from nbconvert import HTMLExporter
    from traitlets.config import Config

    # JavaScript of its own and saved widgets would need a Jupyter front end.
    order = ["text/html", "text/markdown", "image/svg+xml", "image/png", "image/jpeg",
             "text/latex", "text/plain"]
    return HTMLExporter(
        config=Config({"NbConvertBase": {"display_data_priority": order}}),
        extra_template_basedirs=[str(assets.TEMPLATES)], template_name="cells")


def _contents(body: str) -> list[tuple[str, str]]:
    """Anchor and text of the headings, when there are enough to get lost."""
    found = [(anchor, MARKUP.sub("", text)) for _, anchor, text in HEADING.findall(body)]
    return found if len(found) >= CONTENTS_FROM else []


def _failed_cell(notebook: Any) -> str:
    return next((str(cell.get("id", "")) for cell in notebook.cells
                 if any(output.output_type == "error" for output in cell.get("outputs", []))), "")
