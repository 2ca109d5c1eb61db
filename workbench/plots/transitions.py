"""How weights of neighbouring transitions differ: along the penalty, and at one of its values."""

from typing import Any

import holoviews as hv
import numpy as np
import pandas as pd
from bokeh.models import HoverTool
from bokeh.palettes import cividis

from workbench.plots.forests import cut, named_rows
from workbench.plots.theme import INK, ROLES, STACKED, Figure, dimension, frame, written_legend
from workbench.plots.ticks import log_ticks

__all__ = ["transition_map", "transition_paths"]

DASHES = ("solid", "dashed", "dotdash", "dotted")
DARKEST = 0.85           # share of the colour scale that lines use; its end is too light
MOST_FEATURES = 24
ROW = 26                 # pixels of a feature
MARK = {"solid": "\u2014", "dashed": "- -", "dotdash": "-\u00b7-", "dotted": "\u00b7\u00b7\u00b7"}


def transition_paths(paths: pd.DataFrame, scores: pd.DataFrame, *, feature: str, measure: str,
                     shown: float) -> Figure:
    """Weights of one feature in every transition along lambda, and below, the tuning score.

    Parameters
    ----------
    paths : DataFrame
        Columns lambda, boundary, value; the order of the boundaries is theirs.
    scores : DataFrame
        Columns lambda, score, error, crossings, fused, and chosen, true in one row.
    feature, measure : str
        What the weights are of, and what was scored.
    shown : float
        The lambda that other figures show.

    Returns
    -------
    figure : Layout
    """
    if paths.empty or scores.empty:
        raise ValueError(f"paths and scores must have rows, got {len(paths)} and {len(scores)}. "
                         "Fit a path first.")
    x = dimension("lambda", "lambda", "nats per sd, log scale")
    y = dimension("value", "weight", "log odds per sd")
    low, high = float(paths["value"].min()), float(paths["value"].max())
    span = (high - low) or 1.0
    names = list(dict.fromkeys(paths["boundary"]))
    colours = cividis(max(2, round(len(names) / DARKEST)))
    layers, left = [], float(paths["lambda"].min())
    for at, name in enumerate(names):
        some = paths[paths["boundary"] == name].sort_values("lambda")
        hover = HoverTool(tooltips=[("transition", name), ("lambda", "@lambda{0.00000}"),
                                    ("weight", "@value{0.000}")])
        look = {"color": colours[at], "line_dash": DASHES[at % 4], "line_width": 2.5}
        layers.append(hv.Curve(some, x, y, label=name).opts(tools=[hover], **look))
    places = [low - span * (0.14 + 0.12 * at) for at in range(len(names))]
    for at, (name, place) in enumerate(zip(names, places, strict=True)):
        told = {"text_align": "left", "text_font_size": "9.5pt"}
        layers += [hv.Labels([(left, place, MARK[DASHES[at % 4]])], [x, y], "told").opts(
            text_color=colours[at], text_font_style="bold", **told),
            hv.Labels([(left, place, 5 * "\u00a0" + name)], [x, y], "told").opts(
                text_color=INK, **told)]
    ends = places[-1] - 0.1 * span, high + 0.08 * span
    layers += _lines(scores, shown, x, y, (low - 0.04 * span, ends[1]))
    ticks = log_ticks(left, float(paths["lambda"].max()))
    top = hv.Overlay(layers).opts(hv.opts.Overlay(
        title=f"Weights of {cut(feature)}", logx=True, ylim=ends, show_legend=False,
        xticks=ticks, **frame(height=320 + 22 * len(names))))
    return hv.Layout([top, _tuning(scores, measure, shown, x).opts(xticks=ticks)]).cols(1).opts(
        hv.opts.Layout(**STACKED))


def _tuning(scores: pd.DataFrame, measure: str, shown: float, x: hv.Dimension) -> hv.Element:
    y = dimension("score", measure, "lower is better")
    ours, some = ROLES["ours"], scores.sort_values("lambda")
    hover = HoverTool(tooltips=[
        ("lambda", "@lambda{0.00000}"), (measure, "@score{0.0000}"),
        ("changes that are zero", "@fused"), ("rows that cross", "@crossings")])
    low, high = some["score"] - some["error"], some["score"] + some["error"]
    span = float(high.max() - low.min()) or 1.0
    left = float(some["lambda"].min())
    places = [float(low.min()) - span * (0.12 + 0.11 * at) for at in range(3)]
    ends = places[-1] - 0.1 * span, float(high.max()) + 0.05 * span
    layers = [hv.Area((some["lambda"], low, high), x, [y, "high"]).opts(**ours.band()),
              hv.Curve(some, x, y).opts(**ours.curve()),
              hv.Scatter(some, x, [y, "crossings", "fused"]).opts(
                  size=7, tools=[hover], **ours.points()),
              *_lines(scores, shown, x, y, (float(low.min()) - 0.04 * span, ends[1]))]
    layers += written_legend([("mean over folds, one standard error", "ours"),
                              ("chosen", "truth"), ("shown in the other figures", "rival")],
                             x, y, at=(left, places))
    return hv.Overlay(layers).opts(hv.opts.Overlay(
        title="Held-out score by lambda", logx=True, ylim=ends, show_legend=False,
        **frame(height=400)))


def _lines(scores: pd.DataFrame, shown: float, x: hv.Dimension, y: hv.Dimension,
           ends: tuple[float, float]) -> list[hv.Element]:
    """The chosen lambda, and the one that is shown."""
    chosen = float(scores.loc[scores["chosen"], "lambda"].iloc[0])
    return [hv.Curve(([at, at], ends), x, y).opts(**ROLES[role].curve())
            for at, role in ((shown, "rival"), (chosen, "truth"))]


def transition_map(weights: pd.DataFrame, *, title: str) -> Figure:
    """Weight of every feature in every transition, as colour; equal neighbours are fused.

    Parameters
    ----------
    weights : DataFrame
        Columns feature, boundary, value [log odds per sd], in the order of the boundaries.
    title : str
    """
    if weights.empty:
        raise ValueError(f"weights must have rows, got {len(weights)}. Fit a path first.")
    table = weights.pivot_table(index="feature", columns="boundary", values="value", sort=False)
    table = table.loc[table.abs().max(axis=1).sort_values(kind="stable").index[-MOST_FEATURES:]]
    reach = float(table.abs().to_numpy().max()) or 1.0
    across, down = np.meshgrid(np.arange(table.shape[1]), np.arange(table.shape[0]))
    cells = pd.DataFrame({
        "left": across.ravel() - 0.5, "low": down.ravel() - 0.5, "right": across.ravel() + 0.5,
        "high": down.ravel() + 0.5, "value": table.to_numpy().ravel(),
        "feature": np.repeat(table.index.to_numpy(str), table.shape[1]),
        "boundary": np.tile(table.columns.to_numpy(str), table.shape[0])})
    x = dimension("left", "transition", "from stage | to stage")
    y = dimension("low", "features", "the strongest on top")
    hover = HoverTool(tooltips=[("feature", "@feature"), ("transition", "@boundary"),
                                ("weight", "@value{0.000} log odds per sd")])
    rows = named_rows([str(name) for name in table.index])
    around: dict[str, Any] = {name: value for name, value in rows.items()
                              if not name.startswith("legend")}
    around |= {"height": max(300, 190 + ROW * len(table))}
    ticks = [(at, str(name)) for at, name in enumerate(table.columns)]
    return hv.Rectangles(cells, [x, y, "right", "high"], ["value", "feature", "boundary"]).opts(
        hv.opts.Rectangles(
            color="value", cmap="PuOr_r", clim=(-reach, reach), line_color="#ffffff",
            line_width=1, colorbar=True, clabel="log odds per sd", tools=[hover], title=title,
            xticks=ticks, xrotation=35 if max(map(len, table.columns)) > 12 else 0,
            xlim=(-0.5, table.shape[1] - 0.5), ylim=(-0.5, len(table) - 0.5), **around))
