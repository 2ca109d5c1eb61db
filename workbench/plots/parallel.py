"""Runs of a sweep as lines across parallel axes: parameters on the left, numbers on the right."""

import textwrap
from collections.abc import Sequence
from typing import Any

import holoviews as hv
import numpy as np
import pandas as pd
from bokeh.models import HoverTool, OpenURL, TapTool

from workbench.plots.brushes import Brush, within
from workbench.plots.scales import Axis, Scale
from workbench.plots.theme import ROLES, Figure, dimension, frame

__all__ = ["parallel_coordinates"]

MOST_LINES = 600         # more cannot be told apart
MOST_WHISKERS = 12       # more hide the axis
THIN = 0.01              # of an axis: how far a brush of a single value can be seen
ADDRESS = "address"


def parallel_coordinates(points: pd.DataFrame, axes: Sequence[Axis], *, colour: str,
                         brushes: Sequence[Brush] = ()) -> Figure:
    """One line per run across the axes; runs outside a brush fade.

    Parameters
    ----------
    points : DataFrame
        A row per run: the columns of the axes, and, to open a run by a click, address. A run
        without a number on one of the axes has a gap in its line.
    axes : sequence of Axis
        At least two. Positive numbers that span decades get a logarithmic axis, texts a place
        for each.
    colour : str
        Column of a number that colours the lines.
    brushes : sequence of Brush
        Parts of axes to which the runs are limited.

    Returns
    -------
    figure : Overlay
        Of at most 600 lines, evenly over the colour; the title says how many there are.
    """
    if points.empty or len(axes) < 2:
        raise ValueError(f"points must have rows and axes at least two, got {len(points)} and "
                         f"{len(axes)}. Make a sweep first.")
    scales = {axis.column: Scale.of(points[axis.column]) for axis in axes}
    kept = within(points, brushes)
    drawn = _thinned(points, kept, colour)
    # Labels must differ, since HoloViews finds columns by them, too.
    x, y = hv.Dimension("axis", label="axes"), hv.Dimension("place", label="place on its axis")
    lines = _lines(drawn, axes, scales, (x, y), colour).opts(**_colours(points[colour]))
    faint = drawn[~drawn["kept"]]
    layers = [*_frames(points, axes, scales, x, y),
              *([_faint(faint, axes, scales, (x, y))] if len(faint) else []), lines,
              *_whiskers(drawn[drawn["kept"]], axes, scales, (x, y)),
              *_brushed(brushes, axes, scales)]
    told = f"{kept.sum()} of {len(points)} runs" if brushes else f"{len(points)} runs"
    if len(drawn) < len(points):
        told += f", {len(drawn)} of them drawn"
    ticks = [(at, _wrapped(axis)) for at, axis in enumerate(axes)]
    return hv.Overlay(layers).opts(hv.opts.Overlay(
        title=told, xlabel=" ", xticks=ticks, yaxis=None, show_legend=False,
        xlim=(-0.45, len(axes) - 0.55), ylim=(-0.05, 1.05), **frame(
            height=420, max_width=1120, min_width=max(320, 104 * len(axes)), show_grid=False,
            default_tools=["reset", "save"])))


def _thinned(points: pd.DataFrame, kept: pd.Series, colour: str) -> pd.DataFrame:
    """Those inside the brushes first, evenly over the colour; then some of the others."""
    ordered = points.assign(kept=kept).sort_values(colour, kind="stable")
    inside, outside = (ordered[ordered["kept"] == side] for side in (True, False))
    found = []
    for some, room in ((inside, MOST_LINES), (outside, max(0, MOST_LINES - len(inside)))):
        at = np.linspace(0, len(some) - 1, min(len(some), room)).round().astype(int)
        found.append(some.iloc[at])
    return pd.concat(found)


def _pieces(rows: pd.DataFrame, axes: Sequence[Axis],
            scales: dict[str, Scale]) -> pd.DataFrame:
    """Each run's line in pieces from axis to axis, run by run, without those that have a gap.

    HoloViews takes seconds for hundreds of paths, and no time for one table of pieces.
    """
    places = np.column_stack([scales[axis.column].places(rows[axis.column]) for axis in axes])
    count = len(axes) - 1
    across = np.tile(np.arange(count, dtype=float), len(rows))
    ends = pd.DataFrame({"axis": across, "place": places[:, :-1].ravel(), "right": across + 1,
                         "top": places[:, 1:].ravel(),
                         "row": np.repeat(np.arange(len(rows)), count)})
    return ends[np.isfinite(ends["place"]) & np.isfinite(ends["top"])]


def _lines(drawn: pd.DataFrame, axes: Sequence[Axis], scales: dict[str, Scale],
           dimensions: tuple[hv.Dimension, hv.Dimension], colour: str) -> hv.Element:
    some = drawn[drawn["kept"]]
    links = [ADDRESS] if ADDRESS in drawn else []
    names = list(dict.fromkeys([colour, *(axis.column for axis in axes), *links]))
    facts = {name: f"told_{at}" for at, name in enumerate(names)}
    facts[colour] = "colour"
    pieces = _pieces(some, axes, scales)
    told = some[names].set_axis([*facts.values()], axis=1).iloc[pieces.pop("row")]
    table = pd.concat([pieces, told.set_axis(pieces.index)], axis=1)
    hover = HoverTool(tooltips=[(axis.label, f"@{facts[axis.column]}") for axis in axes])
    tools: list[Any] = [hover]
    if links:
        tools.append(TapTool(callback=OpenURL(url=f"@{facts[ADDRESS]}", same_tab=True)))
    label, unit = next(((axis.label, axis.unit) for axis in axes if axis.column == colour),
                       (colour, ""))
    vdims = [dimension(fact, label, unit or None) if fact == "colour" else hv.Dimension(fact)
             for fact in facts.values()]
    return hv.Segments(table, [*dimensions, "right", "top"], vdims, label="runs").opts(
        tools=tools, line_width=2, nonselection_alpha=0.35)


def _colours(values: pd.Series) -> dict[str, Any]:
    numbers = values.to_numpy(dtype=float)
    finite = numbers[np.isfinite(numbers)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    ends = (low, high) if low < high else (low - 0.5, high + 0.5)
    return {"color": "colour", "cmap": "cividis", "clim": ends, "colorbar": True}


def _faint(rows: pd.DataFrame, axes: Sequence[Axis], scales: dict[str, Scale],
           dimensions: tuple[hv.Dimension, hv.Dimension]) -> hv.Element:
    pieces = _pieces(rows, axes, scales).drop(columns="row")
    return hv.Segments(pieces, [*dimensions, "right", "top"], label="outside").opts(
        color=ROLES["uniform"].colour, alpha=0.18, line_width=1)


def _frames(points: pd.DataFrame, axes: Sequence[Axis], scales: dict[str, Scale],
            x: hv.Dimension, y: hv.Dimension) -> list[hv.Element]:
    """The axes themselves, with their ticks and texts."""
    bars = hv.Segments([(at, 0.0, at, 1.0) for at in range(len(axes))],
                       [x, y, "right", "top"], label="axes")
    ticks = [(at - 0.03, place, text) for at, axis in enumerate(axes)
             for place, text in scales[axis.column].ticks(points[axis.column])
             if np.isfinite(place)]
    texts = hv.Labels(ticks, [x, y], "text", label="ticks")
    return [bars.opts(color=ROLES["uniform"].colour, line_width=1),
            texts.opts(text_font_size="8.5pt", text_align="right",
                       text_color=ROLES["uniform"].colour)]


def _whiskers(rows: pd.DataFrame, axes: Sequence[Axis], scales: dict[str, Scale],
              dimensions: tuple[hv.Dimension, hv.Dimension]) -> list[hv.Element]:
    """Intervals on the axes of numbers, where runs are few enough to tell them apart."""
    if len(rows) > MOST_WHISKERS:
        return []
    ends = []
    for at, axis in enumerate(axes):
        if axis.low and axis.high:
            low, high = (_reach(scales[axis.column], rows[name])
                         for name in (axis.low, axis.high))
            spread = at + (np.arange(len(rows)) + 0.5) / len(rows) * 0.12 - 0.06
            ends += [end for end in zip(spread, low, spread, high, strict=True)
                     if np.isfinite(end).all()]
    if not ends:
        return []
    return [hv.Segments(ends, [*dimensions, "right", "top"], label="intervals").opts(
        color=ROLES["uniform"].colour, alpha=0.6, line_width=1)]


def _reach(scale: Scale, ends: pd.Series) -> np.ndarray:
    """Places of ends of intervals: beyond the axis at its end, also where a log has no place."""
    places = scale.places(ends)
    if scale.kind == "log":
        places = np.where(ends <= 0, 0.0, places)
    return np.clip(places, 0, 1)


def _brushed(brushes: Sequence[Brush], axes: Sequence[Axis],
             scales: dict[str, Scale]) -> list[hv.Element]:
    columns = [axis.column for axis in axes]
    boxes = []
    for brush in brushes:
        ends = brush.places(scales[brush.column]) if brush.column in columns else None
        if ends is not None:
            at = columns.index(brush.column)
            boxes.append((at - 0.07, ends[0] - THIN, at + 0.07, ends[1] + THIN))
    if not boxes:
        return []
    return [hv.Rectangles(boxes, ["axis", "place", "right", "top"], label="brushes").opts(
        color=ROLES["rival"].colour, alpha=0.3, line_color=ROLES["rival"].colour)]


def _wrapped(axis: Axis) -> str:
    unit = f" [{axis.unit}]" if axis.unit not in ("", "1") else ""
    return "\n".join(textwrap.wrap(axis.label + unit, 17, max_lines=4, placeholder=" …"))
