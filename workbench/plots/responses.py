"""A number over one or two swept parameters: cells where runs are, curves with their spread."""

from typing import Any

import holoviews as hv
import numpy as np
import pandas as pd
from bokeh.models import OpenURL, TapTool

from workbench.plots.hovers import DIGITS, hover
from workbench.plots.scales import Axis, Scale, cut
from workbench.plots.theme import LEGEND_BELOW, ON_LIGHT, ROLES, Figure, dimension, frame

__all__ = ["response_curve", "response_surface"]

MOST_VALUES = 24         # of a parameter that gets a cell for each
MOST_TEXTS = 80          # cells whose numbers are written into them
LEAST_FILLED = 0.5       # share of cells with a run, below which points are drawn instead
ON_DARK = "#fefefe"      # texts on a dark colour, which stay when the paper is dark
FINE = 48                # places per side where colours are interpolated
ADDRESS = "address"


def response_surface(cells: pd.DataFrame, *, x: Axis, y: Axis, number: Axis) -> Figure:
    """A number over two parameters.

    Parameters
    ----------
    cells : DataFrame
        Columns x, y, value, low, high, count (runs at this place), and, to open them by a
        click, address.
    x, y, number : Axis
        Labels and units.

    Returns
    -------
    figure : Overlay
        Cells of one size in the order of the values, with their numbers, where the runs form a
        grid. Elsewhere points where the runs are, over colours that are interpolated between
        them and nowhere else; the title says so.
    """
    _some(cells)
    values = [cells[name].nunique() for name in ("x", "y")]
    named = any(cells[name].dtype.kind not in "iuf" for name in ("x", "y"))
    filled = len(cells) / (values[0] * values[1])
    if named or (max(values) <= MOST_VALUES and filled >= LEAST_FILLED):
        return _grid(cells, x, y, number)
    return _scattered(cells, x, y, number)


def response_curve(cells: pd.DataFrame, *, x: Axis, number: Axis) -> Figure:
    """A number over one parameter, with its intervals or the spread of repeats.

    Parameters
    ----------
    cells : DataFrame
        Columns x, value, low, high, count, and, to open runs by a click, address.
    x, number : Axis
        Labels and units.
    """
    _some(cells)
    scale = Scale.of(cells["x"])
    names = scale.kind == "names"
    at = scale.places(cells["x"]) * (len(scale.names) - 1) if names else cells["x"]
    rows = cells.assign(place=at, told=cells["x"].astype(str)).sort_values("place")
    across = dimension("place", x.label, x.unit or None)
    up = dimension("value", number.label, number.unit or None)
    ours = ROLES["ours"]
    known = rows[np.isfinite(rows["low"]) & np.isfinite(rows["high"])]
    layers: list[hv.Element] = []
    if len(known) and not names:
        layers.append(hv.Area((known["place"], known["low"], known["high"]), across,
                              [up, "high"], label="interval").opts(**ours.band()))
    if len(known):
        layers.append(hv.Segments((known["place"], known["low"], known["place"], known["high"]),
                                  [across, up, "end", "top"]).opts(
            color=ours.colour, line_width=2, alpha=0.6))
    if not names:
        layers.append(hv.Curve((rows["place"], rows["value"]), across, up,
                               label="joined").opts(**ours.curve()))
    layers.append(hv.Scatter(rows, across, [up, *_told(rows)], label="runs").opts(
        size=9, tools=_tools(rows, x, None, number), **ours.points()))
    ticks = {"xticks": list(enumerate(map(cut, scale.names))),
             "xlim": (-0.5, len(scale.names) - 0.5)} if names else {}
    return hv.Overlay(layers).opts(hv.opts.Overlay(
        title=_spread(cells), show_legend=False, logx=scale.kind == "log",
        **frame(height=400, **ticks)))


def _grid(cells: pd.DataFrame, x: Axis, y: Axis, number: Axis) -> Figure:
    placed = cells
    ticks: dict[str, Any] = {}
    for name in ("x", "y"):
        known = sorted(cells[name].unique())
        at = cells[name].map({value: place for place, value in enumerate(known)}).astype(float)
        placed = placed.assign(**{f"{name}_low": at - 0.5, f"{name}_high": at + 0.5,
                                  f"{name}_middle": at})
        step = max(1, -(-len(known) // 12))
        ticks[f"{name}ticks"] = [(place, _written(known[place]))
                                 for place in range(0, len(known), step)]
        ticks[f"{name}lim"] = (-0.5, len(known) - 0.5)
    axes = [dimension("x_low", x.label, x.unit or None),
            dimension("y_low", y.label, y.unit or None),
            hv.Dimension("x_high"), hv.Dimension("y_high")]
    value = dimension("value", number.label, number.unit or None)
    boxes = hv.Rectangles(placed, axes, [value, *_told(placed)], label="cells").opts(
        tools=_tools(placed, x, y, number), line_color="#ffffff", line_width=1,
        nonselection_alpha=1.0, **_coloured(cells["value"]))
    layers: list[hv.Element] = [boxes]
    if len(cells) <= MOST_TEXTS:
        layers += _texts(placed, axes)
    return hv.Overlay(layers).opts(hv.opts.Overlay(
        title=_spread(cells), show_legend=False,
        **frame(height=420, show_grid=False, **ticks)))


def _texts(placed: pd.DataFrame, axes: list[hv.Dimension]) -> list[hv.Element]:
    """Numbers in the cells, dark on light and light on dark."""
    low, high = placed["value"].min(), placed["value"].max()
    bright = (placed["value"] - low) / ((high - low) or 1.0) > 0.5
    layers = []
    for some, ink in ((placed[bright], ON_LIGHT), (placed[~bright], ON_DARK)):
        if len(some):
            told = [f"{value:.3g}" for value in some["value"]]
            layers.append(hv.Labels((some["x_middle"], some["y_middle"], told), axes[:2],
                                    "text", label="numbers").opts(
                text_color=ink, text_font_size="9pt"))
    return layers


def _scattered(cells: pd.DataFrame, x: Axis, y: Axis, number: Axis) -> Figure:
    dimensions = [dimension("x", x.label, x.unit or None), dimension("y", y.label, y.unit or None)]
    value = dimension("value", number.label, number.unit or None)
    logs = [Scale.of(cells[name]).kind == "log" for name in ("x", "y")]
    between = _between(cells, dimensions, value, logs)
    points = hv.Points(cells, dimensions, [value, *_told(cells)], label="runs").opts(
        size=9, line_color="#ffffff", marker="circle", nonselection_alpha=1.0,
        tools=_tools(cells, x, y, number), **_coloured(cells["value"]))
    what = "runs" if cells["count"].max() == 1 else "means of runs"
    told = f"Points are {what}" + ("; colours between them are interpolated" if between else "")
    return hv.Overlay([*between, points]).opts(hv.opts.Overlay(
        title=told, show_legend=False, logx=logs[0], logy=logs[1],
        **frame(height=440, show_grid=False, **LEGEND_BELOW)))


def _between(cells: pd.DataFrame, dimensions: list[hv.Dimension], value: hv.Dimension,
             logs: list[bool]) -> list[hv.Element]:
    """Colours inside the outline of the points, where there are enough of them."""
    from scipy.interpolate import LinearNDInterpolator
    from scipy.spatial import QhullError

    places = np.column_stack([np.log10(cells[name].astype(float)) if log
                              else cells[name].astype(float)
                              for name, log in zip(("x", "y"), logs, strict=True)])
    low, span = places.min(axis=0), np.ptp(places, axis=0)
    if len(cells) < 4 or any(logs) or not span.all():
        return []                # an image has even cells, and a logarithmic axis has not
    try:
        surface = LinearNDInterpolator((places - low) / span, cells["value"].to_numpy(float))
    except QhullError:
        return []
    middle = (np.arange(FINE) + 0.5) / FINE
    heights = surface(*np.meshgrid(middle, middle))
    image = hv.QuadMesh((low[0] + middle * span[0], low[1] + middle * span[1], heights),
                        dimensions, value, label="interpolated")
    return [image.opts(alpha=0.35, cmap="cividis", clim=_ends(cells["value"]), line_alpha=0)]


def _coloured(values: pd.Series) -> dict[str, Any]:
    return {"color": "value", "cmap": "cividis", "clim": _ends(values), "colorbar": True}


def _ends(values: pd.Series) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    return (low, high) if low < high else (low - 0.5, high + 0.5)


def _told(cells: pd.DataFrame) -> list[str]:
    """Columns that hover and click need."""
    return [name for name in ("x", "y", "low", "high", "count", "told", ADDRESS)
            if name in cells]


def _tools(cells: pd.DataFrame, x: Axis, y: Axis | None, number: Axis) -> list[Any]:
    told = [(x.label, "@told" if "told" in cells else "@x")]
    told += [(y.label, "@y")] if y is not None else []
    telling = hover([*told, (number.label, f"@value{DIGITS}"),
                     ("lowest to highest, or interval", f"@low{DIGITS} to @high{DIGITS}"),
                     ("runs", "@count")])
    links = [TapTool(callback=OpenURL(url=f"@{ADDRESS}", same_tab=True))] if (
        ADDRESS in cells) else []
    return [telling, *links]


def _spread(cells: pd.DataFrame) -> str:
    """What a value and its spread are."""
    least, most = int(cells["count"].min()), int(cells["count"].max())
    if most == 1:
        return "One run per value"
    count = f"{least}" if least == most else f"{least} to {most}"
    return f"Means of {count} runs"


def _written(value: Any) -> str:
    return cut(value) if isinstance(value, str) else f"{value:.4g}"


def _some(cells: pd.DataFrame) -> None:
    if cells.empty:
        raise ValueError("cells must have rows, got 0. Choose a number that the runs have.")
