"""Training rows: checked, in one order, written out as often as whole weights say.

Whole weights are numbers of equal rows, and the order of the rows does not matter. Batches,
bootstraps, rows held out and smallest leaves break this law unless each row that a weight stands
for is there to be drawn, in a place that does not depend on the order given. Rows are not merged
for it: where few rows differ, as of categories and counts, a draw must not take all of a kind.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils.validation import validate_data

from workbench.core.rng import generator, seed_from
from workbench.inference.quantiles.rows import checked_amounts

__all__ = ["Rows", "checked_numbers", "equal_rows", "integer_seed", "location", "ordered",
           "seeded", "training_rows", "written_out"]

MOST_COPIES = 10         # rows written out for one row given, on average
SIGNS = ("X contains NaN", "convert", "cast", "promote")      # of a table that is no matrix
CONSTANT = 1e-12         # relative spread below which a column counts as constant


@dataclass(frozen=True)
class Rows:
    """Training rows.

    Parameters
    ----------
    X : array, shape (n, p)
    y : array, shape (n,)
    weight : array, shape (n,)
        What each counts; above zero.
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

    def merged(self) -> "Rows":
        """One of each group of equal rows, with their weights added: for what draws nothing."""
        groups = equal_rows(self.X, self.y)
        first = np.unique(groups, return_index=True)[1]
        return Rows(self.X[first], self.y[first], np.bincount(groups, self.weight))


def training_rows(estimator: Any, X: Any, y: Any, sample_weight: Any = None, *,
                  allow_nan: bool = False) -> Rows:
    """Check what `fit` was given, note features on the estimator, write rows out in one order.

    Parameters
    ----------
    estimator : estimator
        Gets ``n_features_in_`` and, from a DataFrame, ``feature_names_in_``.
    X : array, shape (n, p)
    y : array, shape (n,)
    sample_weight : array, shape (n,), optional
        Amounts >= 0; see `written_out`.
    allow_nan : bool
        Whether missing entries of X may stay.

    Raises
    ------
    ValueError
        If shapes differ, entries are not finite, or weights are negative or all zero.
    """
    X, y = checked_numbers(estimator, X, y, allow_nan=allow_nan)
    rows, weight = written_out(checked_amounts(sample_weight, len(y)))
    X, y = X[rows], y[rows]
    return Rows(X, y, weight).take(ordered(np.column_stack([X, weight]), y))


def checked_numbers(estimator: Any, X: Any, y: Any, *,
                    allow_nan: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Features and outcomes as floats, shapes (n, p) and (n,), noted on the estimator."""
    try:
        X, y = validate_data(estimator, X, y, dtype=np.float64, y_numeric=True,
                             ensure_all_finite="allow-nan" if allow_nan else True)
    except (TypeError, ValueError) as wrong:
        if any(sign in str(wrong) for sign in SIGNS):
            wrong.add_note("X must be numbers here. EncodedQuantiles(model) fills the missing "
                           "cells of a table and encodes its categories.")
        raise
    return X, y.astype(float)


def written_out(amounts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions of rows, each as often as its amount says, and what each of them counts.

    Parameters
    ----------
    amounts : array, shape (n,)
        Not negative and not all zero.

    Returns
    -------
    rows : array of int, shape (N,)
        Whole amounts repeat a row, where the rows grow tenfold at most; other amounts remain
        weights. Rows of amount zero are left out.
    weight : array, shape (N,)
        With mean one.
    """
    held = np.flatnonzero(amounts)
    weight = amounts[held]
    if (weight == np.floor(weight)).all() and weight.mean() <= MOST_COPIES:
        rows = np.repeat(held, weight.astype(np.intp))
        return rows, np.ones(len(rows))
    weight = weight / weight.max()
    return held, weight / np.sort(weight).mean()          # of one order, as rounding has it


def ordered(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Positions in increasing order of y, then of the columns of X, shape (n,)."""
    order = np.argsort(y, kind="stable")
    return np.lexsort((*X.T[::-1], y)) if (np.diff(y[order]) == 0).any() else order


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
    order = ordered(X, y)
    here, before = X[order[1:]], X[order[:-1]]
    same = (np.diff(y[order]) == 0) & (
        (here == before) | (np.isnan(here) & np.isnan(before))).all(axis=1)
    groups = np.empty(len(y), dtype=np.intp)
    groups[order] = np.cumsum(np.append(True, ~same)) - 1
    return groups


def location(columns: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weighted mean and standard deviation of each column, one where a column is constant.

    Parameters
    ----------
    columns : array, shape (n, p)
        NaN entries count nothing.
    weight : array, shape (n,)

    Returns
    -------
    centre, scale : arrays, shape (p,)
    """
    known = ~np.isnan(columns)
    tiny = np.finfo(float).tiny
    share = weight[:, None] * known
    share /= np.maximum(share.sum(axis=0), tiny)
    size = np.maximum(np.abs(np.where(known, columns, 0.0)).max(axis=0), tiny)
    shrunk = np.where(known, columns, 0.0) / size          # whose squares do not overflow
    centre = (share * shrunk).sum(axis=0)
    spread = np.sqrt((share * (shrunk - centre) ** 2).sum(axis=0))
    scale = spread * size
    return centre * size, np.where((spread > CONSTANT) & (scale > 0), scale, 1.0)
