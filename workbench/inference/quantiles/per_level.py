"""Any regressor with a quantile loss, copied once per level.

Works with `QuantileRegressor`, `GradientBoostingRegressor(loss="quantile")`,
`HistGradientBoostingRegressor(loss="quantile")`, pipelines that end in one, and other libraries'
estimators whose level is a parameter.
"""

from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import BaseEstimator, MetaEstimatorMixin
from sklearn.linear_model import QuantileRegressor
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted, validate_data

from workbench.core import check
from workbench.inference.quantiles.base_models import (
    QuantileEstimator,
    copied,
    fit_model,
)
from workbench.inference.quantiles.levels import checked_levels
from workbench.inference.quantiles.rows import checked_amounts

__all__ = ["PerLevel"]

LOSSES = ("quantile", "pinball")


class PerLevel(MetaEstimatorMixin, QuantileEstimator):
    """One copy of a regressor for each quantile level.

    Parameters
    ----------
    estimator : regressor, optional
        Takes the level as a parameter; None is linear quantile regression without penalty.
    quantile_levels : array, shape (q,), optional
        None takes ``even_levels(19)``.
    parameter : str, optional
        Name of the level's parameter, ``"step__name"`` within a pipeline; None finds the one
        that ends in ``quantile``, or else in ``alpha`` where ``loss`` is ``"quantile"``.
    n_jobs : int, optional
        Levels fitted side by side.

    Attributes
    ----------
    levels_ : array, shape (q,)
    models_ : list of regressors
    parameter_ : str

    Examples
    --------
    >>> from sklearn.ensemble import GradientBoostingRegressor
    >>> boosted = PerLevel(GradientBoostingRegressor(loss="quantile"), [0.1, 0.5, 0.9])
    >>> X = np.arange(40.0)[:, None]
    >>> fitted = boosted.fit(X, X[:, 0])
    >>> fitted.parameter_, fitted.predict_quantiles(X).shape
    ('alpha', (40, 3))
    """

    def __init__(self, estimator: Any = None, quantile_levels: Any = None, *,
                 parameter: str | None = None, n_jobs: int | None = None):
        self.estimator = estimator
        self.quantile_levels = quantile_levels
        self.parameter = parameter
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "PerLevel":
        """Fit one copy per level.

        Parameters
        ----------
        X : array or DataFrame, shape (n, p)
            Handed on as it is.
        y : array, shape (n,)
        sample_weight : array, shape (n,), optional
            Amounts >= 0; a row of weight zero is left out.

        Raises
        ------
        ValueError
            If the estimator has no such parameter or no quantile loss, or takes no weights.
        """
        self.levels_ = checked_levels(self.quantile_levels)
        model = self._model()
        self.parameter_ = _level_parameter(model, self.parameter)
        validate_data(self, X, skip_check_array=True)
        if sample_weight is not None:
            sample_weight = checked_amounts(sample_weight, len(np.asarray(y)))
        self.models_ = Parallel(n_jobs=self.n_jobs)(
            delayed(fit_model)(copied(model).set_params(**{self.parameter_: float(level)}), X, y,
                               sample_weight)
            for level in self.levels_)
        return self

    def predict_quantiles(self, X: Any) -> np.ndarray:
        """Quantiles, shape (n, q); levels are fitted apart, so that they may cross."""
        check_is_fitted(self)
        return np.column_stack([model.predict(X) for model in self.models_])

    def _model(self) -> Any:
        return QuantileRegressor(alpha=0.0) if self.estimator is None else self.estimator

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        if isinstance(model := self._model(), BaseEstimator):
            tags.input_tags = get_tags(model).input_tags
        return tags


def _level_parameter(model: Any, wanted: str | None) -> str:
    """Name of the parameter that holds the level."""
    params = model.get_params() if hasattr(model, "get_params") else {}
    if wanted is not None:
        check.one_of(params, parameter=wanted)
        loss = str(params.get(_beside(wanted, "loss"), "quantile"))
        if loss not in LOSSES:
            raise ValueError(f"estimator must have a quantile loss, got loss={loss!r}. Pass "
                             "loss='quantile' to it.")
        return wanted
    for word in ("quantile", "alpha"):
        for name in params:
            # a quantile says what it is; alpha may be any penalty, unless the loss says so
            silent = "quantile" if word == "quantile" else ""
            if (name.split("__")[-1] == word
                    and str(params.get(_beside(name, "loss"), silent)) in LOSSES):
                return name
    raise ValueError("estimator must have a quantile loss whose level is a parameter, got "
                     f"{type(model).__name__}, in which none was found. Pass loss='quantile' to "
                     "it, or name the parameter.")


def _beside(name: str, other: str) -> str:
    """Name of another parameter of the same step."""
    return "__".join([*name.split("__")[:-1], other])
