"""What labels buy: standard errors by their number; bias and coverage by a labeller's accuracy."""

import holoviews as hv
import numpy as np
import pandas as pd
from bokeh.models import HoverTool

from workbench.plots.theme import (
    LEGEND_BELOW,
    ROLES,
    STACKED,
    Figure,
    dimension,
    frame,
    written_legend,
)

__all__ = ["LABEL_METHODS", "bias_and_coverage", "errors_by_labels"]

LABEL_METHODS = {"DSL": "ours", "gold only": "uniform", "surrogate only": "rival",
                 "PPI++": "variant"}


def errors_by_labels(curves: pd.DataFrame, points: pd.DataFrame, *, label: str) -> Figure:
    """Predicted standard error of a coefficient by the number of labels.

    Parameters
    ----------
    curves : DataFrame
        Columns method (of `LABEL_METHODS`), labels, se.
    points : DataFrame
        Columns name, labels, se: where one stands and what is planned.
    label : str
        The coefficient.
    """
    if curves.empty:
        raise ValueError(f"curves must have rows, got {len(curves)}. Predict errors for some "
                         "numbers of labels first.")
    x, y = dimension("labels", "labels in all", "documents"), dimension(
        "se", f"standard error of {label}", "unit of the coefficient")
    layers = [hv.Curve(some.sort_values("labels"), x, y, label=method).opts(**ROLES[role].curve())
              for method, role in LABEL_METHODS.items()
              if len(some := curves[curves["method"] == method])]
    tool = HoverTool(tooltips=[("", "@name"), ("labels", "@labels{0}"),
                               ("standard error", "@se{0.0000}")])
    marks = {0: ("truth", 9), 1: ("alarm", 11)}
    for at, name in enumerate(points["name"]):
        role, size = marks[min(at, 1)]
        layers.append(hv.Scatter(points.iloc[[at]], x, [y, "name"], label=str(name)).opts(
            size=size, tools=[tool], **ROLES[role].points()))
    top = float(np.nanmax([curves["se"].max(), points["se"].max()]))
    return hv.Overlay(layers).opts(hv.opts.Overlay(
        title="What further labels would buy", ylim=(0, 1.08 * top),
        **frame(**LEGEND_BELOW, height=464)))


def bias_and_coverage(table: pd.DataFrame, *, term: str, level: float = 0.95) -> Figure:
    """Bias and coverage of each method, one above the other, by the accuracy of a labeller.

    Parameters
    ----------
    table : DataFrame
        Columns accuracy, method (of `LABEL_METHODS`), bias, bias_error, coverage, coverage_error.
    term : str
        The coefficient that they are of.
    level : float
        Promised coverage.
    """
    if table.empty:
        raise ValueError(f"table must have rows, got {len(table)}. Simulate some worlds first.")
    percent = table.assign(accuracy=100 * table["accuracy"], coverage=100 * table["coverage"],
                           coverage_error=100 * table["coverage_error"])
    x = dimension("accuracy", "right surrogates", "%")
    ends = percent["accuracy"].min(), percent["accuracy"].max()
    bias = _lines(percent, x, dimension("bias", f"bias of {term}", "log odds"), "bias_error")
    cover = _lines(percent, x, dimension("coverage", f"{100 * level:g} % intervals that cover",
                                         "%"), "coverage_error")
    methods = [name for name in LABEL_METHODS if (table["method"] == name).any()]
    entries = [*((name, LABEL_METHODS[name]) for name in methods), ("truth", "truth")]
    low = min(0.0, float((table["bias"] - 2 * table["bias_error"]).min()))
    high = max(0.0, float((table["bias"] + 2 * table["bias_error"]).max()))
    span = (high - low) or 1.0
    places = [low - span * (0.12 + 0.11 * at) for at in range(len(entries))]
    bias += written_legend(entries, x, bias[0].vdims[0], at=(ends[0], places))
    pictures = ((bias, 0.0, f"Bias of {term}", (places[-1] - 0.1 * span, high + 0.08 * span)),
                (cover, 100 * level, f"Coverage, {100 * level:g} % promised", (0, 105)))
    return hv.Layout([hv.Overlay([hv.Curve((ends, (at, at)), x, layers[0].vdims[0]).opts(
        **ROLES["truth"].curve()), *layers]).opts(hv.opts.Overlay(
            title=title, ylim=ylim, xlim=(ends[0] - 1, ends[1] + 1), show_legend=False,
            **frame()))
        for layers, at, title, ylim in pictures]).cols(1).opts(hv.opts.Layout(**STACKED))


def _lines(percent: pd.DataFrame, x: hv.Dimension, y: hv.Dimension,
           error: str) -> list[hv.Element]:
    """A curve, its band of two standard errors and its marks for each method."""
    layers = []
    for method, role in LABEL_METHODS.items():
        some = percent[percent["method"] == method].sort_values("accuracy")
        if not len(some):
            continue
        drawn, value, wide = ROLES[role], some[y.name], 2 * some[error]
        hover = HoverTool(tooltips=[("method", method), (x.label, "@accuracy{0.0} %"),
                                    (y.label, f"@{y.name}{{0.000}}")])
        layers += [hv.Area((some["accuracy"], value - wide, value + wide), x, [y, "high"]).opts(
                       **drawn.band(0.12)),
                   hv.Curve((some["accuracy"], value), x, y, label=method).opts(**drawn.curve()),
                   hv.Scatter((some["accuracy"], value), x, y).opts(
                       size=7, tools=[hover], **drawn.points())]
    return layers
