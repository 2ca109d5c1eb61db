"""Training rows: checked, in one order, equal rows merged so that a weight of two is two rows.

Merging makes a law exact that mini-batches, bootstraps and smallest leaf sizes break: a row with
sample weight w counts as w equal rows, a row of weight zero as none, and the order of the rows
does not matter.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.utils.validation import validate_data

from workbench.core.rng import generator, seed_from
from workbench.inference.quantiles.rows import checked_amounts

__all__ = ["Rows", "equal_rows", "integer_seed", "seeded", "training_rows"]


@dataclass(frozen=True)
class Rows:
    """Distinct training rows.

    Parameters
    ----------
    X : array, shape (n, p)
    y : array, shape (n,)
    weight : array, shape (n,)
        How many rows each stands for; above zero.
    """

    X: np.ndarray
    y: np.ndarray
    weight: np.ndarray

    def __len__(self) -> int:
        return len(self.y)

    @property
    def varying_weight(self) -> np.ndarray | None:
        """The weights, or None where all are equal."""
        return None if np.ptp(self.weight) == 0 else self.weight

    def take(self, chosen: np.ndarray) -> "Rows":
        """Some of the rows."""
        return Rows(self.X[chosen], self.y[chosen], self.weight[chosen])


def training_rows(estimator: Any, X: Any, y: Any, sample_weight: Any = None, *,
                  allow_nan: bool = False) -> Rows:
    """Check what `fit` was given, note features on the estimator, merge equal rows.

    Parameters
    ----------
    estimator : estimator
        Gets ``n_features_in_`` and, from a DataFrame, ``feature_names_in_``.
    X : array, shape (n, p)
    y : array, shape (n,)
    sample_weight : array, shape (n,), optional
        Amounts >= 0.
    allow_nan : bool
        Whether missing entries of X may stay.

    Raises
    ------
    ValueError
        If shapes differ, entries are not finite, or weights are negative or all zero.
    """
    X, y = validate_data(estimator, X, y, dtype=np.float64, y_numeric=True,
                         ensure_all_finite="allow-nan" if allow_nan else True)
    weight = checked_amounts(sample_weight, len(y))
    held = weight > 0
    return _merged(Rows(X[held], y[held].astype(float), weight[held]))


def seeded(random_state: Any) -> np.random.Generator:
    """NumPy generator for a seed, a RandomState or None (fresh entropy; never the global one)."""
    if random_state is None:
        return np.random.default_rng()
    if isinstance(random_state, np.random.Generator):
        return random_state
    if isinstance(random_state, np.random.RandomState):
        return generator(int(random_state.randint(2**31 - 1)))
    return generator(random_state)


def integer_seed(random_state: Any) -> int:
    """Seed for a library that takes integers only."""
    return seed_from(seeded(random_state))


def equal_rows(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Which rows are equal in X and y, in an order that does not depend on theirs.

    Returns
    -------
    groups : array of int, shape (n,)
        Equal rows share a number; numbers increase with y, then with the columns of X.
    """
    order = np.argsort(y, kind="stable")
    if (np.diff(y[order]) == 0).any():
        order = np.lexsort((*X.T[::-1], y))
    here, before = X[order[1:]], X[order[:-1]]
    same = (np.diff(y[order]) == 0) & (
        (here == before) | (np.isnan(here) & np.isnan(before))).all(axis=1)
    groups = np.empty(len(y), dtype=np.intp)
    groups[order] = np.cumsum(np.append(True, ~same)) - 1
    return groups


def _merged(rows: Rows) -> Rows:
    """One of each group of equal rows, in the order of the groups, with their weights added."""
    groups = equal_rows(rows.X, rows.y)
    first = np.unique(groups, return_index=True)[1]
    return replace(rows.take(first), weight=np.bincount(groups, rows.weight))
