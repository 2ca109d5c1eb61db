"""What multiplicative weights learn of a universe, and how far they err beside growing noise."""

import holoviews as hv
import numpy as np
import pandas as pd

from workbench.plots.hovers import DIGITS, hover
from workbench.plots.theme import ROLES, STACKED, Figure, dimension, frame, written_legend

__all__ = ["learned_weights"]

LEAST = 2.0 ** -6        # smaller relative weights are drawn on this floor
STEPS = (0.2, 0.5, 1, 2, 5, 10, 20)
LINES = 3                # of each legend
METHODS = {"weights": ("multiplicative weights", "ours"),
           "noise": ("noise for all queries", "uniform")}


def learned_weights(points: pd.DataFrame, errors: pd.DataFrame, *, truth: str,
                    effective: float) -> Figure:
    """Weights of a universe's points beside how frequent they are; below, errors by queries.

    Parameters
    ----------
    points : DataFrame
        Columns rank, truth, weight, both times uniform.
    errors : DataFrame
        Columns queries, weights, noise: largest error of the answers, in [0, 1].
    truth : str
        What the frequencies are of.
    effective : float
        Effective size of the weights.
    """
    for name, table in {"points": points, "errors": errors}.items():
        if table.empty:
            raise ValueError(f"{name} must have rows, got none. Ask queries first.")
    return hv.Layout([_weights(points, truth, effective), _crossing(errors)]).cols(1).opts(
        hv.opts.Layout(**STACKED))


def _weights(points: pd.DataFrame, truth: str, effective: float) -> hv.Overlay:
    x = dimension("rank", "points, the most frequent first")
    y = dimension("weight", "weight", "times uniform")
    top = max(4.0, float(points[["truth", "weight"]].to_numpy().max()) * 1.2)
    ticks = [(2.0**k, f"{2.0**k:g}" if k >= 0 else f"1/{2**-k}") for k in range(
        int(np.log2(LEAST)), int(np.ceil(np.log2(top))) + 1, 2)]
    grey = hv.Curve(([1, len(points)], [1.0, 1.0]), x, y, label="uniform").opts(
        **ROLES["uniform"].curve())
    floor = points.assign(truth=points["truth"].clip(lower=LEAST),
                          weight=points["weight"].clip(lower=LEAST))
    tool = hover([("weight", "@weight" + DIGITS), ("rank", "@rank")])
    marks = hv.Scatter((floor["rank"], floor["weight"]), x, y, label="learned weights").opts(
        size=5, alpha=0.7, tools=[tool], **ROLES["ours"].points())
    line = hv.Curve((floor["rank"], floor["truth"]), x, y, label=truth).opts(
        **ROLES["truth"].curve())
    step = np.log(top / LEAST)
    places = [LEAST * np.exp(-step * (0.12 + 0.11 * at)) for at in range(LINES)]
    entries = [("learned weights", "ours"), (truth, "truth"), ("uniform", "uniform")]
    legend = written_legend(entries, x, y, at=(1.0, places))
    return hv.Overlay([grey, marks, line, *legend]).opts(hv.opts.Overlay(
        title=f"{len(points)} points like {effective:.3g} equal ones", logy=True, yticks=ticks,
        ylim=(places[-1] * np.exp(-0.08 * step), top), show_legend=False, **frame(height=420)))


def _crossing(errors: pd.DataFrame) -> hv.Overlay:
    """Noise for all queries grows with the root of their number; weights do not."""
    x = dimension("queries", "queries")
    y = dimension("error", "largest error", "percentage points")
    layers: list[hv.Element] = []
    for kind, (name, role) in METHODS.items():
        table = pd.DataFrame({"queries": errors["queries"], "error": 100 * errors[kind]})
        tool = hover([(name, "@error" + DIGITS), ("queries", "@queries")])
        layers += [hv.Curve(table, x, y, label=name).opts(**ROLES[role].curve()),
                   hv.Scatter(table, x, y).opts(size=6, tools=[tool], **ROLES[role].points())]
    high = max(1.0, 100 * float(errors[list(METHODS)].to_numpy().max()))
    step = next(each for each in STEPS if high <= 6 * each)
    places = [-high * (0.16 + 0.15 * at) for at in range(len(METHODS))]
    counts = errors["queries"]
    layers += written_legend(list(METHODS.values()), x, y, at=(float(counts.min()), places))
    return hv.Overlay(layers).opts(hv.opts.Overlay(
        title="Largest error by queries", logx=True, show_legend=False,
        xlim=(0.9 * counts.min(), 1.1 * counts.max()),
        xticks=[(int(at), f"{at:,}") for at in counts],
        yticks=np.arange(0, high, step).tolist(),
        ylim=(places[-1] - 0.12 * high, 1.08 * high), **frame(height=360)))
