"""Predict the outcome of every item from observed ones: kernel ridge regression, cross-fitted.

No observed item is predicted by a model that saw it, so that doubly robust residuals are honest.
"""

from typing import Any

import numpy as np

from workbench.core import check
from workbench.inference.balancing.inputs import checked_items, checked_losses
from workbench.inference.balancing.kernels import (
    CHUNK,
    KERNELS,
    Kernel,
    Scaling,
    kernel_functions,
    width,
)

__all__ = ["kernel_imputation"]

RIDGES = np.array([1e-5, 1e-4, 1e-3, 1e-2, 1e-1])      # of the mean second moment
CANDIDATES, FOLDS = 200, 5


def kernel_imputation(X: Any, observed: Any, values: Any, *, kernel: Kernel = "gaussian",
                      gamma: str | float = "median", rng: np.random.Generator) -> np.ndarray:
    """Predicted outcome of all items, shape (n,).

    Parameters
    ----------
    X : array, shape (n, p)
    observed : array of bool, shape (n,)
    values : array, shape (observed,) or (n,)
        Outcome of the observed items; at least ten of them.
    kernel, gamma : as in `KernelBalancer`
    rng : numpy.random.Generator
        Draws 200 centres and five folds. The ridge with the least error on items that the model
        has not seen is taken.
    """
    items, seen = checked_items(X, observed)
    outcome = checked_losses("values", values, seen)
    if not callable(kernel):
        check.one_of(KERNELS, kernel=kernel)
    if len(outcome) < 2 * FOLDS:
        raise ValueError(f"values must hold at least {2 * FOLDS} observed outcomes, to learn and "
                         f"to check predictions, got {len(outcome)}. Observe more items.")
    items = Scaling.of(items)(items)
    scale = width(gamma, items, kernel)
    centres = items[rng.choice(len(items), min(CANDIDATES, len(items)), replace=False)]
    held = kernel_functions(kernel, items[seen], centres, scale)
    middle, spread = held.mean(axis=0), held.std(axis=0) + 1e-12
    fold = rng.permutation(np.arange(len(outcome)) % FOLDS)
    slopes, guesses = _fitted((held - middle) / spread, outcome, fold)
    best = int(((guesses - outcome) ** 2).mean(axis=1).argmin())
    slope = slopes[best].mean(axis=0)
    found = np.empty(len(items))
    for begin in range(0, len(items), CHUNK):
        some = kernel_functions(kernel, items[begin:begin + CHUNK], centres, scale)
        found[begin:begin + CHUNK] = slope[0] + (some - middle) / spread @ slope[1:]
    found[seen] = guesses[best]
    return found


def _fitted(held: np.ndarray, outcome: np.ndarray,
            fold: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients by ridge and fold, shape (r, folds, m + 1), and guesses, shape (r, n)."""
    slopes = np.empty((len(RIDGES), FOLDS, held.shape[1] + 1))
    guesses = np.empty((len(RIDGES), len(outcome)))
    for one in range(FOLDS):
        own = fold == one
        centre, mean = held[~own].mean(axis=0), outcome[~own].mean()
        some = held[~own] - centre
        sizes, turn = np.linalg.eigh(some.T @ some / len(some))
        first = turn.T @ (some.T @ (outcome[~own] - mean) / len(some))
        shrunk = first / (np.maximum(sizes, 0) + RIDGES[:, None] * (sizes.mean() or 1.0))
        each = shrunk @ turn.T
        slopes[:, one, 0], slopes[:, one, 1:] = mean - each @ centre, each
        guesses[:, own] = slopes[:, one, :1] + each @ held[own].T
    return slopes, guesses
