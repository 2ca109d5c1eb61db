"""Probabilities of being observed: by the rating (naive Bayes), or by features (logistic)."""

from typing import Any

import numpy as np
from scipy.special import expit
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from workbench.core import check
from workbench.inference.balancing.inputs import checked_items, checked_share
from workbench.inference.balancing.kernels import Scaling

__all__ = ["PropensityLogistic", "naive_bayes_propensity"]

STEPS, CLOSE = 100, 1e-10


def naive_bayes_propensity(y_obs: Any, y_mcar: Any, n_obs: int, n_pairs: int) -> np.ndarray:
    """Probability that an item with this rating is observed, ``P(y | o) P(o) / P(y)``.

    Parameters
    ----------
    y_obs : array, shape (n,)
        Observed ratings: few different values.
    y_mcar : array, shape (m,)
        Ratings of a random slice, from which ``P(y)`` comes. It must not be one that scores the
        result.
    n_obs, n_pairs : int
        Observed items, and all: users times items.

    Returns
    -------
    propensity : array, shape (n,)
        Of each observed item; at most 1.

    Raises
    ------
    ValueError
        If the slice lacks an observed value, or counts are impossible.

    Examples
    --------
    >>> naive_bayes_propensity([1, 1, 1, 0], [1, 0], 4, 100).round(3)
    array([0.06, 0.06, 0.06, 0.02])
    """
    seen, drawn = check.floats(y_obs=y_obs), check.floats(y_mcar=y_mcar)
    check.finite(y_obs=seen, y_mcar=drawn)
    if not check.holds(lambda one: 0 < one <= n_pairs, n_obs) or not len(seen) or not len(drawn):
        raise ValueError(f"n_obs must lie between 1 and n_pairs with ratings in both parts, got "
                         f"{n_obs!r} of {n_pairs!r} with {len(seen)} and {len(drawn)} ratings. "
                         "Count observed and all pairs.")
    values, place = np.unique(seen, return_inverse=True)
    share = np.bincount(place) / len(seen)
    whole = np.array([(drawn == value).mean() for value in values])
    if not (whole > 0).all():
        lost = values[whole == 0][0]
        raise ValueError(f"y_mcar must hold every observed rating, got none of {lost:g} among "
                         f"{len(drawn)}. Draw a larger random slice, or merge rating values.")
    return np.asarray(np.minimum(share / whole * n_obs / n_pairs, 1.0)[place])


class PropensityLogistic(BaseEstimator):
    """Logistic regression of being observed on standardised features, with a ridge penalty.

    Parameters
    ----------
    penalty : float >= 0
        Per item, on squared slopes of features in standard deviations.
    quadratic : bool
        Whether squares and products of the features enter too.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(2000, 1))
    >>> seen = np.random.default_rng(1).random(2000) < expit(x[:, 0] - 1)
    >>> bool(abs(PropensityLogistic().fit(x, seen).predict(x).mean() - seen.mean()) < 1e-6)
    True
    """

    def __init__(self, penalty: float = 1e-3, *, quadratic: bool = False):
        if not check.holds(lambda one: 0 <= one < np.inf, penalty):
            raise ValueError(f"penalty must be finite and at least 0, got {penalty!r}. Pass "
                             "0.001.")
        self.penalty = penalty
        self.quadratic = quadratic

    def fit(self, X: Any, observed: Any, sample_weight: Any = None) -> "PropensityLogistic":
        """Fit slopes by damped Newton steps.

        Parameters
        ----------
        X : array, shape (n, p)
        observed : array of bool, shape (n,)
        sample_weight : array, shape (n,), optional
            How many items each row stands for.
        """
        items, seen = checked_items(X, observed)
        share = checked_share(sample_weight, len(items))
        self.scaling_ = Scaling.of(items, share)
        raw = self._terms(self.scaling_(items))
        self.terms_ = Scaling.of(raw, share)
        design = np.column_stack([np.ones(len(items)), self.terms_(raw)])
        ridge = np.full(design.shape[1], self.penalty + 1e-10)
        ridge[0] = 0.0
        amounts = np.full(len(items), 1 / len(items)) if share is None else share
        self.coef_ = _newton(design, seen.astype(float), ridge, amounts)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Probabilities, shape (n,)."""
        check_is_fitted(self, "coef_")
        items = check.floats(X=X)
        if items.ndim != 2 or items.shape[1] != len(self.scaling_.mean):
            raise ValueError(f"X must have {len(self.scaling_.mean)} features, as in fit, got "
                             f"shape {items.shape}. Pass the same columns.")
        check.finite(X=items)
        raw = self._terms(self.scaling_(items))
        return np.asarray(expit(self.coef_[0] + self.terms_(raw) @ self.coef_[1:]))

    def _terms(self, scaled: np.ndarray) -> np.ndarray:
        if not self.quadratic:
            return scaled
        first, second = np.triu_indices(scaled.shape[1])
        return np.column_stack([scaled, scaled[:, first] * scaled[:, second]])


def _newton(design: np.ndarray, seen: np.ndarray, ridge: np.ndarray,
            share: np.ndarray) -> np.ndarray:
    coef = np.zeros(design.shape[1])
    first = float(share @ seen)
    coef[0] = np.log(first / (1 - first)) if 0 < first < 1 else 0.0
    value = _loss(design, seen, ridge, share, coef)
    for _ in range(STEPS):
        chance = expit(design @ coef)
        slope = design.T @ (share * (chance - seen)) + ridge * coef
        if np.abs(slope).max() < CLOSE:
            break
        curve = (design * (share * chance * (1 - chance))[:, None]).T @ design
        move = np.linalg.solve(curve + np.diag(ridge + 1e-12), slope)
        size = 1.0
        while (_loss(design, seen, ridge, share, coef - size * move) > value + 1e-14
               and size > 1e-8):
            size /= 2
        coef = coef - size * move
        value = _loss(design, seen, ridge, share, coef)
    return coef


def _loss(design: np.ndarray, seen: np.ndarray, ridge: np.ndarray, share: np.ndarray,
          coef: np.ndarray) -> float:
    scores = design @ coef
    return float(share @ (np.logaddexp(0, scores) - seen * scores) + ridge @ coef ** 2 / 2)
