"""Coins: the mixture of all biases under a Beta prior, its regret and its bounds, in closed form.

``Q(y^n) = B(a + k, b + n - k) / B(a, b)`` for k ones; a = b = 1 is the uniform prior, a = b = 1/2
that of Krichevsky and Trofimov. The soft weight has a closed form too, since the divergence from p
is linear in the logarithms of theta and of 1 - theta.
"""

from typing import Any

import numpy as np
from scipy.special import betainc, betaln, gammaln, xlog1py, xlogy

from workbench.core import check
from workbench.inference.mixtures.given import checked_divergences, checked_samples

__all__ = ["PRIORS", "ball_log_weight", "divergence", "expected_regret", "log_evidence",
           "posterior_cells", "soft_log_weight"]

PRIORS = {"uniform": (1.0, 1.0), "Krichevsky-Trofimov": (0.5, 0.5)}
HALVINGS = 80


def log_evidence(ones: Any, n: int, a: float = 1.0, b: float = 1.0) -> np.ndarray:
    """Log-probability of one sequence with so many ones under the mixture, shape as `ones`."""
    check.positive(a=a, b=b)
    k = check.floats(ones=ones)
    if not ((k >= 0) & (k <= n)).all():
        raise ValueError(f"ones must lie between 0 and the {n!r} tosses, got {k.min():g} to "
                         f"{k.max():g}. Count the ones of the sequence.")
    return np.asarray(betaln(k + a, n - k + b) - betaln(a, b))


def divergence(p: float, theta: Any) -> np.ndarray:
    """KL(p || theta) of coins [nats per toss], shape as `theta`."""
    _share(p=p)
    q = check.floats(theta=theta)
    if not ((q >= 0) & (q <= 1)).all():
        raise ValueError(f"theta must lie in [0, 1], got {q[~((q >= 0) & (q <= 1))][0]:g}. Pass "
                         "probabilities.")
    own = xlogy(p, p) + xlog1py(1 - p, -p)
    with np.errstate(divide="ignore"):
        return np.asarray(np.maximum(own - xlogy(p, q) - xlog1py(1 - p, -q), 0.0))


def expected_regret(n: int, p: float, a: float = 1.0, b: float = 1.0) -> float:
    """Expected total regret of the mixture against the true coin [nats], exact.

    Parameters
    ----------
    n : int >= 0
        Tosses.
    p : float in [0, 1]
    a, b : float > 0
        Of the Beta prior.

    Examples
    --------
    >>> round(expected_regret(100, 0.3), 4)
    1.6746
    """
    _share(p=p)
    check.whole(0, n=n)
    k = np.arange(n + 1)
    own = xlogy(k, p) + xlog1py(n - k, -p)
    log_pmf = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1) + own
    chance = np.exp(log_pmf)
    held = chance > 0
    return float(chance[held] @ (own - log_evidence(k, n, a, b))[held])


def ball_log_weight(eps: Any, p: float, a: float = 1.0, b: float = 1.0) -> np.ndarray:
    """Log prior weight of the coins within each divergence of p, shape (m,).

    The ball is an interval around p; its ends are found by halving.
    """
    radii = checked_divergences("eps", eps)
    _share(p=p)
    check.positive(a=a, b=b)
    low = _end(np.zeros_like(radii), np.full_like(radii, p), radii, p)
    high = _end(np.ones_like(radii), np.full_like(radii, p), radii, p)
    with np.errstate(divide="ignore"):
        return np.log(betainc(a, b, high) - betainc(a, b, low))


def soft_log_weight(n: float, p: float, a: float = 1.0, b: float = 1.0) -> float:
    """``log E exp(-n KL(p || theta))`` under the prior, in closed form."""
    _share(p=p)
    check.positive(a=a, b=b)
    checked_samples(n)
    own = xlogy(p, p) + xlog1py(1 - p, -p)
    return float(-n * own + betaln(a + n * p, b + n * (1 - p)) - betaln(a, b))


def posterior_cells(ones: Any, zeros: Any, edges: Any, a: float = 1.0, b: float = 1.0
                    ) -> np.ndarray:
    """Posterior weight of each cell of biases after so many ones and zeros, shape (t, m).

    Parameters
    ----------
    ones, zeros : array of int, shape (t,)
    edges : array, shape (m + 1,)
        From 0 to 1.
    a, b : float > 0
        Of the Beta prior.
    """
    up, down = (np.asarray(one, float)[:, None] for one in (ones, zeros))
    below = betainc(a + up, b + down, np.asarray(edges, float)[None])
    return np.diff(below, axis=1)


def _end(outside: np.ndarray, inside: np.ndarray, radii: np.ndarray, p: float) -> np.ndarray:
    """Where the divergence from p reaches each radius, between a far end and p."""
    whole = divergence(p, outside) <= radii
    far, near = outside.copy(), inside.copy()
    for _ in range(HALVINGS):
        middle = (far + near) / 2
        within = divergence(p, middle) <= radii
        near, far = np.where(within, middle, near), np.where(within, far, middle)
    return np.where(whole, outside, near)


def _share(**named: float) -> None:
    for name, value in named.items():
        if not check.holds(lambda one: 0 <= one <= 1, value):
            raise ValueError(f"{name} must lie in [0, 1], got {value!r}. Pass a probability.")
