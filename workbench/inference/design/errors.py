"""Where the cheap labeller errs: agreement with gold labels, by group of documents."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import norm

from workbench.core import effective_size

__all__ = ["KINDS", "label_errors"]

KINDS = ("gold 1 read as 1", "gold 0 read as 0", "surrogate minus gold")
MOST_LEVELS = 4


def label_errors(table: pd.DataFrame, predicted: str, surrogate: str, by: Sequence[str], *,
                 sample_weight: np.ndarray | None = None, level: float = 0.95) -> pd.DataFrame:
    """How surrogates of one variable compare with gold labels in each group.

    Parameters
    ----------
    table : DataFrame
    predicted, surrogate : str
        Gold labels, missing where there are none, and their surrogates.
    by : sequence of str
        Columns to group by; numbers with many values are divided at their median.
    sample_weight : array, shape (n,), optional
        Inverse probabilities of the labels.
    level : float
        Probability content of the intervals: Wilson's, on the effective number of labels.

    Returns
    -------
    errors : DataFrame
        Columns group, kind (of `KINDS`), value, low, high, labels. Shares where both are 0 or 1,
        else the mean difference.
    """
    held = table[predicted].notna().to_numpy()
    gold = table.loc[held, predicted].to_numpy(float)
    guess = table.loc[held, surrogate].to_numpy(float)
    weight = np.ones(len(gold)) if sample_weight is None else np.asarray(sample_weight)[held]
    binary = bool(np.isin(gold, (0, 1)).all() and np.isin(guess, (0, 1)).all())
    groups = {"all": np.ones(len(gold), dtype=bool)}
    for name in by:
        groups |= _groups(table.loc[held, name])
    rows = []
    for group, inside in groups.items():
        if binary:
            for value in (1, 0):
                some = inside & (gold == value)
                rows.append((group, KINDS[1 - value], *_share(guess[some] == value, weight[some],
                                                              level), int(some.sum())))
        else:
            rows.append((group, KINDS[2], *_mean((guess - gold)[inside], weight[inside], level),
                         int(inside.sum())))
    found = pd.DataFrame(rows, columns=["group", "kind", "value", "low", "high", "labels"])
    return found[found["labels"] > 0].reset_index(drop=True)


def _groups(column: pd.Series) -> dict[str, np.ndarray]:
    values = column.dropna().unique()
    if len(values) <= MOST_LEVELS or column.dtype.kind not in "iuf":
        most = column.value_counts().index[:MOST_LEVELS]
        return {f"{column.name} = {_told(value)}": (column == value).to_numpy()
                for value in sorted(most, key=str)}
    middle = float(column.median())
    high = (column > middle).to_numpy()
    return {f"{column.name} <= {middle:.3g}": ~high, f"{column.name} > {middle:.3g}": high}


def _share(right: np.ndarray, weight: np.ndarray, level: float) -> tuple[float, float, float]:
    """A share with Wilson's interval."""
    if not len(right):
        return np.nan, np.nan, np.nan
    share, n = float(np.average(right, weights=weight)), float(effective_size(
        weight / weight.sum()))
    z = float(norm.ppf(0.5 + level / 2))
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return share, max(0.0, middle - half), min(1.0, middle + half)


def _mean(gap: np.ndarray, weight: np.ndarray, level: float) -> tuple[float, float, float]:
    if len(gap) < 2:
        return np.nan, np.nan, np.nan
    mean, n = float(np.average(gap, weights=weight)), float(effective_size(weight / weight.sum()))
    half = float(norm.ppf(0.5 + level / 2)) * float(np.sqrt(
        np.average((gap - mean) ** 2, weights=weight) / n))
    return mean, mean - half, mean + half


def _told(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
