"""Worlds of ordered stages whose probabilities are known, the last stage being rare."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from workbench.core import check

__all__ = ["StagesWorld", "ordered_stages"]

TRIES = 2000             # draws of coefficients and rows
FEWEST, MOST = 20, 2e8   # of them, and numbers drawn, where worlds are large
STEP = 0.5               # of the coefficients that are kept where most are zero


@dataclass(frozen=True, eq=False)
class StagesWorld:
    """Rows, their stages, and the truth.

    Parameters
    ----------
    X : array, shape (n, p)
        Uniform between -1 and 1.
    codes : array of int, shape (n,)
        Stages from 0 on.
    probabilities : array, shape (n, k)
        True ones.
    coefs : array, shape (k - 1, p)
        Log odds of being at or below a stage, per unit.
    """

    X: np.ndarray
    codes: np.ndarray
    probabilities: np.ndarray
    coefs: np.ndarray


def ordered_stages(n: int = 2500, p: int = 10, *, intercepts: Sequence[float] = (0.0, 3.0, 5.0),
                   deviation: float = 0.5, sparsity: float = 1.0,
                   rng: np.random.Generator) -> StagesWorld:
    """Stages of a cumulative logit whose coefficients drift from transition to transition.

    Parameters
    ----------
    n, p : int
        Rows and features.
    intercepts : sequence of float
        Of the transitions, increasing; a larger last one makes the last stage rarer.
    deviation : float >= 0
        At full density, coefficients of the first transition and their changes are uniform
        between minus and plus this.
    sparsity : float in (0, 1]
        Share of coefficients that are not zero. Below 1, the first ones are 0.5 with this
        probability, and each change is 0.5 or -0.5 with it.
    rng : numpy.random.Generator

    Returns
    -------
    world : StagesWorld
        Every true probability is positive and every stage has a row.

    Raises
    ------
    ValueError
        If a size is out of range or no such world was found.
    """
    check.positive(n=n, p=p)
    if len(intercepts) < 2 or not (np.diff(intercepts) > 0).all():
        raise ValueError(f"intercepts must be at least two increasing numbers, got "
                         f"{list(intercepts)!r}. Pass [0, 3, 5].")
    if not 0 < sparsity <= 1 or not deviation >= 0:
        raise ValueError(f"sparsity must lie in (0, 1] and deviation must not be negative, got "
                         f"{sparsity!r} and {deviation!r}. Pass 1 and 0.5.")
    tries = int(np.clip(MOST / (n * p), FEWEST, TRIES))
    for _ in range(tries):
        X = rng.uniform(-1, 1, (n, p))
        coefs = _coefficients(len(intercepts), p, deviation, sparsity, rng)
        below = expit(np.asarray(intercepts) + X @ coefs.T)
        ends = np.zeros((n, 1)), np.ones((n, 1))
        probabilities = np.diff(np.hstack([ends[0], below, ends[1]]), axis=1)
        codes = (rng.random(n)[:, None] > below).sum(axis=1)
        if (probabilities > 0).all() and len(np.unique(codes)) == probabilities.shape[1]:
            return StagesWorld(X, codes, probabilities, coefs)
    raise ValueError(f"intercepts must lie far enough apart for the deviation, and the last stage "
                     f"must not be too rare: {tries} worlds with {list(intercepts)!r} and "
                     f"{deviation!r} had a negative probability or no row of a stage. Pass "
                     "intercepts further apart, a smaller deviation or more rows.")


def _coefficients(m: int, p: int, deviation: float, sparsity: float,
                  rng: np.random.Generator) -> np.ndarray:
    if sparsity == 1:
        steps = rng.uniform(-deviation, deviation, (m, p))
    else:
        steps = STEP * (rng.random((m, p)) < sparsity) * rng.choice([-1.0, 1.0], (m, p))
        steps[0] = np.abs(steps[0])
    return np.cumsum(steps, axis=0)
