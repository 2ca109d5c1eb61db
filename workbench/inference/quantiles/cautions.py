"""Sentences about what a reader must know before trusting the numbers of a test part."""

import math
from typing import Any

import numpy as np
import pandas as pd

from workbench.core.weights import effective_size, normalise

__all__ = ["of_amounts", "of_groups", "of_levels", "of_one_row"]

LARGE = 0.2              # share of a score from which one row is told
FEW = 5                  # average rows that such a row must outweigh in a small table


def of_levels(quantile_levels: Any, alpha: float) -> list[str]:
    """Tell an interval that is wider than the base levels reach.

    Parameters
    ----------
    quantile_levels : array, shape (q,)
        Even and symmetric.
    alpha : float

    Examples
    --------
    >>> of_levels([0.25, 0.5, 0.75], 0.5)
    []
    """
    first = float(quantile_levels[0])
    if alpha / 2 >= first - 1e-9:
        return []
    wanted = math.ceil(2 / alpha - 1e-9) - 1
    return [f"The base levels end at {100 * first:.3g} % and {100 * (1 - first):.3g} %: the "
            f"uncalibrated {100 * (1 - alpha):g} % interval is that of "
            f"{100 * (1 - 2 * first):.3g} %. n_levels={wanted + (wanted % 2 == 0)} reaches it."]


def of_groups(table: pd.DataFrame, promise: float, level: float) -> list[str]:
    """Name groups whose binomial interval of confidence `level` excludes the promise.

    Parameters
    ----------
    table : DataFrame
        Columns group, n, coverage, low, high.
    promise, level : float
    """
    broken = table[(table["low"] > promise) | (table["high"] < promise)]
    listed = ", ".join(f"{group!r} ({100 * share:.3g} % of {n})" for group, share, n in
                       broken[["group", "coverage", "n"]].itertuples(index=False))
    return [f"Groups whose {100 * level:g} % binomial interval excludes {100 * promise:g} %: "
            f"{listed}. One group in ten does so by luck, and more where few rows calibrate it."
            ] if listed else []


def of_one_row(losses: np.ndarray, amounts: np.ndarray, rows: Any) -> list[str]:
    """Tell a row that makes a large part of the score, whose interval then says little.

    Parameters
    ----------
    losses, amounts : array, shape (n,)
    rows : sequence, length n
        Their names.
    """
    held = normalise(amounts) * losses
    if not held.sum() > 0:
        return []
    share = held.max() / held.sum()
    if share < max(LARGE, FEW / len(losses)):
        return []
    return [f"Row {rows[int(held.argmax())]} alone makes {100 * share:.2g} % of the WIS of the "
            "aggregate. Look whether its outcome is right; intervals of scores say little here."]


def of_amounts(amounts: np.ndarray | None) -> list[str]:
    """Tell how many equal rows weighted ones are worth."""
    if amounts is None:
        return []
    return [f"Rows count by their weight, in fits, scores and calibration: the {len(amounts)} "
            f"test rows like {effective_size(amounts):.4g} equal ones."]
