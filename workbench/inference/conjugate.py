"""Exact posterior of a weighted linear regression under a Normal-inverse-gamma prior.

``c | sigma2 ~ N(m0, sigma2 * V0)``, ``sigma2 ~ InvGamma(a0, b0)`` and ``y ~ N(X @ c, sigma2)``
give the same family: ``V = inv(inv(V0) + X'WX)``, ``m = V (inv(V0) m0 + X'Wy)``, ``a = a0 +
sum(w) / 2``, ``b = b0 + (y'Wy + m0' inv(V0) m0 - m' inv(V) m) / 2``; each coefficient is
Student-t with ``2 a`` degrees of freedom. Source: Gelman et al., Bayesian Data Analysis,
3rd edition (2013), section 14.8.
"""

from dataclasses import dataclass

import numpy as np

__all__ = ["NormalInverseGamma"]


@dataclass(frozen=True)
class NormalInverseGamma:
    """Belief about coefficients and noise variance, prior or posterior.

    Parameters
    ----------
    mean : array, shape (k,)
    covariance : array, shape (k, k)
        Covariance of the coefficients divided by the noise variance.
    shape, rate : float > 0
        Of the inverse gamma; `rate` in squared units of the outcome.

    Examples
    --------
    >>> one = np.ones((1, 1))
    >>> prior = NormalInverseGamma(np.zeros(1), one, shape=1.0, rate=1.0)
    >>> posterior = prior.condition(one, np.ones(1), np.ones(1))
    >>> posterior.mean, posterior.shape, posterior.rate
    (array([0.5]), 1.5, 1.25)
    """

    mean: np.ndarray
    covariance: np.ndarray
    shape: float
    rate: float

    def condition(self, X: np.ndarray, y: np.ndarray, weight: np.ndarray) -> "NormalInverseGamma":
        """Posterior after weighted rows.

        `X` has shape (n, k), `y` and `weight` (n,); a weight of 2 equals two copies of the row.
        """
        precision = np.linalg.inv(self.covariance)
        weighted = X * weight[:, None]
        total = precision + weighted.T @ X
        mean = np.linalg.solve(total, precision @ self.mean + weighted.T @ y)
        # Around the posterior mean, so that a large common offset of y does not cancel digits.
        residual, moved = y - X @ mean, mean - self.mean
        excess = float(weight @ residual ** 2 + moved @ precision @ moved)
        return NormalInverseGamma(mean, np.linalg.inv(total),
                                  self.shape + float(weight.sum()) / 2, self.rate + excess / 2)

    def sample(self, size: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Independent draws of coefficients, shape (size, k), and of sigma, shape (size,)."""
        sigma = np.sqrt(self.rate / rng.gamma(self.shape, size=size))
        root = np.linalg.cholesky(self.covariance)
        noise = rng.normal(size=(size, len(self.mean))) @ root.T
        return self.mean + sigma[:, None] * noise, sigma
