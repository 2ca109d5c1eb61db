"""What the conformal estimators share: a model, its levels, and intervals out of quantiles."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin
from sklearn.utils import assert_all_finite, get_tags, indexable
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from workbench.core import check
from workbench.inference.quantiles.base_models import copied
from workbench.inference.quantiles.conformity import METHODS, NESTS
from workbench.inference.quantiles.levels import checked_intervals, pairs
from workbench.inference.quantiles.linear import LinearQuantiles
from workbench.inference.quantiles.rows import checked_amounts

__all__ = ["CalibratedQuantiles"]


class CalibratedQuantiles(MetaEstimatorMixin, RegressorMixin, BaseEstimator):
    """What they share: the model and its levels, and intervals out of quantiles.

    Never used by itself.
    """

    def predict_interval(self, X: Any, level: float = 0.9, **options: Any) -> np.ndarray:
        """Ends of the central interval that covers with probability `level`, shape (n, 2).

        Parameters
        ----------
        X : array or DataFrame, shape (n, p)
        level : float
            One that the quantile levels hold, ``1 - 2 * t``.
        **options : any
            As for `predict_quantiles`.

        Raises
        ------
        ValueError
            If the quantile levels hold no such interval.
        """
        check_is_fitted(self)
        known = pairs(self.levels_)
        for low, high, alpha in known:
            if abs(1 - alpha - level) < 1e-9:
                quantiles: np.ndarray = self.predict_quantiles(X, **options)
                return quantiles[:, [low, high]]
        shown = ", ".join(f"{1 - alpha:.4g}" for _, _, alpha in known)
        raise ValueError(f"level must be one of {shown}, which the quantile levels hold, got "
                         f"{level!r}. Pass quantile_levels with {(1 - level) / 2:.4g} and "
                         f"{(1 + level) / 2:.4g}.")

    def start(self, X: Any, y: Any, sample_weight: Any) -> tuple[Any, Any, np.ndarray, Any]:
        """Check rows and options, set the levels; the unfitted model, X, y, weights."""
        check.one_of(METHODS, method=self.method)
        check.one_of(NESTS, nest=self.nest)
        outcomes = column_or_1d(y, warn=True)
        assert_all_finite(outcomes, input_name="y")
        validate_data(self, X, skip_check_array=True)
        rows, _ = indexable(X, outcomes)
        model = copied(self.model())
        own = getattr(model, "quantile_levels", getattr(model, "levels_", None))
        wanted = own if self.quantile_levels is None else self.quantile_levels
        self.levels_ = checked_intervals(wanted)
        if self.quantile_levels is not None and hasattr(model, "quantile_levels"):
            model.quantile_levels = self.quantile_levels
        weights = None if sample_weight is None else checked_amounts(sample_weight, len(outcomes))
        return model, rows, np.asarray(outcomes, dtype=float), weights

    def model(self) -> Any:
        """The model as given, linear quantile regression for None."""
        return LinearQuantiles() if self.estimator is None else self.estimator

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        if isinstance(model := self.model(), BaseEstimator):
            tags.input_tags = get_tags(model).input_tags
        return tags
