"""What a mixture may lose: the weight of the good hypotheses, and the bounds it gives.

With ``W(eps)`` the prior weight of the hypotheses within divergence eps of the source, the regret
per sample is at most ``min over eps of eps + log(1 / W(eps)) / n``: keep only that ball in the
mixture. Sharper and free of eps: ``-log W_n / n`` with the soft weight ``W_n = E exp(-n KL)``
under the prior. Source: as in :mod:`workbench.inference.universal_mixture`, derived anew.
"""

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import logsumexp

from workbench.core import check
from workbench.inference.mixtures.given import (
    checked_divergences,
    checked_prior,
    checked_samples,
)

__all__ = ["Bound", "EmptyBallWarning", "effective_dimension", "eps_grid", "mixture_regret_bound",
           "samples_needed", "soft_bound", "soft_log_weight", "variational_bound"]


class EmptyBallWarning(UserWarning):
    """No hypothesis lies within any of the divergences: there is no bound."""


@dataclass(frozen=True, eq=False)
class Bound:
    """The bound and what it is made of.

    Parameters
    ----------
    value : float
        Most regret per sample [nats]; infinite where every ball is empty.
    at : float
        The divergence eps where it is smallest [nats].
    eps, price, total : array, shape (m,)
        Each divergence, ``log(1 / W(eps)) / n``, and their sum [nats per sample].
    n : int
        Samples.
    """

    value: float
    at: float
    eps: np.ndarray
    price: np.ndarray
    total: np.ndarray
    n: int


def eps_grid(low: float = 1e-5, high: float = 1.0, size: int = 200) -> np.ndarray:
    """Divergences in equal ratios [nats], shape (size,)."""
    check.positive(low=low, high=high)
    check.whole(1, size=size)
    return np.geomspace(low, high, size)


def mixture_regret_bound(eps: Any, log_weight: Any, n: int) -> Bound:
    """The smallest ``eps + log(1 / W(eps)) / n``.

    Parameters
    ----------
    eps : array, shape (m,)
        Divergences >= 0 from the source [nats per sample].
    log_weight : array, shape (m,)
        Log prior weight of the hypotheses within each; minus infinity for none.
    n : int > 0
        Samples.

    Returns
    -------
    bound : Bound
        Infinite, with a warning, where all balls are empty.

    Examples
    --------
    >>> mixture_regret_bound([0.0, 0.5], np.log([0.01, 1.0]), n=100).at
    0.0
    """
    check.whole(1, n=n)
    radii = checked_divergences("eps", eps, finite=True)
    weights = np.atleast_1d(check.floats(log_weight=log_weight))
    check.same_length(eps=radii, log_weight=weights)
    if not (weights <= 1e-9).all():
        raise ValueError("log_weight must be logarithms of weights, at most 0, got "
                         f"{weights[~(weights <= 1e-9)][0]:.4g}. Take logarithms of shares.")
    price = -np.minimum(weights, 0.0) / n
    total = radii + price
    if np.isinf(total).all():
        warnings.warn("every ball is empty: no hypothesis lies within eps of the source, so that "
                      "the bound is infinite; the soft bound needs no eps.", EmptyBallWarning,
                      stacklevel=2)
    best = int(np.argmin(total))
    return Bound(float(total[best]), float(radii[best]), radii, price, total, int(n))


def soft_log_weight(log_prior: Any, kl: Any, n: float) -> float:
    """``log E exp(-n KL)`` under the prior: the weight of the good hypotheses without an eps.

    Parameters
    ----------
    log_prior : array, shape (k,)
        Log weights that sum to one; for Monte Carlo ``-log k`` each.
    kl : array, shape (k,)
        Divergence of each hypothesis from the source [nats per sample]; infinity passes.
    n : float >= 0
        Samples.
    """
    prior, far = checked_prior(log_prior), checked_divergences("kl", kl)
    check.same_length(log_prior=prior, kl=far)
    checked_samples(n)
    if n == 0:
        return float(logsumexp(prior))
    return float(logsumexp(prior - n * far))


def soft_bound(log_prior: Any, kl: Any, n: int) -> float:
    """``-log W_n / n``, the most regret per sample [nats]; never above the bound by balls."""
    check.positive(n=n)
    return -soft_log_weight(log_prior, kl, n) / n


def variational_bound(weights: Any, log_prior: Any, kl: Any, n: int) -> float:
    """``E_rho KL + KL(rho || prior) / n`` for any weights rho; the soft bound is its minimum."""
    rho, prior = check.floats(weights=weights), checked_prior(log_prior)
    far = checked_divergences("kl", kl)
    check.simplex(rho)
    check.same_length(weights=rho, log_prior=prior, kl=far)
    check.positive(n=n)
    held = rho > 0
    return float(rho[held] @ (far[held] + (np.log(rho[held]) - prior[held]) / n))


def effective_dimension(eps: Any, log_weight: Any) -> np.ndarray:
    """Twice the slope of log W against log eps, shape (m,): directions that cost anything.

    d for d parameters of a regular class, fewer where directions are flat; NaN where no
    hypothesis lies.
    """
    radii, weights = _balls(eps, log_weight)
    logs = np.log(radii)
    found = np.full(len(logs), math.nan)
    known = np.isfinite(weights)
    if known.sum() > 1:
        found[known] = 2 * np.gradient(weights[known], logs[known])
    return found


def samples_needed(eps: Any, log_weight: Any) -> np.ndarray:
    """``log(1 / W(eps)) / eps``: samples from which the price is no more than eps, shape (m,)."""
    radii, weights = _balls(eps, log_weight)
    return np.asarray(-weights / radii)


def _balls(eps: Any, log_weight: Any) -> tuple[np.ndarray, np.ndarray]:
    """Radii above zero and their log weights, of one length."""
    radii, weights = check.floats(eps=eps), check.floats(log_weight=log_weight)
    check.same_length(eps=radii, log_weight=weights)
    if not (radii > 0).all():
        raise ValueError(f"eps must be above 0, got {radii[~(radii > 0)][0]}. Pass eps_grid().")
    return radii, weights
