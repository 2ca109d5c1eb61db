"""Quantiles of tables: numbers with gaps and categories are encoded for a model of numbers.

A scikit-learn pipeline hands on `predict` but not `predict_quantiles`; this does both. The encoder
learns from the rows given to `fit` alone, so that `cross_validate` and conformal estimators around
it keep test rows out of it.
"""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin, clone
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from workbench.inference.quantiles.base_models import copied, fit_model
from workbench.inference.quantiles.encoding import table_encoder
from workbench.inference.quantiles.levels import checked_levels

__all__ = ["EncodedQuantiles"]


class EncodedQuantiles(MetaEstimatorMixin, RegressorMixin, BaseEstimator):
    """A quantile model behind an encoder of tables.

    Parameters
    ----------
    estimator : quantile model, optional
        With ``fit`` and ``predict_quantiles``, stacks and conformal estimators too; None is
        ``StackedQuantileRegressor()``.
    encoder : transformer, optional
        Of tables into numbers; None is ``table_encoder()``.
    quantile_levels : array, shape (q,), optional
        For a model whose levels are None; None leaves that to the model.

    Attributes
    ----------
    levels_ : array, shape (q,)
    encoder_ : transformer
    estimator_ : quantile model

    Notes
    -----
    Sample weights go to the model; the encoder takes every row alike.

    Examples
    --------
    >>> from workbench.inference.quantiles.linear import LinearQuantiles
    >>> table = pd.DataFrame({"size": [1.0, None, 3.0] * 9, "colour": ["red", "blue", "red"] * 9})
    >>> model = EncodedQuantiles(LinearQuantiles([0.1, 0.5, 0.9]))
    >>> model.fit(table, np.arange(27.0)).predict_quantiles(table).shape
    (27, 3)
    """

    def __init__(self, estimator: Any = None, encoder: Any = None, *, quantile_levels: Any = None):
        self.estimator = estimator
        self.encoder = encoder
        self.quantile_levels = quantile_levels

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "EncodedQuantiles":
        """Fit the encoder, then the model on what it makes of the table.

        Parameters
        ----------
        X : DataFrame or array, shape (n, p)
            Numbers and dates, where NaN marks a missing entry, and categories.
        y : array, shape (n,)
        sample_weight : array, shape (n,), optional
            Amounts >= 0.

        Raises
        ------
        ValueError
            If the encoder or the model refuses them.
        """
        table = self._table(X, reset=True)
        encoder = table_encoder() if self.encoder is None else clone(self.encoder)
        model = copied(self.model())
        if self.quantile_levels is not None and getattr(model, "quantile_levels", 0) is None:
            model.set_params(quantile_levels=self.quantile_levels)
        numbers = encoder.fit_transform(table, y)
        self.estimator_ = fit_model(model, numbers, y, sample_weight)
        self.encoder_ = encoder
        self.levels_ = checked_levels(getattr(self.estimator_, "levels_", self.quantile_levels))
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Median as the model predicts it, shape (n,)."""
        numbers = self._numbers(X)
        return np.asarray(self.estimator_.predict(numbers))

    def predict_quantiles(self, X: Any, **options: Any) -> np.ndarray:
        """Quantiles, shape (n, q); options are those of the model."""
        numbers = self._numbers(X)
        return np.asarray(self.estimator_.predict_quantiles(numbers, **options))

    def predict_quantiles_frame(self, X: Any) -> pd.DataFrame:
        """The same with levels as columns and the index of `X`, where it is a DataFrame."""
        return pd.DataFrame(self.predict_quantiles(X), index=getattr(X, "index", None),
                            columns=pd.Index(self.levels_, name="level"))

    def predict_interval(self, X: Any, level: float = 0.9, **options: Any) -> np.ndarray:
        """Ends of the central interval of a conformal estimator, shape (n, 2).

        Raises
        ------
        ValueError
            If the model is none.
        """
        numbers = self._numbers(X)
        if not hasattr(self.estimator_, "predict_interval"):
            raise ValueError("estimator must be a conformal one to promise intervals, got "
                             f"{type(self.estimator_).__name__}. Wrap this model in "
                             "ConformalQuantileRegressor.")
        return np.asarray(self.estimator_.predict_interval(numbers, level, **options))

    def model(self) -> Any:
        """The model as given, a stack for None."""
        from workbench.inference.quantiles.stacking import StackedQuantileRegressor

        return StackedQuantileRegressor() if self.estimator is None else self.estimator

    def _numbers(self, X: Any) -> Any:
        check_is_fitted(self)
        return self.encoder_.transform(self._table(X, reset=False))

    def _table(self, X: Any, *, reset: bool) -> pd.DataFrame:
        """X as a DataFrame with columns of their own kinds."""
        if not isinstance(X, pd.DataFrame):
            X = check_array(X, dtype=None, ensure_all_finite=False, estimator=self)
        validate_data(self, X, reset=reset, skip_check_array=True)
        return X if isinstance(X, pd.DataFrame) else pd.DataFrame(X).infer_objects()

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.categorical = tags.input_tags.string = True
        return tags
