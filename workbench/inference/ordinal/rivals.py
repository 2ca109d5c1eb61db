"""What PRESTO is set beside: proportional odds, logistic regression of the last class, and more.

Each takes rows and stages, and returns a function from rows to probabilities of all classes, or
of the last one alone.
"""

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from workbench.inference.ordinal.parallel import ProportionalOdds
from workbench.inference.ordinal.rows import moments

__all__ = ["METHODS", "Fit", "fit_method", "independent"]

Predict: TypeAlias = Callable[[np.ndarray], np.ndarray]
Fit: TypeAlias = Callable[[np.ndarray, np.ndarray, np.ndarray | None, int], Predict]
STEPS = 1000


def independent(X: np.ndarray) -> np.ndarray:
    """Columns of X that do not depend on constants and earlier ones, shape (q,)."""
    Z = np.column_stack([np.ones(len(X)), _Scaled(X)(X)])
    kept, basis = [], np.zeros((len(X), 0))
    for at, column in enumerate(Z.T):
        rest = column - basis @ (basis.T @ column)
        rest -= basis @ (basis.T @ rest)
        size = float(np.linalg.norm(rest))
        if size > 1e-7 * np.sqrt(len(X)):
            kept.append(at)
            basis = np.column_stack([basis, rest / size])
    return np.array(kept[1:], dtype=np.intp) - 1


def fit_method(method: str, X: np.ndarray, codes: np.ndarray, weight: np.ndarray | None = None,
               seed: int = 0) -> Predict:
    """Fit one of `METHODS`, quietly.

    Returns
    -------
    predict : function of X, shape (n, p)
        Probabilities of all classes, shape (n, k), or of the last alone, shape (n, 1).
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")      # of separation and convergence: rivals as they are
        return METHODS[method](X, codes, weight, seed)


def _presto(X: np.ndarray, codes: np.ndarray, weight: np.ndarray | None, seed: int,
            **options: Any) -> Predict:
    from workbench.inference.presto import PRESTO

    model = PRESTO(random_state=seed, **options).fit(X, codes, sample_weight=weight)
    return partial(_quiet, model.predict_proba)


def _parallel(X: np.ndarray, codes: np.ndarray, weight: np.ndarray | None, seed: int) -> Predict:
    """By statsmodels; by the limit of PRESTO where rows have weights or BFGS does not arrive."""
    from workbench.inference.presto import PRESTO

    del seed
    kept = independent(X)
    if weight is None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", ConvergenceWarning)
                model = ProportionalOdds().fit(X[:, kept], codes)
            return lambda new: model.predict_proba(new[:, kept])
        except (ConvergenceWarning, np.linalg.LinAlgError, ValueError):
            pass
    limit = PRESTO(np.inf, penalize_base=0.0).fit(X[:, kept], codes, sample_weight=weight)
    return lambda new: limit.predict_proba(new[:, kept])


def _logistic(X: np.ndarray, codes: np.ndarray, weight: np.ndarray | None, seed: int) -> Predict:
    from sklearn.linear_model import LogisticRegression

    del seed
    kept, scaled = independent(X), _Scaled(X)
    model = LogisticRegression(C=np.inf, max_iter=STEPS).fit(
        scaled(X)[:, kept], codes == codes.max(), sample_weight=weight)
    return lambda new: model.predict_proba(scaled(new)[:, kept])[:, 1:]


def _shrunk_logistic(X: np.ndarray, codes: np.ndarray, weight: np.ndarray | None,
                     seed: int) -> Predict:
    from sklearn.linear_model import LogisticRegressionCV

    del seed
    scaled = _Scaled(X)
    model = LogisticRegressionCV(cv=5, max_iter=STEPS).fit(
        scaled(X), codes == codes.max(), sample_weight=weight)
    return lambda new: model.predict_proba(scaled(new))[:, 1:]


def _multinomial(X: np.ndarray, codes: np.ndarray, weight: np.ndarray | None,
                 seed: int) -> Predict:
    from sklearn.linear_model import LogisticRegression

    del seed
    kept, scaled = independent(X), _Scaled(X)
    model = LogisticRegression(C=np.inf, max_iter=STEPS).fit(scaled(X)[:, kept], codes,
                                                             sample_weight=weight)
    return lambda new: model.predict_proba(scaled(new)[:, kept])


def _quiet(predict: Predict, X: np.ndarray) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")      # crossings are counted elsewhere
        return predict(X)


class _Scaled:
    """Columns with the mean and deviation of the training rows taken out."""

    def __init__(self, X: np.ndarray):
        self._mean, spread = moments(X)
        self._scale = np.where(spread > 0, spread, np.inf)     # constant columns become zeros

    def __call__(self, X: np.ndarray) -> np.ndarray:
        return np.asarray((X - self._mean) / self._scale)


METHODS: dict[str, Fit] = {
    "PRESTO": _presto,
    "PRESTO, squares": partial(_presto, l1_ratio=0.0),
    "PRESTO, base free": partial(_presto, penalize_base=0.0),
    "proportional odds": _parallel,
    "logistic regression": _logistic,
    "logistic regression, shrunk": _shrunk_logistic,
    "multinomial": _multinomial,
}
