"""What is shown of a result: what is wrong, numbers, weights, figures, where it comes from."""

from functools import partial
from typing import Any

import panel as pn

from workbench.ui import facts, look
from workbench.ui.detailing import remember
from workbench.ui.parts.exports import Exports
from workbench.ui.parts.result_figures import ResultFigures
from workbench.ui.visit import Visit

__all__ = ["ResultView"]

WIDE: dict[str, Any] = {"sizing_mode": "stretch_width", "margin": 0}


class ResultView:
    """The right side of a study page.

    Parameters
    ----------
    visit : Visit
    """

    def __init__(self, visit: Visit):
        self._visit = visit
        self._alarm, self._headline, self._foot = (
            pn.pane.HTML("", stylesheets=[look.FACTS], **WIDE) for _ in range(3))
        self._figures = ResultFigures(visit, self._warn)
        self.panel = pn.Column(self._alarm, self._headline, self._figures.view,
                               self._figures.panel, Exports(visit).panel, self._foot,
                               min_height=240, **WIDE)
        visit.follow(self._show, "shown")
        visit.follow(self._warn, "shown", "problems", "refused")
        visit.follow(self._wait, "busy")

    def _show(self) -> None:
        shown = self._visit.shown
        if shown is None:
            return
        summary = shown.result.summary if shown.result else None
        self._headline.object = (facts.headline(summary) + facts.notes(summary)
                                 if summary is not None else "")
        self._figures.show(shown)
        self._foot.object = facts.foot(self._visit.study, shown, self._visit.site.reports)
        if shown.run is not None and hasattr(self._visit.study, "remember") and pn.state.curdoc:
            pn.state.onload(partial(self._remember, shown))

    async def _remember(self, shown: Any) -> None:
        """Let the study take over the run; a widget may have been changed meanwhile."""
        await remember(self._visit.study, shown)
        if shown is self._visit.shown:
            self._visit.resume()

    def _warn(self) -> None:
        visit = self._visit
        told = facts.alarm([*visit.problems, *visit.refused.values(), self._figures.wrong,
                            visit.shown.problem if visit.shown else ""])
        nothing = facts.empty(
            visit.study_name, may_run=visit.site.may_run) if visit.shown is None else ""
        self._alarm.object = told + nothing

    def _wait(self) -> None:
        self.panel.loading = self._visit.busy
