"""What a mechanism's answers are certified to miss the population by at most, before any data.

The error of an answer is that of its noise plus that of the sample's mean; half of the chance beta
is spent on either, and all queries hold together.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.stats import norm

from workbench.core import check
from workbench.inference.validity.bounds import Transfer, hoeffding_tau, split_tau, transfer
from workbench.inference.validity.checks import amount, beta_in, number
from workbench.inference.validity.composition import per_query_epsilon, zcdp_epsilon

__all__ = ["Certificate", "certified_gaussian", "certified_laplace", "certified_split",
           "certified_thresholdout", "plan_thresholdout", "threshold_noise", "tightest",
           "uncertified"]

SEARCH = (1e-7, 10.0)    # privacy over which the tightest certificate is looked for
CHANCES = np.geomspace(1e-300, 1e-3, 40)


@dataclass(frozen=True)
class Certificate:
    """A bound on the error of all answers, with probability 1 - beta.

    Parameters
    ----------
    tau : float
        Bound on |answer - population mean|, values in [0, 1]; infinite where nothing is certified.
    theorem : str
        What it rests on, or why there is none.
    sampling, noise : float
        The parts of it.
    beta : float
    asked : float or None
        The accuracy that was asked for.
    """

    tau: float
    theorem: str
    sampling: float
    noise: float
    beta: float
    asked: float | None = None

    def __post_init__(self) -> None:
        if self.asked is not None:
            number(self.asked, "tau", lambda x: x > 0, "be positive", "Pass 0.1.")

    @property
    def holds(self) -> bool:
        """Whether the accuracy that was asked for is certified."""
        return self.asked is not None and self.tau <= self.asked

    @property
    def is_vacuous(self) -> bool:
        """Whether the bound says nothing: a mean in [0, 1] is never further from 1/2."""
        return not self.tau < 0.5


def uncertified(why: str, beta: float) -> Certificate:
    """No certificate, and why."""
    return Certificate(math.inf, why, math.inf, math.inf, beta)


def certified_split(n: int, queries: int, *, beta: float = 0.05) -> Certificate:
    """Every query on rows of its own: nothing is reused, and nothing is lost but rows."""
    tau = split_tau(n, beta=beta, queries=queries)
    return Certificate(tau, "Hoeffding", tau, 0.0, beta)


def certified_laplace(n: int, queries: int, epsilon: float, delta: float = 0.0, *,
                      beta: float = 0.05) -> Certificate:
    """Laplace noise for a privacy of `epsilon` in all."""
    beta_in(beta)
    check.whole(1, n=n)
    scale = 1 / (n * per_query_epsilon(epsilon, queries, delta))
    noise = scale * math.log(2 * queries / beta)
    return _summed(transfer(n, epsilon, delta, beta=beta / 2, queries=queries), noise, beta)


def certified_gaussian(n: int, queries: int, sigma: float, *, beta: float = 0.05
                       ) -> Certificate:
    """Normal noise of standard deviation `sigma`, by theorem T2 at the delta that suits best."""
    beta_in(beta)
    check.whole(1, n=n, queries=queries)
    amount(sigma=sigma)
    rho = queries / (2 * n**2 * sigma**2)
    found = min((transfer(n, zcdp_epsilon(rho, delta), float(delta), beta=beta / 2,
                          queries=queries) for delta in CHANCES), key=lambda one: one.tau)
    noise = sigma * float(norm.isf(beta / (4 * queries)))
    return _summed(found, noise, beta)


def certified_thresholdout(n: int, queries: int, budget: int, threshold: float, sigma: float, *,
                           beta: float = 0.05) -> Certificate:
    """Thresholdout, by the privacy 2 B / (sigma n) of at most B readings.

    Notes
    -----
    An answer from the training rows lies within ``threshold + gamma + eta`` of the holdout's
    mean, an answer from the holdout within ``xi``; each kind of noise has a sixth of beta.
    """
    beta_in(beta)
    check.whole(1, n=n, queries=queries, budget=budget)
    amount(sigma=sigma)
    epsilon, part = 2 * budget / (sigma * n), beta / 6
    noise = max(threshold + threshold_noise(queries, budget, sigma, part),
                sigma * math.log(budget / part))
    return _summed(transfer(n, epsilon, beta=beta / 2, queries=queries), noise, beta)


def plan_thresholdout(n: int, queries: int, budget: int, *, beta: float = 0.05
                      ) -> tuple[float, float, Certificate]:
    """Threshold and noise with the tightest certificate.

    Returns
    -------
    threshold, sigma : float
        The threshold is as low as it can be without reading the holdout for queries that do not
        overfit, whose two means differ by chance alone.
    certificate : Certificate
    """
    beta_in(beta)
    check.whole(1, budget=budget)
    gap = 2 * hoeffding_tau(n, beta=beta / 2, queries=queries)

    def settings(sigma: float) -> tuple[float, float]:
        return gap + threshold_noise(queries, budget, sigma, beta / 6), sigma

    found = minimize_scalar(
        lambda log: certified_thresholdout(n, queries, budget, *settings(math.exp(log)),
                                           beta=beta).tau,
        bounds=(math.log(1e-7), math.log(1.0)), method="bounded")
    threshold, sigma = settings(math.exp(found.x))
    return threshold, sigma, certified_thresholdout(n, queries, budget, threshold, sigma,
                                                    beta=beta)


def tightest(n: int, queries: int, *, beta: float = 0.05, delta: float = 0.0) -> Certificate:
    """Laplace noise at the privacy that certifies most."""
    low, high = (math.log(end) for end in SEARCH)
    found = minimize_scalar(lambda log: certified_laplace(n, queries, math.exp(log), delta,
                                                          beta=beta).tau,
                            bounds=(low, high), method="bounded")
    return certified_laplace(n, queries, math.exp(found.x), delta, beta=beta)


def threshold_noise(queries: int, budget: int, sigma: float, part: float) -> float:
    """How high the noise of threshold and comparisons gets, each with chance `part`."""
    gamma = 2 * sigma * math.log((budget + 1) / (2 * part))
    return gamma + 4 * sigma * math.log(queries / (2 * part))


def _summed(sampling: Transfer, noise: float, beta: float) -> Certificate:
    return Certificate(sampling.tau + noise, sampling.theorem, sampling.tau, noise, beta)
