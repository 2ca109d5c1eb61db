"""Below a figure: what can be chosen on it, with and without a mouse, and what comes of it."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import panel as pn

from workbench.core import Summary
from workbench.core.details import Choice, Pick, Select
from workbench.plots.selection import Brushed, Picked, stretch
from workbench.ui import facts, look
from workbench.ui.choosing import Choices, is_brush
from workbench.ui.computing import Shown
from workbench.ui.detailing import Picture, aside, completed, details
from workbench.ui.parts.choosers import Chooser, Lister, Stretcher
from workbench.ui.parts.drawing import Still
from workbench.ui.tables import hint, paragraph, table

__all__ = ["Details"]

WIDE: dict[str, Any] = {"sizing_mode": "stretch_width", "margin": 0}


class Details:
    """The choices on one figure and what the study tells of them.

    Parameters
    ----------
    study : module
    choices : Choices
    figure : str
        Name of the figure.
    """

    def __init__(self, study: Any, choices: Choices, figure: str):
        self._study, self._choices, self._figure = study, choices, figure
        self.select: Mapping[str, Select] = {
            name: one for name, one in choices.select.items() if one.figure == figure}
        self._shown: Shown | None = None
        self._result: Any = None
        self._asked = 0
        self._choosers: dict[str, Chooser] = {}
        self._marked: dict[str, Any] = {}
        self._hint = pn.pane.HTML("", stylesheets=[look.FACTS, look.sheet("details.css")], **WIDE)
        self._tools = pn.FlexBox(**WIDE)
        self._told = pn.Column(**WIDE)
        self.panel = pn.Column(self._tools, self._hint, self._told, visible=bool(self.select),
                               css_classes=["details"],
                               stylesheets=[look.sheet("details.css")], **WIDE)
        choices.follow(self._follow)

    def attach(self, shown: Shown, drawn: Any) -> None:
        """Take a newly drawn figure; what was chosen before stays where it still exists."""
        self._shown, self._result = shown, completed(shown)
        for name, one in self.select.items():
            self._offer(name, one, drawn)
            self._choosers[name].show(self._choices.picks.get(name))
        for name in self._marked:
            self._marked[name].show(self._place(self._choices.picks.get(name)))
        tools = [chooser.panel for chooser in self._choosers.values()]
        if self._tools.objects != tools:
            self._tools.objects = tools
        self.tell()

    @property
    def listeners(self) -> list[Any]:
        """Who hears what a visitor does on the figure."""
        return list(self._marked.values())

    def tell(self) -> None:
        """Say what was chosen; wait for it unless the choice is empty."""
        hints = [one.hint for name, one in self.select.items()
                 if not isinstance(one, Choice) and name not in self._choices.picks]
        self._hint.object = hint(hints)
        self._asked += 1
        if not any(name in self._choices.picks for name in self.select):
            self._told.objects = []
        elif self._shown is not None and self._result is not None:
            self._told.loading = True
            # What is told while a page is being built may not reach its browser.
            pn.state.onload(partial(self._compute, self._asked))

    async def _compute(self, asked: int) -> None:
        shown, result = self._shown, self._result
        if shown is None:
            return
        chosen = self._choices.chosen(shown)
        own = {name: value for name, value in chosen.picks.items() if name in self.select}
        found = await aside(partial(details, self._study, result, shown.key, type(chosen)(
            own, chosen.view, chosen.params)))
        if asked == self._asked:
            self._told.objects = [self._pane(name, part) for name, part in found.items()]
            self._told.loading = False

    def _offer(self, name: str, one: Select, drawn: Any) -> None:
        choose = partial(self._choices.choose, name)
        if isinstance(one, Pick):
            marked = Picked(drawn, one.column, choose)
            self._marked[name] = marked
            self._choices.offered(name, marked.values)
            self._list(name, marked.values)
        elif is_brush(one):
            ends = stretch(drawn)
            self._choices.stretched(name, ends)
            if name not in self._choosers or not self._choosers[name].fits(ends):
                self._choosers[name] = Stretcher(one.label, ends, choose)
            self._marked[name] = Brushed(drawn, self._choosers[name].drawn)
        else:
            self._list(name, self._options(name))

    def _list(self, name: str, values: list[Any]) -> None:
        """Offer values in the list of a choice; another list is made only where it must."""
        if name in self._choosers and self._choosers[name].fits(values):
            self._choosers[name].offer(values)
        else:
            self._choosers[name] = Lister(self.select[name].label, values,
                                          partial(self._choices.choose, name))

    def _options(self, name: str) -> list[Any]:
        one = self.select[name]
        if not isinstance(one, Choice) or self._result is None:
            return []
        values = list(one.options(self._result, self._choices.picks))
        self._choices.offered(name, values)
        return values

    def _follow(self, name: str) -> None:
        if name not in self.select or name not in self._choosers:
            return
        value = self._choices.picks.get(name)
        self._choosers[name].show(value)
        if name in self._marked:
            self._marked[name].show(self._place(value))
        for other, one in self.select.items():
            if other != name and isinstance(one, Choice):
                self._choosers[other].offer(self._options(other))
                self._choosers[other].show(self._choices.picks.get(other))
        self.tell()

    def _pane(self, name: str, part: Any) -> Any:
        """A part of what a study tells, under its heading."""
        if isinstance(part, Picture):
            file = f"{self._study.__name__.rpartition('.')[2]}-chosen-{name}".replace(" ", "-")
            return Still(drawn=part.json, file=file, stylesheets=[look.sheet("drawing.css")],
                         sizing_mode="stretch_width", margin=(0, 0, 12, 0))
        if isinstance(part, str):
            told = facts.alarm([part]) if name == "problem" else paragraph(part)
        elif isinstance(part, Summary):
            told = facts.headline(part) + facts.notes(part)
        else:
            told = table(name, part)
        return pn.pane.HTML(told, stylesheets=[look.FACTS, look.sheet("details.css")], **WIDE)

    @staticmethod
    def _place(value: Any) -> Any:
        """A choice as the figure counts it."""
        if isinstance(value, tuple):
            return tuple(end.timestamp() * 1e3 if hasattr(end, "timestamp") else end
                         for end in value)
        return value
