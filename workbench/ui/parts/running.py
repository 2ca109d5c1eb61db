"""The runs of a study that are in progress, above the result."""

from typing import Any

import panel as pn

from workbench.ui.news import follow
from workbench.ui.parts.running_list import RunningList, told
from workbench.ui.running import Runner
from workbench.ui.visit import Visit

__all__ = ["Running"]


class Running:
    """Progress, log and the end of each run, for those who start them and those who come by.

    Parameters
    ----------
    visit : Visit
    runner : Runner
    """

    def __init__(self, visit: Visit, runner: Runner):
        self._visit, self._runner = visit, runner
        self.panel = RunningList(runner.cancel, heading="Runs in progress")
        runner.param.watch(self._show, "busy")
        self._show()
        if pn.state.curdoc is not None:
            pn.state.onload(self._begin)

    def _begin(self) -> None:
        """Follow once somebody looks; what has happened since the page was made is told."""
        follow(self._runner.refresh)
        self._runner.refresh()

    def _show(self, *_: Any) -> None:
        self.panel.jobs = told(self._runner.busy, may_run=self._visit.site.may_run, logs=True)
