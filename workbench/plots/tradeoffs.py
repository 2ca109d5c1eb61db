"""What one kind gains is what another pays: two accuracies against each other, along a setting."""

from collections.abc import Mapping, Sequence

import holoviews as hv
import numpy as np
import pandas as pd

from workbench.plots.hovers import DIGITS, hover
from workbench.plots.settings import Panel, panel_figure
from workbench.plots.theme import ROLES, STACKED, Figure, dimension, frame, written_legend

__all__ = ["clouds", "tradeoff_paths"]


def tradeoff_paths(points: Mapping[str, pd.DataFrame], *, roles: Mapping[str, str],
              axes: tuple[tuple[str, str], tuple[str, str]],
              more: Sequence[tuple[Panel, Mapping[str, str]]] = ()) -> Figure:
    """Paths of methods between two accuracies, one picture above the other.

    Parameters
    ----------
    points : mapping of title to DataFrame
        Columns series, told, x, y, and x_low, x_high, y_low, y_high, NaN without intervals; a
        series in the order of its path.
    roles : mapping of series to role
    axes : two pairs of label and unit
    more : sequence of (Panel, roles)
        Pictures below.
    """
    if not points or any(table.empty for table in points.values()):
        raise ValueError(f"points must have rows, got {[len(one) for one in points.values()]}. "
                         "Train something first.")
    pictures = [_paths(title, table, roles, axes) for title, table in points.items()]
    pictures += [panel_figure(panel, own) for panel, own in more]
    return hv.Layout(pictures).cols(1).opts(hv.opts.Layout(**STACKED))


def clouds(points: Mapping[str, pd.DataFrame], *, kinds: Mapping[str, str],
           axes: tuple[tuple[str, str], tuple[str, str]]) -> Figure:
    """Points of several kinds, one picture above the other.

    Parameters
    ----------
    points : mapping of title to DataFrame
        Columns x, y, kind, told.
    kinds : mapping of kind to role
        The last is drawn on top.
    axes : two pairs of label and unit
    """
    pictures = []
    for title, table in points.items():
        x, y = (dimension(name, *told) for name, told in zip("xy", axes, strict=True))
        layers: list[hv.Element] = []
        for kind, role in kinds.items():          # also those without a point
            some = table[table["kind"] == kind]
            layers.append(hv.Scatter(some, x, [y, "told"]).opts(
                size=4 if role == "uniform" else 7, alpha=0.35 if role == "uniform" else 0.8,
                tools=[hover([("", "@told")])], **ROLES[role].points()))
        pictures.append(_framed(title, layers, list(kinds.items()), (x, y), table))
    return hv.Layout(pictures).cols(1).opts(hv.opts.Layout(**STACKED))


def _paths(title: str, table: pd.DataFrame, roles: Mapping[str, str],
           axes: tuple[tuple[str, str], tuple[str, str]]) -> hv.Element:
    x, y = (dimension(name, *told) for name, told in zip("xy", axes, strict=True))
    layers: list[hv.Element] = []
    for name, role in roles.items():
        some = table[table["series"] == name]
        told = hover([("", "@told"), (axes[0][0], "@x" + DIGITS), (axes[1][0], "@y" + DIGITS)])
        layers += [
            hv.Segments(_bars(some), [x, y, "to", "level"]).opts(color=ROLES[role].colour,
                                                                 alpha=0.5),
            hv.Curve((some["x"], some["y"]), x, y).opts(**ROLES[role].curve()),
            hv.Scatter(some, x, [y, "told"]).opts(size=8, tools=[told],
                                                  **ROLES[role].points())]
    return _framed(title, layers, list(roles.items()), (x, y), table)


def _bars(some: pd.DataFrame) -> tuple[np.ndarray, ...]:
    """Left, bottom, right and top of the intervals along both axes."""
    across = some[["x_low", "y", "x_high", "y"]].to_numpy(float)
    upwards = some[["x", "y_low", "x", "y_high"]].to_numpy(float)
    return tuple(np.vstack([across, upwards]).T)


def _framed(title: str, layers: list[hv.Element], entries: list[tuple[str, str]],
            axes: tuple[hv.Dimension, hv.Dimension], table: pd.DataFrame) -> hv.Element:
    """With a legend below the lowest point."""
    left, right = _ends(table, "x")
    low, high = _ends(table, "y")
    span = (high - low) or 1.0
    layers += written_legend(entries, *axes, at=(left, [
        low - span * (0.12 + 0.11 * at) for at in range(len(entries))]))
    room = 0.03 * (right - left) or 0.5
    return hv.Overlay(layers).opts(hv.opts.Overlay(
        title=title, show_legend=False, xlim=(left - room, right + room),
        ylim=(low - span * (0.18 + 0.11 * len(entries)), high + 0.08 * span), **frame()))


def _ends(table: pd.DataFrame, axis: str) -> tuple[float, float]:
    seen = table[[name for name in (axis, f"{axis}_low", f"{axis}_high") if name in table]]
    numbers = seen.to_numpy(float)
    if not np.isfinite(numbers).any():
        return 0.0, 1.0
    return float(np.nanmin(numbers)), float(np.nanmax(numbers))
