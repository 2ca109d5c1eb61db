"""Rows of outcomes, quantiles and weights, checked once at the public doors."""

import math
from typing import Any

import numpy as np
import pandas as pd

from workbench.core import check
from workbench.inference.quantiles.levels import checked_levels

__all__ = ["checked_amounts", "checked_ends", "checked_groups", "checked_new_amounts",
           "checked_quantiles", "checked_rows"]

FILL = "Drop the rows or fill the missing entries first."


def checked_amounts(sample_weight: Any, n: int) -> np.ndarray:
    """Amounts >= 0 that each row counts, shape (n,); ones for None.

    Raises
    ------
    ValueError
        If one is negative or not finite, if all are zero, or if they are not one per row.
    """
    if sample_weight is None:
        return np.ones(n)
    amounts = np.asarray(sample_weight, dtype=float)
    if amounts.shape != (n,):
        raise ValueError(f"sample_weight must have one entry for each of the {n} rows, got shape "
                         f"{amounts.shape}. Pass an array of that length.")
    check.finite(sample_weight=amounts, hint=FILL)
    if not ((amounts >= 0).all() and amounts.any()):
        raise ValueError("sample_weight must be >= 0 and not all zero, got smallest "
                         f"{amounts.min():.3g} and largest {amounts.max():.3g}. Drop those rows.")
    return amounts


def checked_new_amounts(weights: Any, n: int) -> np.ndarray:
    """Amounts >= 0 that new rows count, shape (n,), from one per row or one for all.

    Raises
    ------
    ValueError
        If one is negative or not finite, or if they are neither one per row nor a single number.
    """
    amounts = np.asarray(weights, dtype=float)
    if amounts.shape not in ((), (n,)):
        raise ValueError(f"weights must have one entry for each of the {n} new rows, got shape "
                         f"{amounts.shape}. Pass an array of that length, or one number.")
    if not ((amounts >= 0) & np.isfinite(amounts)).all():
        raise ValueError(f"weights must be finite and >= 0, got smallest {amounts.min():.3g} and "
                         f"largest {amounts.max():.3g}. Clip them.")
    return np.broadcast_to(amounts, (n,))


def checked_groups(groups: Any, n: int) -> pd.Index:
    """Labels of n rows, of any type; missing ones are labels too.

    Raises
    ------
    ValueError
        If they are not one per row.
    """
    if np.shape(groups) != (n,):
        raise ValueError(f"groups must have one label for each of the {n} rows, got shape "
                         f"{np.shape(groups)}. Pass one array of that length.")
    return pd.Index(groups, tupleize_cols=False)


def checked_quantiles(quantiles: Any, quantile_levels: Any, *,
                      finite: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Quantiles, shape (n, q), and their levels, shape (q,); never NaN, infinite if they may be.

    Raises
    ------
    ValueError
        If the shapes disagree, a quantile is NaN, or the levels are not as they must be.
    """
    levels = checked_levels(quantile_levels)
    rows = np.asarray(quantiles, dtype=float)
    if rows.ndim != 2 or rows.shape[1] != len(levels):
        raise ValueError(f"quantiles must have one row per outcome and one column for each of the "
                         f"{len(levels)} levels, got shape {rows.shape}. Pass shape (n, q).")
    if _surely_finite(rows):
        return rows, levels
    if finite:
        check.finite(quantiles=rows, hint=FILL)
    elif np.isnan(rows).any():
        raise ValueError(f"quantiles must be numbers, got {int(np.isnan(rows).sum())} NaN. {FILL}")
    return rows, levels


def checked_rows(y: Any, quantiles: Any, quantile_levels: Any, *,
                 finite: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Outcomes, shape (n,), their quantiles, shape (n, q), and the levels, shape (q,)."""
    rows, levels = checked_quantiles(quantiles, quantile_levels, finite=finite)
    outcomes = _outcomes(y)
    check.same_length(y=outcomes, quantiles=rows)
    return outcomes, rows, levels


def checked_ends(y: Any, low: Any, high: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Outcomes and the two ends of their intervals, shape (n,) each; ends may be infinite."""
    outcomes = _outcomes(y)
    ends = [np.broadcast_to(np.asarray(end, dtype=float), outcomes.shape)
            if np.ndim(end) == 0 else np.asarray(end, dtype=float) for end in (low, high)]
    check.same_length(y=outcomes, low=ends[0], high=ends[1])
    for name, end in zip(("low", "high"), ends, strict=True):
        if end.ndim != 1 or np.isnan(end).any():
            raise ValueError(f"{name} must hold one number per row, got shape {end.shape} with "
                             f"{int(np.isnan(end).sum())} NaN. {FILL}")
    return outcomes, ends[0], ends[1]


def _outcomes(y: Any) -> np.ndarray:
    outcomes = np.asarray(y, dtype=float)
    if outcomes.ndim != 1 or not len(outcomes):
        raise ValueError(f"y must hold one outcome per row and at least one, got shape "
                         f"{outcomes.shape}. Pass shape (n,).")
    if not _surely_finite(outcomes):
        check.finite(y=outcomes, hint=FILL)
    return outcomes


def _surely_finite(values: np.ndarray) -> bool:
    """Whether the sum is finite, which one pass tells, without copies and without threads."""
    with np.errstate(all="ignore"):
        return math.isfinite(np.einsum("i->", values.ravel(order="K")))
