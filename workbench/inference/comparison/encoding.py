"""Mixed tables as one array that splits are cut from quickly; what is learnt, each fit learns.

The array holds numbers, and categories as the places of their names: renaming cells learns nothing
of other rows. Medians, means, spreads, and which categories are frequent, ``Encoder.fit`` learns
from training rows alone, with the output of ``quantiles.encoding.table_encoder``, which is slower
by the price of taking rows of a DataFrame apart.
"""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.preprocessing import StandardScaler

__all__ = ["Encoder", "coded"]

FARTHEST = 1e9           # standard deviations


def coded(features: pd.DataFrame) -> tuple[np.ndarray, tuple[int, ...]]:
    """A table as floats, and which of its columns are categories.

    Parameters
    ----------
    features : DataFrame, shape (n, p)
        Floats, and objects for categories; NaN where missing.

    Returns
    -------
    cells : array, shape (n, p)
        Numbers; places of categories in sorted order, the missing one last.
    categories : tuple of int
        Columns that hold places.

    Examples
    --------
    >>> coded(pd.DataFrame({"size": [1.0, 2.0], "colour": ["red", "blue"]}))
    (array([[1., 1.],
           [2., 0.]]), (1,))
    """
    found = np.empty(features.shape)
    categories = []
    for at, (_, column) in enumerate(features.items()):
        if column.dtype.kind == "f":
            found[:, at] = column
            continue
        places, names = pd.factorize(column.astype(object), sort=True)
        found[:, at] = np.where(places < 0, len(names), places)
        categories.append(at)
    return found, tuple(categories)


class Encoder(TransformerMixin, BaseEstimator):
    """Fill, mark and standardise numbers; one column per frequent category.

    Parameters
    ----------
    categories : tuple of int
        Columns that hold places of categories, as from `coded`.
    most_categories, least_rows : int
        Columns per category column at most; categories with fewer training rows are rare, and
        share a column with those that training has not seen.
    """

    def __init__(self, categories: tuple[int, ...] = (), most_categories: int = 20,
                 least_rows: int = 3):
        self.categories = categories
        self.most_categories, self.least_rows = most_categories, least_rows

    def fit(self, X: np.ndarray, y: Any = None) -> "Encoder":
        """Learn from training rows."""
        del y
        self.numbers_ = [at for at in range(X.shape[1]) if at not in self.categories]
        own = X[:, self.numbers_]
        missing = np.isnan(own)
        self.marked_ = np.flatnonzero(missing.any(axis=0))
        empty = missing.all(axis=0)
        self.medians_ = np.zeros(own.shape[1])
        self.medians_[~empty] = np.nanmedian(own[:, ~empty], axis=0)
        self.scaler_ = StandardScaler().fit(self._filled(own)) if self.numbers_ else None
        self.known_ = {at: self._frequent(X[:, at]) for at in self.categories}
        return self

    def transform(self, X: np.ndarray) -> np.ndarray:
        """Encode rows, shape (n, p), as floats, shape (n, any)."""
        parts = [np.empty((len(X), 0))]
        if self.scaler_ is not None:
            scaled = self.scaler_.transform(self._filled(X[:, self.numbers_]))
            parts.append(np.clip(scaled, -FARTHEST, FARTHEST))
        for at, (frequent, rare) in self.known_.items():
            same = (X[:, at, None] == frequent).astype(float)
            parts.append(same)
            if rare:
                parts.append(1.0 - same.sum(axis=1, keepdims=True))
        return np.hstack(parts)

    def _filled(self, own: np.ndarray) -> np.ndarray:
        missing = np.isnan(own)
        return np.hstack([np.where(missing, self.medians_, own),
                          missing[:, self.marked_].astype(float)])

    def _frequent(self, places: np.ndarray) -> tuple[np.ndarray, bool]:
        """Categories with a column of their own, and whether others share one."""
        names, counts = np.unique(places, return_counts=True)
        often = counts >= self.least_rows
        if often.sum() + (not often.all()) > self.most_categories:
            often = np.zeros(len(names), dtype=bool)
            often[np.argsort(counts, kind="stable")[1 - self.most_categories:]] = True
        return names[often], not often.all()
