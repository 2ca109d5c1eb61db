"""Mixtures of hypotheses: regret under bounds, weights, posteriors over time, losses by width."""

from collections.abc import Mapping, Sequence

import holoviews as hv
import numpy as np
import pandas as pd

from workbench.plots.forests import dots, named_rows
from workbench.plots.hovers import DIGITS, hover
from workbench.plots.theme import LEGEND_BELOW, ROLES, Figure, dimension, frame

__all__ = [
    "bound_curves",
    "confidence",
    "method_losses",
    "posterior_areas",
    "probability_map",
    "relative_weights",
]

AREAS = ("ours", "rival", "variant", "uniform")
FLOOR = 2.0 ** -12       # smaller relative weights are drawn there
TALL = 464


def bound_curves(  # noqa: PLR0913 - parts of a figure
        table: pd.DataFrame, drawn: Mapping[str, tuple[str, str]], *, x: tuple[str, str, str],
        y: tuple[str, str], title: str, logx: bool = False, logy: bool = False,
        marks: bool = False, error: str = "") -> Figure:
    """Several columns over one.

    Parameters
    ----------
    table : DataFrame
    drawn : mapping of column to (name, role)
        At most four; numbers that are not finite end a curve.
    x : (str, str, str)
        Column, label and unit.
    y : (str, str)
        Label and unit.
    title : str
    logx, logy, marks : bool
        Logarithmic axes; marks on the curves.
    error : str
        Column of standard errors of the first curve; two of them are drawn on each side.
    """
    if table.empty:
        raise ValueError(f"table must have rows, got {len(table)}. Compute something first.")
    some = table.sort_values(x[0])
    across, up = dimension("place", x[1], x[2] or None), dimension("value", *y)
    layers: list[hv.Element] = []
    for number, (column, (name, role)) in enumerate(drawn.items()):
        values = some[column].to_numpy(float)
        good = np.isfinite(values) & ((values > 0) | (not logy))
        at, shown = some[x[0]].to_numpy(float)[good], values[good]
        if not len(at):
            continue
        if error and not number:
            half = 2 * some[error].to_numpy(float)[good]
            layers.append(hv.Area((at, shown - half, shown + half), across, [up, "high"]).opts(
                **ROLES[role].band()))
        layers.append(hv.Curve((at, shown), across, up, label=name).opts(**ROLES[role].curve()))
        if marks:
            layers.append(hv.Scatter((at, shown), across, up, label=name).opts(
                size=7, tools=[hover([(x[1], f"@place{DIGITS}"), (name, f"@value{DIGITS}")])],
                **ROLES[role].points()))
    around = frame(**LEGEND_BELOW, height=TALL)
    if marks:                                   # whole marks at both ends
        around["xlim"] = _wider(some[x[0]].to_numpy(float), log=logx)
    return hv.Overlay(layers).opts(hv.opts.Overlay(title=title, logx=logx, logy=logy, **around))


def _wider(values: np.ndarray, *, log: bool) -> tuple[float, float]:
    """Ends of an axis with room for the marks at the outermost values."""
    low, high = float(values.min()), float(values.max())
    if log:
        room = max(1.05, (high / low) ** 0.04)
        return low / room, high * room
    room = 0.04 * (high - low) or 0.5
    return low - room, high + room


def posterior_areas(weights: pd.DataFrame, *, unit: str = "samples seen") -> Figure:
    """Weights over time, one on top of the other.

    Parameters
    ----------
    weights : DataFrame
        Columns step, hypothesis (at most four), weight; they sum to one in each step.
    unit : str
        What a step is.
    """
    if weights.empty:
        raise ValueError(f"weights must have rows, got {len(weights)}. Follow a sequence first.")
    wide = weights.pivot_table(index="step", columns="hypothesis", values="weight")[
        list(dict.fromkeys(weights["hypothesis"]))]
    if len(wide.columns) > len(AREAS):
        raise ValueError(f"weights must be of at most {len(AREAS)} hypotheses, got "
                         f"{len(wide.columns)}. Sum up the others.")
    x, y = dimension("step", "step", unit), dimension("weight", "weight, stacked", "share")
    tops = np.cumsum(wide.to_numpy(float), axis=1)
    floors = np.column_stack([np.zeros(len(wide)), tops[:, :-1]])
    steps = wide.index.to_numpy(float)
    layers = [hv.Area((steps, floors[:, at], tops[:, at]), x, [y, "top"], label=str(name)).opts(
        color=ROLES[role].colour, alpha=0.75, line_color="#ffffff", line_width=0.5)
        for at, (name, role) in enumerate(zip(wide.columns, AREAS, strict=False))]
    return hv.Overlay(layers).opts(hv.opts.Overlay(
        title="Where the weight goes", ylim=(0, 1), **frame(**LEGEND_BELOW, height=TALL)))


def relative_weights(rows: pd.DataFrame, *, roles: Mapping[str, str], title: str,
                     items: tuple[str, str]) -> Figure:
    """Weights of named hypotheses, times uniform, the heaviest on top.

    Parameters
    ----------
    rows : DataFrame
        Columns name, kind (of `roles`) and relative: weight times the number of hypotheses.
    roles : mapping of kind to role
        The first kind orders the rows.
    title : str
    items : (str, str)
        What is weighed, in the plural, and how it is ordered.
    """
    if rows.empty:
        raise ValueError(f"rows must have rows, got {len(rows)}. Weigh something first.")
    first = rows[rows["kind"] == next(iter(roles))].sort_values("relative")
    place = {name: at for at, name in enumerate(first["name"])}
    placed = rows.assign(place=rows["name"].map(place).astype(float),
                         value=rows["relative"].clip(lower=FLOOR), low=np.nan, high=np.nan)
    x, y = dimension("value", "weight", "times uniform"), dimension("place", *items)
    layers: list[hv.Element] = [hv.Curve(([1.0, 1.0], [-0.5, len(place) - 0.5]), x, y,
                                         label="uniform").opts(**ROLES["uniform"].curve())]
    told = [(items[0], "@name"), ("weight, times uniform", f"@relative{DIGITS}")]
    for kind, role in roles.items():
        some = placed[placed["kind"] == kind]
        if len(some):
            layers += dots(some, x, y, label=kind, role=role, tooltips=told)
    low = 2.0 ** np.floor(np.log2(placed["value"].min()))
    high = max(2.0, 2.0 ** np.ceil(np.log2(placed["value"].max())))
    step = max(1, int(np.ceil(np.log2(high / low) / 8)))
    powers = range(int(np.log2(low)), int(np.log2(high)) + 1, step)
    ticks = [(2.0 ** k, f"{2 ** k}" if k >= 0 else f"1/{2 ** -k}") for k in powers]
    return hv.Overlay(layers).opts(hv.opts.Overlay(
        title=title, logx=True, xticks=ticks, xlim=(low / 1.3, high * 1.3),
        ylim=(-0.5, len(place) - 0.5), **named_rows(list(place))))


def method_losses(scores: pd.DataFrame, roles: Mapping[str, str], *, label: str, unit: str,
                  title: str) -> Figure:
    """Loss of several methods by the width of networks, with intervals.

    Parameters
    ----------
    scores : DataFrame
        Columns width, method, loss, low, high.
    roles : mapping of method to role
        Those that are drawn, at most four.
    label, unit : str
        Of the loss.
    title : str
    """
    if scores.empty:
        raise ValueError(f"scores must have rows, got {len(scores)}. Train something first.")
    x, y = dimension("width", "hidden units", "log scale"), dimension("loss", label, unit)
    layers: list[hv.Element] = []
    for method, role in roles.items():
        some = scores[scores["method"] == method].sort_values("width")
        if some.empty:
            continue
        drawn = ROLES[role]
        if len(some) > 1:
            layers.append(hv.Area((some["width"], some["low"], some["high"]), x, [y, "high"]).opts(
                **drawn.band(0.12)))
        else:
            layers.append(hv.Segments((some["width"], some["low"], some["width"], some["high"]),
                                      [x, y, "end", "top"]).opts(color=drawn.colour))
        layers.append(hv.Curve((some["width"], some["loss"]), x, y, label=method).opts(
            **drawn.curve()))
        told = [("method", method), ("hidden units", "@width"), (label, f"@loss{DIGITS}"),
                ("interval", f"@low{DIGITS} to @high{DIGITS}")]
        layers.append(hv.Scatter(some, x, [y, "low", "high"], label=method).opts(
            size=8, tools=[hover(told)], **drawn.points()))
    ticks = [(int(width), str(int(width))) for width in sorted(scores["width"].unique())]
    return hv.Overlay(layers).opts(hv.opts.Overlay(
        title=title, logx=len(ticks) > 1, xticks=ticks,
        xlim=_wider(scores["width"].to_numpy(float), log=len(ticks) > 1),
        **frame(**LEGEND_BELOW, height=TALL)))


def confidence(bins: pd.DataFrame, roles: Mapping[str, str], *, said: str, happened: str
               ) -> Figure:
    """How often something happened beside the probability that was said.

    Parameters
    ----------
    bins : DataFrame
        Columns method (of `roles`), said, happened, low, high, rows.
    roles : mapping of method to role
    said, happened : str
        Labels of the axes.
    """
    if bins.empty:
        raise ValueError(f"bins must have rows, got {len(bins)}. Predict something first.")
    x, y = dimension("said", said, "share"), dimension("happened", happened, "share")
    layers: list[hv.Element] = [hv.Curve(([0, 1], [0, 1]), x, y, label="as said").opts(
        **ROLES["truth"].curve())]
    for method, role in roles.items():
        some = bins[bins["method"] == method].sort_values("said")
        told = [("method", method), (said, f"@said{DIGITS}"), (happened, f"@happened{DIGITS}")]
        drawn = ROLES[role]
        layers += [hv.Segments((some["said"], some["low"], some["said"], some["high"]),
                               [x, y, "end", "top"]).opts(color=drawn.colour, alpha=0.6,
                                                          line_width=2),
                   hv.Curve((some["said"], some["happened"]), x, y, label=method).opts(
                       **drawn.curve()),
                   hv.Scatter(some, x, [y, "rows"], label=method).opts(
                       size=8, tools=[hover([*told, ("rows", "@rows")])], **drawn.points())]
    return hv.Overlay(layers).opts(hv.opts.Overlay(
        title="Does it happen as often as is said?", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02),
        **frame(**LEGEND_BELOW, height=TALL)))


def probability_map(cells: pd.DataFrame, *, names: Sequence[str] = ("first", "second")) -> Figure:
    """Predicted probability of class 1 over two features.

    Parameters
    ----------
    cells : DataFrame
        Columns first, second, share, on a regular grid.
    names : two str
        Of the features.
    """
    if cells.empty:
        raise ValueError(f"cells must have rows, got {len(cells)}. Predict a grid first.")
    table = cells.pivot_table(index="second", columns="first", values="share")
    x, y = (dimension(place, f"feature {name}", "unit of the training rows")
            for place, name in zip(("first", "second"), names, strict=True))
    around = {name: value for name, value in frame(height=400).items() if name != "legend_opts"}
    return hv.QuadMesh((table.columns, table.index, table.to_numpy()), [x, y],
                       dimension("share", "probability of class 1", "share")).opts(
        hv.opts.QuadMesh(cmap="PuOr", clim=(0, 1), colorbar=True, clabel="probability",
                         tools=["hover"], title="What the mixture says of class 1", **around))
