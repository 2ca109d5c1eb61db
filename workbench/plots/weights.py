"""The one grammar of weights: relative to uniform, on a log2 axis, with the effective size."""

import holoviews as hv
import numpy as np

from workbench.core import check
from workbench.core.weights import effective_size
from workbench.plots.theme import ROLES, Figure, dimension, frame

__all__ = ["weight_profile"]

LEAST = 2.0 ** -10       # smaller relative weights are drawn on this floor


def weight_profile(weights: np.ndarray, *, items: str = "scores") -> Figure:
    """Weights from the largest to the smallest, relative to uniform.

    Parameters
    ----------
    weights : array, shape (n,)
        On the simplex.
    items : str
        What is weighed, in the plural.
    """
    check.simplex(weights)
    n = len(weights)
    relative = np.maximum(np.sort(n * np.asarray(weights))[::-1], LEAST)
    x = dimension("rank", f"{items}, the heaviest first", "%")
    y = dimension("weight", "weight", "times uniform")
    share = 100 * (np.arange(n) + 0.5) / n
    step = max(1, n // 2000)
    ours = hv.Curve((share[::step], relative[::step]), x, y, label="this method")
    grey = hv.Curve(([0, 100], [1.0, 1.0]), x, y, label="uniform")
    low, high = min(0.25, relative.min() / 1.2), max(4.0, relative.max() * 1.2)
    ticks = [(2.0 ** k, f"{2.0 ** k:g}" if k >= 0 else f"1/{2 ** -k}")
             for k in range(int(np.floor(np.log2(low))), int(np.ceil(np.log2(high))) + 1)]
    return (grey.opts(**ROLES["uniform"].curve()) * ours.opts(**ROLES["ours"].curve())).opts(
        hv.opts.Overlay(title=f"{n} {items} count like {effective_size(weights):.4g} equal ones",
                        **frame(logy=True, ylim=(low, high), yticks=ticks,
                                legend_position="bottom_left")))
