"""Proportional odds: one weight vector for all transitions, by statsmodels."""

import warnings
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted

from workbench.core import check
from workbench.inference.ordinal.coding import coded, order_of
from workbench.inference.ordinal.options import numbers_and_labels, numbers_of
from workbench.inference.ordinal.probability import class_probabilities
from workbench.inference.ordinal.rows import moments

__all__ = ["ProportionalOdds"]


class ProportionalOdds(ClassifierMixin, BaseEstimator):
    """The proportional-odds model of statsmodels, in scikit-learn's grammar.

    Parameters
    ----------
    order : sequence of labels, optional
        From the first stage to the last; None takes that of an ordered Categorical, else the
        sorted labels.
    max_iter : int > 0
        Steps of BFGS.

    Attributes
    ----------
    classes_ : array, shape (k,)
    intercepts_ : array, shape (k - 1,)
    coef_ : array, shape (p,)
        A positive one makes earlier stages likelier, the negative of what statsmodels reports.
    results_ : statsmodels results
        Of standardised columns; their confidence intervals are Wald intervals.
    """

    def __init__(self, order: Any = None, *, max_iter: int = 1000):
        self.order = order
        self.max_iter = max_iter

    def fit(self, X: Any, y: Any) -> "ProportionalOdds":
        """Maximise the likelihood; constant columns have weight 0.

        Parameters
        ----------
        X : array or DataFrame, shape (n, p)
        y : array, shape (n,)

        Raises
        ------
        ValueError
            If there are fewer than two classes.
        """
        from statsmodels.miscmodels.ordinal_model import OrderedModel

        order = order_of(y) if self.order is None else self.order
        check.whole(1, max_iter=self.max_iter)
        own, labels = numbers_and_labels(self, X, y)
        self.classes_, codes = coded(labels, order)
        if len(self.classes_) < 2:
            raise ValueError(f"y must have at least 2 classes, got 1 class: "
                             f"{self.classes_.tolist()!r}. Add rows of other classes.")
        mean, scale = moments(own)
        moving = scale > 0
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            model = OrderedModel(codes, ((own - mean) / np.where(moving, scale, 1))[:, moving],
                                 distr="logit")
            self.results_ = model.fit(method="bfgs", disp=False, maxiter=self.max_iter)
        if not self.results_.mle_retvals["converged"]:
            warnings.warn("proportional odds did not converge: "
                          f"{told[-1].message if told else 'too few steps'}. Drop columns that "
                          "repeat others.", ConvergenceWarning, stacklevel=2)
        slopes = np.asarray(self.results_.params)[:int(moving.sum())]
        self.coef_ = np.zeros(own.shape[1])
        self.coef_[moving] = -slopes / scale[moving]
        cuts = model.transform_threshold_params(self.results_.params)[1:-1]
        self.intercepts_ = cuts - mean @ self.coef_
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probability of every class, shape (n, k)."""
        check_is_fitted(self)
        eta = (numbers_of(self, X) @ self.coef_)[:, None] + self.intercepts_
        return class_probabilities(eta)

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class, shape (n,)."""
        check_is_fitted(self)
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])
