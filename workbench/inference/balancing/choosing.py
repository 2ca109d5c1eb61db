"""Which functions to balance: random ones, those that explain the losses, or the worst ones.

Adaptive: the losses are fitted by kernels of some candidate items, and the ones with the largest
coefficients are taken. Worst case: the function with the largest squared imbalance for its squared
size over all items, ``alpha = (Cov + ridge)^-1 imbalance``. All functions are in standard
deviations, so that coefficients can be compared.
"""

from dataclasses import dataclass

import numpy as np

from workbench.inference.balancing.kernels import (
    FLAT,
    Functions,
    Kernel,
    Scaling,
    kernel_functions,
    moments,
)

__all__ = ["SELECTIONS", "Asked", "Chosen", "Sample", "choose"]

SELECTIONS = ("random", "adaptive", "worst")


@dataclass(frozen=True, eq=False)
class Asked:
    """What is asked of the functions.

    Parameters
    ----------
    kernel, gamma
        See `Functions`.
    count, candidates : int
        Functions to balance, and items whose kernels compete for that.
    selection : {"random", "adaptive", "worst"}
    ridge : float
        Added to the diagonal of the candidates' second moments.
    fitted : bool
        Whether the combination of all candidates is balanced too.
    """

    kernel: Kernel
    gamma: float
    count: int
    candidates: int
    selection: str
    ridge: float
    fitted: bool


@dataclass(frozen=True, eq=False)
class Chosen:
    """Functions to balance.

    Parameters
    ----------
    functions : Functions
    values : array, shape (n, J)
        Of the observed items: minus the mean over all, over the standard deviation.
    centres : array of int, shape (J,)
        Items whose kernels were chosen, in the order of the functions.
    alpha : array, shape (J,), or None
        Their coefficients; None where they are random.
    """

    functions: Functions
    values: np.ndarray
    centres: np.ndarray
    alpha: np.ndarray | None


@dataclass(frozen=True, eq=False)
class Sample:
    """All items, and what is known of the observed ones.

    Parameters
    ----------
    items : array, shape (n, p)
        Standardised features.
    observed : array of bool, shape (n,)
    share : array, shape (n,), or None
        How much of all each item stands for; None is alike.
    base : array, shape (observed,)
        Weights before balancing, on the simplex.
    error : array, shape (observed,), or None
        Losses, which decide where functions are adaptive.
    scaling : Scaling
    """

    items: np.ndarray
    observed: np.ndarray
    share: np.ndarray | None
    base: np.ndarray
    error: np.ndarray | None
    scaling: Scaling


def choose(asked: Asked, sample: Sample, rng: np.random.Generator) -> Chosen:
    """Choose functions.

    Parameters
    ----------
    asked : Asked
    sample : Sample
    rng : numpy.random.Generator
        Draws the random functions or the candidates.
    """
    items, base = sample.items, sample.base
    plain = asked.selection == "random"
    pool = asked.count if plain else max(asked.count, min(asked.candidates, len(items)))
    drawn = rng.choice(len(items), pool, replace=False)
    centres = items[drawn]
    mean, covariance = moments(asked.kernel, items, centres, asked.gamma, sample.share)
    spread = _spread(np.sqrt(np.maximum(np.diag(covariance), 0.0)), mean)
    raw = kernel_functions(asked.kernel, items[sample.observed], centres, asked.gamma)
    held = (raw - mean) / spread
    if plain:
        return Chosen(Functions(asked.kernel, asked.gamma, sample.scaling, centres, np.eye(pool),
                                mean, spread), held, drawn, None)
    scaled = covariance / np.outer(spread, spread)
    alpha = (_fitted(held, sample.error, base, asked.ridge) if asked.selection == "adaptive"
             and sample.error is not None else _ridge(scaled, held.T @ base, asked.ridge))
    taken = np.argsort(-np.abs(alpha), kind="stable")[:asked.count]
    mix = np.eye(pool)[:, taken]
    if asked.fitted and np.abs(alpha).max() > 0:
        mix = np.column_stack([mix, alpha / spread])
    middle = mean @ mix
    wide = _spread(np.sqrt(np.maximum(np.einsum("ij,ik,kj->j", mix, covariance, mix), 0.0)),
                   middle)
    functions = Functions(asked.kernel, asked.gamma, sample.scaling, centres, mix, middle,
                          wide)
    return Chosen(functions, (raw @ mix - middle) / wide, drawn[taken], alpha[taken])


def _fitted(held: np.ndarray, error: np.ndarray, base: np.ndarray, ridge: float) -> np.ndarray:
    """Coefficients of the losses in the candidates, by weighted ridge regression."""
    middle = base @ held
    centred = held - middle
    return _ridge((centred * base[:, None]).T @ centred,
                  centred.T @ (base * (error - base @ error)), ridge)


def _ridge(second: np.ndarray, first: np.ndarray, ridge: float) -> np.ndarray:
    size = np.trace(second) / len(second) or 1.0
    return np.linalg.solve(second + (ridge + 1e-12) * size * np.eye(len(second)), first)


def _spread(spread: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Spread of functions; infinite where they are constant, so that they become 0."""
    return np.where(spread <= FLAT * np.maximum(1.0, np.abs(mean)), np.inf, spread)
