"""Marks of a figure that a visitor can choose: by a click, or by a stretch of the axis."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

import holoviews as hv
import numpy as np
import pandas as pd
from bokeh.models import BoxAnnotation, BoxSelectTool, ColumnDataSource

from workbench.plots.theme import ROLES, Figure

__all__ = ["Brushed", "Picked", "marks", "stretch"]

KINDS = (hv.Rectangles, hv.Scatter, hv.Points)
Put: TypeAlias = Callable[[str, Mapping[str, Any]], None]
NEAR = 0.06              # share of the figure's size within which a click means a mark


def marks(figure: Figure, column: str) -> pd.DataFrame:
    """Where the marks of a figure lie that one of its dimensions names.

    Parameters
    ----------
    figure : HoloViews element or overlay
    column : str
        The dimension.

    Returns
    -------
    marks : DataFrame
        Columns value, and left, bottom, right, top; points are boxes without a size. Dates are
        milliseconds since 1970.

    Examples
    --------
    >>> points = hv.Scatter([(1.0, 2.0, "first")], "x", ["y", "name"])
    >>> marks(points, "name").to_dict("records")
    [{'value': 'first', 'left': 1.0, 'bottom': 2.0, 'right': 1.0, 'top': 2.0}]
    """
    found = [pd.DataFrame({"value": [], "left": [], "bottom": [], "right": [], "top": []})]
    for element in figure.traverse(lambda one: one, list(KINDS)):
        if column in [dimension.name for dimension in element.dimensions()]:
            sides = (0, 1, 2, 3) if isinstance(element, hv.Rectangles) else (0, 1, 0, 1)
            ends = {name: _numbers(element.dimension_values(side)) for name, side in
                    zip(("left", "bottom", "right", "top"), sides, strict=True)}
            found.append(pd.DataFrame({"value": element.dimension_values(column), **ends}))
    whole = [one for one in found if len(one)] or found[:1]
    return pd.concat(whole, ignore_index=True)


def stretch(figure: Figure) -> tuple[Any, Any]:
    """Ends of what a figure shows along its horizontal axis, as numbers or time stamps."""
    found = (figure.traverse(lambda one: one, [*KINDS, hv.Image])
             or figure.traverse(lambda one: one, [hv.Curve]))
    ends = [tuple(map(_moment, element.range(0))) for element in found]
    lows, highs = zip(*(end for end in ends if end[0] is not None), strict=True)
    return min(lows), max(highs)


def _moment(end: Any) -> Any:
    """A date as a time stamp of whole microseconds, as sliders count; anything else as it is."""
    dated = isinstance(end, (datetime, np.datetime64))
    return pd.Timestamp(end).floor("us") if dated else end


class Picked:
    """Marks that a click chooses, and a frame around the one that is chosen.

    Parameters
    ----------
    figure : HoloViews element or overlay
    column : str
        The dimension that names the marks.
    told : function of a value
        Called when a mark is clicked.
    """

    hears = "tap"

    def __init__(self, figure: Figure, column: str, told: Callable[[Any], None]):
        self._marks, self._told = marks(figure, column), told
        self._name, self._value = f"picked {column}", None
        self._put: Put | None = None
        boxed = bool((self._marks["right"] > self._marks["left"]).any())
        _hook(figure, _Framing(self._name, boxed))

    @property
    def values(self) -> list[Any]:
        """What can be chosen, each once, in the order of the figure."""
        return list(dict.fromkeys(self._marks["value"].tolist()))

    def show(self, value: Any) -> None:
        """Frame the mark of this value, or none."""
        self._value = value
        if self._put is not None:
            self._put(self._name, _frame(self._marks, value))

    def marked(self) -> dict[str, Mapping[str, Any]]:
        """What parts of the figure hold now, by their name."""
        return {self._name: _frame(self._marks, self._value)}

    def join(self, put: Put) -> None:
        """Let `put` change parts of the figure that is drawn, by their name."""
        self._put = put

    def heard(self, told: Mapping[str, Any]) -> None:
        """Take a click at x and y, in a figure whose axes have the lengths `spans`."""
        value = self.at(told["x"], told["y"], (told["spans"][0], told["spans"][1]))
        if value is not None:
            self._told(value)

    def at(self, x: float, y: float, spans: tuple[float, float] = (1.0, 1.0)) -> Any:
        """The value of the mark at a place, or near it; None if none is.

        Parameters
        ----------
        x, y : float
        spans : (float, float)
            Lengths of the axes, by which distances count.
        """
        if self._marks.empty:
            return None
        ends = self._marks
        dx = np.maximum(np.maximum(ends["left"] - x, x - ends["right"]), 0) / spans[0]
        dy = np.maximum(np.maximum(ends["bottom"] - y, y - ends["top"]), 0) / spans[1]
        far = np.asarray(np.hypot(dx, dy))
        nearest = int(far.argmin())
        return ends["value"].iloc[nearest] if far[nearest] <= NEAR else None


class Brushed:
    """A stretch of the horizontal axis that is drawn with the mouse.

    Parameters
    ----------
    figure : HoloViews element or overlay
    told : function of two numbers
        Called with both ends when a stretch was drawn; dates are milliseconds since 1970.
    """

    hears = "selectiongeometry"

    def __init__(self, figure: Figure, told: Callable[[float, float], None]):
        self._told = told
        self._ends: tuple[float, float] | None = None
        self._put: Put | None = None
        _hook(figure, _Shading())

    def show(self, ends: tuple[float, float] | None) -> None:
        """Shade this stretch, or none."""
        self._ends = ends
        if self._put is not None:
            self._put("brushed", self._sides())

    def marked(self) -> dict[str, Mapping[str, Any]]:
        """What parts of the figure hold now, by their name."""
        return {"brushed": self._sides()}

    def join(self, put: Put) -> None:
        """Let `put` change parts of the figure that is drawn, by their name."""
        self._put = put

    def heard(self, told: Mapping[str, Any]) -> None:
        """Take a stretch that was drawn."""
        low, high = told["ends"]
        self._told(low, high)

    def _sides(self) -> dict[str, Any]:
        low, high = self._ends or (0.0, 0.0)
        return {"left": low, "right": high, "visible": self._ends is not None}


# Figures are shared and their options outlive visitors, so what is wired into them knows nobody.
@dataclass(frozen=True)
class _Framing:
    """Adds what frames the mark that is picked."""

    name: str
    boxed: bool

    def __call__(self, plot: Any, _: Any) -> None:
        figure = plot.state
        nothing: dict[str, list[float]] = {
            side: [] for side in ("left", "bottom", "right", "top")}
        look: dict[str, Any] = {"line_color": ROLES["truth"].colour, "line_width": 3,
                                "fill_alpha": 0, "level": "overlay",
                                "source": ColumnDataSource(nothing, name=self.name)}
        if self.boxed:
            figure.quad(left="left", right="right", bottom="bottom", top="top", **look)
        else:
            figure.scatter(x="left", y="bottom", size=16, **look)


@dataclass(frozen=True)
class _Shading:
    """Adds what shades the stretch that is brushed, and the tool that draws one."""

    def __call__(self, plot: Any, _: Any) -> None:
        figure = plot.state
        # Over the points, it is painted without painting them again; and nothing is selected.
        figure.add_layout(BoxAnnotation(
            left=0.0, right=0.0, visible=False, fill_color=ROLES["variant"].colour,
            level="overlay", fill_alpha=0.18, line_color=ROLES["ours"].colour, name="brushed"))
        tool = BoxSelectTool(dimensions="width", renderers=[], description="Brush a stretch")
        figure.add_tools(tool)
        figure.toolbar.active_drag = tool


def _hook(figure: Figure, wire: Callable[[Any, Any], None]) -> None:
    """Let `wire` see the figure when it is drawn, once, after what sees it already."""
    known = hv.Store.lookup_options("bokeh", figure, "plot").kwargs.get("hooks", [])
    if wire not in known:
        figure.opts(hooks=[*known, wire])


def _frame(found: pd.DataFrame, value: Any) -> dict[str, Any]:
    some = found[found["value"] == value] if value is not None else found.iloc[:0]
    return {name: some[name].to_numpy() for name in ("left", "bottom", "right", "top")}


def _numbers(values: np.ndarray) -> np.ndarray:
    if values.dtype.kind == "M":
        return values.astype("datetime64[us]").astype(float) / 1e3
    return values.astype(float)
