"""The saved runs of a study, to choose one."""

from typing import Any

import panel as pn

from workbench import runs
from workbench.ui import facts, look
from workbench.ui.visit import Visit

__all__ = ["SavedRuns"]


class SavedRuns:
    """A list of the newest runs, which follows the run that is shown.

    Parameters
    ----------
    visit : Visit
    """

    def __init__(self, visit: Visit):
        self._visit = visit
        self._choice = pn.widgets.RadioBoxGroup(
            label="Saved runs", options=_labels(visit.runs), value=None,
            stylesheets=[look.WIDGETS], css_classes=["runs"], sizing_mode="stretch_width",
            margin=(0, 0, 16, 0))
        self._choice.param.watch(self._chosen, "value")
        heading = pn.pane.HTML("<h2>Saved runs</h2>", stylesheets=[look.FACTS],
                               sizing_mode="stretch_width", margin=0)
        self.panel = pn.Column(heading, self._choice, visible=bool(visit.runs),
                               sizing_mode="stretch_width", margin=0)
        visit.follow(self._list, "runs")
        visit.follow(self._follow, "shown")

    def _list(self) -> None:
        """Take over the list; the run that is shown stays chosen where it is in the list."""
        self.panel.visible = bool(self._visit.runs)
        labels = _labels(self._visit.runs)
        if labels != self._choice.options:
            self._choice.param.update(options=labels, value=self._name(labels))

    def _follow(self) -> None:
        self._choice.value = self._name(self._choice.options)

    def _name(self, labels: dict[str, str]) -> str | None:
        """Name of the run that is shown, if it is in the list."""
        shown = self._visit.shown
        name = shown.run.id if shown and shown.run else None
        return name if name in labels.values() else None

    def _chosen(self, event: Any) -> None:
        shown = self._visit.shown
        if event.new is not None and not (shown and shown.run and shown.run.id == event.new):
            self._visit.choose_run(event.new)


def _labels(listed: list[runs.Row]) -> dict[str, str]:
    """Names of runs by what tells them from each other."""
    labels = [facts.label(row) for row in listed]
    return {told if labels.count(told) == 1 else f"{told} · {row.id[-6:]}": row.id
            for row, told in zip(listed, labels, strict=True)}
