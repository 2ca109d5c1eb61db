"""The line that holds the idea, and what a solution needs of it.

``moments = predicted + inverse_propensity * (gold - predicted)``: moments of the predicted
variables for every row, repaired where an expert looked, each repair counting for all rows that
were as likely to be drawn. Equations (2), (5) and (6) of ``docs/papers/design_based.md``.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import lsmr

from workbench.core import check

__all__ = ["MODELS", "Rows", "demeaned", "dsl_moments", "jacobian", "sides"]

MODELS = ("ols", "logit", "mean", "fe")


@dataclass(frozen=True, eq=False)
class Rows:
    """Both versions of a design, and how much each repair counts.

    Parameters
    ----------
    X_gold, X_pred : array, shape (n, d)
        Designs with gold labels (zero where there are none) and with predictions.
    y_gold, y_pred : array, shape (n,)
    inverse_propensity : array, shape (n,)
        ``R / pi``: zero for a row without gold labels.
    cluster : array of int, shape (n,), or None
        Number of the cluster of each row, from 0.
    """

    X_gold: np.ndarray
    X_pred: np.ndarray
    y_gold: np.ndarray
    y_pred: np.ndarray
    inverse_propensity: np.ndarray
    cluster: np.ndarray | None = None

    def times(self, matrix: np.ndarray) -> "Rows":
        """The same rows in other coordinates of the design."""
        return replace(self, X_gold=self.X_gold @ matrix, X_pred=self.X_pred @ matrix)


def dsl_moments(theta: Any, X_gold: Any, X_pred: Any, y_gold: Any, y_pred: Any, R: Any,  # noqa: PLR0913
                pi: Any, *, model: str = "ols") -> Any:
    """Moments of a model, shape (n, d); their mean is zero at the estimate.

    Parameters
    ----------
    theta : array, shape (d,)
    X_gold, X_pred : array, shape (n, d)
        Every row of X_gold must hold finite numbers; those without labels do not count.
    y_gold, y_pred : array, shape (n,)
    R : array, shape (n,)
        1 for a labelled row, else 0.
    pi : array, shape (n,)
        Probability that the row is labelled, in (0, 1].
    model : {"ols", "logit", "mean"}
        ``x * (y - x @ theta)``, or with the logistic function around ``x @ theta``.

    Returns
    -------
    moments : array, shape (n, d)
        NumPy arrays or tensors, as given.

    Examples
    --------
    >>> one = np.ones((2, 1))
    >>> y, predicted = np.array([3.0, 0.0]), np.array([2.0, 2.0])
    >>> dsl_moments(np.zeros(1), one, one, y, predicted, np.array([1, 0]), np.array([0.5, 0.5]))
    array([[4.],
           [2.]])
    """
    check.one_of([name for name in MODELS if name != "fe"], model=model)
    gold, predicted = (_moments(theta, X, y, logit=model == "logit")
                       for X, y in ((X_gold, y_gold), (X_pred, y_pred)))
    inverse_propensity = R / pi
    return predicted + inverse_propensity[:, None] * (gold - predicted)


def sides(theta: np.ndarray, rows: Rows, *, logit: bool) -> tuple[np.ndarray, np.ndarray]:
    """Moments with gold labels and with predictions, each of shape (n, d)."""
    return (_moments(theta, rows.X_gold, rows.y_gold, logit=logit),
            _moments(theta, rows.X_pred, rows.y_pred, logit=logit))


def jacobian(theta: np.ndarray, rows: Rows, *, logit: bool) -> np.ndarray:
    """Minus the mean derivative of the moments, shape (d, d), equation (5)."""
    weight = rows.inverse_propensity
    gold, predicted = ((_slope(X @ theta) if logit else np.ones(len(X))) for X in (
        rows.X_gold, rows.X_pred))
    return ((rows.X_pred.T * ((1 - weight) * predicted)) @ rows.X_pred
            + (rows.X_gold.T * (weight * gold)) @ rows.X_gold) / len(weight)


def demeaned(rows: Rows, effects: csr_matrix) -> Rows:
    """Subtract pseudo-averages within groups: the same estimate as with a dummy per group.

    Parameters
    ----------
    rows : Rows
    effects : sparse matrix, shape (n, groups)
        Dummies of one or more groupings.
    """
    weight = rows.inverse_propensity
    both = (np.column_stack([rows.X_pred, rows.y_pred]), np.column_stack([rows.X_gold,
                                                                          rows.y_gold]))
    pseudo = (1 - weight)[:, None] * both[0] + weight[:, None] * both[1]
    size = np.sqrt(np.maximum(np.asarray(effects.sum(axis=0)).ravel(), 1))
    scaled = effects.multiply(1 / size).tocsr()
    mean = scaled @ np.column_stack([
        lsmr(scaled, column, atol=1e-14, btol=1e-14, conlim=0, maxiter=10_000)[0]
        for column in pseudo.T])
    predicted, gold = (side - mean for side in both)
    return replace(rows, X_gold=gold[:, :-1], X_pred=predicted[:, :-1], y_gold=gold[:, -1],
                   y_pred=predicted[:, -1])


def _moments(theta: Any, X: Any, y: Any, *, logit: bool) -> Any:
    line = X @ theta
    return X * (y - (_expit(line) if logit else line))[:, None]


def _expit(line: Any) -> Any:
    """The logistic function without overflow, of an array or a tensor."""
    if hasattr(line, "sigmoid"):
        return line.sigmoid()
    from scipy.special import expit

    return expit(line)


def _slope(line: np.ndarray) -> np.ndarray:
    """``p (1 - p)``, from both signs so that it does not vanish too early."""
    return _expit(line) * _expit(-line)
