"""How good quantiles are: scores beside rivals, reliability, width, coverage by group."""

import holoviews as hv
import numpy as np
import pandas as pd
from bokeh.models import HoverTool

from workbench.plots.forests import dots, named_rows
from workbench.plots.theme import (
    ROLES,
    STACKED,
    Figure,
    dimension,
    frame,
    written_legend,
)

__all__ = ["coverage_by_group", "relative_scores", "reliability"]

STAGES = {"uncalibrated": "variant", "calibrated": "ours"}
KINDS = {"this aggregate": "ours", "other aggregate": "rival", "one model": "variant"}


def relative_scores(scores: pd.DataFrame, *, level: float = 0.9) -> Figure:
    """Score of each method relative to the equal average; smaller is better.

    Parameters
    ----------
    scores : DataFrame
        Columns method, kind (one of `KINDS`), ratio, low, high.
    level : float
        Probability content of the intervals.
    """
    _some(scores=scores)
    ordered = scores.sort_values("ratio", ascending=False).reset_index(drop=True)
    ordered = ordered.assign(place=np.arange(len(ordered), dtype=float))
    x = dimension("ratio", "WIS over that of the average", "1 is equal")
    y = dimension("place", "methods", "best on top")
    floor, roof = 2.0 ** -4, 2.0 ** 7      # the average may lose nothing, where another does
    ordered = ordered.replace({name: {np.inf: roof} for name in ("ratio", "low", "high")})
    low, high = max(floor, float(ordered["low"].min()) / 1.1), float(ordered["high"].max()) * 1.1
    layers = [hv.Curve(([1.0, 1.0], [-0.5, len(ordered) - 0.5]), x, y,
                       label="equal average").opts(**ROLES["uniform"].curve())]
    for kind, role in KINDS.items():
        some = ordered[ordered["kind"] == kind]
        if len(some):
            layers += dots(some, x, y, label=kind, role=role,
                            tooltips=[("method", "@method"), ("relative", "@ratio{0.[000]}"),
                                      (f"{100 * level:g} % interval",
                                       "@low{0.[000]} to @high{0.[000]}")])
    low, high = min(low, 0.8), max(high, 1.25)
    return hv.Overlay(layers).opts(hv.opts.Overlay(
        title="Scores, smaller is better", logx=True, xlim=(low, high), xticks=_ticks(low, high),
        ylim=(-0.5, len(ordered) - 0.5), **named_rows(ordered["method"])))


def reliability(levels: pd.DataFrame, widths: pd.DataFrame, *, unit: str) -> Figure:
    """Two pictures of one promise: levels against frequencies, and below, width for coverage.

    Parameters
    ----------
    levels : DataFrame
        Columns stage (of `STAGES`), level, frequency, low, high.
    widths : DataFrame
        Columns stage, promised, coverage, width, endless (share without an end); widths that are
        not finite are not drawn.
    unit : str
        Of the outcome.
    """
    _some(levels=levels, widths=widths)
    x = dimension("level", "promised level", "%")
    y = dimension("frequency", "outcomes below", "%")
    layers = [hv.Curve(([0, 100], [0, 100]), x, y, label="promise").opts(
        **ROLES["truth"].curve())]
    for stage, some in _staged(levels):
        role, percent = ROLES[STAGES[stage]], 100 * some[["level", "frequency", "low", "high"]]
        if stage == "calibrated" or levels["stage"].nunique() == 1:
            layers.append(hv.Area((percent["level"], percent["low"], percent["high"]), x,
                                  [y, "high"], label="by chance").opts(**role.band()))
        layers.append(hv.Curve((percent["level"], percent["frequency"]), x, y,
                               label=stage).opts(**role.curve()))
    entries = [("promise", "truth"), *((stage, STAGES[stage]) for stage, _ in _staged(levels))]
    layers += written_legend(entries, x, y, at=(4, [92 - 9 * at for at in range(len(entries))]))
    first = hv.Overlay(layers).opts(hv.opts.Overlay(
        title="Outcomes below each quantile", xlim=(0, 100), ylim=(0, 100),
        show_legend=False, **frame()))
    return hv.Layout([first, _widths(widths, unit)]).cols(1).opts(
        hv.opts.Layout(**STACKED))


def coverage_by_group(groups: pd.DataFrame, *, promise: float, feature: str) -> Figure:
    """Coverage of each group with its binomial interval, before and after calibration.

    Parameters
    ----------
    groups : DataFrame
        Columns stage (of `STAGES`), group (in the order of the figure), n, coverage, low, high,
        width.
    promise : float
        The promised coverage.
    feature : str
        What the groups are made of.
    """
    _some(groups=groups)
    names = list(dict.fromkeys(groups["group"]))[::-1]
    stages = [stage for stage in STAGES if (groups["stage"] == stage).any()]
    x = dimension("coverage", "coverage", "%")
    y = dimension("place", feature, "groups")
    layers = [hv.Curve(([100 * promise] * 2, [-0.5, len(names) - 0.5]), x, y,
                       label="promise").opts(**ROLES["truth"].curve())]
    for stage, some in _staged(groups):
        shift = 0.0 if len(stages) == 1 else (0.14 if stage == stages[0] else -0.14)
        percent = some.assign(place=[names.index(name) + shift for name in some["group"]],
                              **{name: 100 * some[name] for name in ("coverage", "low", "high")})
        broken = ~((percent["low"] <= 100 * promise) & (percent["high"] >= 100 * promise))
        for rows, label, role in ((percent[~broken], stage, STAGES[stage]),
                                  (percent[broken], "off the promise", "alarm")):
            if len(rows):
                layers += dots(rows, x, y, label=label, role=role,
                                tooltips=[("group", "@group"), ("rows", "@n"),
                                          ("coverage", "@coverage{0.0} %"),
                                          ("by chance", "@low{0.0} to @high{0.0} %"),
                                          ("mean width", "@width{0.[0000]}")])
    return hv.Overlay(layers).opts(hv.opts.Overlay(
        title=f"{100 * promise:g} % promised per group", xlim=(-3, 103),
        ylim=(-0.5, len(names) - 0.5), **named_rows(names)))


def _widths(widths: pd.DataFrame, unit: str) -> hv.Element:
    x = dimension("coverage", "coverage", "%")
    y = dimension("width", "mean width of the interval", unit)
    hover = HoverTool(tooltips=[("promised", "@promised{0.0} %"), ("covers", "@coverage{0.0} %"),
                                ("mean width", "@width{0.[0000]}"),
                                ("without an end", "@endless{0.0} % of rows")])
    layers = []
    shown = widths[np.isfinite(widths["width"])]
    for stage, some in _staged(shown):
        role = ROLES[STAGES[stage]]
        percent = some.assign(coverage=100 * some["coverage"], promised=100 * some["promised"],
                              endless=100 * some["endless"])
        percent = percent.sort_values("promised")
        layers.append(hv.Curve(percent, x, y, label=stage).opts(**role.curve()))
        layers.append(hv.Scatter(percent, x, [y, "promised", "endless"], label=stage).opts(
            size=6, tools=[hover], **role.points()))
    top = float(shown["width"].max()) if len(shown) else 1.0
    entries = [(stage, STAGES[stage]) for stage, _ in _staged(shown)]
    layers += written_legend(entries or [("every interval is infinite", "alarm")], x, y,
                             at=(4, [top * (1 - 0.09 * at) for at in range(len(entries) or 1)]))
    return hv.Overlay(layers).opts(hv.opts.Overlay(
        title="What width buys", xlim=(0, 103), ylim=(0, 1.08 * top), show_legend=False,
        **frame()))


def _ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Ratios to name on an axis of ratios: powers of two, or finer where there are few."""
    fine = [0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0]
    if high / low < 4:
        return [(at, f"{at:g}") for at in fine if low <= at <= high]
    return [(2.0 ** k, f"{2.0 ** k:g}" if k >= 0 else f"1/{2 ** -k}") for k in range(-4, 8)]


def _staged(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    return [(stage, table[table["stage"] == stage]) for stage in STAGES
            if (table["stage"] == stage).any()]


def _some(**tables: pd.DataFrame) -> None:
    for name, table in tables.items():
        if table.empty:
            raise ValueError(f"{name} must have rows, got {len(table)}. Score some rows first.")
