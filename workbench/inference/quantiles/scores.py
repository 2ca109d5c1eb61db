"""How good are predicted quantiles? Pinball loss, weighted interval score and CRPS.

Every score is an average ``weights @ losses`` of proper losses, lower is better, in the unit of y.
The weighted interval score is twice the mean pinball loss over the levels, exactly and whether or
not the quantiles cross. How often the promises hold is measured in `reliability`, whose names are
here too.

Source: T. Gneiting and A. E. Raftery, JASA 102 (2007); J. Bracher et al., PLoS Computational
Biology 17 (2021), for the weighted interval score.
"""

from typing import Any

import numpy as np

from workbench.core import check
from workbench.core.weights import normalise
from workbench.inference.quantiles.levels import checked_levels
from workbench.inference.quantiles.reliability import (
    Crossings,
    coverage,
    coverage_by_group,
    crossings,
    mace,
    picp_error,
    reliability,
    width,
)
from workbench.inference.quantiles.rows import checked_amounts, checked_ends, checked_rows

__all__ = ["Crossings", "coverage", "coverage_by_group", "crossings", "crps", "crps_losses",
           "interval_losses", "interval_score", "mace", "picp_error", "pinball", "pinball_losses",
           "reliability", "width", "wis", "wis_losses"]


def pinball_losses(y: Any, quantiles: Any, quantile_levels: Any) -> np.ndarray:
    """Loss of each predicted quantile, ``max(t * (y - f), (t - 1) * (y - f))`` at level t.

    Parameters
    ----------
    y : array, shape (n,)
    quantiles : array, shape (n, q)
        May be infinite, at an infinite loss.
    quantile_levels : array, shape (q,)

    Returns
    -------
    losses : array, shape (n, q)
        In the unit of y.

    Examples
    --------
    >>> pinball_losses([2.0], [[1.0, 3.0]], [0.25, 0.75])
    array([[0.25, 0.25]])
    """
    outcomes, rows, levels = checked_rows(y, quantiles, quantile_levels)
    missed = outcomes[:, None] - rows
    losses = levels * missed
    return np.maximum(losses, np.multiply(missed, levels - 1, out=missed), out=losses)


def pinball(y: Any, quantiles: Any, quantile_levels: Any, *, sample_weight: Any = None) -> float:
    """Mean pinball loss over rows and levels, in the unit of y.

    Parameters
    ----------
    y, quantiles, quantile_levels : as in `pinball_losses`
    sample_weight : array, shape (n,), optional
        Amounts >= 0.
    """
    return _mean(pinball_losses(y, quantiles, quantile_levels).mean(axis=1), sample_weight)


def wis_losses(y: Any, quantiles: Any, quantile_levels: Any, *,
               allow_even: bool = False) -> np.ndarray:
    """Weighted interval score of each row, shape (n,), in the unit of y.

    Parameters
    ----------
    y : array, shape (n,)
    quantiles : array, shape (n, q)
        They may cross.
    quantile_levels : array, shape (q,)
        Symmetric about 0.5.
    allow_even : bool
        Score an even number of levels, which has no median, by its intervals alone.

    Raises
    ------
    ValueError
        If the levels are not symmetric, or even in number and not allowed to be.

    Notes
    -----
    ``(|y - f_mid| / 2 + sum_k alpha_k / 2 * IS_k) / (K + 1/2)`` for K intervals and a median,
    which is ``2 * mean_k pinball_k``; without a median the sum over the intervals is divided by K,
    the same mean.
    """
    checked_levels(quantile_levels, symmetric=True)
    losses = pinball_losses(y, quantiles, quantile_levels)
    if losses.shape[1] % 2 == 0 and not allow_even:
        raise ValueError("quantile_levels must be odd in number, so that one is the median, got "
                         f"{losses.shape[1]}. Add 0.5, or pass allow_even=True.")
    return 2 * losses.mean(axis=1)


def wis(y: Any, quantiles: Any, quantile_levels: Any, *, sample_weight: Any = None,
        allow_even: bool = False) -> float:
    """Mean weighted interval score over rows; see `wis_losses`.

    Examples
    --------
    >>> wis([2.0], [[1.0, 2.0, 3.0]], [0.25, 0.5, 0.75]) == 1 / 3
    True
    """
    return _mean(wis_losses(y, quantiles, quantile_levels, allow_even=allow_even), sample_weight)


def interval_losses(y: Any, low: Any, high: Any, *, alpha: float) -> np.ndarray:
    """Interval score of each row: its width plus ``2 / alpha`` times what lies outside.

    Parameters
    ----------
    y, low, high : array, shape (n,)
    alpha : float in (0, 1)
        Share that a central interval leaves outside; its level is ``1 - alpha``.

    Returns
    -------
    losses : array, shape (n,)
        In the unit of y.
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must lie strictly between 0 and 1, got {alpha!r}. Pass 0.2 for "
                         "an 80 % interval.")
    outcomes, lows, highs = checked_ends(y, low, high)
    outside = np.maximum(lows - outcomes, 0) + np.maximum(outcomes - highs, 0)
    return highs - lows + 2 / alpha * outside


def interval_score(y: Any, low: Any, high: Any, *, alpha: float,
                   sample_weight: Any = None) -> float:
    """Mean interval score over rows; see `interval_losses`.

    Examples
    --------
    >>> interval_score([5.0], [1.0], [4.0], alpha=0.5)
    7.0
    """
    return _mean(interval_losses(y, low, high, alpha=alpha), sample_weight)


def crps_losses(y: Any, quantiles: Any, quantile_levels: Any) -> np.ndarray:
    """Continuous ranked probability score of each row, shape (n,), in the unit of y.

    Parameters
    ----------
    y : array, shape (n,)
    quantiles : array, shape (n, q)
    quantile_levels : array, shape (q,)

    Notes
    -----
    ``2 * integral of pinball_t(y, f(t)) dt`` over t in (0, 1), with f linear between the levels
    and constant beyond the first and the last: exact for that distribution, hence an approximation
    of the true one that improves with the levels. One level gives ``|y - f|``. Where a quantile is
    infinite, so is the score.
    """
    outcomes, rows, levels = checked_rows(y, quantiles, quantile_levels)
    bounded = np.isfinite(rows).all(axis=1)
    missed = np.where(bounded[:, None], outcomes[:, None] - rows, 0.0)
    knots = np.concatenate([[0.0], levels, [1.0]])
    missed = np.column_stack([missed[:, :1], missed, missed[:, -1:]])
    total = np.zeros(len(missed))
    for left, step, a, b in zip(knots, np.diff(knots), missed.T, missed[:, 1:].T, strict=False):
        total += step * (left * (a + b) / 2 + step * (a + 2 * b) / 6 + _shortfall(a, b))
    return np.where(bounded, 2 * total, np.inf)


def crps(y: Any, quantiles: Any, quantile_levels: Any, *, sample_weight: Any = None) -> float:
    """Mean continuous ranked probability score over rows; see `crps_losses`.

    Examples
    --------
    >>> crps([2.0], [[5.0]], [0.5])
    3.0
    """
    return _mean(crps_losses(y, quantiles, quantile_levels), sample_weight)


def _shortfall(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Mean of ``max(-u, 0)`` while u runs linearly from a to b."""
    below = np.maximum(-a, 0) + np.maximum(-b, 0)
    apart = np.abs(a) + np.abs(b)
    share = np.divide(below, apart, out=np.zeros_like(below), where=apart > 0)
    return share * below / 2


def _mean(losses: np.ndarray, sample_weight: Any) -> float:
    """Average over rows; a row without weight does not count, not even with an infinite loss."""
    weights = normalise(checked_amounts(sample_weight, len(losses)))
    counting = weights > 0
    check.positive(rows=int(counting.sum()))
    return float(weights[counting] @ losses[counting])
