"""What looking early, or trying many models, does to a test that would keep its level."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import special

from workbench.core import check
from workbench.inference.comparison.arrays import alpha_between
from workbench.inference.comparison.intervals import accuracy_interval
from workbench.inference.comparison.worlds import BASE

__all__ = ["HABITS", "peeking"]

HABITS = {"look": "test after each batch, stop when significant",
          "try": "try a new model each time, keep the best p value",
          "look_bonferroni": "the same looks, each at alpha / looks"}
DISAGREE = 0.2           # share of rows on which two equally good models disagree


def peeking(looks: Sequence[int] = (1, 2, 3, 5, 8, 12, 20), *, replications: int = 2000,
            rows: int = 100, alpha: float = 0.05, rng: np.random.Generator) -> pd.DataFrame:
    """Chance of at least one false positive of McNemar's test (mid-p) of equally good models.

    Parameters
    ----------
    looks : sequence of int > 0
        How often somebody tests.
    replications : int > 0
    rows : int > 0
        Test rows of each batch; of the one test set on which models are tried.
    alpha : float
    rng : numpy.random.Generator

    Returns
    -------
    rates : DataFrame
        Columns habit (of `HABITS`), looks, rate, low, high (Wilson's 95 % interval).
    """
    check.whole(1, replications=replications, rows=rows)
    alpha_between(alpha)
    tried = sorted(set(looks))
    if not tried or not all(isinstance(each, int | np.integer) and each > 0 for each in tried):
        raise ValueError(f"looks must be whole numbers above zero, got {list(looks)}. Pass "
                         "(1, 5).")
    most = tried[-1]
    first, second = _disagreements(rng.binomial(rows, BASE, size=(replications, most)), rows, rng)
    grown = _midp(first.cumsum(axis=1), (first + second).cumsum(axis=1))
    baseline = np.repeat(rng.binomial(rows, BASE, size=(replications, 1)), most, axis=1)
    first, second = _disagreements(baseline, rows, rng)
    apart = _midp(first, first + second)
    found = []
    for count in tried:
        least = {"look": grown[:, :count].min(axis=1) <= alpha,
                 "try": apart[:, :count].min(axis=1) <= alpha,
                 "look_bonferroni": grown[:, :count].min(axis=1) <= alpha / count}
        for habit, hit in least.items():
            told = accuracy_interval(int(hit.sum()), replications)
            found.append((habit, count, float(hit.mean()), told.low, told.high))
    return pd.DataFrame(found, columns=["habit", "looks", "rate", "low", "high"])


def _disagreements(right: np.ndarray, rows: int, rng: np.random.Generator
                   ) -> tuple[np.ndarray, np.ndarray]:
    """Rows that only the baseline, and only the other model gets right; both are as accurate."""
    lost = rng.binomial(right, DISAGREE / 2 / BASE)
    return lost, rng.binomial(rows - right, DISAGREE / 2 / (1 - BASE))


def _midp(b: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Two-sided mid-p values of b of n disagreements."""
    least = np.minimum(b, n - b)
    here = np.exp(special.gammaln(n + 1) - special.gammaln(least + 1)
                  - special.gammaln(n - least + 1) - n * np.log(2))
    return np.where(2 * least == n, 1.0, 2 * special.bdtr(least, n, 0.5) - here)
