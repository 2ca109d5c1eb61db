"""The gallery of studies: what each weighs, what it asks, and its newest answer."""

import base64
import html
from collections.abc import Mapping
from urllib.parse import quote

import panel as pn

from workbench import runs
from workbench.core import Study
from workbench.ui import facts, look

__all__ = ["HomePage"]


class HomePage:
    """The home page.

    Parameters
    ----------
    studies : mapping of name to module
    reports : str, optional
        Route at which the store of runs is served, for the link to the index of reports.
    """

    def __init__(self, studies: Mapping[str, Study], *, reports: str | None = None):
        newest: dict[str, runs.Run] = {}
        saved = runs.list_runs()
        for run in saved:
            if run.state == "succeeded":
                newest.setdefault(run.study, run)
        tiles = "".join(_tile(name, study, newest.get(name)) for name, study in studies.items())
        self._gallery = pn.pane.HTML(
            f'<div class="gallery">{tiles}</div>{_below(len(saved), reports)}',
            stylesheets=[look.FACTS], sizing_mode="stretch_width", margin=0)

    def servable(self) -> "HomePage":
        """Add the page to the document that is being served; anywhere else do nothing."""
        if pn.state.curdoc is not None:
            self.template().servable()
        return self

    def template(self) -> pn.Template:
        """The page as Panel serves it."""
        page = pn.Template(look.template("home.html.j2"))
        page.location = True
        page.add_panel("main", self._gallery)
        page.add_variable("page_title", "Workbench")
        return page


def _tile(name: str, study: Study, run: runs.Run | None) -> str:
    method = facts.card(study)
    weighs = f"Weighs {method.weighs}" if method else ""
    return (f'<a class="tile" href="./{quote(name)}"><div class="picture">{_picture(run)}</div>'
            f'<div class="words"><h2>{html.escape(study.TITLE)}</h2>'
            f"<p>{html.escape(facts.question(study))}</p>"
            f'<p class="quiet small">{html.escape(weighs)}</p>{_answer(run)}</div></a>')


def _picture(run: runs.Run | None) -> str:
    if run is None:
        return "No run yet"
    if run.thumbnail is None:
        return "No picture of the newest run"
    # As an image, a drawing cannot run scripts, whoever wrote the file.
    data = base64.b64encode(run.thumbnail.read_bytes()).decode("ascii")
    return f'<img src="data:image/svg+xml;base64,{data}" alt="Main figure of the newest run">'


def _answer(run: runs.Run | None) -> str:
    if run is None or not run.summary:
        return ""
    name, number = next(iter(run.summary.items()))
    return (f'<p class="quiet small" style="margin:0">{html.escape(name)}</p>'
            f'<p class="number">{html.escape(number.number)}</p>'
            f'<p class="quiet small" style="margin:0">{html.escape(number.range)}</p>'
            f'<p class="quiet small when">Newest run {html.escape(facts.when(run))} UTC</p>')


def _below(count: int, reports: str | None) -> str:
    if not count:
        return ('<div class="empty" style="margin-top:24px"><p>No run has been saved yet. '
                "<code>python3 -m workbench report</code> runs every study and writes the "
                "reports.</p></div>")
    if reports is None:
        return ""
    return (f'<p style="margin-top:24px"><a href="./{quote(reports)}/index.html">'
            f"Reports of all {count} runs</a></p>" if count > 1 else
            f'<p style="margin-top:24px"><a href="./{quote(reports)}/index.html">'
            "Report of the run</a></p>")
