"""What an aggregator must beat: average, median, one model, linear quantile regression.

All have an aggregator's ``fit(X, Z, y)`` and ``predict(X, Z)``; none looks at the features.

Source: baselines of R. Fakoor et al., JMLR 24 (2023), section 5.
"""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from workbench.core import check
from workbench.inference.quantiles.aggregation_rows import Scales, checked_base, checked_training
from workbench.inference.quantiles.levels import checked_levels
from workbench.inference.quantiles.program import least_pinball
from workbench.inference.quantiles.scores import pinball

__all__ = ["RULES", "LinearAggregation", "SimpleAggregation", "best_single", "equal_average",
           "median"]

RULES = ("average", "median", "best single")


def equal_average(Z: Any) -> np.ndarray:
    """Mean over the models, shape (n, q), of base quantiles, shape (n, k, q)."""
    return np.asarray(Z, dtype=float).mean(axis=1)


def median(Z: Any) -> np.ndarray:
    """Median over the models, shape (n, q), of base quantiles, shape (n, k, q)."""
    return np.median(np.asarray(Z, dtype=float), axis=1)


def best_single(Z: Any, y: Any, quantile_levels: Any, *, sample_weight: Any = None) -> int:
    """Position of the model with the least mean pinball loss.

    Parameters
    ----------
    Z : array, shape (n, k, q)
    y : array, shape (n,)
    quantile_levels : array, shape (q,)
    sample_weight : array, shape (n,), optional

    Examples
    --------
    >>> best_single([[[0.0], [2.0]], [[1.0], [3.0]]], [2.0, 3.5], [0.5])
    1
    """
    base = np.asarray(Z, dtype=float)
    return int(np.argmin([pinball(y, base[:, model], quantile_levels, sample_weight=sample_weight)
                          for model in range(base.shape[1])]))


class SimpleAggregation(BaseEstimator):
    """A rule that learns no weights.

    Parameters
    ----------
    quantile_levels : array, shape (q,), optional
        None takes ``even_levels(19)``.
    rule : {"average", "median", "best single"}
        Mean or median over the models, level by level; or the one model with the least mean
        pinball loss on the rows given to `fit`.

    Attributes
    ----------
    levels_ : array, shape (q,)
    models_ : int
    best_ : int
        Position of the best single model.
    """

    def __init__(self, quantile_levels: Any = None, *, rule: str = "average"):
        self.quantile_levels = quantile_levels
        self.rule = rule

    def fit(self, X: Any, Z: Any, y: Any, *,  # noqa: ARG002 - as aggregators have it
            sample_weight: Any = None) -> "SimpleAggregation":
        """Note the models, and which one is best.

        Parameters
        ----------
        X : ignored
        Z : array, shape (n, k, q)
        y : array, shape (n,)
        sample_weight : array, shape (n,), optional
        """
        check.one_of(RULES, rule=self.rule)
        self.levels_ = checked_levels(self.quantile_levels)
        rows = checked_training(None, Z, y, sample_weight, form=(None, len(self.levels_)))
        self.models_ = rows.Z.shape[1]
        self.best_ = best_single(rows.Z, rows.y, self.levels_, sample_weight=rows.amounts)
        return self

    def predict(self, X: Any, Z: Any) -> np.ndarray:  # noqa: ARG002 - as aggregators have it
        """Quantiles, shape (n, q); X is ignored."""
        check_is_fitted(self)
        base = checked_base(Z, self.models_, len(self.levels_))
        if self.rule == "best single":
            return base[:, self.best_].copy()
        return equal_average(base) if self.rule == "average" else median(base)


class LinearAggregation(BaseEstimator):
    """Linear quantile regression on the base quantiles of the same level, free and exact.

    Parameters
    ----------
    quantile_levels : array, shape (q,), optional
        None takes ``even_levels(19)``.

    Attributes
    ----------
    levels_ : array, shape (q,)
    coefficients_ : array, shape (k, q)
    intercepts_ : array, shape (q,)
        In the unit of y.

    Notes
    -----
    ``quantile_k = intercept_k + sum_j coefficient_jk * Z_jk``, one linear programme per level.
    Levels are not put in order.
    """

    def __init__(self, quantile_levels: Any = None):
        self.quantile_levels = quantile_levels

    def fit(self, X: Any, Z: Any, y: Any, *,  # noqa: ARG002 - as aggregators have it
            sample_weight: Any = None) -> "LinearAggregation":
        """Solve one linear programme per level.

        Parameters
        ----------
        X : ignored
        Z : array, shape (n, k, q)
        y : array, shape (n,)
        sample_weight : array, shape (n,), optional
        """
        self.levels_ = checked_levels(self.quantile_levels)
        rows = checked_training(None, Z, y, sample_weight, form=(None, len(self.levels_)))
        scales = Scales.of(rows)
        standard = scales.standard(rows, exact=True)
        amounts = np.ones(len(rows)) if rows.amounts is None else rows.amounts
        found = np.stack([least_pinball(
            np.column_stack([standard.Z[:, :, k], np.ones(len(rows))]), standard.y,
            np.full(len(rows), level), amounts=amounts, simplex=False)
            for k, level in enumerate(self.levels_)], axis=-1)
        self.coefficients_ = found[:-1]
        shift = scales.y_mean * (1 - self.coefficients_.sum(axis=0))
        self.intercepts_ = scales.y_sd * found[-1] + shift
        return self

    def predict(self, X: Any, Z: Any) -> np.ndarray:  # noqa: ARG002 - as aggregators have it
        """Quantiles, shape (n, q), not in order; X is ignored."""
        check_is_fitted(self)
        base = checked_base(Z, len(self.coefficients_), len(self.levels_))
        return np.einsum("kq,nkq->nq", self.coefficients_, base) + self.intercepts_
