"""Weights on the simplex: one line where the weight enters, so a weighted mean is ``w @ x``.

Functions take NumPy arrays and torch tensors alike and return the library they were given.
The effective size is Kish's: L. Kish, Survey Sampling (1965), section 11.7.
"""

import math
from typing import Any

import numpy as np

from workbench.core import check

__all__ = ["clip", "divergence", "effective_size", "normalise", "smooth", "tilt", "uniform"]


def uniform(n: int) -> np.ndarray:
    """Equal weights, the neutral setting of every method, shape (n,)."""
    check.positive(n=n)
    return np.full(n, 1.0 / n)


def normalise(amounts: Any) -> Any:
    """Divide amounts by their sum.

    Parameters
    ----------
    amounts : array, shape (n,)
        Any finite amounts >= 0, not all zero.

    Returns
    -------
    weights : array, shape (n,)

    Raises
    ------
    ValueError
        If an amount is negative, NaN or infinite, or if all are zero.

    Examples
    --------
    >>> normalise(np.array([1.0, 3.0]))
    array([0.25, 0.75])
    """
    some = len(amounts) > 0
    largest, smallest = (float(amounts.max()), float(amounts.min())) if some else (0.0, 0.0)
    if not (smallest >= 0 and 0 < largest < math.inf):
        raise ValueError(f"amounts must be finite, >= 0 and not all zero, got smallest "
                         f"{smallest:.3g} and largest {largest:.3g}. Clip or drop the bad rows.")
    scaled = amounts / largest
    return scaled / scaled.sum()


def tilt(scores: Any, temperature: float) -> Any:
    """Weights proportional to ``exp(scores / temperature)``.

    Parameters
    ----------
    scores : array, shape (n,)
        What earns weight, for instance one loss per example [nats].
    temperature : float > 0
        In the unit of `scores`; infinity gives uniform weights.

    Returns
    -------
    weights : array, shape (n,)
        Non-negative, summing to one; same library and dtype as `scores`.

    Raises
    ------
    ValueError
        If `temperature` is not positive.

    Notes
    -----
    The maximiser of ``w @ scores - temperature * KL(w || uniform)`` on the simplex.

    Examples
    --------
    >>> tilt(np.array([0.0, np.log(3.0)]), temperature=1.0)
    array([0.25, 0.75])
    """
    check.positive(temperature=temperature)
    shifted = (scores - scores.max()) / temperature
    return normalise(np.exp(shifted) if isinstance(shifted, np.ndarray) else shifted.exp())


def smooth(weights: Any, share: float) -> Any:
    """Mix weights with the uniform ones: ``(1 - share) * weights + share / n``."""
    if not 0 <= share <= 1:
        raise ValueError(f"share must lie in [0, 1], got {share!r}. 0 keeps the weights.")
    return (1 - share) * weights + share / len(weights)


def clip(weights: Any, largest: float) -> Any:
    """Cap weights at `largest` and hand the excess to the others in proportion.

    `largest` must be at least ``1 / n``; at one it changes nothing.
    """
    if not largest * len(weights) >= 1 - 1e-12:
        raise ValueError(f"largest must be at least 1 / n = {1 / len(weights):.3g}, "
                         f"got {largest!r}. Raise the cap.")
    capped = normalise(weights)
    for _ in range(len(weights)):
        over = capped > largest * (1 + 1e-12)
        if not over.any():
            return capped
        fixed = capped >= largest * (1 - 1e-12)
        room = 1 - largest * fixed.sum()
        rest = capped * ~fixed
        total = rest.sum()
        spread = rest / total if total > 0 else ~fixed / (~fixed).sum()
        capped = fixed * largest + spread * room
    return capped


def effective_size(weights: Any) -> float:
    """Kish's effective number of items, ``sum(w)**2 / sum(w**2)``, between 1 and n.

    Examples
    --------
    >>> effective_size(np.array([0.5, 0.5, 0.0]))
    2.0
    """
    scaled = normalise(weights)
    return float(1.0 / (scaled @ scaled))


def divergence(weights: Any, reference: Any) -> float:
    """Kullback-Leibler divergence of `weights` from `reference` [nats]; infinite off support."""
    check.same_length(weights=weights, reference=reference)
    held = np.asarray(weights) > 0
    with np.errstate(divide="ignore"):
        logs = np.log(np.asarray(weights)[held]) - np.log(np.asarray(reference)[held])
    return float(np.asarray(weights)[held] @ logs)

