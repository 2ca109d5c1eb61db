"""How likely is the rare last stage? Ordinal regression shrunk towards proportional odds.

Each transition between neighbouring stages has its own weights on the features, and neighbours pay
for being different, so that the rare transition borrows from the plentiful ones:

    P(y <= k | x) = F(alpha_k + weights[k] @ x),  F logistic, k = 1, ..., K - 1
    minimise  -mean log p_y(x) + lam * (w0 |weights[0]| + sum_k |weights[k] - weights[k - 1]|)

with absolute values summed over standardised features. At ``penalize_base=0`` and an infinite
``lam`` all transitions share one weight vector: proportional odds. ``P(y = K)`` is that of the
last boundary alone, hence always valid.

Source: G. Faletto, J. Bien, "Predicting Rare Events by Shrinking Towards Proportional Odds", ICML
2023, PMLR 202:9547-9602.
"""

import math
import warnings
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from workbench.core.card import Card
from workbench.inference.ordinal.cautions import CrossingWarning, TwoClassesWarning, warn_of
from workbench.inference.ordinal.coding import coded, order_of
from workbench.inference.ordinal.options import (
    amounts_of,
    checked_options,
    checked_shares,
    numbers_and_labels,
    numbers_of,
)
from workbench.inference.ordinal.path import Path, Problem
from workbench.inference.ordinal.probability import (
    class_probabilities,
    crossing_rows,
    rare_probability,
)
from workbench.inference.ordinal.rows import standardised
from workbench.inference.ordinal.tuning import splits_of, tuned

__all__ = ["CARD", "PRESTO"]

CARD = Card(
    source="faletto2023presto",
    weighs="features, once per transition between neighbouring stages of an outcome",
    range="real",
    neutral={"penalize_base": 0.0, "lam": math.inf}, baseline="proportional odds",
)

ROUGH = 1e-7             # the same in folds, which are only scored


class PRESTO(ClassifierMixin, BaseEstimator):
    """Ordered classes with weights per transition, shrunk towards each other.

    Parameters
    ----------
    lam : "cv" or float >= 0
        Factor of the penalty; chosen by cross-validation, or as given. Infinity makes all
        penalised increments zero.
    n_lambdas : int in [1, 200]
        Values tried.
    lambda_min_ratio : float in [1e-5, 0.5]
        The smallest over the largest of them.
    l1_ratio : float in [0, 1]
        Share of absolute values in the penalty, the rest are halves of squares; 0 shrinks without
        fusing.
    penalize_base : float >= 0
        Factor of the penalty on the weights of the first transition.
    cv : int in [2, 20], or iterable of (training rows, held-out rows)
        Folds, in which classes are spread evenly.
    scoring : {"brier", "log_loss"}
        What cross-validation minimises.
    feasibility : {"observed", "all"}
        Whether only observed classes must have a positive probability in their rows, or all
        classes in all training rows.
    standardize : bool
        Penalise weights of features with standard deviation 1, or of the features as they are.
    max_iter : int > 0
        Newton steps at most, per lambda.
    tol : float > 0
        Largest distance of a slope from what optimality asks of it, in log odds; within folds at
        least 1e-7.
    random_state : int, Generator or None
        Decides the folds.
    order : sequence of labels, optional
        From the first stage to the last, the rare one; None takes that of an ordered Categorical,
        else the sorted labels.
    strict : bool
        Refuse two classes instead of fitting a logistic regression with a warning.

    Attributes
    ----------
    classes_ : array, shape (k,)
    intercepts_ : array, shape (k - 1,)
    coef_ : array, shape (k - 1, p)
        Of the features as they were given; a positive one makes earlier stages likelier.
    increments_ : array, shape (k - 1, p)
        ``coef_[0]``, then differences between neighbours, exactly zero where they are fused.
    lambda_ : float
    path_ : Path
    cv_results_ : dict
        Only where `lam` is "cv".
    n_crossings_ : int
        Training rows in which boundaries cross.
    n_iter_ : int
        Newton steps of the path.

    Notes
    -----
    There are no intervals for weights or probabilities: after shrinking, standard errors of the
    usual kind do not cover. Rows of weight 0 are left out. Reversing the order of the classes is
    another model unless `lam` is 0, since the first transition is penalised as such.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(-1, 1, (400, 2))
    >>> y = np.digitize(X[:, 0] + rng.logistic(size=400), [0, 2.5])
    >>> model = PRESTO(random_state=0).fit(X, y)
    >>> model.predict_proba(X).shape, bool(model.coef_[0, 0] < 0)
    ((400, 3), True)
    """

    def __init__(self, lam: Any = "cv", *, n_lambdas: int = 20,  # noqa: PLR0913 - an estimator
                 lambda_min_ratio: float = 0.01, l1_ratio: float = 1.0,
                 penalize_base: float = 1.0, cv: Any = 5, scoring: str = "brier",
                 feasibility: str = "observed", standardize: bool = True, max_iter: int = 20000,
                 tol: float = 1e-12, random_state: Any = None, order: Any = None,
                 strict: bool = False):
        self.lam = lam
        self.n_lambdas = n_lambdas
        self.lambda_min_ratio = lambda_min_ratio
        self.l1_ratio = l1_ratio
        self.penalize_base = penalize_base
        self.cv = cv
        self.scoring = scoring
        self.feasibility = feasibility
        self.standardize = standardize
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state
        self.order = order
        self.strict = strict

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "PRESTO":
        """Fit the path and choose lambda.

        Parameters
        ----------
        X : array or DataFrame, shape (n, p)
            Finite numbers.
        y : array, shape (n,)
            Labels, at least two different ones.
        sample_weight : array, shape (n,), optional
            Amounts >= 0.

        Raises
        ------
        ValueError
            Naming the argument that cannot be used, or the class that a training part lacks.
        """
        checked_options(self)
        own, codes, weight, kept = self._read(X, y, sample_weight)
        problem = self._problem(own, codes, weight, self.tol)
        if isinstance(self.lam, str):
            lambdas = problem.lambdas(self.n_lambdas, self.lambda_min_ratio)
            found = tuned(
                lambda train, part: self._problem(own[train], part, weight[train], max(
                    ROUGH, self.tol)).path(lambdas), own, codes, weight,
                splits_of(self.cv, codes, kept, self.random_state), scoring=self.scoring)
            self.cv_results_ = found.results()
            self._take(problem.path(lambdas), found.best, own)
        else:
            self._take(problem.path(np.array([self.lam], dtype=float)), 0, own)
        return self

    def boundaries(self, X: Any) -> np.ndarray:
        """Log odds of being at or below each class but the last; they may cross.

        Returns
        -------
        eta : array, shape (n, k - 1)
        """
        check_is_fitted(self)
        return np.asarray(numbers_of(self, X) @ self.coef_.T + self.intercepts_)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probability of every class, shape (n, k): in [0, 1], summing to one.

        Where boundaries cross, a warning counts the rows, and the probabilities are those of the
        running maximum of the boundaries, up to the last one, which stays.
        """
        eta = self.boundaries(X)
        crossed = int(crossing_rows(eta).sum())
        if crossed:
            warnings.warn(f"boundaries cross in {crossed} of {len(eta)} rows, where a class "
                          "between them has probability 0. boundaries(X) has them as they are.",
                          CrossingWarning, stacklevel=2)
        return class_probabilities(eta)

    def predict_rare_proba(self, X: Any) -> np.ndarray:
        """Probability of the last class, ``1 - F`` of its boundary, shape (n,)."""
        return rare_probability(self.boundaries(X))

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class, shape (n,)."""
        likely = class_probabilities(self.boundaries(X)).argmax(axis=1)
        return np.asarray(self.classes_[likely])

    def _read(self, X: Any, y: Any, sample_weight: Any) -> tuple[np.ndarray, ...]:
        """Rows of positive weight, places of their classes, weights, and which of all they are."""
        order = order_of(y) if self.order is None else self.order
        own, labels = numbers_and_labels(self, X, y)
        amounts = amounts_of(sample_weight, len(labels))
        kept = amounts > 0
        self.classes_, codes = coded(labels[kept], order)
        self._checked_classes()
        checked_shares(codes, amounts[kept], self.classes_)
        return own[kept], codes, amounts[kept], kept

    def _checked_classes(self) -> None:
        if len(self.classes_) < 2 or (self.strict and len(self.classes_) < 3):
            raise ValueError(f"y must have at least {2 + self.strict} classes, got "
                             f"{len(self.classes_)} class{'es' * (len(self.classes_) > 1)}: "
                             f"{self.classes_.tolist()!r}. Add rows of other classes.")
        if len(self.classes_) == 2:
            warnings.warn("y has two classes and so one boundary, which has no other to be shrunk "
                          "towards: this is a penalised logistic regression. strict=True refuses "
                          "it.", TwoClassesWarning, stacklevel=4)

    def _problem(self, own: np.ndarray, codes: np.ndarray, weight: np.ndarray,
                 tol: float) -> Problem:
        rows = standardised(own, codes, weight, classes=len(self.classes_),
                            scaled=self.standardize)
        return Problem(rows, l1_ratio=self.l1_ratio, penalize_base=self.penalize_base,
                       feasibility=self.feasibility, max_iter=self.max_iter, tol=tol)

    def _take(self, path: Path, best: int, own: np.ndarray) -> None:
        """Keep a path and one of its fits, and warn of what it shows."""
        self.path_, self.lambda_ = path, float(path.lambdas[best])
        self.intercepts_, self.coef_ = path.intercepts[best], path.coefs[best]
        self.increments_ = path.differences[best]
        self.n_iter_ = max(1, int(path.steps.sum()))
        eta = own @ self.coef_.T + self.intercepts_
        self.n_crossings_ = int(crossing_rows(eta).sum())
        warn_of(path, eta)
