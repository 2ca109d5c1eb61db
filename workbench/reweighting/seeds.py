"""Means over seeds with Student's intervals: of one number, and of each group of a table."""

import math

import numpy as np
import pandas as pd

from workbench.core import Estimate, Interval

__all__ = ["mean_over_seeds", "means_over_seeds"]

EVERYWHERE = (-math.inf, math.inf)


def mean_over_seeds(values: np.ndarray, *, level: float = 0.9, unit: str = "",
                    within: tuple[float, float] = EVERYWHERE) -> Estimate:
    """Mean with Student's interval over seeds; without one for fewer than two finite values.

    Parameters
    ----------
    values : array, shape (seeds,)
    level : float in (0, 1)
    unit : str
    within : (float, float)
        What values can be at all: an interval is cut there, which it may pass.

    Examples
    --------
    >>> print(mean_over_seeds(np.array([90.0, 100.0, 100.0]), unit="%", within=(0.0, 100.0)))
    96.67 % [86.93, 100], 90 % interval
    """
    from scipy.stats import t

    values = np.asarray(values, float)
    if len(values) < 2 or not np.isfinite(values).all():
        why = "one seed" if len(values) < 2 else "a training diverged"
        return Estimate(float(values.mean()) if len(values) else math.nan, unit=unit, why=why)
    mean, error = float(values.mean()), float(values.std(ddof=1)) / math.sqrt(len(values))
    half = float(t.ppf(0.5 + level / 2, len(values) - 1)) * error
    ends = max(mean - half, within[0]), min(mean + half, within[1])
    return Estimate(mean, Interval(*ends, level), unit)


def means_over_seeds(table: pd.DataFrame, by: list[str], column: str = "value", *,
                     level: float = 0.9,
                     within: tuple[float, float] = EVERYWHERE) -> pd.DataFrame:
    """The same for groups of rows: their mean, and `low` and `high`, NaN for a single row.

    Values that are not known are left out, as pandas does.

    Examples
    --------
    >>> rows = pd.DataFrame({"at": [1, 1, 2], "value": [1.0, 3.0, 5.0]})
    >>> means_over_seeds(rows, ["at"]).round(2)
       at  value   low  high
    0   1    2.0 -4.31  8.31
    1   2    5.0   NaN   NaN
    """
    from scipy.stats import t

    found = table.groupby(by, sort=False)[column].agg(["mean", "std", "count"]).reset_index()
    many = found["count"].clip(lower=2)
    half = t.ppf(0.5 + level / 2, many - 1) * found["std"] / np.sqrt(many)
    return found[by].assign(**{column: found["mean"],
                               "low": (found["mean"] - half).clip(lower=within[0]),
                               "high": (found["mean"] + half).clip(upper=within[1])})
