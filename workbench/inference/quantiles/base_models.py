"""Base models: anything that predicts quantiles, behind one small protocol.

An aggregator sees of a model only ``predict_quantiles(X)``, array (n, q). The models of the
source: Gaussian network (cgn), one network for all levels drawn at random (sqr), one with an
output per level (dqr), forests with Meinshausen's leaf weights (qrf, xt), boosted trees (lgbm)
and linear quantile regression (linear). A user's own object joins them as it is.

Source: R. Fakoor et al., JMLR 24 (2023), section 5.1; arXiv:2103.00083.
"""

import copy
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Protocol, runtime_checkable

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted, has_fit_parameter, validate_data

from workbench.inference.quantiles.levels import checked_levels

__all__ = ["BASE_MODELS", "QuantileEstimator", "QuantileModel", "copied", "fit_model", "make",
           "median_of", "quantiles_of"]


@runtime_checkable
class QuantileModel(Protocol):
    """What an aggregator asks of a base model."""

    def fit(self, X: Any, y: Any) -> Any:
        """Learn from rows; may take ``sample_weight`` too."""

    def predict_quantiles(self, X: Any) -> Any:
        """Quantiles at the model's levels, shape (n, q)."""


class QuantileEstimator(RegressorMixin, BaseEstimator):
    """What the base models here share: `predict` is the median of the predicted quantiles.

    Each has the parameter ``quantile_levels`` (None takes ``even_levels(19)``) and, fitted,
    ``levels_``, array (q,). Never used by itself.
    """

    allows_nan = False

    def predict(self, X: Any) -> np.ndarray:
        """Median, shape (n,), between the two levels nearest to 0.5 where that is no level."""
        return median_of(self.predict_quantiles(X), self.levels_)

    def _new_rows(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return validate_data(self, X, reset=False, dtype=np.float64,
                             ensure_all_finite="allow-nan" if self.allows_nan else True)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self.allows_nan
        return tags


def median_of(quantiles: np.ndarray, quantile_levels: Any) -> np.ndarray:
    """Quantile at 0.5, interpolated between its neighbours; the nearest where one is missing.

    Parameters
    ----------
    quantiles : array, shape (n, q)
    quantile_levels : array, shape (q,)

    Returns
    -------
    median : array, shape (n,)
    """
    levels = checked_levels(quantile_levels)
    weights = np.array([np.interp(0.5, levels, one) for one in np.eye(len(levels))])
    used = weights > 0
    return np.asarray(quantiles[:, used] @ weights[used])


def copied(model: Any) -> Any:
    """Unfitted copy: `clone` for a scikit-learn estimator, a deep copy for any other object."""
    return clone(model) if hasattr(model, "get_params") else copy.deepcopy(model)


def fit_model(model: Any, X: Any, y: Any, sample_weight: Any = None) -> Any:
    """Fit a model, with sample weights where there are any.

    Raises
    ------
    ValueError
        If the model cannot be fitted, or cannot take the weights it is given.
    """
    if not hasattr(model, "fit"):
        raise ValueError(f"estimators must have a fit method to be fitted on folds, got "
                         f"{type(model).__name__} without one. Wrap it with fit(X, y), or predict "
                         "with it on rows it has not seen and pass Z to QuantileAggregator.")
    if sample_weight is None:
        fitted = model.fit(X, y)
    elif isinstance(model, Pipeline):
        fitted = model.fit(X, y, **{f"{model.steps[-1][0]}__sample_weight": sample_weight})
    elif has_fit_parameter(model, "sample_weight"):
        fitted = model.fit(X, y, sample_weight=sample_weight)
    else:
        raise ValueError(f"sample_weight must be accepted by every estimator, got "
                         f"{type(model).__name__}, whose fit takes none. Leave that model out, or "
                         "fit without weights.")
    return model if fitted is None else fitted


def quantiles_of(model: Any, X: Any, quantile_levels: Any, *, name: str = "") -> np.ndarray:
    """Predicted quantiles of any model, checked.

    Parameters
    ----------
    model : QuantileModel
        Fitted; if it says its levels (``levels_``), they must be `quantile_levels`.
    X : array, shape (n, p)
    quantile_levels : array, shape (q,)
    name : str
        What an error calls the model.

    Returns
    -------
    quantiles : array, shape (n, q)

    Raises
    ------
    ValueError
        If the shape is not (n, q), an entry is not finite, or the levels differ.
    """
    levels = checked_levels(quantile_levels)
    name = name or type(model).__name__
    if not hasattr(model, "predict_quantiles"):
        remedy = ("Put the steps before a quantile model into EncodedQuantiles(model, steps)"
                  if isinstance(model, Pipeline)
                  else "Wrap a regressor with a quantile loss in PerLevel")
        raise ValueError(f"estimators must have predict_quantiles(X), got {name} without it. "
                         f"{remedy}.")
    own = getattr(model, "levels_", None)
    if own is not None and not (len(own) == len(levels) and np.allclose(own, levels)):
        raise ValueError(f"levels of {name} must be those of the aggregator, got {len(own)} "
                         f"levels against {len(levels)}, or other ones. Pass the same "
                         "quantile_levels to both.")
    quantiles = np.asarray(model.predict_quantiles(X), dtype=float)
    n = X.shape[0] if hasattr(X, "shape") else len(X)
    if quantiles.shape != (n, len(levels)):
        raise ValueError(f"predict_quantiles of {name} must return shape ({n}, {len(levels)}), "
                         f"got {quantiles.shape}. Return one column per level.")
    if not np.isfinite(quantiles).all():
        raise ValueError(f"predict_quantiles of {name} must be finite, got "
                         f"{int((~np.isfinite(quantiles)).sum())} NaN or infinite entries. Leave "
                         "the model out, or fill what it lacks.")
    return quantiles


def _gaussian(levels: Any, random_state: Any) -> Any:
    from workbench.inference.quantiles.networks import GaussianNetwork
    return GaussianNetwork(levels, random_state=random_state)


def _simultaneous(levels: Any, random_state: Any) -> Any:
    from workbench.inference.quantiles.networks import SimultaneousNetwork
    return SimultaneousNetwork(levels, random_state=random_state)


def _network(levels: Any, random_state: Any) -> Any:
    from workbench.inference.quantiles.networks import QuantileNetwork
    return QuantileNetwork(levels, random_state=random_state)


def _forest(levels: Any, random_state: Any) -> Any:
    from workbench.inference.quantiles.forests import QuantileForest
    return QuantileForest(levels, random_state=random_state)


def _extra(levels: Any, random_state: Any) -> Any:
    from workbench.inference.quantiles.forests import QuantileForest
    return QuantileForest(levels, extra=True, random_state=random_state)


def _boosted(levels: Any, random_state: Any) -> Any:
    from workbench.inference.quantiles.boosting import BoostedQuantiles
    return BoostedQuantiles(levels, random_state=random_state)


def _linear(levels: Any, _: Any) -> Any:
    from workbench.inference.quantiles.linear import LinearQuantiles
    return LinearQuantiles(levels)


BASE_MODELS: Mapping[str, Callable[[Any, Any], Any]] = MappingProxyType({
    "cgn": _gaussian, "sqr": _simultaneous, "dqr": _network, "qrf": _forest, "xt": _extra,
    "lgbm": _boosted, "linear": _linear})


def make(name: str, quantile_levels: Any = None, random_state: Any = None) -> Any:
    """Unfitted base model by its short name in the source.

    Parameters
    ----------
    name : {"cgn", "sqr", "dqr", "qrf", "xt", "lgbm", "linear"}
    quantile_levels : array, shape (q,), optional
    random_state : int, optional

    Examples
    --------
    >>> make("linear", [0.1, 0.5, 0.9])
    LinearQuantiles(quantile_levels=[0.1, 0.5, 0.9])
    """
    from workbench.core import check

    check.one_of(BASE_MODELS, name=name)
    return BASE_MODELS[name](quantile_levels, random_state)
