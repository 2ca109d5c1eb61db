"""Scores of models: replicates with intervals, folds with the one-standard-error line, curves."""

import holoviews as hv
import numpy as np
import pandas as pd

from workbench.plots.forests import named_rows
from workbench.plots.hovers import DIGITS, hover
from workbench.plots.theme import (
    INK,
    ROLES,
    STACKED,
    Figure,
    blank,
    dimension,
    frame,
    written_legend,
)

__all__ = ["learning_and_disagreement", "replicates_and_folds"]

PAIR = ("ours", "rival")
MORE = ("ours", "rival", "variant", "uniform")


def replicates_and_folds(replicates: pd.DataFrame, scores: pd.DataFrame, *, pair: tuple[str, str],
                         score: str, level: float) -> Figure:
    """Histograms of replicates with two intervals, and below the scores of folds or data sets.

    Parameters
    ----------
    replicates : DataFrame
        Columns model, value.
    scores : DataFrame
        Columns model, place, value; empty where one test set is all there is.
    pair : (str, str)
        The two models whose replicates are drawn.
    score : str
        What the numbers are.
    level : float
        Of the percentile and the normal interval.
    """
    parts = [] if replicates.empty else [_histograms(replicates, pair, score, level)]
    parts += [] if scores.empty else [_strip(scores, pair, score)]
    if not parts:
        return blank("No replicates and no folds: this score is no mean over rows")
    return hv.Layout(parts).cols(1).opts(hv.opts.Layout(**STACKED))


def learning_and_disagreement(learning: pd.DataFrame, counts: pd.DataFrame, *,
                              pair: tuple[str, str], score: str) -> Figure:
    """Score by the number of training rows, and below how often the two models disagree.

    Parameters
    ----------
    learning : DataFrame
        Columns model, rows, value, low, high; empty where nothing was fitted.
    counts : DataFrame
        Columns first, second (words), rows.
    pair : (str, str)
    score : str
    """
    parts = [] if learning.empty else [_curves(learning, pair, score)]
    return hv.Layout([*parts, _counts(counts, pair)]).cols(1).opts(hv.opts.Layout(**STACKED))


def _histograms(replicates: pd.DataFrame, pair: tuple[str, str], score: str, level: float
                ) -> hv.Element:
    x, y = dimension("value", score, "resamples"), dimension("share", "resamples", "%")
    values = replicates["value"].to_numpy(float)
    edges = np.linspace(values.min(), values.max() + 1e-9, 31)
    layers, top = [], 0.0
    entries = []
    for name, role in zip(pair, PAIR, strict=True):
        own = replicates.loc[replicates["model"] == name, "value"].to_numpy(float)
        if not len(own):
            continue
        heights = 100 * np.histogram(own, edges)[0] / len(own)
        top = max(top, float(heights.max()))
        layers.append(hv.Histogram((edges, heights), kdims=[x], vdims=[y]).opts(
            fill_color=ROLES[role].colour, fill_alpha=0.35, line_color=ROLES[role].colour,
            line_width=0.5))
        entries.append((name, role, own))
    bars = []
    for at, (_, role, own) in enumerate(entries):
        half = float(own.std(ddof=1)) * _quantile(level) if len(own) > 1 else 0.0
        ends = {"percentile": np.quantile(own, [(1 - level) / 2, (1 + level) / 2]),
                "normal": [own.mean() - half, own.mean() + half]}
        for row, (kind, (low, high)) in enumerate(ends.items()):
            height = top * (1.08 + 0.16 * at + 0.07 * row)
            telling = hover([(kind, f"@x0{DIGITS} to @x1{DIGITS}")])
            bars.append(hv.Segments([(low, height, high, height)], [x, y, "x1", "y1"]).opts(
                color=ROLES[role].colour, line_width=4 - 2 * row, tools=[telling]))
    left = float(edges[0])
    layers += [*bars, *written_legend([(name, role) for name, role, _ in entries], x, y, at=(
        left, [top * (1.74 - 0.11 * at) for at in range(len(entries))])),
        _said("thick: percentiles; thin: normal", x, y, at=(left, 1.52 * top))]
    return hv.Overlay(layers).opts(hv.opts.Overlay(
        title=f"Resamples, {100 * level:g} %", ylim=(0, 1.84 * top), show_legend=False,
        **frame()))


def _said(words: str, x: hv.Dimension, y: hv.Dimension, *, at: tuple[float, float]) -> hv.Element:
    """One line of words within a figure."""
    return hv.Labels([(*at, words)], [x, y], "told").opts(
        text_align="left", text_font_size="9.5pt", text_color=INK)


def _strip(scores: pd.DataFrame, pair: tuple[str, str], score: str) -> hv.Element:
    """Scores of folds by model, their means, and the one-standard-error line."""
    names = list(dict.fromkeys(scores["model"]))[::-1]
    x, y = dimension("value", score, "each fold or data set"), dimension("place", "model", "dots")
    by_model = {name: scores.loc[scores["model"] == name, "value"].to_numpy(float)
                for name in names}
    best = max(names, key=lambda name: by_model[name].mean())
    own = by_model[best]
    line = own.mean() - (own.std(ddof=1) / np.sqrt(len(own)) if len(own) > 1 else 0.0)
    layers: list[hv.Element] = [hv.Curve(([line, line], [-0.5, len(names) - 0.5]), x, y).opts(
        **ROLES["truth"].curve())]
    for place, name in enumerate(names):
        role = PAIR[pair.index(name)] if name in pair else "uniform"
        values = by_model[name]
        shift = 0.36 * (np.arange(len(values)) % 9 - 4) / 4
        telling = hover([("model", name), (score, f"@value{DIGITS}"), ("number", "@number")])
        layers += [hv.Scatter((values, place + shift, np.arange(1, len(values) + 1)), x,
                              [y, "number"]).opts(size=6, alpha=0.7, tools=[telling],
                                                  **ROLES[role].points()),
                   hv.Segments([(values.mean(), place - 0.42, values.mean(), place + 0.42)],
                               [x, y, "x1", "y1"]).opts(color=ROLES[role].colour, line_width=3)]
    ends = _wide(scores["value"].min(), scores["value"].max())
    layers.append(_said("dotted: best mean - 1 SE", x, y, at=(
        ends[0] + 0.01 * (ends[1] - ends[0]), -0.85)))
    return hv.Overlay(layers).opts(hv.opts.Overlay(
        title="Scores and means", show_legend=False, xlim=ends, ylim=(-1.15, len(names) - 0.4),
        **named_rows(names)))


def _curves(learning: pd.DataFrame, pair: tuple[str, str], score: str) -> hv.Element:
    x, y = dimension("rows", "training rows", "count"), dimension("value", score, "on holdouts")
    names = [*pair, *(name for name in dict.fromkeys(learning["model"]) if name not in pair)]
    layers, entries = [], []
    for name, role in zip(names, MORE, strict=False):
        some = learning[learning["model"] == name].sort_values("rows")
        if some.empty:
            continue
        telling = hover([("model", name), ("training rows", "@rows"), (score, f"@value{DIGITS}"),
                         ("95 % interval", f"@low{DIGITS} to @high{DIGITS}")])
        if name in pair and some["low"].notna().all():
            layers.append(hv.Area((some["rows"], some["low"], some["high"]), x, [y, "high"]).opts(
                **ROLES[role].band(0.15)))
        layers += [hv.Curve((some["rows"], some["value"]), x, y).opts(**ROLES[role].curve()),
                   hv.Scatter(some, x, [y, "low", "high"]).opts(size=6, tools=[telling],
                                                                **ROLES[role].points())]
        entries.append((name, role))
    low = float(np.nanmin(learning[["low", "value"]].to_numpy(float)))
    high = float(np.nanmax(learning[["high", "value"]].to_numpy(float)))
    span = (high - low) or 1.0
    places = [low - span * (0.1 + 0.11 * at) for at in range(len(entries))]
    layers += written_legend(entries, x, y, at=(float(learning["rows"].min()), places))
    return hv.Overlay(layers).opts(hv.opts.Overlay(
        title="Learning curves", show_legend=False,
        xlim=_wide(learning["rows"].min(), learning["rows"].max()),
        ylim=(places[-1] - 0.12 * span, high + 0.05 * span), **frame()))


def _counts(counts: pd.DataFrame, pair: tuple[str, str]) -> hv.Element:
    """A table of who is right or better, darker where it is commoner."""
    if counts.empty:
        raise ValueError(f"counts must have rows, got {len(counts)}. Compare two models first.")
    x = dimension("first", pair[0], "first model")
    y = dimension("second", pair[1], "second model")
    total = max(1, int(counts["rows"].sum()))
    shown = counts.assign(share=100 * counts["rows"] / total, told=[
        f"{rows} ({100 * rows / total:.0f} %)" for rows in counts["rows"]])
    cells = hv.HeatMap(shown, [x, y], [dimension("share", "rows", "%"), "rows"]).opts(
        cmap=["#ffffff", "#d6e6f2", "#9cc4e0"], clim=(0, 100), line_color="#8a9199",
        tools=[hover([(pair[0], "@first"), (pair[1], "@second"), ("rows", "@rows")])])
    words = hv.Labels(shown, [x, y], "told").opts(text_color=INK, text_font_size="11pt")
    return (cells * words).opts(hv.opts.Overlay(
        title="Where they agree", show_legend=False,
        **frame(height=300, show_grid=False)))


def _wide(low: float, high: float) -> tuple[float, float]:
    """Ends of an axis with room for marks at both."""
    room = 0.03 * (float(high - low) or 1.0)
    return float(low) - room, float(high) + room


def _quantile(level: float) -> float:
    from scipy.stats import norm

    return float(norm.ppf(0.5 + level / 2))
