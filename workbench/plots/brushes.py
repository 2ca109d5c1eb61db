"""Parts of parallel axes to which runs are limited: drawn by a box, and told by values."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from bokeh.models import BoxSelectTool

from workbench.plots.scales import Scale
from workbench.plots.selection import Put
from workbench.plots.theme import Figure

__all__ = ["AxesBrushed", "Brush", "within"]

SLACK = 1e-9
BELOW, ABOVE = -1.0, 2.0    # places outside every axis


@dataclass(frozen=True)
class Brush:
    """Part of an axis to which runs are limited.

    Parameters
    ----------
    column : str
    low, high : float or str
        Both ends, which are inside: numbers, or the first and the last name in their order.
    """

    column: str
    low: float | str
    high: float | str

    def places(self, scale: Scale) -> tuple[float, float] | None:
        """Both ends between 0 and 1; none where the axis has no such name or number."""
        ends: list[float | str] = [self.low, self.high]
        if scale.kind == "names":
            if not {*map(str, ends)} <= {*scale.names}:
                return None
            ends = [*map(str, ends)]
        elif any(isinstance(end, str) for end in ends):
            return None
        # Nothing that is not positive has a place on a logarithmic axis: it lies below.
        low, high = np.clip(np.nan_to_num(scale.places(pd.Series(ends)), nan=BELOW), BELOW, ABOVE)
        return float(low), float(high)

    @classmethod
    def drawn(cls, column: str, scale: Scale, low: float, high: float) -> "Brush":
        """Brush of a box between two places; of names, of those that it touches or is next to."""
        ends = max(low, 0.0), min(high, 1.0)
        found = [scale.value(end) for end in ends]
        return cls(column, *(float(f"{end:.6g}") if isinstance(end, float) else end
                             for end in found))


def within(points: pd.DataFrame, brushes: Sequence[Brush]) -> pd.Series:
    """Which rows lie inside all brushes; those of columns or values that there are not keep all.

    Examples
    --------
    >>> within(pd.DataFrame({"x": [1.0, 2.0, 3.0]}), [Brush("x", 2.0, 3.0)]).tolist()
    [False, True, True]
    """
    kept = pd.Series(data=True, index=points.index)
    for brush in brushes:
        if brush.column not in points:
            continue
        scale = Scale.of(points[brush.column])
        ends = brush.places(scale)
        if ends is not None:
            places = scale.places(points[brush.column])
            room = SLACK + 1e-6 * (scale.kind != "names")       # ends are told in six digits
            kept &= (places >= ends[0] - room) & (places <= ends[1] + room)
    return kept


class AxesBrushed:
    """Boxes that a visitor draws over parallel axes.

    Parameters
    ----------
    figure : Overlay
        Of :func:`parallel_coordinates`.
    columns : sequence of str
        Of its axes.
    told : function of (str, float, float)
        Called with the column of the nearest axis and both places of its part.
    """

    hears = "selectiongeometry"

    def __init__(self, figure: Figure, columns: Sequence[str],
                 told: Callable[[str, float, float], None]):
        self._columns, self._told = list(columns), told
        figure.opts(hooks=[_let_draw])

    def marked(self) -> dict[str, Mapping[str, Any]]:
        """Nothing, before the figure is drawn again."""
        return {}

    def join(self, put: Put) -> None:
        """Nothing is put before the figure is drawn again."""

    def heard(self, told: Mapping[str, Any]) -> None:
        """Take a box with its left, bottom, right and top end."""
        left, bottom, right, top = told["box"]
        nearest = round(min(max((left + right) / 2, 0), len(self._columns) - 1))
        low, high = max(bottom, 0.0), min(top, 1.0)
        if low < high:
            self._told(self._columns[nearest], low, high)


def _let_draw(plot: Any, _: Any) -> None:
    # It selects nothing by itself: the page draws the figure anew with the brush.
    tool = BoxSelectTool(renderers=[], description="Limit an axis: draw a box")
    plot.state.add_tools(tool)
    plot.state.toolbar.active_drag = tool
