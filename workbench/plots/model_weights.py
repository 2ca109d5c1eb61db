"""Weights of models at each quantile level, and along a feature, relative to uniform."""

import holoviews as hv
import numpy as np
import pandas as pd
from bokeh.models import FixedTicker, HoverTool

from workbench.core.weights import effective_size
from workbench.plots.theme import ROLES, STACKED, Figure, dimension, frame, written_legend

__all__ = ["level_weight_map", "model_weight_map"]

FARTHEST = 3             # doublings from uniform at which the colour ends
CURVES = ("ours", "rival", "variant")
TIMES = {k: f"{2 ** k}" if k >= 0 else f"1/{2 ** -k}" for k in range(-FARTHEST, FARTHEST + 1)}


def model_weight_map(weights: pd.DataFrame, along: pd.DataFrame, *, feature: str) -> Figure:
    """Two maps of trust: model by level, and below it model by feature.

    Parameters
    ----------
    weights : DataFrame
        Columns model, level, weight: times uniform, averaged over rows.
    along : DataFrame
        Columns x, model, weight: times uniform, averaged over levels and over the rows near x.
    feature : str
        What x is.

    Returns
    -------
    figure : Layout
        The map, and curves of the three heaviest models.
    """
    if weights.empty or along.empty:
        raise ValueError(f"weights and along must have rows, got {len(weights)} and {len(along)}."
                         " Fit an aggregator first.")
    return hv.Layout([_map(weights), _curves(along, feature)]).cols(1).opts(
        hv.opts.Layout(**STACKED))


def level_weight_map(weights: pd.DataFrame, *, title: str = "", level: str = "quantile level"
                     ) -> Figure:
    """Map of trust: model by level.

    Parameters
    ----------
    weights : DataFrame
        Columns model, level, weight: times uniform.
    title : str
        Empty tells how many equal models they count like.
    level : str
        Whose level it is.
    """
    if weights.empty:
        raise ValueError(f"weights must have rows, got {len(weights)}. Fit an aggregator first.")
    shown = _map(weights, level)
    return shown.opts(title=title) if title else shown


def _map(weights: pd.DataFrame, level: str = "quantile level") -> hv.Element:
    mean = weights.groupby("model", sort=False)["weight"].mean().sort_values()
    place = {model: at for at, model in enumerate(mean.index)}
    levels = np.unique(weights["level"])
    middles = (levels[1:] + levels[:-1]) / 2
    edges = np.concatenate([[max(0.0, 2 * levels[0] - middles[0])], middles,
                            [min(1.0, 2 * levels[-1] - middles[-1])]]) if len(middles) else [0, 1]
    left = dict(zip(levels, edges[:-1], strict=True))
    right = dict(zip(levels, edges[1:], strict=True))
    row = weights["model"].map(place)
    with np.errstate(divide="ignore"):
        doublings = np.log2(weights["weight"].to_numpy(dtype=float))
    cells = pd.DataFrame({
        "level_low": weights["level"].map(left), "model_low": row - 0.5,
        "level_high": weights["level"].map(right), "model_high": row + 0.5,
        "doublings": doublings.clip(-FARTHEST, FARTHEST), "model": weights["model"],
        "level": weights["level"], "weight": weights["weight"]})
    x = dimension("level_low", level, "share of outcomes below")
    y = dimension("model_low", "models", "the heaviest on top")
    hover = HoverTool(tooltips=[("model", "@model"), ("level", "@level{0.[000]}"),
                                ("weight", "@weight{0.[00]} times uniform")])
    shown = hv.Rectangles(cells, [x, y, "level_high", "model_high"],
                          ["doublings", "model", "level", "weight"])
    bar = {"ticker": FixedTicker(ticks=list(TIMES)), "major_label_overrides": TIMES}
    size = effective_size(mean.to_numpy())
    return shown.opts(hv.opts.Rectangles(
        color="doublings", cmap="PuOr_r", clim=(-FARTHEST, FARTHEST), line_color="#ffffff",
        line_width=0.5, colorbar=True, colorbar_opts=bar, clabel="times uniform", tools=[hover],
        yticks=[(at, model) for model, at in place.items()], ylim=(-0.5, len(place) - 0.5),
        xlim=(float(edges[0]), float(edges[-1])),
        title=f"{len(place)} models count like {size:.3g} equal ones",
        **frame(height=max(240, 110 + 34 * len(place)), show_grid=False)))


def _curves(along: pd.DataFrame, feature: str) -> hv.Element:
    x = dimension("x", feature, "unit of the table")
    y = dimension("weight", "weight", "times uniform")
    ends = [float(along["x"].min()), float(along["x"].max())]
    layers = [hv.Curve((ends, [1.0, 1.0]), x, y, label="uniform").opts(
        **ROLES["uniform"].curve())]
    heaviest = along.groupby("model")["weight"].mean().sort_values(ascending=False).index
    entries = [("uniform", "uniform")]
    for model, role in zip(heaviest[:len(CURVES)], CURVES, strict=False):
        entries.append((str(model), role))
        some = along[along["model"] == model].sort_values("x")
        drawn = np.maximum(some["weight"], 2.0 ** -FARTHEST)
        layers.append(hv.Curve((some["x"], drawn), x, y, label=str(model)).opts(
            **ROLES[role].curve()))
        layers.append(hv.Scatter((some["x"], drawn), x, y, label=str(model)).opts(
            size=5, **ROLES[role].points()))
    low = max(2.0 ** -FARTHEST, min(0.5, float(along["weight"].min())) / 1.2)
    top = max(2.0, float(along["weight"].max())) * 1.2
    step = (top / low) ** 0.08
    heights = [top * step ** (len(entries) - place - 0.5) for place in range(len(entries))]
    edge = 0.02 * (ends[1] - ends[0]) or 0.5
    layers += written_legend(entries, x, y, at=(ends[0], heights))
    ticks = [(2.0 ** k, TIMES.get(k, f"{2 ** k}")) for k in range(-FARTHEST, 8)
             if low <= 2.0 ** k <= top]
    return hv.Overlay(layers).opts(hv.opts.Overlay(
        title="Weight of the heaviest models", logy=True, yticks=ticks, show_legend=False,
        xlim=(ends[0] - edge, ends[1] + edge), ylim=(low, top * step ** len(entries)), **frame()))
