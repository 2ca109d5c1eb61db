"""Balance before and after, and what weights make of the outcome."""

import holoviews as hv
import numpy as np
import pandas as pd
from bokeh.models import HoverTool

from workbench.core.weights import effective_size
from workbench.plots.hovers import DIGITS, hover
from workbench.plots.theme import ROLES, STACKED, Figure, dimension, frame, written_legend

__all__ = ["balance_and_map", "weights_and_outcomes"]

MOST_ROWS = 60           # functions that are drawn, the least balanced ones first
LEAST = 2.0 ** -10       # smaller relative weights are drawn on this floor
MARKS = {"not observed": ("uniform", 3, 0.35), "observed": ("variant", 4, 0.6),
         "centre": ("rival", 9, 0.9)}
SHAPES = {"observed": "uniform", "weighted": "ours", "random": "truth"}


def balance_and_map(balance: pd.DataFrame, points: pd.DataFrame) -> Figure:
    """Imbalance of each function before and after, and below it where its items lie.

    Parameters
    ----------
    balance : DataFrame
        Columns function, before, after [standard deviations], kind ("balanced", "held out").
    points : DataFrame
        Columns first, second, kind (of "not observed", "observed", "centre").
    """
    _some(balance=balance, points=points)
    return hv.Layout([_imbalance(balance), _map(points)]).cols(1).opts(hv.opts.Layout(**STACKED))


def weights_and_outcomes(table: pd.DataFrame, drawn: np.ndarray | None, *, label: str,
                         items: str, truth: str = "random") -> Figure:
    """Weights from the heaviest, and below them the outcome as observed and as weighted.

    Parameters
    ----------
    table : DataFrame
        Columns weight (on the simplex) and value.
    drawn : array, shape (m,), or None
        Outcomes of items drawn at random, or of all.
    label, items : str
        Of the outcome; what is weighed, in the plural.
    truth : str
        What `drawn` is called.
    """
    _some(table=table)
    return hv.Layout([_profile(table["weight"].to_numpy(), items),
                      _outcomes(table, drawn, label, truth)]).cols(1).opts(
        hv.opts.Layout(**STACKED))


def _imbalance(balance: pd.DataFrame) -> hv.Element:
    parts = []
    for kind in ("balanced", "held out"):
        some = balance[balance["kind"] == kind]
        order = some["before"].abs().sort_values(ascending=False).index[:MOST_ROWS // 2]
        parts.append(some.loc[order])
    rows = pd.concat(parts, ignore_index=True)
    rows["place"] = np.arange(len(rows))[::-1].astype(float)
    x = dimension("imbalance", "weighted minus overall", "sd")
    y = dimension("place", "functions", "the least balanced on top")
    layers: list[hv.Element] = [hv.Curve(([0.0, 0.0], [-1.0, len(rows)]), x, y).opts(
        **ROLES["truth"].curve())]
    layers.append(hv.Segments((rows["before"], rows["place"], rows["after"], rows["place"]),
                              [x.clone("from"), y, "to", "end"]).opts(
        color=ROLES["uniform"].colour, line_width=1, alpha=0.5))
    for column, kinds, role in (("before", ("balanced", "held out"), "uniform"),
                                ("after", ("balanced",), "ours"),
                                ("after", ("held out",), "rival")):
        some = rows[rows["kind"].isin(kinds)]
        marks = pd.DataFrame({"imbalance": some[column], "place": some["place"],
                              "kind": some["kind"]})
        layers.append(hv.Scatter(marks, x, [y, "kind"]).opts(
            size=6, tools=[hover([("", "@kind"), (column, "@imbalance" + DIGITS)])],
            **ROLES[role].points()))
    ticks = sorted((float(some["place"].mean()), str(kind))
                   for kind, some in rows.groupby("kind"))
    span = float(max(rows["before"].abs().max(), rows["after"].abs().max(), 0.05))
    step = 0.075 * len(rows)
    entries = [("before", "uniform"), ("after, balanced", "ours"), ("after, held out", "rival")]
    layers += written_legend(entries, x, y, at=(-1.05 * span, [
        -1.4 - step * (at + 0.7) for at in range(len(entries))]))
    return hv.Overlay(layers).opts(hv.opts.Overlay(
        title="Balance before and after", xlim=(-1.1 * span, 1.1 * span), yticks=ticks,
        ylim=(-1.4 - step * (len(entries) + 0.6), len(rows)), show_legend=False,
        **frame(height=460)))


def _map(points: pd.DataFrame) -> hv.Element:
    x = dimension("first", "first component of the features", "sd")
    y = dimension("second", "second component", "sd")
    low, high = float(points["second"].min()), float(points["second"].max())
    span = (high - low) or 1.0
    layers: list[hv.Element] = []
    for kind, (role, size, alpha) in MARKS.items():
        some = points[points["kind"] == kind]
        if len(some):
            layers.append(hv.Scatter(some, x, [y, "weight"]).opts(
                size=size, alpha=alpha, tools=[] if kind == "not observed" else [hover(
                    [("", kind), ("weight", "@weight{%.3g} times uniform")])],
                **ROLES[role].points()))
    entries = [(kind, MARKS[kind][0]) for kind in MARKS]
    left = float(points["first"].min())
    layers += written_legend(entries, x, y, at=(left, [
        low - span * (0.1 + 0.09 * at) for at in range(len(entries))]))
    return hv.Overlay(layers).opts(hv.opts.Overlay(
        title="Centres of the kernels", show_legend=False,
        ylim=(low - 0.4 * span, high + 0.06 * span), **frame(height=420)))


def _profile(weights: np.ndarray, items: str) -> hv.Element:
    scaled = weights / weights.sum()
    n = len(scaled)
    relative = np.maximum(np.sort(n * scaled)[::-1], LEAST)
    x = dimension("rank", f"{items}, the heaviest first", "%")
    y = dimension("weight", "weight", "times uniform")
    share, step = 100 * (np.arange(n) + 0.5) / n, max(1, n // 2000)
    low, high = min(0.25, float(relative.min()) / 1.2), max(4.0, float(relative.max()) * 1.2)
    first, last = int(np.floor(np.log2(low))), int(np.ceil(np.log2(high)))
    ticks = [(2.0 ** k, f"{2.0 ** k:g}" if k >= 0 else f"1/{2 ** -k}")
             for k in range(first, last + 1)]
    layers = [hv.Curve(([0, 100], [1.0, 1.0]), x, y).opts(**ROLES["uniform"].curve()),
              hv.Curve((share[::step], relative[::step]), x, y).opts(**ROLES["ours"].curve())]
    ratio = (high / low) ** 0.09
    layers += written_legend([("weights", "ours"), ("uniform", "uniform")], x, y,
                             at=(2.0, [low * ratio ** 1.7, low * ratio ** 0.6]))
    return hv.Overlay(layers).opts(hv.opts.Overlay(
        title=f"{n} {items} count like {effective_size(scaled):.4g}",
        show_legend=False, logy=True, ylim=(low, high), yticks=ticks, **frame()))


def _outcomes(table: pd.DataFrame, drawn: np.ndarray | None, label: str,
              truth: str) -> hv.Element:
    values, weights = table["value"].to_numpy(), table["weight"].to_numpy()
    several = np.unique(values)
    if len(several) <= 12:
        places, edges = several, None
    else:
        low, high = np.quantile(values, [0.0, 1.0])
        edges = np.linspace(low, high, 21)
        places = (edges[1:] + edges[:-1]) / 2
    shapes = {"observed": _shares(values, np.ones(len(values)), places, edges),
              "weighted": _shares(values, weights, places, edges)}
    if drawn is not None and len(drawn):
        shapes["random"] = _shares(drawn, np.ones(len(drawn)), places, edges)
    x = dimension("value", label, "unit of the outcome")
    y = dimension("share", "items", "%")
    layers: list[hv.Element] = []
    for name, shares in shapes.items():
        role = ROLES[SHAPES[name]]
        tool = HoverTool(tooltips=[("", truth if name == "random" else name),
                                   (label, "@value{0.[000]}"), ("items", "@share{0.0} %")])
        layers += [hv.Curve((places, 100 * shares), x, y).opts(**role.curve()),
                   hv.Scatter((places, 100 * shares), x, y).opts(size=6, tools=[tool],
                                                                 **role.points())]
    top = 100 * max(float(each.max()) for each in shapes.values())
    entries = [(truth if name == "random" else name, SHAPES[name]) for name in shapes]
    layers += written_legend(entries, x, y, at=(float(places[0]), [
        top * (1.3 - 0.09 * at) for at in range(len(entries))]))
    return hv.Overlay(layers).opts(hv.opts.Overlay(
        title="Observed and weighted", ylim=(0, 1.4 * top), show_legend=False,
        **frame()))


def _shares(values: np.ndarray, weights: np.ndarray, places: np.ndarray,
            edges: np.ndarray | None) -> np.ndarray:
    if edges is None:
        found = np.array([weights[values == place].sum() for place in places])
    else:
        found = np.histogram(np.clip(values, edges[0], edges[-1]), edges, weights=weights)[0]
    return found / weights.sum()


def _some(**tables: pd.DataFrame) -> None:
    for name, table in tables.items():
        if table.empty:
            raise ValueError(f"{name} must have rows, got {len(table)}. Balance something first.")
