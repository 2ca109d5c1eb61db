"""Several runs beside each other: what went in differently, and what came out differently."""

import html
from typing import Any

import panel as pn

from workbench.ui import facts, look
from workbench.ui.parts import compared_facts
from workbench.ui.parts.compared_figures import ComparedFigures
from workbench.ui.parts.compared_intervals import forest, rows_of
from workbench.ui.parts.comparing import FEWEST, MOST, Comparing
from workbench.ui.parts.run_table import RunTable
from workbench.ui.site import Site
from workbench.ui.visit import search

__all__ = ["ComparePage"]

WIDE: dict[str, Any] = {"sizing_mode": "stretch_width", "margin": 0}


class ComparePage:
    """The page that compares saved runs.

    Parameters
    ----------
    site : Site
    """

    def __init__(self, site: Site):
        self._site = site
        self.comparing = Comparing(site, search())
        self._told = pn.pane.HTML("", stylesheets=[look.FACTS, look.sheet("compare.css")], **WIDE)
        self._facts = pn.pane.HTML("", stylesheets=[look.FACTS, look.sheet("compare.css")],
                                   **WIDE)
        self._figures = ComparedFigures(self.comparing)
        self._table = RunTable(site, lambda name, on: self.comparing.choose(name, on=on))
        self.main = pn.Column(self._told, self._facts, self._figures.panel, **WIDE)
        self.comparing.follow(self._show, "runs", "problems")
        self.comparing.follow(self._draw, "runs")
        self._show()
        if pn.state.curdoc is not None:
            pn.state.onload(self._figures.draw)

    def template(self) -> pn.Template:
        """The page as Panel serves it."""
        page = look.page("compare.html.j2", self._site, title="Compare runs", here="./compare")
        page.add_panel("choose", self._table.panel)
        page.add_panel("main", self.main)
        page.add_variable("same_for_all", value=True)
        page.add_variable("fewest", FEWEST)
        page.add_variable("most", MOST)
        return page

    def _draw(self) -> None:
        """Draw the figures anew, aside; without a visitor nobody looks."""
        if pn.state.curdoc is not None:
            pn.state.execute(self._figures.draw)

    def _show(self) -> None:
        state = self.comparing
        found, labels = state.runs, state.labels
        self._table.show(state.ids)
        told = facts.alarm([*state.problems, *compared_facts.troubles(found, labels)])
        if found:
            told += compared_facts.chosen(found, labels, self._site)
        if len(found) < FEWEST:
            self._told.object = told + self._empty(len(found))
            self._facts.object = ""
            return
        self._told.object = told
        self._facts.object = (compared_facts.parameters(found, labels)
                              + compared_facts.numbers(found, labels)
                              + forest(rows_of(found, labels)))

    def _empty(self, count: int) -> str:
        """What to do when there is nothing to compare."""
        name = html.escape(next(iter(self._site.studies), "STUDY"))
        sweep = f"<code>python3 -m workbench sweep {name} -g PARAMETER=VALUE,VALUE</code>"
        if self._table.count < FEWEST:
            saved = "One run is" if self._table.count else "No run is"
            return (f'<div class="empty"><p>{saved} saved yet, and a comparison takes two.</p>'
                    f"<p>Make some with {sweep}.</p></div>")
        more = "one more run" if count else f"{FEWEST} to {MOST} runs"
        return (f'<div class="empty"><p>Choose {more} in the table to see what differs.</p>'
                f"<p>Runs that differ in one parameter tell most: {sweep} makes them.</p></div>")
