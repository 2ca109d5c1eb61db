"""What one would do instead: surrogates only, gold labels only, prediction-powered inference.

The last is PPI++ of Angelopoulos, Duchi and Zrnic (2023) for predicted outcomes and one
probability for all rows, in closed form for least squares and by Newton steps for the logit.
"""

import warnings
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import lsmr
from scipy.special import expit

from workbench.core import check
from workbench.inference.design.moments import Rows, demeaned
from workbench.inference.design.solution import DesignWarning, Solution, solve

__all__ = ["PPI", "gold_only", "ppi", "rivals_table", "surrogate_only"]

STEPS, CLOSE = 100, 1e-12


def surrogate_only(rows: Rows, *, logit: bool, effects: csr_matrix | None = None) -> Solution:
    """The regression that takes every prediction for the truth; `effects` as in `demeaned`."""
    plain = replace(rows, inverse_propensity=np.zeros(len(rows.y_pred)))
    return solve(plain if effects is None else demeaned(plain, effects), logit=logit)


def gold_only(rows: Rows, *, logit: bool, effects: csr_matrix | None = None) -> Solution:
    """The regression on labelled rows, each counting by its inverse probability."""
    X, y = rows.X_gold, rows.y_gold
    if effects is not None:
        root = np.sqrt(rows.inverse_propensity)
        scaled = effects.multiply(root[:, None]).tocsr()
        both = np.column_stack([X, y])
        both = both - effects @ np.column_stack([
            lsmr(scaled, root * column, atol=1e-14, btol=1e-14, conlim=0, maxiter=10_000)[0]
            for column in both.T])
        X, y = np.where((root > 0)[:, None], both, 0.0)[:, :-1], np.where(root > 0, both[:, -1], 0)
    return solve(replace(rows, X_gold=X, y_gold=y, X_pred=np.zeros_like(X),
                         y_pred=np.zeros_like(y)), logit=logit)


def rivals_table(rows: Rows, names: tuple[str, ...], *, logit: bool,
                 effects: csr_matrix | None = None) -> pd.DataFrame:
    """Columns method, term, estimate, se of all; a method that has no answer is left out.

    Prediction-powered inference is for predicted outcomes and one probability for all rows.
    """
    found = []
    for method in ("surrogate only", "gold only", "PPI++"):
        if method == "PPI++" and not _alike(rows, effects):
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")      # a rival's own doubts are not the caller's
                theta, se = _answer(method, rows, logit=logit, effects=effects)
        except (ValueError, RuntimeError, np.linalg.LinAlgError) as trouble:
            warnings.warn(f"The regression {method!r} has no answer and is left out: "
                          f"{str(trouble).partition('. ')[0]}.", DesignWarning, stacklevel=3)
            continue
        found.append(pd.DataFrame({"method": method, "term": list(names), "estimate": theta,
                                   "se": se}))
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(
        columns=["method", "term", "estimate", "se"])


def _answer(method: str, rows: Rows, *, logit: bool,
            effects: csr_matrix | None) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients and standard errors of one rival."""
    if method != "PPI++":
        fitted = surrogate_only if method == "surrogate only" else gold_only
        one = fitted(rows, logit=logit, effects=effects)
        return one.theta, np.sqrt(np.diag(one.covariance))
    held = rows.inverse_propensity > 0
    powered = ppi(rows.X_pred, rows.y_gold, rows.y_pred, held, model="logit" if logit else "ols")
    return powered.theta, powered.se


def _alike(rows: Rows, effects: csr_matrix | None) -> bool:
    """Whether only the outcome is predicted, and all rows are drawn alike."""
    held = rows.inverse_propensity > 0
    counts = rows.inverse_propensity[held]
    return bool(not held.all() and np.allclose(counts, counts[0]) and rows.cluster is None
                and effects is None and np.array_equal(rows.X_gold[held], rows.X_pred[held]))


@dataclass(frozen=True, eq=False)
class PPI:
    """Prediction-powered coefficients.

    Parameters
    ----------
    theta, se : array, shape (d,)
    power : float in [0, 1]
        How much the predictions count; 0 is gold-only.
    """

    theta: np.ndarray
    se: np.ndarray
    power: float


def ppi(X: np.ndarray, y: np.ndarray, predicted: np.ndarray, labelled: np.ndarray, *,
        model: str = "ols", power: float | None = None) -> PPI:
    """Prediction-powered inference for a predicted outcome.

    Parameters
    ----------
    X : array, shape (n, d)
    y : array, shape (n,)
        Anything finite where not labelled.
    predicted : array, shape (n,)
    labelled : array of bool, shape (n,)
    model : {"ols", "logit"}
    power : float, optional
        How much the predictions count; None chooses it from the data.
    """
    check.one_of(("ols", "logit"), model=model)
    if np.linalg.matrix_rank(X[labelled]) < X.shape[1]:
        raise ValueError("X must have columns that the labelled rows determine, got a rank of "
                         f"{np.linalg.matrix_rank(X[labelled])} for {X.shape[1]} columns. Label "
                         "more rows, or drop columns.")
    logit, wanted = model == "logit", 1.0 if power is None else power
    theta = _estimate(X, y, predicted, labelled, wanted, logit=logit)
    if power is None:
        wanted = _best_power(theta, X, y, predicted, labelled, logit=logit)
        theta = _estimate(X, y, predicted, labelled, wanted, logit=logit)
    parts = _gradients(theta, X, y, predicted, labelled, logit=logit)
    n, more = int(labelled.sum()), int((~labelled).sum())
    spread = np.cov((parts.gold - wanted * parts.labelled).T) + (
        n / more * np.cov(wanted * parts.others.T))
    variance = parts.inverse @ np.atleast_2d(spread) @ parts.inverse / n
    return PPI(theta, np.sqrt(np.diag(variance)), wanted)


@dataclass(frozen=True, eq=False)
class _Gradients:
    gold: np.ndarray
    labelled: np.ndarray
    others: np.ndarray
    inverse: np.ndarray


def _estimate(X: np.ndarray, y: np.ndarray, predicted: np.ndarray, labelled: np.ndarray,
              power: float, *, logit: bool) -> np.ndarray:
    own, others = X[labelled], X[~labelled]
    n, more = len(own), len(others)
    if not logit:
        return (np.linalg.lstsq(others, power * predicted[~labelled], rcond=None)[0]
                + np.linalg.lstsq(own, y[labelled] - power * predicted[labelled], rcond=None)[0])
    right = (power / more * others.T @ predicted[~labelled]
             + own.T @ (y[labelled] - power * predicted[labelled]) / n)
    counts = np.where(labelled, (1 - power) / n, power / more)
    theta = np.zeros(X.shape[1])
    for _ in range(STEPS):
        p = expit(X @ theta)
        step = np.linalg.solve((X.T * (counts * p * (1 - p))) @ X, right - X.T @ (counts * p))
        theta = theta + step
        if np.abs(step).max() < CLOSE:
            return theta
    raise RuntimeError(f"prediction-powered steps must converge, but the last has length "
                       f"{np.linalg.norm(step):.3g}. Label more rows.")


def _gradients(theta: np.ndarray, X: np.ndarray, y: np.ndarray, predicted: np.ndarray,
               labelled: np.ndarray, *, logit: bool) -> _Gradients:
    p = expit(X @ theta) if logit else X @ theta
    slope = p * (1 - p) if logit else np.ones(len(X))
    gold, guessed = X * (p - y)[:, None], X * (p - predicted)[:, None]
    return _Gradients(gold[labelled], guessed[labelled], guessed[~labelled],
                      np.linalg.inv((X.T * slope) @ X / len(X)))


def _best_power(theta: np.ndarray, X: np.ndarray, y: np.ndarray, predicted: np.ndarray,
                labelled: np.ndarray, *, logit: bool) -> float:
    """The share that makes the sum of the variances least, within [0, 1]."""
    parts = _gradients(theta, X, y, predicted, labelled, logit=logit)
    n, more = len(parts.gold), len(parts.others)
    one, other = (side - side.mean(axis=0) for side in (parts.gold, parts.labelled))
    common = (one.T @ other + other.T @ one) / n
    spread = np.atleast_2d(np.cov(np.concatenate([parts.labelled, parts.others]).T))
    top, bottom = (np.trace(parts.inverse @ middle @ parts.inverse) for middle in (common, spread))
    return float(np.clip(top / (2 * (1 + n / more) * bottom), 0, 1))
