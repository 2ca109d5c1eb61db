"""Quantiles of any model, calibrated on rows set aside, as a scikit-learn estimator.

What they promise, and from where, is in `conformal`.
"""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.model_selection import check_cv
from sklearn.utils import _safe_indexing, indexable
from sklearn.utils.validation import check_is_fitted

from workbench.inference.conformal import calibrate
from workbench.inference.quantiles.base_models import fit_model, median_of, quantiles_of
from workbench.inference.quantiles.calibrated import CalibratedQuantiles

__all__ = ["ConformalQuantileRegressor"]

UNFITTED = ("estimator must be fitted already where no row is left to fit it on, got an unfitted "
            "%(name)s: what scikit-learn copies loses its fit. Wrap it in FrozenEstimator.")


class ConformalQuantileRegressor(CalibratedQuantiles):
    """Quantiles of a model, moved until their intervals cover as often as they say.

    Parameters
    ----------
    estimator : estimator with ``predict_quantiles``, optional
        None takes linear quantile regression.
    quantile_levels : array, shape (q,), optional
        Symmetric about 0.5. None takes the estimator's; else the estimator gets them.
    method : {"symmetric", "asymmetric"}
        Both ends of an interval move by the same amount, or each by its own.
    calibration_share : float in (0, 1]
        Of the rows, drawn at random and set aside. 1 calibrates a model that is already fitted,
        for instance a ``FrozenEstimator``, on all rows.
    cv : splitter or list of (rows to fit, rows to calibrate), optional
        Its first split replaces the draw, for rows in order of time or in groups.
    group_by : str, int or callable, optional
        Column of X, by name or position, or a function of X that returns a label for each row:
        every group is calibrated by itself.
    nest : {"sort", "widen"}
        How quantiles that cross are ordered; ``widen`` keeps the promise of each interval.
    random_state : int, Generator or None
        Of the draw.

    Attributes
    ----------
    levels_ : array, shape (q,)
    estimator_ : the fitted model
    calibration_ : workbench.inference.conformal.Calibration

    Examples
    --------
    >>> X = np.linspace(-1, 1, 200)[:, None]
    >>> y = X[:, 0] + np.tile([-0.1, 0.0, 0.1, 0.2], 50)
    >>> model = ConformalQuantileRegressor(quantile_levels=[0.1, 0.5, 0.9], random_state=0)
    >>> model.fit(X, y).predict_interval(X, 0.8).shape
    (200, 2)
    """

    def __init__(self, estimator: Any = None, *,  # noqa: PLR0913 - each option is a parameter
                 quantile_levels: Any = None, method: str = "symmetric",
                 calibration_share: float = 0.25, cv: Any = None, group_by: Any = None,
                 nest: str = "sort", random_state: Any = None):
        self.estimator = estimator
        self.quantile_levels = quantile_levels
        self.method = method
        self.calibration_share = calibration_share
        self.cv = cv
        self.group_by = group_by
        self.nest = nest
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "ConformalQuantileRegressor":
        """Fit the model on some rows and calibrate it on the others.

        Parameters
        ----------
        X : array or DataFrame, shape (n, p)
            Handed to the model as it is.
        y : array, shape (n,)
        sample_weight : array, shape (n,), optional
            Amounts >= 0, for both: the model is fitted with them, and calibration rows count by
            them, see `workbench.inference.conformal.calibrate`.

        Warns
        -----
        TooFewRowsWarning
            If some ends are infinite.
        """
        model, X, outcomes, weights = self.start(X, y, sample_weight)
        train, held = self._split(X, outcomes, weights)
        if len(train):
            model = fit_model(model, _safe_indexing(X, train), outcomes[train],
                              None if weights is None else weights[train])
        elif isinstance(model, BaseEstimator):
            check_is_fitted(model, msg=UNFITTED)
        self.estimator_ = model
        rows = _safe_indexing(X, held)
        self.calibration_ = calibrate(
            outcomes[held], quantiles_of(model, rows, self.levels_), self.levels_,
            method=self.method, groups=self._groups(rows),
            sample_weight=None if weights is None else weights[held])
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Median as the model predicts it, shape (n,)."""
        check_is_fitted(self)
        (X,) = indexable(X)
        return median_of(quantiles_of(self.estimator_, X, self.levels_), self.levels_)

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
        quantiles = quantiles_of(self.estimator_, X, self.levels_)
        return self.calibration_.apply(quantiles, groups=self._groups(X), weights=weights,
                                       nest=self.nest)

    def _split(self, X: Any, y: np.ndarray, weights: Any) -> tuple[np.ndarray, np.ndarray]:
        """Rows to fit and rows to calibrate; rows without weight never calibrate."""
        n = len(y)
        if self.cv is not None:
            train, held = next(iter(check_cv(self.cv).split(X, y)), ([], []))
            rest, kept = np.arange(n)[train], np.arange(n)[held]
            both = np.intersect1d(rest, kept)
            if len(both) or not len(kept):
                raise ValueError("cv must hold out rows that it does not fit on, got "
                                 f"{len(kept)} held out and {len(both)} of them fitted on too. "
                                 "Pass a splitter such as TimeSeriesSplit().")
            return rest, kept
        if not 0 < self.calibration_share <= 1:
            raise ValueError("calibration_share must lie above 0 and not above 1, got "
                             f"{self.calibration_share!r}. Pass 0.25 for a quarter of the rows.")
        if self.calibration_share == 1:
            return np.arange(0), np.arange(n)
        counting = np.arange(n) if weights is None else np.flatnonzero(weights)
        m = max(1, round(self.calibration_share * len(counting)))
        if len(counting) - m < 1:
            raise ValueError("y must have a row to fit and one to calibrate, got n_samples = "
                             f"{len(counting)} that count. Pass more rows.")
        rng = np.random.default_rng(self.random_state)
        held = np.sort(rng.permutation(counting)[:m])
        return np.setdiff1d(np.arange(n), held), held

    def _groups(self, X: Any) -> Any:
        if self.group_by is None:
            return None
        if callable(self.group_by):
            return np.asarray(self.group_by(X))
        return np.asarray(_safe_indexing(X, self.group_by, axis=1))
