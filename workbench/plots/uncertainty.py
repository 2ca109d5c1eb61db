"""Bands and posteriors: numbers drawn with what is not known about them."""

import holoviews as hv
import numpy as np
import pandas as pd

from workbench.core import check
from workbench.plots.theme import LEGEND_BELOW, ROLES, Figure, dimension, frame

__all__ = ["posterior", "trend_bands"]

MOST_POINTS = 5000       # a browser stays quick below; above, points are thinned evenly


def trend_bands(bands: pd.DataFrame, points: pd.DataFrame, *, baseline: pd.DataFrame | None = None,
                label: str = "score", unit: str = "points") -> Figure:
    """Scores over time with the trend's posterior band and the predictive band.

    Parameters
    ----------
    bands : DataFrame
        Columns date, mean, low, high, and predictive_low, predictive_high.
    points : DataFrame
        Columns date, score, and weight relative to uniform (1 counts like the average score);
        further columns show on hover.
    baseline : DataFrame, optional
        Columns date, mean: the trend with uniform weights.
    label, unit : str
        Of the scores.
    """
    if bands.empty or points.empty:
        raise ValueError(f"bands and points must have rows, got {len(bands)} and {len(points)}. "
                         "Fit a trend first.")
    x, y = dimension("date", "date"), dimension("score", label, unit)
    ours = ROLES["ours"]
    predictive = hv.Area((bands["date"], bands["predictive_low"], bands["predictive_high"]),
                         x, [y, "high"], label="new score").opts(**ours.band(0.09))
    posterior_band = hv.Area((bands["date"], bands["low"], bands["high"]), x, [y, "high"],
                             label="trend band").opts(**ours.band(0.28))
    curve = hv.Curve((bands["date"], bands["mean"]), x, y, label="trend").opts(**ours.curve())
    layers = [predictive, posterior_band, *_scores(points, x, y)]
    if baseline is not None:
        grey = hv.Curve((baseline["date"], baseline["mean"]), x, y,
                        label="uniform weights")
        layers.append(grey.opts(**ROLES["uniform"].curve()))
    title = {"title": f"{label.capitalize()} over time"}
    return hv.Overlay([*layers, curve]).opts(
        hv.opts.Overlay(**frame(**LEGEND_BELOW, height=474), **title))


def _scores(points: pd.DataFrame, x: hv.Dimension, y: hv.Dimension) -> list[hv.Element]:
    """Scores that count, and those that count less than a third, as alarms."""
    shown = points.iloc[::max(1, -(-len(points) // MOST_POINTS))]
    others = [column for column in shown.columns if column not in ("date", "score")]
    doubted = shown["weight"] < 1 / 3
    layers = []
    for rows, label, role, size in ((shown[~doubted], "score", "truth", 4),
                                    (shown[doubted], "score with weight below 1/3",
                                     "alarm", 8)):
        if len(rows):
            marks = hv.Scatter(rows, x, [y, *others], label=label)
            layers.append(marks.opts(size=size, alpha=0.6, tools=["hover"],
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
