"""Widgets of a view whose values depend on the result that is shown."""

from collections.abc import Callable, Sequence
from typing import Any

import panel as pn
import param

from workbench.core import Params, Result
from workbench.ui import look

__all__ = ["Offer", "offers_of"]

BOXES = 12               # texts that are offered as boxes; above, as a list
NONE = "none"


class Offer:
    """One parameter of a view as a list to choose from, or as boxes to tick.

    What a result does not offer is not shown, and stays chosen for the next that does.

    Parameters
    ----------
    view : Params
    name : str
        Of the parameter: a text, or a list of texts.
    options : function of a result
        The texts to choose from; without any the widget hides.
    """

    def __init__(self, view: Params, name: str, options: Callable[[Result], Sequence[str]]):
        self._view, self._name, self._options = view, name, options
        self._several = isinstance(view.declared()[name], param.List)
        self._widget: Any = None
        self._texts: list[str] = []
        told = pn.widgets.TooltipIcon(value=view.declared()[name].doc, margin=(2, 0, 0, 4),
                                      align="start", stylesheets=[look.WIDGETS])
        self._place = pn.Column(sizing_mode="stretch_width", margin=0)
        self.panel = pn.Row(self._place, told, sizing_mode="stretch_width", margin=0,
                            visible=False)

    def offer(self, result: Result | None) -> None:
        """Offer what a result has."""
        texts = [] if result is None else [str(text) for text in self._options(result)]
        self.panel.visible = bool(texts)
        if not texts or texts == self._texts:
            return
        self._texts, self._widget = texts, self._made(texts)
        self._widget.param.watch(self._take, "value")
        heading = [pn.pane.HTML(f"<span>{self._name}</span>", margin=0, stylesheets=[look.WIDGETS])
                   ] if isinstance(self._widget, pn.widgets.CheckBoxGroup) else []
        self._place.objects = [*heading, self._widget]

    def _made(self, texts: list[str]) -> Any:
        value = getattr(self._view, self._name)
        more = {"label": self._name, "stylesheets": [look.WIDGETS], "margin": (0, 0, 10, 0),
                "sizing_mode": "stretch_width"}
        if not self._several:
            return pn.widgets.Select(options=[NONE, *texts], **more,
                                     value=value if value in texts else NONE)
        kind: Any = pn.widgets.CheckBoxGroup if len(texts) <= BOXES else pn.widgets.MultiSelect
        return kind(options=texts, value=[text for text in value if text in texts], **more)

    def _take(self, event: Any) -> None:
        value = ("" if event.new == NONE else event.new) if not self._several else list(event.new)
        self._view.param.update(**{self._name: value})


def offers_of(view: Params) -> dict[str, Offer]:
    """The offers of a view by the name of their parameter."""
    return {name: Offer(view, name, options)
            for name, options in getattr(view, "offers", {}).items()}
