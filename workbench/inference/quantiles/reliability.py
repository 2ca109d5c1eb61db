"""Do predicted quantiles keep their promise? Coverage, reliability, width and crossings.

Frequencies come with binomial intervals of Clopper and Pearson; with sample weights the number of
rows is Kish's effective size, so that those intervals are approximate.

Source: C. J. Clopper and E. S. Pearson, Biometrika 26 (1934).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from workbench.core import Estimate, Interval
from workbench.core.weights import effective_size, normalise
from workbench.inference.quantiles.levels import checked_intervals, pairs
from workbench.inference.quantiles.rows import (
    checked_amounts,
    checked_ends,
    checked_groups,
    checked_rows,
)

__all__ = ["Crossings", "coverage", "coverage_by_group", "crossings", "mace", "picp_error",
           "reliability", "width"]


def coverage(y: Any, low: Any, high: Any, *, level: float = 0.9,
             sample_weight: Any = None) -> Estimate:
    """Share of outcomes inside their intervals, ends included.

    Parameters
    ----------
    y, low, high : array, shape (n,)
    level : float in (0, 1)
        Confidence of the binomial interval around the share; not the level of ``[low, high]``.
    sample_weight : array, shape (n,), optional
        Amounts >= 0.

    Examples
    --------
    >>> print(coverage([1.0, 2.0, 3.0, 4.0], 1.5, 9.0))
    0.75 [0.2486, 0.9873], 90 % interval
    """
    outcomes, lows, highs = checked_ends(y, low, high)
    amounts = checked_amounts(sample_weight, len(outcomes))
    inside = (lows <= outcomes) & (outcomes <= highs)
    share = float(normalise(amounts) @ inside)
    ends = binomial_ends(share, effective_size(amounts), level=level)
    return Estimate(share, Interval(float(ends[0]), float(ends[1]), level))


def coverage_by_group(y: Any, low: Any, high: Any, groups: Any, *, level: float = 0.9,
                      sample_weight: Any = None) -> pd.DataFrame:
    """Coverage within each group, in the order of their labels.

    Parameters
    ----------
    y, low, high : array, shape (n,)
    groups : array, shape (n,)
        Label of each row; a missing label is a group of its own.
    level : float in (0, 1)
        Confidence of the binomial intervals, each by itself.
    sample_weight : array, shape (n,), optional

    Returns
    -------
    table : DataFrame
        Columns group, n (rows), coverage, low, high; a group of no weight has NaN and (0, 1).
    """
    outcomes, lows, highs = checked_ends(y, low, high)
    amounts = checked_amounts(sample_weight, len(outcomes))
    codes, labels = pd.factorize(checked_groups(groups, len(outcomes)), sort=True,
                                 use_na_sentinel=False)
    amounts = normalise(amounts)      # squares of the amounts themselves might not be finite
    inside = (lows <= outcomes) & (outcomes <= highs)
    totals, held, squares = (np.bincount(codes, weights=each, minlength=len(labels))
                             for each in (amounts, amounts * inside, amounts ** 2))
    weighted = totals > 0
    share = np.divide(held, totals, out=np.full(len(labels), np.nan), where=weighted)
    size = np.divide(totals ** 2, squares, out=np.zeros(len(labels)), where=weighted)
    ends = binomial_ends(np.where(weighted, share, 0.0), size, level=level)
    return pd.DataFrame({"group": labels, "n": np.bincount(codes, minlength=len(labels)),
                         "coverage": share, "low": ends[0], "high": ends[1]})


def reliability(y: Any, quantiles: Any, quantile_levels: Any, *, level: float = 0.9,
                sample_weight: Any = None) -> pd.DataFrame:
    """How often outcomes lie at or below each predicted quantile.

    Parameters
    ----------
    y : array, shape (n,)
    quantiles : array, shape (n, q)
    quantile_levels : array, shape (q,)
    level : float in (0, 1)
        Confidence of the binomial intervals, each by itself.
    sample_weight : array, shape (n,), optional

    Returns
    -------
    table : DataFrame
        Columns level (promised), frequency (seen), low, high; one row for each quantile level.
    """
    outcomes, rows, levels = checked_rows(y, quantiles, quantile_levels)
    amounts = checked_amounts(sample_weight, len(outcomes))
    frequency = normalise(amounts) @ (outcomes[:, None] <= rows)
    low, high = binomial_ends(frequency, effective_size(amounts), level=level)
    return pd.DataFrame({"level": levels, "frequency": frequency, "low": low, "high": high})


def mace(y: Any, quantiles: Any, quantile_levels: Any, *, sample_weight: Any = None) -> float:
    """Mean absolute calibration error over levels, ``mean_k |share of y <= f_k - t_k|``."""
    table = reliability(y, quantiles, quantile_levels, sample_weight=sample_weight)
    return float((table["frequency"] - table["level"]).abs().mean())


def picp_error(y: Any, quantiles: Any, quantile_levels: Any, *,
               sample_weight: Any = None) -> float:
    """Mean absolute difference of coverage and level over the central intervals.

    Raises
    ------
    ValueError
        If the levels are not symmetric, or hold no interval.
    """
    outcomes, rows, levels = checked_rows(y, quantiles, checked_intervals(quantile_levels))
    weights = normalise(checked_amounts(sample_weight, len(outcomes)))
    gaps = [abs(weights @ ((rows[:, low] <= outcomes) & (outcomes <= rows[:, high]))
                - (1 - alpha)) for low, high, alpha in pairs(levels)]
    return float(np.mean(gaps))


def width(low: Any, high: Any, *, sample_weight: Any = None) -> float:
    """Mean width of intervals, in the unit of y; infinite if one that counts is.

    Examples
    --------
    >>> width([0.0, 1.0], [2.0, 5.0])
    3.0
    """
    _, lows, highs = checked_ends(np.zeros(len(low)), low, high)
    weights = normalise(checked_amounts(sample_weight, len(lows)))
    return float(weights[weights > 0] @ (highs - lows)[weights > 0])


@dataclass(frozen=True)
class Crossings:
    """How much quantiles are out of order.

    Parameters
    ----------
    rows : float
        Share of rows in which some neighbouring pair crosses.
    pairs : float
        Share of all neighbouring pairs that cross.
    largest : float
        Largest amount by which a quantile lies below its left neighbour, in the unit of y.
    """

    rows: float
    pairs: float
    largest: float


def crossings(quantiles: Any) -> Crossings:
    """Count neighbouring quantiles that are out of order.

    Parameters
    ----------
    quantiles : array, shape (n, q)

    Examples
    --------
    >>> crossings([[1.0, 2.0, 1.5], [1.0, 1.0, 2.0]])
    Crossings(rows=0.5, pairs=0.25, largest=0.5)
    """
    rows = np.asarray(quantiles, dtype=float)
    if rows.ndim != 2 or not rows.size or np.isnan(rows).any():
        raise ValueError("quantiles must have a row per outcome and a number per level, got shape "
                         f"{rows.shape} with {int(np.isnan(rows).sum())} NaN. Pass shape (n, q).")
    left, right = rows[:, :-1], rows[:, 1:]
    crossed = right < left
    if not crossed.any():
        return Crossings(0.0, 0.0, 0.0)
    return Crossings(float(crossed.any(axis=1).mean()), float(crossed.mean()),
                     float((left[crossed] - right[crossed]).max()))


def binomial_ends(share: Any, size: Any, *, level: float = 0.9) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the Clopper-Pearson interval of a share.

    Parameters
    ----------
    share : float or array in [0, 1]
    size : float or array >= 0
        Number of trials, which need not be whole.
    level : float in (0, 1)
    """
    from scipy.special import betaincinv

    if not 0 < level < 1:
        raise ValueError(f"level must lie strictly between 0 and 1, got {level!r}. Pass 0.9 for "
                         "a 90 % interval.")
    held = np.clip(np.asarray(share, dtype=float), 0, 1) * size
    missed, tail = size - held, (1 - level) / 2
    few = 1e-9 * np.maximum(size, 1)      # rounding must not make an empty tail count
    none, every = held <= few, missed <= few
    low = betaincinv(np.where(none, 1, held), missed + 1, tail)
    high = betaincinv(held + 1, np.where(every, 1, missed), 1 - tail)
    return np.where(none, 0.0, low), np.where(every, 1.0, high)
