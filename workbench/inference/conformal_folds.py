"""Quantiles of any model, calibrated by cross-validation, as a scikit-learn estimator.

What they promise, and from where, is in `conformal_cross`.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.model_selection import LeaveOneOut
from sklearn.utils import _safe_indexing, indexable
from sklearn.utils.validation import _num_samples, check_is_fitted

from workbench.inference.conformal_cross import cross_calibrate
from workbench.inference.quantiles.base_models import copied, fit_model, median_of, quantiles_of
from workbench.inference.quantiles.calibrated import CalibratedQuantiles
from workbench.inference.quantiles.out_of_fold import checked_folds, fold_of_each_row
from workbench.inference.quantiles.rows import checked_new_amounts

__all__ = ["CrossConformalQuantileRegressor"]

MOST = 4_000_000      # predictions of all folds held at once, 32 MB


class CrossConformalQuantileRegressor(CalibratedQuantiles):
    """Calibrated quantiles by CV+ or jackknife+: each row calibrates the models without it.

    Parameters
    ----------
    estimator : estimator with ``predict_quantiles``, optional
        None takes linear quantile regression.
    quantile_levels : array, shape (q,), optional
        Symmetric about 0.5. None takes the estimator's; else the estimator gets them.
    cv : int, splitter, list of splits or "loo"
        Folds that hold out each row once; an int cuts the rows in their order, ``"loo"`` leaves
        out one row at a time, which is jackknife+.
    method : {"symmetric", "asymmetric"}
        One nonconformity for both ends, or one for each.
    nest : {"sort", "widen"}
        How quantiles that cross are ordered; ``widen`` keeps the promise of each interval.
    n_jobs : int, optional
        Models fitted at the same time, as in joblib.

    Attributes
    ----------
    levels_ : array, shape (q,)
    estimators_ : list of fitted models, one for each fold
    calibration_ : workbench.inference.conformal_cross.CrossCalibration

    Examples
    --------
    >>> X = np.linspace(-1, 1, 60)[:, None]
    >>> y = X[:, 0] + np.tile([-0.1, 0.0, 0.1], 20)
    >>> model = CrossConformalQuantileRegressor(quantile_levels=[0.1, 0.5, 0.9], cv=3)
    >>> model.fit(X, y).predict_interval(X, 0.8).shape
    (60, 2)
    """

    def __init__(self, estimator: Any = None, *,
                 quantile_levels: Any = None, cv: Any = 5, method: str = "symmetric",
                 nest: str = "sort", n_jobs: int | None = None):
        self.estimator = estimator
        self.quantile_levels = quantile_levels
        self.cv = cv
        self.method = method
        self.nest = nest
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any,
            sample_weight: Any = None) -> "CrossConformalQuantileRegressor":
        """Fit one model without each fold, and calibrate each on its fold.

        Parameters
        ----------
        X : array or DataFrame, shape (n, p)
            Handed to the models as it is.
        y : array, shape (n,)
        sample_weight : array, shape (n,), optional
            Amounts >= 0, for both: the models are fitted with them, and calibration rows count by
            them.

        Raises
        ------
        ValueError
            If the folds do not hold out each row exactly once.

        Warns
        -----
        TooFewRowsWarning
            If some ends are infinite.
        """
        model, X, outcomes, weights = self.start(X, y, sample_weight)
        n = len(outcomes)
        folds = checked_folds(self._splitter(), X, outcomes)
        fold = fold_of_each_row(folds, n)
        self.estimators_ = Parallel(n_jobs=self.n_jobs)(
            delayed(fit_model)(copied(model), _safe_indexing(X, train), outcomes[train],
                               None if weights is None else weights[train])
            for train, _ in folds)
        quantiles = np.empty((n, len(self.levels_)))
        for fitted, (_, held) in zip(self.estimators_, folds, strict=True):
            quantiles[held] = quantiles_of(fitted, _safe_indexing(X, held), self.levels_)
        self.calibration_ = cross_calibrate(outcomes, quantiles, self.levels_, fold,
                                            method=self.method, sample_weight=weights)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Median, the mean over the models, shape (n,)."""
        check_is_fitted(self)
        (X,) = indexable(X)
        return np.mean([median_of(quantiles_of(fitted, X, self.levels_), self.levels_)
                        for fitted in self.estimators_], axis=0)

    def predict_quantiles(self, X: Any, *, weights: Any = None) -> np.ndarray:
        """Calibrated quantiles in increasing order, shape (n, q); ends may be infinite.

        Parameters
        ----------
        X : array or DataFrame, shape (n, p)
        weights : array, shape (n,), optional
            Likelihood ratio of each new row, on the scale of the `sample_weight` of `fit`.
        """
        check_is_fitted(self)
        (X,) = indexable(X)
        n, size = _num_samples(X), len(self.estimators_) * len(self.levels_)
        made = np.empty((n, len(self.levels_)))
        amounts = None if weights is None else checked_new_amounts(weights, n)
        for rows in _chunks(n, max(1, MOST // size)):
            part = _safe_indexing(X, rows) if len(rows) < n else X
            Z = np.stack([quantiles_of(fitted, part, self.levels_)
                          for fitted in self.estimators_], axis=1)
            made[rows] = self.calibration_.apply(
                Z, weights=None if amounts is None else amounts[rows], nest=self.nest)
        return made

    def _splitter(self) -> Any:
        if not isinstance(self.cv, str):
            return self.cv
        if self.cv != "loo":
            raise ValueError(f"cv must be a number of folds, a splitter, a list of splits or "
                             f"'loo', got {self.cv!r}. Pass 5.")
        return LeaveOneOut()


def _chunks(n: int, size: int) -> Iterator[np.ndarray]:
    for start in range(0, max(n, 1), size):
        yield np.arange(start, min(start + size, n))
