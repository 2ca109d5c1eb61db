"""Global weights as the exact optimum of linear programmes.

The pinball loss of ``inputs @ weights`` is piecewise linear in the weights, so that its minimum is
a linear programme. Solved is the dual: one variable per row within ``amount * [tau - 1, tau]`` and
one constraint per weight, which has no block of residuals and stays small however many rows there
are; its multipliers are the weights.

Source: section 3.4 of R. Fakoor et al., JMLR 24 (2023); dual form as in R. Koenker, Quantile
Regression (2005), section 6.2; solver HiGHS through SciPy.
"""

from typing import Any

import numpy as np
from scipy.optimize import linprog

from workbench.inference.quantiles.resolution import Form

__all__ = ["least_pinball", "solve"]


def solve(Z: np.ndarray, y: np.ndarray, quantile_levels: np.ndarray, form: Form, *,
          sample_weight: np.ndarray | None = None) -> np.ndarray:
    """Weights of the least mean pinball loss, the same for all rows.

    Parameters
    ----------
    Z : array, shape (n, k, q)
        Base quantiles, best on the scale of a standardised outcome.
    y : array, shape (n,)
    quantile_levels : array, shape (q,)
    form : Form
        With a share of the average, the optimum given that share.
    sample_weight : array, shape (n,), optional
        Amounts >= 0.

    Returns
    -------
    weights : array, shape (1, *form.shape)
        Before the share of the average.
    """
    n, k, q = Z.shape
    amounts = np.ones(n) if sample_weight is None else np.asarray(sample_weight, dtype=float)
    free = 1 - form.average_share
    targets = y[:, None] - form.average_share * Z.mean(axis=1)
    if form.resolution == "coarse":
        found = least_pinball(free * Z.transpose(0, 2, 1).reshape(n * q, k), targets.ravel(),
                              np.tile(quantile_levels, n), amounts=np.repeat(amounts, q),
                              simplex=form.normalise)
        return found[None]
    flat = free * Z.reshape(n, k * q)
    columns = [slice(None) if form.resolution == "fine" else slice(level, None, q)
               for level in range(q)]
    found = np.stack([least_pinball(flat[:, columns[level]], targets[:, level],
                                    np.full(n, quantile_levels[level]), amounts=amounts,
                                    simplex=form.normalise) for level in range(q)], axis=-1)
    return found.reshape(1, *form.shape)


def least_pinball(inputs: np.ndarray, y: np.ndarray, levels: np.ndarray, *,
                  amounts: np.ndarray, simplex: bool) -> np.ndarray:
    """Weights w of the least ``amounts @ pinball(y - inputs @ w)``.

    Parameters
    ----------
    inputs : array, shape (n, i)
    y : array, shape (n,)
    levels : array, shape (n,)
        Level of each row.
    amounts : array, shape (n,)
        Not negative.
    simplex : bool
        Whether weights are at least zero and sum to one; otherwise any numbers.

    Returns
    -------
    weights : array, shape (i,)
        A vertex where several are best.

    Notes
    -----
    ``max y @ d + t`` over ``amounts * (levels - 1) <= d <= amounts * levels`` with
    ``inputs' d + t <= 0``; for free weights ``inputs' d = 0`` and no t.
    """
    scale = amounts / amounts.mean()
    bounds = np.column_stack([scale * (levels - 1), scale * levels])
    limits = np.zeros(inputs.shape[1])
    options: dict[str, Any] = {"method": "highs"}
    if simplex:
        matrix = np.column_stack([inputs.T, np.ones(len(limits))])
        done = linprog(-np.append(y, 1.0), A_ub=matrix, b_ub=limits,
                       bounds=np.vstack([bounds, [-np.inf, np.inf]]), **options)
    else:
        done = linprog(-y, A_eq=inputs.T, b_eq=limits, bounds=bounds, **options)
    if done.status != 0:
        raise RuntimeError(f"The linear programme must have an optimum, got: {done.message} "
                           "Leave out models that are far from all outcomes, or use "
                           "solver='adam'.")
    weights = -np.asarray((done.ineqlin if simplex else done.eqlin).marginals)
    if not simplex:
        return weights
    weights = np.maximum(weights, 0)
    return weights / weights.sum()
