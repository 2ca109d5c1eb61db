"""Whether axes of several figures mean the same, and what all of them show together."""

from collections.abc import Sequence
from typing import Any

import holoviews as hv
import numpy as np

from workbench.plots.theme import Figure

__all__ = ["common_range", "equal_axes", "equal_data", "figure_title"]

EDGE = 0.04              # of a range that nobody has set, on either side
BOXES = (hv.Rectangles, hv.Segments)
HIGH = (hv.Area,)        # whose last dimension lies on the vertical axis, too


def equal_axes(figures: Sequence[Figure]) -> bool:
    """Whether axes have equal names, units and scales, and no place has two names.

    Examples
    --------
    >>> equal_axes([hv.Curve([1, 2], "x", "y"), hv.Curve([1, 2], "x", "z")])
    False
    """
    told = [_axes(figure) for figure in figures]
    return bool(told) and None not in told and all(one == told[0] for one in told) and all(
        _one_name_each([_plot(figure).get(side) for figure in figures])
        for side in ("xticks", "yticks"))


def equal_data(first: hv.Element, second: hv.Element, *, drawn: bool = False) -> bool:
    """Whether two elements have the same dimensions and hold the same rows.

    With `drawn`, points need to lie at the same places only, whatever else is known of them.
    """
    names = [dimension.name for dimension in first.dimensions()]
    if drawn and isinstance(first, hv.Scatter | hv.Points) and first.dimensions():
        places = [dimension.name for dimension in second.dimensions()][:2]
        return names[:2] == places and len(first) == len(second) and all(
            np.array_equal(first.dimension_values(name), second.dimension_values(name))
            for name in places)
    if names != [dimension.name for dimension in second.dimensions()] or len(first) != len(second):
        return False
    for name in names:
        one, other = (np.asarray(each.dimension_values(name)) for each in (first, second))
        if one.dtype.kind in "fiu" and other.dtype.kind in "fiu":
            if not np.allclose(one, other, rtol=1e-9, atol=0, equal_nan=True):
                return False
        elif not np.array_equal(one, other):
            return False
    return True


def common_range(figures: Sequence[Figure], axis: int) -> tuple[Any, Any] | None:
    """Ends of an axis that show all of every figure; none where nothing has two ends.

    Parameters
    ----------
    figures : sequence of figure
    axis : int
        0 is horizontal, 1 vertical.
    """
    name, log = ("xlim", "logx") if axis == 0 else ("ylim", "logy")
    ends = []
    for figure in figures:
        limits = _plot(figure).get(name)
        set_by_hand = limits is not None and None not in limits
        ends.append(limits if set_by_hand else _roomy(_extent(figure, axis),
                                                      log=bool(_plot(figure).get(log))))
    known = [end for end in ends if end is not None]
    if not known:
        return None
    return min(low for low, _ in known), max(high for _, high in known)


def figure_title(figure: Figure) -> str:
    """What a figure says above itself; nothing without a title.

    Examples
    --------
    >>> figure_title(hv.Curve([1, 2]))
    ''
    """
    return str(_plot(figure).get("title") or "")


def _extent(figure: Figure, axis: int) -> tuple[Any, Any] | None:
    """Smallest and largest value that lies on an axis."""
    found = []
    for element in figure.traverse(lambda one: one, [hv.Element]):
        dimensions = element.dimensions()
        sides = [axis, axis + 2] if isinstance(element, BOXES) else [axis]
        if isinstance(element, HIGH) and axis == 1 and len(element.vdims) > 1:
            sides = [1, 2]
        for side in sides:
            if side < len(dimensions):
                found.append(np.asarray(element.dimension_values(side)))
    numbers = [column[_finite(column)] for column in found if column.dtype.kind in "fiuM"]
    full = [column for column in numbers if len(column)]
    if not full or len({column.dtype.kind == "M" for column in full}) > 1:
        return None
    return min(column.min() for column in full), max(column.max() for column in full)


def _finite(column: np.ndarray) -> np.ndarray:
    return ~np.isnat(column) if column.dtype.kind == "M" else np.isfinite(column.astype(float))


def _roomy(ends: tuple[Any, Any] | None, *, log: bool) -> tuple[Any, Any] | None:
    if ends is None:
        return None
    low, high = ends
    if log and float(low) > 0:
        ratio = (float(high) / float(low)) ** EDGE if high > low else 2.0
        return float(low) / ratio, float(high) * ratio
    span = high - low
    if not span:
        return (low - 0.5, high + 0.5) if not np.issubdtype(np.asarray(low).dtype, np.datetime64) \
            else None
    return low - EDGE * span, high + EDGE * span


def _axes(figure: Figure) -> Any:
    """Name, label, unit and scale of both axes, as the first layer tells them."""
    first = next(iter(figure.traverse(lambda one: one, [hv.Element])), None)
    if first is None or isinstance(figure, hv.Layout) or len(first.dimensions()) < 2:
        return None
    plot = _plot(figure)
    return ([(side.label, side.unit) for side in first.dimensions()[:2]],
            bool(plot.get("logx")), bool(plot.get("logy")))


def _plot(figure: Figure) -> dict[str, Any]:
    return dict(hv.Store.lookup_options("bokeh", figure, "plot").kwargs)


def _one_name_each(told: Sequence[Any]) -> bool:
    """Whether ticks that are named give each place one name, in all figures."""
    named = [ticks for ticks in told if isinstance(ticks, list) and ticks
             and isinstance(ticks[0], tuple)]
    if named and len(named) < len(told):
        return False
    names: dict[Any, str] = {}
    for ticks in named:
        for place, name in ticks:
            if names.setdefault(place, name) != name:
                return False
    return True
