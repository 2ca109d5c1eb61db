"""Intervals of an accuracy on a test set, and of the mean of dependent scores."""

import math
from typing import Any

import numpy as np
from scipy import special

from workbench.core import Interval, check
from workbench.inference.comparison.arrays import at_least_zero, differences, level_between

__all__ = ["INTERVALS", "accuracy_interval", "mean_interval", "quantile_interval"]

INTERVALS = ("wilson", "clopper-pearson", "normal")


def accuracy_interval(right: int, n: int, *, method: str = "wilson", level: float = 0.95
                      ) -> Interval:
    """Interval of the accuracy of a fitted model from its right predictions on a test set.

    Parameters
    ----------
    right, n : int
        Right predictions, and rows.
    method : {"wilson", "clopper-pearson", "normal"}
        The normal one, ``ACC +- z sqrt(ACC (1 - ACC) / n)``, has no width at 0 and 1.
    level : float in (0, 1)

    Examples
    --------
    >>> told = accuracy_interval(90, 100)
    >>> round(told.low, 3), round(told.high, 3)
    (0.826, 0.945)
    """
    check.one_of(INTERVALS, method=method)
    check.whole(0, right=right, hint="Count the right predictions.")
    check.whole(1, n=n, hint="Count the rows.")
    if right > n:
        raise ValueError(f"right must count at most n rows, at least one, got {right!r} of {n!r}. "
                         "Predict a test set first.")
    level_between(level)
    share, z = right / n, float(special.ndtri(0.5 + level / 2))
    if method == "normal":
        reach = z * math.sqrt(share * (1 - share) / n)
        return Interval(max(0.0, share - reach), min(1.0, share + reach), level)
    if method == "wilson":
        middle = (share + z * z / (2 * n)) / (1 + z * z / n)
        reach = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + (z / (2 * n)) ** 2)
        return Interval(max(0.0, middle - reach) if right else 0.0,
                        min(1.0, middle + reach) if right < n else 1.0, level)
    tail = (1 - level) / 2
    low = 0.0 if right == 0 else float(special.betaincinv(right, n - right + 1, tail))
    high = 1.0 if right == n else float(special.betaincinv(right + 1, n - right, 1 - tail))
    return Interval(low, high, level)


def mean_interval(scores: Any, *, overlap: float = 0.0, level: float = 0.95) -> Interval:
    """Student's interval of a mean, ``mean +- t sd sqrt(1/k + overlap)``.

    Parameters
    ----------
    scores : array, shape (k,)
    overlap : float >= 0
        ``n_test / n_train`` of splits that share training rows (Nadeau and Bengio); 0 for
        independent scores.
    level : float
    """
    found = differences(scores)
    at_least_zero(overlap=overlap, hint="Pass n_test / n_train, or 0 for independent scores.")
    level_between(level)
    k, mean = len(found), float(found.mean())
    reach = float(special.stdtrit(k - 1, 0.5 + level / 2)) * float(found.std(ddof=1)) * math.sqrt(
        1 / k + overlap)
    return Interval(mean - reach, mean + reach, level)


def quantile_interval(replicates: np.ndarray, *, level: float = 0.95) -> Interval:
    """Quantiles of replicates, shape (B,): the percentile interval of the bootstrap."""
    low, high = np.quantile(replicates, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high), level)
