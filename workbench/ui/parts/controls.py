"""Widgets made from a study's declared parameters, one table of kinds for all studies."""

from collections.abc import Callable
from typing import Any

import panel as pn
import param

from workbench.core import Params
from workbench.ui import look
from workbench.ui.address import text
from workbench.ui.parts.optional import OptionalSlider

__all__ = ["Controls"]

SLIDERS = (pn.widgets.EditableIntSlider, pn.widgets.EditableFloatSlider)
TYPED = (pn.widgets.IntInput, pn.widgets.FloatInput)


class Controls:
    """The widgets of one set of parameters.

    Widgets and parameters follow each other. A value that the declaration refuses stays in its
    widget, is told in `problems`, and leaves the parameters as they were; one that only another
    parameter forbids is taken as soon as that one allows it.

    Parameters
    ----------
    params : Params
    on_change : callable
        Called without arguments after each change of a widget or of the parameters.
    """

    def __init__(self, params: Params, on_change: Callable[[], Any]):
        self.params = params
        self.problems: dict[str, str] = {}
        self._held: dict[str, Any] = {}      # refused beside the others, until these change too
        self._on_change = on_change
        self.widgets = {name: _widget(declared, getattr(params, name))
                        for name, declared in params.declared().items()}
        for name, widget in self.widgets.items():
            # A slider counts when it is let go, not at every pixel.
            event = "value_throttled" if isinstance(widget, SLIDERS) else "value"
            widget.param.watch(self._follower(name), event)
        params.param.watch(self._told, list(self.widgets))

    def rows(self) -> list[Any]:
        """The widgets as the page shows them, each with its explanation."""
        return [self._row(name, widget) for name, widget in self.widgets.items()]

    def _row(self, name: str, widget: Any) -> Any:
        told = self.params.declared()[name].doc
        if isinstance(widget, SLIDERS):
            return _named(widget, name, told)
        if isinstance(widget, OptionalSlider):
            _named(widget.slider, name, told)
            return widget.panel
        if not told or "description" in widget.param:
            return widget
        widget.sizing_mode = None        # so that the explanation stands beside the words
        return pn.Row(widget, _explained(told), sizing_mode="stretch_width", margin=0,
                      css_classes=["control"])

    def _follower(self, name: str) -> Callable[[Any], Any]:
        def follow(event: Any) -> Any:
            if _spelled(self.widgets[name], getattr(self.params, name)) == event.new:
                self._held.pop(name, None)
                return self._on_change() if self.problems.pop(name, None) else None
            value = event.new
            if isinstance(self.widgets[name], pn.widgets.TextInput):
                value = self.params.typed({name: value})[name]
            return self._take(name, value)

        return follow

    def _take(self, name: str, value: Any) -> Any:
        """Take a value, with those that waited for it, or tell why it is refused."""
        faults = self.params.faults({name: value})
        if not faults:
            for waiting in self._held:
                self.problems.pop(waiting, None)
            self._held[name] = value
            faults = self.params.problems({**self.params.values(), **self._held})
        if faults:
            self.problems[name] = " ".join(faults)
            return self._on_change()
        taken, self._held = self._held, {}
        self.problems.pop(name, None)
        return self.params.param.update(**taken)

    def reset(self) -> None:
        """Show the parameters as they are, without values that were refused."""
        self.problems.clear()
        self._held.clear()
        for name, widget in self.widgets.items():
            spelled = _spelled(widget, getattr(self.params, name))
            if widget.value != spelled:
                widget.value = spelled

    def _told(self, *events: Any) -> Any:
        for event in events:
            widget = self.widgets[event.name]
            spelled = _spelled(widget, event.new)
            if widget.value != spelled:
                widget.value = spelled
            self.problems.pop(event.name, None)
        return self._on_change()


def _explained(told: str) -> Any:
    return pn.widgets.TooltipIcon(value=told, margin=(0, 0, 0, 4), align="center",
                                  stylesheets=[look.WIDGETS])


def _named(slider: Any, name: str, told: str | None) -> Any:
    """A slider whose name and explanation stand as those of every other widget do."""
    written, = slider.select(pn.widgets.StaticText)
    edit, = slider.select(lambda part: isinstance(part, TYPED))
    written.param.update(value=name, css_classes=["name"], align="center", margin=0)
    edit.param.update(align="center", sizing_mode=None, width=84,
                      stylesheets=[look.WIDGETS])
    row = next(each for each in slider.select(pn.Row) if written in each.objects)
    row.objects = [written, *([_explained(told)] if told else []),
                   pn.Spacer(sizing_mode="stretch_width", height=1), edit]
    slider.css_classes = ["control"]
    return slider


def _widget(declared: param.Parameter, value: Any) -> Any:
    more = {"label": declared.name, "sizing_mode": "stretch_width", "margin": (0, 0, 10, 0),
            "stylesheets": [look.WIDGETS]}
    if isinstance(declared, param.Number) and declared.allow_None and (
            None not in (declared.bounds or (None,))):
        low, high = declared.bounds
        return OptionalSlider(value, label=declared.name, ends=(low, high), step=_step(high - low),
                              rest=(declared.softbounds or declared.bounds)[0])
    widget = _kind(declared, value, more)
    if "description" in widget.param and declared.doc:
        widget.description = declared.doc
    return widget


def _kind(declared: param.Parameter, value: Any, more: dict[str, Any]) -> Any:
    if isinstance(declared, param.Selector):
        return pn.widgets.Select(options=list(declared.objects), value=value, **more)
    if isinstance(declared, param.Boolean):
        return pn.widgets.Checkbox(value=value, **more)
    if isinstance(declared, param.Number) and not declared.allow_None:
        return _number(declared, value, more)
    return pn.widgets.TextInput(value=text(value), **more)


def _number(declared: param.Number, value: float, more: dict[str, Any]) -> Any:
    whole = isinstance(declared, param.Integer)
    low, high = declared.bounds or (None, None)
    if low is None or high is None:
        kind = pn.widgets.IntInput if whole else pn.widgets.FloatInput
        return kind(value=value, start=low, end=high, **more)
    kind = pn.widgets.EditableIntSlider if whole else pn.widgets.EditableFloatSlider
    return kind(value=value, start=low, end=high, fixed_start=low, fixed_end=high,
                step=1 if whole else _step(high - low), **more)


def _step(span: float) -> float:
    """A round step that divides the span into some hundred, and is never above one."""
    for step in (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5):
        if span / step <= 120:
            return step
    return 1.0


def _spelled(widget: Any, value: Any) -> Any:
    """A parameter's value in the form that its widget holds."""
    return text(value) if isinstance(widget, pn.widgets.TextInput) else value
