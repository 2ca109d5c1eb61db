"""What reuse of a holdout does: scores by features, errors by queries, bounds, a leaderboard."""

from collections.abc import Mapping, Sequence

import holoviews as hv
import numpy as np
import pandas as pd

from workbench.plots.hovers import DIGITS, hover
from workbench.plots.theme import (
    LEGEND_BELOW,
    ROLES,
    STACKED,
    Figure,
    dimension,
    frame,
    written_legend,
)

__all__ = ["bounds_by_rows", "errors_by_reuse", "leaderboard", "scores_by_features"]

PARTS = {"train": ("training rows", "rival"), "answer": ("holdout's answer", "ours"),
         "fresh": ("fresh rows", "truth")}
METHODS = {"plain": "plain holdout", "split": "fresh rows for each", "laplace": "Laplace noise",
           "gaussian": "normal noise", "thresholdout": "Thresholdout",
           "chosen beforehand": "chosen beforehand"}
METHOD_ROLES = {"plain": "uniform", "chosen beforehand": "uniform", "split": "rival",
                "laplace": "variant", "gaussian": "variant", "thresholdout": "ours"}


def scores_by_features(curves: pd.DataFrame, *, label: str) -> Figure:
    """Training, holdout and fresh score by the number of features: plain above, protected below.

    Parameters
    ----------
    curves : DataFrame
        Columns method (plain, thresholdout), part (train, answer, fresh), k, value, low, high;
        values as shares.
    label : str
        Of the score.
    """
    if curves.empty:
        raise ValueError(f"curves must have rows, got {len(curves)}. Run the analyst first.")
    x, y = dimension("k", "features that vote"), dimension("value", label, "%")
    percent = curves.assign(**{name: 100 * curves[name] for name in ("value", "low", "high")})
    low, high = float(percent["low"].min()), float(percent["high"].max())
    span = (high - low) or 1.0
    pictures = []
    for method, title in (("plain", "The plain holdout"), ("thresholdout", "Thresholdout")):
        layers: list[hv.Element] = []
        for part, (name, role) in PARTS.items():
            some = percent[(percent["method"] == method) & (percent["part"] == part)]
            some = some.sort_values("k").reset_index(drop=True)
            layers += _banded(some, x, y, name, role)
        bottom = low - 0.05 * span
        if method == "plain":
            places = [low - span * (0.16 + 0.13 * at) for at in range(len(PARTS))]
            layers += written_legend(list(PARTS.values()), x, y, at=(
                float(percent["k"].min()), places))
            bottom = places[-1] - 0.1 * span
        pictures.append(hv.Overlay(layers).opts(hv.opts.Overlay(
            title=title, ylim=(bottom, high + 0.05 * span), show_legend=False, **frame())))
    return hv.Layout(pictures).cols(1).opts(hv.opts.Layout(**STACKED))


def errors_by_reuse(errors: pd.DataFrame, *, names: Sequence[str]) -> Figure:
    """Root mean square error of the last answer by the number of queries before it.

    Parameters
    ----------
    errors : DataFrame
        Columns mechanism, queries, rms, low, high; NaN where the budget had ended.
    names : sequence of str
        At most four mechanisms.
    """
    x = dimension("queries", "queries before the last one")
    y = dimension("rms", "error of the last answer", "percentage points")
    layers: list[hv.Element] = []
    for name in names:
        some = errors[(errors["mechanism"] == name) & errors["rms"].notna()]
        if len(some):
            scaled = pd.DataFrame({"queries": some["queries"], "rms": 100 * some["rms"],
                                   "low": 100 * some["low"], "high": 100 * some["high"]})
            layers += _banded(scaled.reset_index(drop=True), x, y, METHODS[name],
                              METHOD_ROLES[name])
    if not layers:
        raise ValueError("errors must have a finite one, got none. Ask fewer queries.")
    return hv.Overlay(layers).opts(hv.opts.Overlay(
        title="Observed errors under attack", logx=True,
        xlim=(0.9 * float(errors["queries"].min()), 1.15 * float(errors["queries"].max())),
        xticks=[(int(at), f"{at:,}") for at in sorted(errors["queries"].unique())[::2]],
        **frame(**LEGEND_BELOW, height=474)))


def bounds_by_rows(bounds: pd.DataFrame, own: tuple[int, float, str], *,
                   queries: int) -> Figure:
    """Certified error by the number of rows, on logarithmic axes.

    Parameters
    ----------
    bounds : DataFrame
        Columns mechanism, n, tau.
    own : (int, float, str)
        Rows, certified error and name of the settings of the run; infinite draws none.
    queries : int
    """
    x, y = dimension("n", "rows of the holdout"), dimension("tau", "certified error", "points")
    layers: list[hv.Element] = [hv.Curve(
        ([bounds["n"].min(), bounds["n"].max()], [50, 50]), x, y, label="says nothing above").opts(
            **ROLES["truth"].curve())]
    for name, role in METHOD_ROLES.items():
        some = bounds[bounds["mechanism"] == name]
        if len(some):
            layers.append(hv.Curve((some["n"], 100 * some["tau"]), x, y, label=METHODS[name]).opts(
                tools=[hover([(METHODS[name], "@tau" + DIGITS), ("rows", "@n" + DIGITS)])],
                **ROLES[role].curve()))
    if np.isfinite(own[1]):
        layers.append(hv.Scatter([(own[0], 100 * min(own[1], 1.0))], x, y, label=own[2]).opts(
            size=11, **ROLES["alarm"].points()))
    return hv.Overlay(layers).opts(hv.opts.Overlay(
        title=f"Bounds for {queries:,} queries", logx=True, logy=True,
        xlim=(0.8 * min(own[0], bounds["n"].min()), bounds["n"].max()), ylim=(0.01, 150),
        **frame(**LEGEND_BELOW, height=490)))


def leaderboard(moves: pd.DataFrame, *, styles: Mapping[str, tuple[str, str]]) -> Figure:
    """Scores of each submission, and below what was left of the budget after it.

    Parameters
    ----------
    moves : DataFrame
        Columns submission, remaining, and one of scores for each of `styles`, NaN where refused;
        further columns of text show on hover.
    styles : mapping of column to (name, role)
    """
    if moves.empty:
        raise ValueError(f"moves must have rows, got {len(moves)}. Submit a column first.")
    x, y = dimension("submission", "submission"), dimension("score", "score", "%")
    more = [str(name) for name in moves if moves[name].dtype.kind == "O"]
    layers: list[hv.Element] = []
    for kind, (name, role) in styles.items():
        some = moves[moves[kind].notna()]
        table = some[["submission", *more]].assign(score=100 * some[kind])
        tool = hover([(name, "@score" + DIGITS), *((each, f"@{{{each}}}") for each in more)])
        layers += [hv.Curve(table, x, y).opts(**ROLES[role].curve()),
                   hv.Scatter(table, x, [y, *more], label=name).opts(
                       size=6, tools=[tool], **ROLES[role].points())]
    values = 100 * moves[list(styles)].to_numpy(float)
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    span = max(high - low, 1.0)
    places = [low - span * (0.16 + 0.13 * at) for at in range(len(styles))]
    layers += written_legend(list(styles.values()), x, y, at=(1.0, places))
    top = hv.Overlay(layers).opts(hv.opts.Overlay(
        title="The leaderboard", ylim=(places[-1] - 0.1 * span, high + 0.08 * span),
        xticks=_whole(moves), show_legend=False, **frame(height=420)))
    return hv.Layout([top, _burned(moves, x)]).cols(1).opts(hv.opts.Layout(**STACKED))


def _banded(some: pd.DataFrame, x: hv.Dimension, y: hv.Dimension, name: str,
            role: str) -> list[hv.Element]:
    """A curve with its marks and band."""
    drawn = ROLES[role]
    tool = hover([(name, f"@{y.name}" + DIGITS), (x.label, f"@{x.name}"),
                  ("interval", f"@low{DIGITS} to @high{DIGITS}")])
    band = hv.Area((some[x.name], some["low"], some["high"]), x, [y, "high"])
    return [band.opts(**drawn.band(0.14)),
            hv.Curve((some[x.name], some[y.name]), x, y, label=name).opts(**drawn.curve()),
            hv.Scatter(some, x, [y, "low", "high"]).opts(size=6, tools=[tool], **drawn.points())]


def _burned(moves: pd.DataFrame, x: hv.Dimension) -> hv.Element:
    """What is left of the budget after each submission."""
    y = dimension("remaining", "left of the budget")
    if moves["remaining"].isna().all():
        some, title = moves.assign(remaining=0.0), "The budget has no end"
    else:
        some, title = moves, "What is left of the budget"
    table = some[["submission", "remaining"]]
    steps = hv.Curve(table, x, y).opts(interpolation="steps-post", **ROLES["ours"].curve())
    marks = hv.Scatter(table, x, y).opts(
        size=7, tools=[hover([("left", "@remaining"), ("submission", "@submission")])],
        **ROLES["ours"].points())
    return hv.Overlay([steps, marks]).opts(hv.opts.Overlay(
        title=title, ylim=(0, max(1.0, 1.1 * float(table["remaining"].max()))),
        xticks=_whole(moves), show_legend=False, **frame(height=240)))


def _whole(moves: pd.DataFrame) -> list[int]:
    """Numbers of submissions for an axis."""
    return list(range(1, len(moves) + 1, max(1, len(moves) // 6)))
