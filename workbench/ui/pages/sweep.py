"""Many runs at once: parameters that vary, what came out, and how it responds."""

import html
from typing import Any

import panel as pn

from workbench.ui import facts, look
from workbench.ui.parts.sweeping import Sweeping
from workbench.ui.parts.swept_controls import SweptControls
from workbench.ui.parts.swept_figures import SweptFigures
from workbench.ui.parts.swept_runs import SweptRuns, stated
from workbench.ui.site import Site
from workbench.ui.visit import search

__all__ = ["SweepPage"]

WIDE: dict[str, Any] = {"sizing_mode": "stretch_width", "margin": 0}


class SweepPage:
    """The page of sweeps.

    Parameters
    ----------
    site : Site
    """

    def __init__(self, site: Site):
        self._site = site
        self.sweeping = Sweeping(site, search())
        sheets = [look.FACTS, look.sheet("sweep.css")]
        self._told, self._stated = (pn.pane.HTML("", stylesheets=sheets, **WIDE)
                                    for _ in range(2))
        self._controls = SweptControls(self.sweeping)
        self._figures = SweptFigures(self.sweeping)
        self._runs = SweptRuns(self.sweeping)
        self.main = pn.Column(
            self._told, self._controls.panel, self._stated, self._figures.panel,
            pn.pane.HTML("<h2>Runs</h2>", stylesheets=sheets,
                         visible=self.sweeping.view is not None, **WIDE),
            self._runs.panel, **WIDE)
        self.sweeping.follow(self._show, "view", "problems")
        self.sweeping.follow(self._draw, "view")
        self._show()
        if pn.state.curdoc is not None:
            pn.state.onload(self._figures.draw)

    def template(self) -> pn.Template:
        """The page as Panel serves it."""
        page = look.page("sweep.html.j2", self._site, title="Sweeps", here="./sweep")
        page.add_panel("main", self.main)
        page.add_variable("same_for_all", value=True)
        return page

    def _draw(self) -> None:
        """Draw the figures anew, aside; without a visitor nobody looks."""
        if pn.state.curdoc is not None:
            pn.state.execute(self._figures.draw)

    def _show(self) -> None:
        state = self.sweeping
        told = facts.alarm(state.problems)
        if state.view is None:
            told += self._empty()
        self._told.object = told
        self._stated.object = stated(state.group) if state.view is not None else ""
        self._controls.show()
        self._figures.tell()
        self._runs.show()

    def _empty(self) -> str:
        """What to do when there is no sweep to look at."""
        state = self.sweeping
        name = html.escape(state.study or "STUDY")
        what = ("The runs of this sweep have no number that could be drawn." if state.groups else
                "No two saved runs of this study belong to one sweep yet.")
        return (f'<div class="empty"><p>{what}</p><p>Make a sweep with <code>python3 -m workbench '
                f"sweep {name} -g PARAMETER=VALUE,VALUE</code>; it runs every combination of the "
                "values.</p></div>")
