"""One page for any study: numbers, weights and figures, from saved runs or computed live."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import panel as pn

from workbench import runs
from workbench.core import Study
from workbench.ui import address, facts, look
from workbench.ui.computing import QUICK, Shown, failure, in_thread, live, saved
from workbench.ui.controls import Controls

__all__ = ["StudyPage"]

LISTED = 30              # saved runs offered in the page; the index of reports has them all


class StudyPage:
    """The page of a study.

    Parameters
    ----------
    study : module
    reports : str, optional
        Route at which the store of runs is served, for links to reports.
    """

    def __init__(self, study: Study, *, reports: str | None = None):
        self._study, self._reports = study, reports
        self._name = study.__name__.rpartition(".")[2]
        self._runs = runs.list_runs(study)
        self._shown: Shown | None = None
        self._seconds: float | None = None
        self._busy = self._again = False
        asked = address.read(study, _search())
        self._problems = list(asked.problems)
        self.params = study.Params(**asked.values)
        self._controls = Controls(self.params, self._changed)
        self._build()
        self._open(asked)

    def servable(self) -> "StudyPage":
        """Add the page to the document that is being served; anywhere else do nothing."""
        if pn.state.curdoc is not None:
            self.template().servable()
        return self

    def template(self) -> pn.Template:
        """The page as Panel serves it."""
        page = pn.Template(look.template("study.html.j2"))
        page.location = True
        page.add_panel("side", self._side)
        page.add_panel("main", self._main)
        page.add_variable("page_title", self._study.TITLE)
        page.add_variable("question", facts.question(self._study))
        page.add_variable("reports", self._reports)
        return page

    def _build(self) -> None:
        wide = {"sizing_mode": "stretch_width", "margin": 0}
        self._alarm, self._headline, self._foot, self._status = (
            pn.pane.HTML("", stylesheets=[look.FACTS], **wide) for _ in range(4))
        self._figures = pn.Column(**wide)
        self._main = pn.Column(self._alarm, self._headline, self._figures, self._foot,
                               min_height=240, **wide)
        options = {facts.label(run) if run.id not in _twins(self._runs) else
                   f"{facts.label(run)} · {run.id[-6:]}": run.id for run in self._runs[:LISTED]}
        self._choice = pn.widgets.RadioBoxGroup(
            label="Saved runs", options=options, value=None, stylesheets=[look.WIDGETS],
            css_classes=["runs"], sizing_mode="stretch_width", margin=(0, 0, 16, 0),
            visible=bool(options))
        self._choice.param.watch(self._chosen, "value")
        self._button = pn.widgets.Button(
            label="Compute", color="primary", sizing_mode="stretch_width",
            margin=(0, 0, 4, 0), stylesheets=[look.WIDGETS])
        self._button.on_click(self._compute)
        title = "<h2>{}</h2>"
        heads = [pn.pane.HTML(title.format(words), stylesheets=[look.FACTS], **wide)
                 for words in ("Saved runs", "Parameters")]
        heads[0].visible = bool(options)
        self._side = pn.Column(heads[0], self._choice, heads[1], self._button, self._status,
                               *self._controls.rows(), **wide)

    def _open(self, asked: address.Asked) -> None:
        """Show what the address asks for, else the newest run, else how to make one."""
        succeeded = [run for run in self._runs if run.state == "succeeded"]
        if self._problems:
            self._problems.append("The address asks for something that this page does not have, "
                                  "so the defaults are used instead.")
        if asked.run is not None:
            return self._show_run(asked.run)
        if asked.values:
            wanted = self.params.values()
            same = next((run for run in succeeded if dict(run.params) == wanted), None)
            if same is None:
                self._tell()
                return pn.state.onload(self._begin)
            return self._show_run(same)
        if succeeded:
            return self._show_run(succeeded[0])
        return self._tell()

    def _show_run(self, run: runs.Run) -> None:
        self._show(saved(self._study, run))
        self._choice.value = run.id if run.id in self._choice.options.values() else None
        if not self._study.Params.problems(run.params):
            self.params.param.update(**run.params)
        self._controls.reset()
        self._tell()

    def _chosen(self, event: Any) -> None:
        if event.new is None or (self._shown and self._shown.run
                                 and self._shown.run.id == event.new):
            return
        self._problems.clear()
        try:
            self._show_run(runs.load(event.new))
            _go(f"?run={event.new}")
        except ValueError as refusal:
            self._problems.append(str(refusal))
            self._tell()

    def _changed(self) -> None:
        """A parameter has changed: the address follows, and quick studies compute."""
        if not self._fresh() and not self._controls.problems:
            _go(address.query(self.params))
            if self._is_quick():
                pn.state.execute(self._compute)
        self._tell()

    def _is_quick(self) -> bool:
        """Whether to compute without being asked: the study knows, else the last time tells."""
        knows = getattr(self._study, "is_quick", None)
        if knows is not None and knows(self.params):
            return True
        return self._seconds is not None and self._seconds < QUICK

    async def _begin(self) -> None:
        """Compute what the address asks for; what it asked in vain stays told."""
        told = list(self._problems)
        await self._compute()
        self._problems[:0] = told
        self._tell()

    async def _compute(self, *_: Any) -> None:
        """Compute with the parameters of the widgets; the last request wins."""
        if self._busy:
            self._again = True
            return
        self._problems.clear()
        if self._controls.problems:
            self._tell()
            return
        self._busy = self._main.loading = True
        try:
            shown = await self._latest()
            if shown.seconds is not None:
                self._seconds = shown.seconds
            self._choice.value = None
            self._show(shown)
            _go(address.query(self.params))
        finally:
            self._busy = self._main.loading = False
            self._tell()

    async def _latest(self) -> Shown:
        while True:
            self._again = False
            self._tell()
            params = self._study.Params(**self.params.values())
            shown = await in_thread(partial(live, self._study, params))
            if not self._again or self.params.values() == dict(shown.values):
                return shown

    def _show(self, shown: Shown) -> None:
        self._shown = shown
        summary = shown.result.summary if shown.result else None
        self._headline.object = (facts.headline(summary) + facts.notes(summary)
                                 if summary is not None else "")
        try:
            self._figures.objects = [
                pn.pane.HoloViews(figure, sizing_mode="stretch_width", margin=(0, 0, 20, 0))
                for figure in _ordered(shown.figures)]
        except Exception as error:  # a page tells every failure of a study
            self._figures.objects = []
            self._problems.append(failure(error))
        self._foot.object = facts.foot(self._study, shown, self._reports)
        self._tell()

    def _fresh(self) -> bool:
        return self._shown is not None and dict(self._shown.values) == self.params.values()

    def _tell(self) -> None:
        """Say what is wrong, and what the page shows at this moment."""
        shown = self._shown
        problems = [*self._problems, *self._controls.problems.values(),
                    shown.problem if shown else ""]
        told = facts.alarm(problems)
        self._alarm.object = told + (facts.empty(self._name) if shown is None else "")
        self._status.object = (f'<p class="quiet small{" busy" if self._busy else ""}" '
                               f'role="status">{self._state()}</p>')

    def _state(self) -> str:
        if self._busy:
            return "Computing …"
        if self._shown is None or self._shown.problem:
            return ""
        if not self._fresh():
            return "The parameters have changed. Press Compute for their result."
        if self._shown.run is not None:
            return "These belong to the saved run that is shown."
        return f"Computed in {self._shown.seconds or 0:.1f} s."


def _ordered(figures: Mapping[str, Any]) -> list[Any]:
    """The weights first, then the study's main figure and its small ones."""
    first = [figures["weights"]] if "weights" in figures else []
    return first + [figure for name, figure in figures.items() if name != "weights"]


def _twins(listed: list[runs.Run]) -> set[str]:
    """Runs that could not be told apart by their label."""
    labels = [facts.label(run) for run in listed]
    return {run.id for run, told in zip(listed, labels, strict=True) if labels.count(told) > 1}


def _search() -> str:
    return str(pn.state.location.search) if pn.state.location else ""


def _go(search: str) -> None:
    if pn.state.location and pn.state.location.search != search:
        pn.state.location.search = search
