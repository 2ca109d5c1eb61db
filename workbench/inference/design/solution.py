"""Solve for the coefficients of one split, and how uncertain they are.

Linear models have a closed form; the logit takes damped Newton steps from zero. Both work on
columns with mean 0 and sd 1, and are mapped back.
"""

import warnings
from dataclasses import dataclass

import numpy as np
from scipy import linalg

from workbench.inference.design.moments import Rows, jacobian, sides

__all__ = ["DesignWarning", "Solution", "solve"]

ILL, SINGULAR = 1e10, 1e14       # condition numbers
STEPS = 100
SURE = 1e-8                      # of p (1 - p)
CLOSE = 1e-12                    # largest entry of the last step, in standard deviations


class DesignWarning(UserWarning):
    """Something about the labels that makes intervals less trustworthy."""


@dataclass(frozen=True, eq=False)
class Solution:
    """Coefficients of one split and what their covariance is made of.

    Parameters
    ----------
    theta : array, shape (d,)
    covariance : array, shape (d, d)
    influence : array, shape (d, d)
        Maps the moments `gold - predicted` to the coefficients.
    meat, label_meat : array, shape (d, d)
        M of equation (6), and the part of it that shrinks with more labels.
    error : array, shape (labelled, d)
        Moments with gold labels minus those with predictions, of the labelled rows.
    n : int
        Rows in all.
    moment_norm : float
        Length of the mean moment at the solution.
    """

    theta: np.ndarray
    covariance: np.ndarray
    influence: np.ndarray
    meat: np.ndarray
    label_meat: np.ndarray
    error: np.ndarray
    n: int
    moment_norm: float


def solve(rows: Rows, *, logit: bool) -> Solution:
    """Find where the mean moment is zero.

    Raises
    ------
    ValueError
        If the design does not determine the coefficients.
    RuntimeError
        If Newton steps do not converge.
    """
    scale = _standardising(rows)
    scaled = rows.times(scale)
    theta = _newton(scaled) if logit else _closed_form(scaled)
    weight, n = rows.inverse_propensity, len(rows.y_pred)
    gold, predicted = sides(theta, scaled, logit=logit)
    held = weight > 0
    error = (gold - predicted)[held]
    repaired = weight[held, None] * error
    moments = predicted
    moments[held] += repaired
    bread = jacobian(theta, scaled, logit=logit)
    _determined(bread)
    influence = linalg.solve(bread.T, scale.T).T
    summed = moments if rows.cluster is None else _sums(moments, rows.cluster)
    meat, label_meat = summed.T @ summed / n, repaired.T @ repaired / n
    return Solution(scale @ theta, influence @ meat @ influence.T / n, influence, meat,
                    label_meat, error, n, float(np.linalg.norm(moments.mean(axis=0))))


def _standardising(rows: Rows) -> np.ndarray:
    """Matrix that centres and scales columns by the predicted design, shape (d, d).

    Columns are centred only where another one is constant, else the model would change.
    """
    labelled = rows.inverse_propensity > 0
    X = rows.X_pred if rows.X_pred.any() else rows.X_gold[labelled]
    spread = X.std(axis=0)
    varies = spread > 1e-12 * np.maximum(np.abs(X).max(axis=0), 1e-300)
    spread = np.where(varies, spread, 1.0)
    matrix = np.diag(1 / spread)
    constant = np.flatnonzero(~varies & (X[0] != 0)
                              & (rows.X_gold[labelled] == X[0]).all(axis=0))
    if len(constant):
        first = constant[0]
        matrix[first] = np.where(varies, -X.mean(axis=0) / (spread * X[0, first]), matrix[first])
    return matrix


def _closed_form(rows: Rows) -> np.ndarray:
    """Equation (4)."""
    weight, n = rows.inverse_propensity, len(rows.y_pred)
    left = jacobian(np.zeros(rows.X_pred.shape[1]), rows, logit=False)
    _determined(left, tell=False)
    right = (rows.X_pred.T @ ((1 - weight) * rows.y_pred)
             + rows.X_gold.T @ (weight * rows.y_gold)) / n
    return np.asarray(linalg.solve(left, right))


def _newton(rows: Rows) -> np.ndarray:
    theta = np.zeros(rows.X_pred.shape[1])
    mean = _mean_moment(theta, rows)
    for _ in range(STEPS):
        bread = jacobian(theta, rows, logit=True)
        _determined(bread, tell=False)
        step, size = linalg.solve(bread, mean), 1.0
        shorter = _mean_moment(theta + step, rows)
        while not np.linalg.norm(shorter) < np.linalg.norm(mean) and size > 1e-10 and (
                np.abs(size * step).max() >= CLOSE):
            size /= 2
            shorter = _mean_moment(theta + size * step, rows)
        theta, mean = theta + size * step, shorter
        if np.abs(step).max() < CLOSE or (size < 1 and np.abs(size * step).max() < CLOSE
                                          and np.linalg.norm(mean) < CLOSE):
            _uncertain(theta, rows)
            return theta
    raise RuntimeError(
        f"the logit must converge, but after {STEPS} Newton steps the mean moment has length "
        f"{np.linalg.norm(mean):.3g}. Perhaps a covariate tells the labelled outcomes apart "
        "without error: drop it, merge rare levels, or label more rows.")


def _uncertain(theta: np.ndarray, rows: Rows) -> None:
    """Refuse a logit that is sure of every row: its coefficients are infinite."""
    lines = [rows.X_gold[rows.inverse_propensity > 0] @ theta]
    if rows.X_pred.any():
        lines.append(rows.X_pred @ theta)
    nearest = min(float(np.abs(line).min(initial=np.inf)) for line in lines)
    if np.exp(-nearest) < SURE:
        raise RuntimeError(
            "the logit must leave some outcome uncertain, but each has a probability within "
            f"{np.exp(-nearest):.1g} of 0 or 1. Perhaps all labelled outcomes are alike, or a "
            "covariate tells them apart: drop it, or label more rows.")


def _mean_moment(theta: np.ndarray, rows: Rows) -> np.ndarray:
    gold, predicted = sides(theta, rows, logit=True)
    weight = rows.inverse_propensity
    return np.asarray((1 - weight) @ predicted + weight @ gold) / len(weight)


def _determined(bread: np.ndarray, *, tell: bool = True) -> None:
    condition = np.linalg.cond(bread) if np.isfinite(bread).all() else np.inf
    if not condition < SINGULAR:
        raise ValueError("formula must give columns that determine the coefficients, but their "
                         f"matrix has the condition number {condition:.3g}. Drop a column that "
                         "the others make up or that hardly varies among the labelled rows, or "
                         "label more rows.")
    if tell and condition > ILL:
        warnings.warn(f"The matrix of the columns has the condition number {condition:.3g}: "
                      "coefficients are known to few digits. Drop a column that the others "
                      "nearly make up.", DesignWarning, stacklevel=2)


def _sums(moments: np.ndarray, cluster: np.ndarray) -> np.ndarray:
    total = np.zeros((cluster.max() + 1, moments.shape[1]))
    np.add.at(total, cluster, moments)
    return total
