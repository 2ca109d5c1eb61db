"""What is looked at of a sweep, chosen by lists; limits of axes for the keyboard."""

from functools import partial
from typing import Any

import numpy as np
import panel as pn

from workbench.plots.brushes import Brush
from workbench.plots.scales import Scale
from workbench.ui import look
from workbench.ui.parts.sweeping import NO_AXIS, Sweeping
from workbench.ui.parts.swept_figures import axes_of

__all__ = ["SweptControls", "choices"]

WIDE: dict[str, Any] = {"sizing_mode": "stretch_width", "margin": 0}
MOST_VALUES = 40         # of an axis, from which its limits are chosen


class SweptControls:
    """Lists of studies, sweeps, numbers and axes, and the limits that are set.

    Parameters
    ----------
    sweeping : Sweeping
    """

    def __init__(self, sweeping: Sweeping):
        self._sweeping = sweeping
        self._quiet = False
        self._lists = {name: _list(label) for name, label in (
            ("study", "Study"), ("group", "Sweep"), ("number", "Number"), ("x", "Response over"),
            ("y", "and over"))}
        for name, each in self._lists.items():
            each.param.watch(partial(self._chosen, name), "value")
        self._axis, self._low, self._high = _list("Limit axis"), _list("from"), _list("to")
        self._axis.param.watch(lambda _: self._offer(), "value")
        button = pn.widgets.Button(label="Limit", stylesheets=[look.WIDGETS],
                                   margin=(0, 12, 8, 0), align="end")
        button.on_click(lambda _: self._limit())
        self._limits = pn.FlexBox(**WIDE)
        self._limiting = pn.FlexBox(self._axis, self._low, self._high, button,
                                    align_items="flex-end", **WIDE)
        lists = list(self._lists.values())
        self.panel = pn.Column(pn.FlexBox(*lists[:3], **WIDE), pn.FlexBox(*lists[3:], **WIDE),
                               self._limiting, self._limits, **WIDE)
        self._values: dict[str, Any] = {}

    def show(self) -> None:
        """Show what is looked at."""
        state = self._sweeping
        self._quiet = True
        titles = {state.site.studies[name].TITLE: name for name in state.studies}
        if state.study and state.study not in titles.values():
            titles[state.site.studies[state.study].TITLE] = state.study
        self._put("study", titles, state.study)
        self._put("group", {_named(state, at): at for at in range(len(state.groups))},
                  state.place)
        view, group = state.view, state.group
        if view is not None:
            varied = [*group.varied]
            self._put("number", {name: name for name in group.numbers}, view.number)
            self._put("x", {name: name for name in varied}, view.x)
            self._put("y", {name: name for name in [NO_AXIS, *varied] if name != view.x}, view.y)
            axes = {axis.label: axis.column for axis in axes_of(state)}
            kept = self._axis.value if self._axis.value in axes.values() else None
            self._axis.param.update(options=axes, value=kept or next(iter(axes.values())))
            self._offer()
        for name in ("number", "x", "y"):
            self._lists[name].visible = view is not None
        self._limiting.visible = view is not None
        self._limits.objects = [] if view is None else [*map(self._remover, view.brushes)]
        self._quiet = False

    def _put(self, name: str, options: dict[str, Any], value: Any) -> None:
        widget = self._lists[name]
        widget.param.update(options=options, value=value if options else None)
        widget.visible = bool(options)

    def _chosen(self, name: str, event: Any) -> None:
        state = self._sweeping
        if self._quiet or event.new is None:
            return
        if name == "study":
            state.choose_study(event.new)
        elif name == "group":
            state.choose_group(event.new)
        elif name == "x" and event.new == state.view.y:
            state.change(x=event.new, y=state.view.x)
        else:
            state.change(**{name: event.new})

    def _offer(self) -> None:
        """Offer the values of the axis that is to be limited."""
        points, column = self._sweeping.points(), self._axis.value
        if column is None or column not in points:
            return
        told = choices(points[column])
        self._values = told
        names = [*told]
        for widget, name in ((self._low, names[:1]), (self._high, names[-1:])):
            widget.param.update(options=names, value=name[0] if name else None)

    def _limit(self) -> None:
        low, high = (self._values.get(widget.value) for widget in (self._low, self._high))
        if low is not None and high is not None and self._axis.value is not None:
            order = [*self._values.values()]
            low, high = sorted((low, high), key=order.index)
            self._sweeping.limit(Brush(self._axis.value, low, high))

    def _remover(self, brush: Brush) -> Any:
        button = pn.widgets.Button(
            label=f"Remove limit: {brush.column} {_told(brush)}", stylesheets=[look.WIDGETS],
            margin=(0, 8, 8, 0))
        button.on_click(lambda _: self._sweeping.free(brush.column))
        return button


def choices(values: Any) -> dict[str, Any]:
    """Values of a column from which ends of a limit are chosen, by their texts, in order.

    Examples
    --------
    >>> import pandas as pd
    >>> choices(pd.Series([2.0, 1.0, 2.0]))
    {'1': 1.0, '2': 2.0}
    """
    scale = Scale.of(values)
    if scale.kind == "names":
        return {name: name for name in scale.names}
    known = np.unique(values.to_numpy(dtype=float))
    known = known[np.isfinite(known)]
    if len(known) > MOST_VALUES:
        known = known[np.linspace(0, len(known) - 1, MOST_VALUES).round().astype(int)]
    texts = [f"{value:.6g}" for value in known]     # the value itself, or it would be outside
    return {text if texts.count(text) == 1 else repr(float(value)): float(value)
            for text, value in zip(texts, known, strict=True)}


def _told(brush: Brush) -> str:
    low, high = (f"{end:.4g}" if isinstance(end, float) else end
                 for end in (brush.low, brush.high))
    return f"is {low}" if low == high else f"from {low} to {high}"


def _named(state: Sweeping, at: int) -> str:
    group = state.groups[at]
    names = ", ".join(group.varied) or "nothing"
    return f"{at + 1}: {len(group.rows)} runs that differ in {names}"


def _list(label: str) -> Any:
    return pn.widgets.Select(label=label, stylesheets=[look.WIDGETS], min_width=140,
                             sizing_mode="stretch_width", max_width=250, margin=(0, 12, 8, 0),
                             options=[])
