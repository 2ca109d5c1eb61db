"""Probabilities of ordered stages: errors beside rivals, calibration, spread, single rows."""

import holoviews as hv
import numpy as np
import pandas as pd
from bokeh.models import HoverTool

from workbench.plots.forests import named_rows
from workbench.plots.theme import (
    LEGEND_BELOW,
    ROLES,
    STACKED,
    Figure,
    dimension,
    frame,
    written_legend,
)
from workbench.plots.ticks import ticks_up_to

__all__ = ["STAGE_METHODS", "error_boxes", "rare_calibration", "rare_scatter", "stage_lines"]

STAGE_METHODS = {"PRESTO": "ours", "proportional odds": "rival", "logistic regression": "uniform",
                 "multinomial": "variant", "truth": "truth"}
TICKS = (0.0001, 0.001, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99, 0.999, 0.9999)
FARTHEST = 14.0          # log odds that are drawn


def error_boxes(ratios: pd.DataFrame, *, beside: str) -> Figure:
    """Error of each method over that of one of them, by simulated world.

    Parameters
    ----------
    ratios : DataFrame
        Columns method, replication, ratio; the first method is on top.
    beside : str
        The method whose ratio would be 1.
    """
    if ratios.empty:
        raise ValueError(f"ratios must have rows, got {len(ratios)}. Simulate some worlds first.")
    names = list(dict.fromkeys(ratios["method"]))[::-1]
    x = dimension("ratio", "ratio of errors", "log scale")
    y = dimension("place", "method", "every point is one world")
    layers: list[hv.Element] = [hv.Curve(([1.0, 1.0], [-0.5, len(names) - 0.5]), x, y,
                                         label=beside).opts(**ROLES["uniform"].curve())]
    hover = HoverTool(tooltips=[("method", "@method"), ("world", "@replication"),
                                ("ratio", "@ratio{0.000}")])
    for at, name in enumerate(names):
        some = ratios[ratios["method"] == name].assign(place=float(at))
        role = ROLES["ours" if name == "PRESTO" else "variant" if "PRESTO" in name else "rival"]
        low, first, middle, last, high = np.quantile(some["ratio"], (0, 0.25, 0.5, 0.75, 1))
        box = {"color": role.colour, "fill_alpha": 0.25, "line_color": role.colour}
        layers += [
            hv.Segments([(low, at, first, at), (last, at, high, at)],
                        [x.clone("low"), y, "high", "end"]).opts(color=role.colour, line_width=2),
            hv.Rectangles([(first, at - 0.28, last, at + 0.28)],
                          [x.clone("low"), y, "high", "end"]).opts(**box),
            hv.Segments([(middle, at - 0.28, middle, at + 0.28)],
                        [x.clone("low"), y, "high", "end"]).opts(color=role.colour, line_width=4),
            hv.Scatter(some, x, [y, "method", "replication"]).opts(
                size=6, alpha=0.7, tools=[hover], **role.points())]
    ends = float(ratios["ratio"].min()), float(ratios["ratio"].max())
    low, high = min(0.5, ends[0] / 1.15), max(1.5, ends[1] * 1.15)
    ticks = [(2.0 ** k, f"{2 ** k}" if k >= 0 else f"1/{2 ** -k}") for k in range(-10, 11)
             if low <= 2.0 ** k <= high]
    return hv.Overlay(layers).opts(hv.opts.Overlay(
        title="Error by method", logx=True, xlim=(low, high),
        xticks=ticks, ylim=(-0.5, len(names) - 0.5), **named_rows(names)))


def rare_calibration(bins: pd.DataFrame, spread: pd.DataFrame) -> Figure:
    """Observed frequency of the rare stage by its predicted probability; below, the spread.

    Parameters
    ----------
    bins : DataFrame
        Columns method (of `STAGE_METHODS`), predicted, observed, low, high, rows.
    spread : DataFrame
        Columns method, stage, and q5, q25, q50, q75, q95 of its probability.

    Returns
    -------
    figure : Layout
    """
    if bins.empty or spread.empty:
        raise ValueError(f"bins and spread must have rows, got {len(bins)} and {len(spread)}. "
                         "Predict some rows first.")
    numbers = ["predicted", "observed", "low", "high"]
    percent = bins.assign(**{name: 100 * bins[name] for name in numbers})
    x = dimension("predicted", "predicted for the rare stage", "%")
    y = dimension("observed", "observed", "%")
    top = float(percent[["predicted", "high"]].max().max()) * 1.05
    layers: list[hv.Element] = [hv.Curve(([0, top], [0, top]), x, y).opts(
        **ROLES["truth"].curve())]
    hover = HoverTool(tooltips=[("method", "@method"), ("predicted", "@predicted{0.00} %"),
                                ("observed", "@observed{0.00} %"), ("rows", "@rows"),
                                ("interval", "@low{0.00} to @high{0.00} %")])
    methods = [name for name in STAGE_METHODS if (percent["method"] == name).any()]
    for name in methods:
        some, role = percent[percent["method"] == name], ROLES[STAGE_METHODS[name]]
        layers += [hv.Segments((some["predicted"], some["low"], some["predicted"], some["high"]),
                               [x, y.clone("low"), "end", "high"]).opts(
                       color=role.colour, line_width=1.5, alpha=0.6),
                   hv.Curve(some, x, y).opts(**role.curve()),
                   hv.Scatter(some, x, [y, "method", "rows", "low", "high"]).opts(
                       size=8, tools=[hover], **role.points())]
    entries = [("exact", "truth"), *((name, STAGE_METHODS[name]) for name in methods)]
    places = [-top * (0.09 + 0.085 * at) for at in range(len(entries))]
    layers += written_legend(entries, x, y, at=(0.0, places))
    first = hv.Overlay(layers).opts(hv.opts.Overlay(
        title="Rare stage: calibration", xlim=(-0.02 * top, top),
        ylim=(places[-1] - 0.07 * top, top), show_legend=False, xticks=ticks_up_to(top),
        yticks=ticks_up_to(top), **frame(height=430)))
    return hv.Layout([first, _spread(spread)]).cols(1).opts(hv.opts.Layout(**STACKED))


def _spread(spread: pd.DataFrame) -> hv.Element:
    """Median, half and nine tenths of the predicted probabilities of each stage."""
    stages = list(dict.fromkeys(spread["stage"]))[::-1]
    x = dimension("q50", "predicted probability", "%")
    y = dimension("place", "stage", "median, half and nine tenths of rows")
    layers, methods = list[hv.Element](), list(dict.fromkeys(spread["method"]))
    for shift, name in zip((0.16, -0.16), methods, strict=False):
        some, role = spread[spread["method"] == name], ROLES[STAGE_METHODS[name]]
        quantiles = [column for column in some if column.startswith("q")]
        some = some.assign(place=[stages.index(stage) + shift for stage in some["stage"]],
                           **{column: 100 * some[column] for column in quantiles})
        hover = HoverTool(tooltips=[("method", name), ("stage", "@stage"),
                                    ("median", "@q50{0.00} %"),
                                    ("half of rows", "@q25{0.00} to @q75{0.00} %"),
                                    ("nine tenths", "@q5{0.00} to @q95{0.00} %")])
        for low, high, width in (("q5", "q95", 2), ("q25", "q75", 6)):
            layers.append(hv.Segments((some[low], some["place"], some[high], some["place"]),
                                      [x.clone("low", label=x.label), y, "high", "end"]).opts(
                color=role.colour, line_width=width, alpha=0.7))
        layers.append(hv.Scatter(some, x, [y, "stage", *(
            column for column in quantiles if column != "q50")]).opts(
            size=9, tools=[hover], **role.points()))
    places = [-0.75 - 0.33 * at for at in range(len(methods))]
    layers += written_legend([(name, STAGE_METHODS[name]) for name in methods], x, y,
                             at=(0.0, places))
    around = {name: value for name, value in named_rows(stages).items()
              if not name.startswith("legend")}
    return hv.Overlay(layers).opts(hv.opts.Overlay(
        title="Probabilities by stage", xlim=(-2, 102), show_legend=False,
        ylim=(places[-1] - 0.3, len(stages) - 0.5), **around))


def rare_scatter(rows: pd.DataFrame, *, ours: str, rival: str) -> Figure:
    """Probability of the rare stage of each row by two methods, in log odds.

    Parameters
    ----------
    rows : DataFrame
        Columns row, stage, rare (whether it is the last stage), ours and rival: probabilities.
    ours, rival : str
        Names of the methods.
    """
    if rows.empty:
        raise ValueError(f"rows must have rows, got {len(rows)}. Predict some rows first.")
    x = dimension("x", f"by {rival}", "log odds, labelled in %")
    y = dimension("y", f"by {ours}", "log odds, labelled in %")
    told = rows.assign(x=_log_odds(rows["rival"]), y=_log_odds(rows["ours"]),
                       percent_ours=100 * rows["ours"], percent_rival=100 * rows["rival"])
    low, high = (float(side) for side in (told[["x", "y"]].min().min() - 0.3,
                                          told[["x", "y"]].max().max() + 0.3))
    layers: list[hv.Element] = [hv.Curve(([low, high], [low, high]), x, y, label="equal").opts(
        **ROLES["uniform"].curve())]
    hover = HoverTool(tooltips=[("row", "@row"), ("stage", "@stage"),
                                (ours, "@percent_ours{0.000} %"),
                                (rival, "@percent_rival{0.000} %")], limit=3)
    more = ["row", "stage", "percent_ours", "percent_rival"]
    for some, label, role, size in ((told[~told["rare"]], "earlier stages", "variant", 5),
                                    (told[told["rare"]], "rare stage", "alarm", 9)):
        if len(some):
            layers.append(hv.Scatter(some, x, [y, *more], label=label).opts(
                size=size, alpha=0.7, tools=[hover], line_color=None, **ROLES[role].points()))
    ticks = [(float(_log_odds(np.array([at]))[0]), f"{100 * at:g}") for at in TICKS]
    shown = [(place, name) for place, name in ticks if low <= place <= high]
    return hv.Overlay(layers).opts(hv.opts.Overlay(
        title="Rare stage, row by row", xlim=(low, high), ylim=(low, high),
        xticks=shown, yticks=shown, **frame(**LEGEND_BELOW, height=520)))


def stage_lines(probabilities: pd.DataFrame, *, title: str) -> Figure:
    """Probability of every stage of one row, by method.

    Parameters
    ----------
    probabilities : DataFrame
        Columns method (of `STAGE_METHODS`), stage, probability, in the order of the stages.
    title : str
    """
    if probabilities.empty:
        raise ValueError(f"probabilities must have rows, got {len(probabilities)}. Choose a row "
                         "first.")
    stages = list(dict.fromkeys(probabilities["stage"]))
    x = dimension("place", "stage", "from the first to the last")
    y = dimension("percent", "probability", "%")
    told = probabilities.assign(place=[float(stages.index(name)) for name in
                                       probabilities["stage"]],
                                percent=100 * probabilities["probability"])
    layers: list[hv.Element] = []
    for name, role in STAGE_METHODS.items():
        some = told[told["method"] == name]
        if len(some):
            hover = HoverTool(tooltips=[("method", name), ("stage", "@stage"),
                                        ("probability", "@percent{0.000} %")])
            layers += [hv.Curve(some, x, y, label=name).opts(**ROLES[role].curve()),
                       hv.Scatter(some, x, [y, "stage"], label=name).opts(
                           size=9, tools=[hover], **ROLES[role].points())]
    ticks = [(at, name) for at, name in enumerate(stages)]
    return hv.Overlay(layers).opts(hv.opts.Overlay(
        title=title, xticks=ticks, xlim=(-0.3, len(stages) - 0.7), ylim=(0, None),
        **frame(**LEGEND_BELOW, height=464)))


def _log_odds(probabilities: "np.ndarray | pd.Series") -> np.ndarray:
    values = np.asarray(probabilities, dtype=float)
    with np.errstate(divide="ignore"):
        return np.clip(np.log(values) - np.log1p(-values), -FARTHEST, FARTHEST)
