"""Bands and posteriors: numbers drawn with what is not known about them."""

import holoviews as hv
import numpy as np
import pandas as pd
from bokeh.models import HoverTool

from workbench.core import check
from workbench.plots.crowds import MOST_RAW, Crowd, crowd_image
from workbench.plots.theme import LEGEND_BELOW, ROLES, Figure, dimension, frame

__all__ = ["posterior", "trend_bands"]

MOST_DOUBTED = 500       # scores with little weight that are marked where scores are only counted


def trend_bands(
        bands: pd.DataFrame, points: pd.DataFrame, *, baseline: pd.DataFrame | None = None,
        rival: pd.DataFrame | None = None, label: str = "score", unit: str = "points") -> Figure:
    """Scores over time with the trend's posterior band and the predictive band.

    Parameters
    ----------
    bands : DataFrame
        Columns date, mean, low, high, and predictive_low, predictive_high.
    points : DataFrame
        Columns date, score, and weight relative to uniform (1 counts like the average score);
        further columns show on hover, except name, which names the points for those who choose
        one. Without rows the bands stand alone.
    baseline : DataFrame, optional
        Columns date, mean: the trend with uniform weights; and low, high, where its band is drawn.
    rival : DataFrame, optional
        Columns date, mean, low, high and model: the trend of another model, which is named.
    label, unit : str
        Of the scores.
    """
    if bands.empty:
        raise ValueError(f"bands must have rows, got {len(bands)}. Fit a trend first.")
    x, y = dimension("date", "date"), dimension("score", label, unit)
    ours = ROLES["ours"]
    predictive = hv.Area((bands["date"], bands["predictive_low"], bands["predictive_high"]),
                         x, [y, "high"], label="new score").opts(**ours.band(0.09))
    posterior_band = hv.Area((bands["date"], bands["low"], bands["high"]), x, [y, "high"],
                             label="trend band").opts(**ours.band(0.28))
    curve = hv.Curve((bands["date"], bands["mean"]), x, y, label="trend").opts(**ours.curve())
    layers = [predictive, posterior_band, *_scores(points, x, y)]
    if baseline is not None:
        layers += _beside(baseline, x, y, ("uniform weights", "uniform"))
    if rival is not None:
        layers += _beside(rival, x, y, (str(rival["model"].iloc[0]), "rival"))
    height = 540 if len(points) > MOST_RAW else 474         # room for the scale of counts
    return hv.Overlay([*layers, curve]).opts(hv.opts.Overlay(
        title=f"{label.capitalize()} over time", **frame(**LEGEND_BELOW, height=height)))


def _beside(table: pd.DataFrame, x: hv.Dimension, y: hv.Dimension,
            told: tuple[str, str]) -> list[hv.Element]:
    """Another trend, with its band where it has one: an edge tells it from the one below."""
    name, role = told[0], ROLES[told[1]]
    layers = [hv.Curve((table["date"], table["mean"]), x, y, label=name).opts(**role.curve())]
    if {"low", "high"} <= {*table.columns}:
        edge = {"color": role.colour, "alpha": 0.2, "line_color": role.colour, "line_alpha": 0.9,
                "line_dash": role.dash}
        layers.insert(0, hv.Area((table["date"], table["low"], table["high"]), x, [y, "high"],
                                 label=f"{name}, band").opts(**edge))
    return layers


def _scores(points: pd.DataFrame, x: hv.Dimension, y: hv.Dimension) -> list[hv.Element]:
    """Scores that count, and those that count less than a third, as alarms.

    Where there are too many, all are counted, and those that count least are marked besides.
    """
    doubted, layers, told = points["weight"] < 1 / 3, [], "score with weight below 1/3"
    kinds = [(points[~doubted], "score", "truth", 4), (points[doubted], told, "alarm", 8)]
    if len(points) > MOST_RAW:
        crowd = Crowd(points["date"].to_numpy(), points["score"].to_numpy())
        layers.append(crowd_image(crowd, x, y, what="scores"))
        least = points[doubted].nsmallest(MOST_DOUBTED, "weight")
        if len(least) < doubted.sum():
            told = f"{len(least)} of {doubted.sum():,} scores with weight below 1/3"
        kinds = [(least, told, "alarm", 6)]
    others = [column for column in points.columns if column not in ("date", "score")]
    hover = [("date", "@date{%F}"), ("score", "@score{0.[0000]}"), *(
        (name, "@weight{0.[000]} times uniform" if name == "weight" else f"@{name}")
        for name in others if name != "name")]
    for rows, label, role, size in kinds:
        if len(rows):
            marks = hv.Scatter(rows, x, [y, *others], label=label)
            tool = HoverTool(tooltips=hover, formatters={"@date": "datetime"}, limit=3)
            layers.append(marks.opts(size=size, alpha=0.6, tools=[tool], line_color=None,
                                     **ROLES[role].points()))
    return layers


def posterior(draws: np.ndarray, *, label: str, unit: str, prior: np.ndarray | None = None,
              uniform: np.ndarray | None = None, level: float = 0.9) -> Figure:
    """Posterior density of a change, its interval, and the share of it below zero.

    Parameters
    ----------
    draws : array, shape (draws,)
    label, unit : str
        Of the number.
    prior, uniform : array, shape (any,), optional
        Draws of the prior, and of the posterior with uniform weights.
    level : float
        Probability content of the interval under the curve.
    """
    check.finite(draws=draws)
    x = dimension("value", label, unit)
    y = dimension("density", "posterior density", f"1 / ({unit})")
    ours = ROLES["ours"]
    grid, height = _density(draws)
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    inside = (grid >= low) & (grid <= high)
    layers = [
        hv.Area((grid[inside], height[inside]), x, y,
                label=f"{100 * level:g} % interval").opts(**ours.band()),
        hv.Curve((grid, height), x, y, label="posterior").opts(**ours.curve()),
        hv.Curve(([0.0, 0.0], [0.0, height.max()]), x, y,
                 label="no change").opts(**ROLES["truth"].curve()),
    ]
    shown = [grid, np.zeros(1)]
    if uniform is not None:
        layers.append(hv.Curve(_density(uniform), x, y, label="uniform weights").opts(
            **ROLES["uniform"].curve()))
        shown.append(_density(uniform)[0])
    if prior is not None:
        layers.append(hv.Curve(_density(prior), x, y, label="prior").opts(
            **ROLES["variant"].curve()))
    below = (float(np.sum(draws < 0)) + 0.5) / (len(draws) + 1)    # never quite certain
    ends = np.concatenate(shown)
    edge = 0.03 * np.ptp(ends)
    return hv.Overlay(layers).opts(hv.opts.Overlay(
        title=f"{100 * below:.4g} % of the posterior is below zero",
        xlim=(ends.min() - edge, ends.max() + edge),
        **frame(**LEGEND_BELOW, height=464)))


def _density(draws: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    from scipy.stats import gaussian_kde

    if np.ptp(draws) == 0:
        raise ValueError(f"draws must differ to have a density, got {len(draws)} times "
                         f"{draws.flat[0]:g}. Show the number itself.")
    thinned = draws[::max(1, len(draws) // 4000)]
    margin = 0.15 * np.ptp(thinned)
    grid = np.linspace(thinned.min() - margin, thinned.max() + margin, 300)
    return grid, gaussian_kde(thinned)(grid)
