"""The parameters of a visit as widgets, and the buttons that act on them."""

import html
import statistics
from typing import Any

import panel as pn

from workbench.ui import facts, look
from workbench.ui.parts.controls import Controls
from workbench.ui.parts.presets import Presets
from workbench.ui.running import Runner
from workbench.ui.visit import READ_ONLY, Visit

__all__ = ["Parameters"]

# Two buttons share a narrow side, so there is little room beside their words.
WIDE: dict[str, Any] = {"sizing_mode": "stretch_width", "stylesheets": [
    look.WIDGETS, ":host { min-width: 0; } .bk-btn { padding: 8px 6px; }"]}


class Parameters:
    """The widgets of a study page; where nothing may be run they only tell the values.

    Parameters
    ----------
    visit : Visit
    runner : Runner
    """

    def __init__(self, visit: Visit, runner: Runner):
        self._visit, self._runner = visit, runner
        self.controls = Controls(visit.values, self._told)
        self._status, heading = (pn.pane.HTML(text, stylesheets=[look.FACTS], margin=0,
                                              sizing_mode="stretch_width")
                                 for text in ("", "<h2>Parameters</h2>"))
        rows = self.controls.rows()
        for widget in self.controls.widgets.values():
            widget.disabled = not visit.site.may_run
        self.panel = pn.Column(heading, Presets(visit).panel, self._buttons(), self._status,
                               *rows, sizing_mode="stretch_width", margin=0)
        visit.follow(self.controls.reset, "shown")
        visit.follow(self._tell, "shown", "busy", "values", "refused", "told", "runs")
        runner.param.watch(self._tell, ["busy", "starting"])

    def _buttons(self) -> Any:
        visit = self._visit
        self._run = pn.widgets.Button(
            label="Run", color="primary", margin=(0, 8, 4, 0), css_classes=["run"],
            description="Runs the notebook and saves the result with its report.", **WIDE)
        self._compute = pn.widgets.Button(
            label="Compute here", margin=(0, 0, 4, 0),
            description="Shows the result on this page and saves nothing.", **WIDE)
        self._stop = pn.widgets.Button(
            label="Stop", margin=(0, 0, 4, 0), visible=False,
            description="Shows the earlier result again.", **WIDE)
        self._run.on_click(self._runner.start)
        self._compute.on_click(visit.compute)
        self._stop.on_click(visit.stop)
        return pn.Row(self._run, self._compute, self._stop, visible=visit.site.may_run,
                      sizing_mode="stretch_width", margin=0)

    def _told(self) -> None:
        self._visit.refused = dict(self.controls.problems)

    def _tell(self, *_: Any) -> None:
        visit = self._visit
        self._compute.visible, self._stop.visible = not visit.busy, visit.busy
        self._run.disabled = self._runner.starting or bool(visit.refused)
        working = visit.busy or self._runner.starting
        self._status.object = (f'<p class="quiet small{" busy" if working else ""}" '
                               f'role="status">{self._state()}</p>')

    def _state(self) -> str:
        visit, shown = self._visit, self._visit.shown
        if not visit.site.may_run:
            changed = {} if shown is None else shown.run.changed if shown.run else {}
            told = html.escape(facts.command(visit.study_name, dict(changed)))
            return f"{READ_ONLY} On your own machine: <code>{told}</code>"
        if self._runner.starting:
            return "Looking whether this run is saved already …"
        if visit.busy:
            return "Computing …"
        if visit.told:
            return html.escape(visit.told)
        if shown is None or shown.problem:
            return self._offer()
        if not visit.is_fresh():
            return f"The parameters have changed. {self._offer()}"
        if shown.run is not None:
            return "These belong to the saved run that is shown."
        return f"Computed in {shown.seconds or 0:.1f} s and not saved; Run saves it."

    def _offer(self) -> str:
        """What each button does, and how long it may take."""
        took = [row.seconds for row in self._visit.runs
                if row.state == "succeeded" and row.seconds > 0]
        usual = f" (usually {facts.duration(statistics.median(took))})" if took else ""
        return f"Run saves their result{usual}; Compute here only shows it."
