"""Quantile forests: each training response counts by how often it shares a leaf with x.

``F(y | x) = weights(x) @ 1{responses <= y}`` with Meinshausen's weights
``w_i(x) = mean_t s_i 1{leaf_t(x_i) = leaf_t(x)} / sum_j s_j 1{leaf_t(x_j) = leaf_t(x)}``
over trees t and sample weights s; a quantile is the smallest response at which F reaches its
level.

Source: N. Meinshausen, JMLR 7 (2006), 983-999, equations (4) to (6); every training row counts,
drawn into the bootstrap of a tree or not.
"""

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.ensemble import ExtraTreesRegressor, RandomForestRegressor

from workbench.core import check
from workbench.inference.quantiles.base_models import QuantileEstimator
from workbench.inference.quantiles.levels import checked_levels
from workbench.inference.quantiles.training_rows import integer_seed, location, training_rows

__all__ = ["QuantileForest", "weighted_quantiles"]

ENTRIES = 4_000_000      # weights held at a time while predicting, 16 bytes each
SLACK = 1e-10            # rounding of a sum of weights


class QuantileForest(QuantileEstimator):
    """Random forest or extremely randomised trees whose leaves hold whole distributions.

    Parameters
    ----------
    quantile_levels : array, shape (q,), optional
        None takes ``even_levels(19)``.
    extra : bool
        Extremely randomised trees on all rows instead of a random forest on bootstraps.
    n_estimators : int > 0
        Trees.
    min_samples_split, min_samples_leaf : int
        Fewest rows in a node that is split, and in a leaf.
    max_features : float, int or str
        Features tried at each split, as in scikit-learn.
    n_jobs : int, optional
        Threads, as in scikit-learn.
    random_state : int, optional

    Attributes
    ----------
    levels_ : array, shape (q,)
    forest_ : RandomForestRegressor or ExtraTreesRegressor
        Of standardised features and responses: scikit-learn takes differences below 1e-7 for none.
    columns_ : pair of arrays, shape (p,)
        Means and standard deviations of the features.
    responses_ : array, shape (m,)
        Distinct training responses in increasing order.

    Examples
    --------
    >>> X = np.repeat([[0.0], [1.0]], 20, axis=0)
    >>> y = np.append(np.arange(20.0), 100 + np.arange(20.0))
    >>> forest = QuantileForest([0.5], extra=True, random_state=0).fit(X, y)
    >>> forest.predict_quantiles([[0.0], [1.0]])
    array([[  9.],
           [109.]])
    """

    allows_nan = True

    def __init__(self, quantile_levels: Any = None, *,  # noqa: PLR0913 - each option is a parameter
                 extra: bool = False, n_estimators: int = 50, min_samples_split: int = 8,
                 min_samples_leaf: int = 8, max_features: Any = 1.0, n_jobs: int | None = None,
                 random_state: Any = None):
        self.quantile_levels = quantile_levels
        self.extra = extra
        self.n_estimators = n_estimators
        self.min_samples_split = min_samples_split
        self.min_samples_leaf = min_samples_leaf
        self.max_features = max_features
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "QuantileForest":
        """Grow the trees and keep which responses share a leaf.

        Parameters
        ----------
        X : array, shape (n, p)
            NaN marks a missing entry.
        y : array, shape (n,)
        sample_weight : array, shape (n,), optional
            Amounts >= 0; they count in the splits and in the leaves.

        Raises
        ------
        ValueError
            If levels, shapes or weights are malformed.
        """
        self.levels_ = checked_levels(self.quantile_levels)
        check.positive(n_estimators=self.n_estimators)
        rows = training_rows(self, X, y, sample_weight, allow_nan=True)
        kind = ExtraTreesRegressor if self.extra else RandomForestRegressor
        self.forest_ = kind(
            self.n_estimators, min_samples_split=self.min_samples_split,
            min_samples_leaf=self.min_samples_leaf, max_features=self.max_features,
            n_jobs=self.n_jobs, random_state=integer_seed(self.random_state))
        self.columns_ = location(rows.X, rows.weight)
        (middle,), (size,) = location(rows.y[:, None], rows.weight)
        self.forest_.fit(self._scaled(rows.X), (rows.y - middle) / size,
                         sample_weight=rows.varying_weight)
        leaves = self.forest_.apply(self._scaled(rows.X))
        nodes = [tree.tree_.node_count for tree in self.forest_.estimators_]
        self.first_node_ = np.append(0, np.cumsum(nodes)[:-1])
        members = self._memberships(leaves)
        total = np.maximum(members.T @ rows.weight, np.finfo(float).tiny)
        self.responses_, place = np.unique(rows.y, return_inverse=True)
        amounts = sparse.csr_array((rows.weight, place, np.arange(len(rows) + 1)))
        scale = sparse.diags_array(1 / (total * len(nodes)))
        self.leaf_weights_ = sparse.csr_array((scale @ members.T @ amounts).tocsr())
        return self

    def predict_quantiles(self, X: Any) -> np.ndarray:
        """Quantiles of the training responses by their weights at x, shape (n, q)."""
        X, place = np.unique(self._new_rows(X), axis=0, return_inverse=True)   # cells come once
        quantiles = np.empty((len(X), len(self.levels_)))
        row = self._entries_per_row()
        step = max(1, ENTRIES // row)
        for start in range(0, len(X), step):
            part = slice(start, start + step)
            quantiles[part] = weighted_quantiles(self._weights(X[part]), self.responses_,
                                                 self.levels_)
        return quantiles[place.ravel()]

    def weights(self, X: Any) -> Any:
        """How much each training response counts at x; rows sum to one.

        Returns
        -------
        weights : sparse array, shape (n, m)
            Columns in the order of ``responses_``.
        """
        return self._weights(self._new_rows(X))

    def _weights(self, X: np.ndarray) -> Any:
        return self._memberships(self.forest_.apply(self._scaled(X))) @ self.leaf_weights_

    def _scaled(self, X: np.ndarray) -> np.ndarray:
        centre, scale = self.columns_
        return np.asarray((X - centre) / scale)

    def _memberships(self, leaves: np.ndarray) -> Any:
        """Which nodes of all trees hold each row, sparse, shape (n, nodes)."""
        n, trees = leaves.shape
        columns = (leaves + self.first_node_).ravel()
        width = int(self.first_node_[-1]) + self.forest_.estimators_[-1].tree_.node_count
        return sparse.csr_array((np.ones(n * trees), columns, np.arange(0, n * trees + 1, trees)),
                                shape=(n, width))

    def _entries_per_row(self) -> int:
        """Most weights above zero that a row can have on average over leaves drawn by size."""
        sizes = np.diff(self.leaf_weights_.indptr).astype(float)
        typical = float((sizes**2).sum() / max(sizes.sum(), 1.0))
        return max(1, int(min(len(self.responses_), typical * len(self.forest_.estimators_))))


def weighted_quantiles(weights: Any, values: np.ndarray, quantile_levels: Any) -> np.ndarray:
    """Quantiles of weighted values: the smallest at which the weights add up to a level.

    Parameters
    ----------
    weights : sparse array, shape (n, m)
        Rows on the simplex.
    values : array, shape (m,)
        Increasing.
    quantile_levels : array, shape (q,)

    Returns
    -------
    quantiles : array, shape (n, q)
    """
    rows = sparse.csr_array(weights)
    rows.sort_indices()
    total = np.append(0.0, np.cumsum(rows.data))
    before = total[rows.indptr[:-1]]
    size = total[rows.indptr[1:]] - before
    wanted = before[:, None] + size[:, None] * (np.asarray(quantile_levels) - SLACK)
    entry = np.searchsorted(total[1:], wanted)
    last = rows.indptr[1:, None] - 1
    return values[rows.indices[np.clip(entry, rows.indptr[:-1, None], last)]]
