"""What weights do to the bound on convergence, and whether the bound holds.

Let every ``f_i`` be convex and L-smooth with one common minimiser, ``gap_i(t) = f_i(w_t) - f_i*``,
and the step ``1 / (2 L)``. Then (7) ``|w_{t+1} - w*|^2 <= |w_t - w*|^2 - (mean gap(t) + delta_t)
/ (2 L)`` with ``delta_t = sum_i (weights_i - 1 / n) gap_i(t)``, and (8) the mean of the mean gaps
over T steps is at most ``2 L |w_0 - w*|^2 / T - mean delta``. Weights that go with the gaps,
delta > 0, tighten the bound; others loosen it. Derived from ``|g_i|^2 <= 2 L gap_i``, convexity,
and Jensen's inequality for the square of the weighted gradient.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from workbench.core import check, generator
from workbench.reweighting.by_loss.arms import arms_of
from workbench.reweighting.by_loss.regression import redundant_rows

__all__ = ["convergence_terms", "descend_with_bound"]


def convergence_terms(losses: Any, weights: Any, *, minimum: float = 0.0, smoothness: float = 1.0,
                      distance: float = 0.0) -> pd.DataFrame:
    """Terms of (7) and (8).

    Parameters
    ----------
    losses, weights : array, shape (t, n)
        Of each step, before it is taken.
    minimum : float
        The common value ``f_i*``.
    smoothness : float > 0
        L, the largest of any ``f_i``.
    distance : float >= 0
        ``|w_0 - w*|``.

    Returns
    -------
    terms : DataFrame, t rows
        step, counted from one; gap, the mean over rows; delta; mean_gap, over the steps so far;
        bound on it; uniform_bound, what it would be without weights.

    Raises
    ------
    ValueError
        If shapes differ, or a number is out of range.

    Examples
    --------
    >>> terms = convergence_terms([[0.0, 2.0]], [[0.25, 0.75]], distance=1.0)
    >>> terms[["gap", "delta", "bound"]].iloc[0].tolist()
    [1.0, 0.5, 1.5]
    """
    losses, weights = np.asarray(losses, float), np.asarray(weights, float)
    check.positive(smoothness=smoothness)
    if losses.ndim != 2 or losses.shape != weights.shape or not losses.size:
        raise ValueError(f"losses and weights must have one shape (t, n), got {losses.shape} and "
                         f"{weights.shape}. Pass those of every step.")
    if not distance >= 0:
        raise ValueError(f"distance must be >= 0, got {distance!r}. Pass |w_0 - w*|.")
    gaps = losses - minimum
    step, gap = np.arange(1, len(gaps) + 1), gaps.mean(1)
    delta = ((weights - 1 / gaps.shape[1]) * gaps).sum(1)
    start = 2 * smoothness * distance ** 2 / step
    return pd.DataFrame({"step": step, "gap": gap, "delta": delta,
                         "mean_gap": np.cumsum(gap) / step,
                         "bound": start - np.cumsum(delta) / step, "uniform_bound": start})


def descend_with_bound(weighters: Mapping[str, Any], *, n: int = 200, d: int = 10,
                       steps: int = 500, seed: int = 0) -> pd.DataFrame:
    """Descend on all rows of an interpolating regression and set the bound beside it.

    Parameters
    ----------
    weighters : mapping of name to weighter
    n, d, steps : int > 0
        Rows, features, steps of size ``1 / (2 max |x_i|^2)``.
    seed : int >= 0

    Returns
    -------
    terms : DataFrame
        As :func:`convergence_terms`, with columns weighter, and slack: the right side of (7)
        minus its left side, never negative.
    """
    import torch

    world = redundant_rows(n=n, d=d, rng=generator(seed))
    x, y, truth = (torch.as_tensor(part) for part in (world.x, world.y, world.truth))
    smoothness = float(x.square().sum(1).max())
    index = torch.arange(n)[None]
    found = []
    for arm in arms_of(weighters, total=steps, rows=n):
        at, losses, weights, apart = torch.zeros(d, dtype=x.dtype), [], [], []
        for step in range(steps + 1):
            apart.append(float((at - truth).square().sum()))
            if step < steps:
                residuals = x @ at - y
                losses.append(residuals.square() / 2)
                weights.append(arm(losses[-1][None], index, step)[0])
                at = at - x.T @ (weights[-1] * residuals) / (2 * smoothness)
        terms = convergence_terms(torch.stack(losses), torch.stack(weights),
                                  smoothness=smoothness, distance=apart[0] ** 0.5)
        right = np.array(apart[:-1]) - (terms["gap"] + terms["delta"]) / (2 * smoothness)
        found.append(terms.assign(weighter=arm.name, slack=right - apart[1:]))
    return pd.concat(found, ignore_index=True)
