"""How far answers on a sample may lie from the population, whatever the analyst asked.

Theorems T1 and T2 are those of C. Dwork et al., "Preserving Statistical Validity in Adaptive Data
Analysis", STOC 2015; approximate max-information and the count of transcripts are of the same
authors' "Generalization in Adaptive Data Analysis and Holdout Reuse", NeurIPS 2015.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import comb
from scipy.stats import norm

from workbench.core import check
from workbench.inference.validity.checks import amount, beta_in, number
from workbench.inference.validity.composition import checked_delta

__all__ = ["Transfer", "claims_bound", "hoeffding_tau", "majority_bias", "most_beforehand",
           "most_queries", "published_claims_bound", "sample_size", "split_tau", "transfer"]


@dataclass(frozen=True)
class Transfer:
    """How far means of a sample may lie from those of the population.

    Parameters
    ----------
    tau : float
        Bound that holds for all queries together with probability 1 - beta; above 1/2 it says
        nothing about a mean of values in [0, 1].
    theorem : str
        What it rests on.
    """

    tau: float
    theorem: str


def transfer(n: int, epsilon: float, delta: float = 0.0, *, beta: float = 0.05,
             queries: int = 1) -> Transfer:
    """The best bound for queries that were chosen by a private mechanism.

    Parameters
    ----------
    n : int > 0
        Rows.
    epsilon, delta : float
        Privacy of all answers together.
    beta : float in (0, 1)
        Chance that the bound may fail for one of the queries.
    queries : int > 0

    Notes
    -----
    T1: ``epsilon <= tau / 2`` and ``n >= 12 ln(4 / beta) / tau**2``. T2, with delta above 0:
    ``epsilon <= tau / 4``, ``delta <= exp(-4 ln(8 / beta) / tau)`` and
    ``n >= 48 ln(8 / beta) / tau**2``. Max-information, with delta 0, is sharper than T1:
    ``2 exp(k - 2 n tau**2) <= beta / 2`` with
    ``k = epsilon**2 n / 2 + epsilon sqrt(n ln(4 / beta) / 2)``. Each query may fail with chance
    ``beta / queries``.

    Examples
    --------
    >>> transfer(100_000, 0.01).theorem
    'max-information'
    """
    check.whole(1, n=n, queries=queries)
    beta_in(beta)
    checked_delta(delta)
    number(epsilon, "epsilon", lambda x: x >= 0, "be 0 or more", "Pass the privacy spent.")
    each = beta / queries
    if delta > 0:
        tau = max(4 * epsilon, math.sqrt(48 * math.log(8 / each) / n),
                  4 * math.log(8 / each) / math.log(1 / delta))
        return Transfer(tau, "T2")
    first = max(2 * epsilon, math.sqrt(12 * math.log(4 / each) / n))
    told = epsilon**2 * n / 2 + epsilon * math.sqrt(n * math.log(4 / each) / 2)
    second = math.sqrt((told + math.log(4 / each)) / (2 * n))
    return Transfer(first, "T1") if first < second else Transfer(second, "max-information")


def sample_size(tau: float, *, beta: float = 0.05, pure: bool = True) -> int:
    """Rows that theorem T1, or T2 where privacy is approximate, asks for."""
    amount(tau=tau)
    beta_in(beta)
    factor = 12 * math.log(4 / beta) if pure else 48 * math.log(8 / beta)
    return math.ceil(factor / tau**2)


def hoeffding_tau(n: int, *, beta: float = 0.05, queries: int = 1) -> float:
    """Bound for queries that were all chosen before the sample was seen."""
    beta_in(beta)
    check.whole(1, n=n, queries=queries)
    return math.sqrt(math.log(2 * queries / beta) / (2 * n))


def split_tau(n: int, *, beta: float = 0.05, queries: int = 1) -> float:
    """Bound for queries that are each answered on rows of their own; infinite without rows."""
    check.whole(1, queries=queries)
    part = n // queries
    return hoeffding_tau(part, beta=beta, queries=queries) if part else math.inf


def most_queries(n: int, tau: float, *, beta: float = 0.05) -> int:
    """How many adaptive queries fresh rows for each certify to within `tau`; 0 for none."""
    low, high = 0, n + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if split_tau(n, beta=beta, queries=middle) <= tau else (
            low, middle)
    return low


def most_beforehand(n: int, tau: float, *, beta: float = 0.05) -> float:
    """How many queries that were all chosen beforehand are certified to within `tau`."""
    beta_in(beta)
    return float(np.floor(beta / 2 * np.exp(min(2 * n * tau**2, 700.0))))


def claims_bound(asked: int, budget: int) -> float:
    """Transcripts that may lead to the next claim, by which its chance of failing grows.

    Parameters
    ----------
    asked : int > 0
        Number of the claim.
    budget : int > 0
        Failures that may be revealed.

    Notes
    -----
    A claim is asked only while fewer than `budget` failures were revealed, so that at most
    ``sum(comb(asked - 1, j) for j < budget)`` sequences of answers can have led to it.

    Examples
    --------
    >>> claims_bound(1, 3), claims_bound(4, 2)
    (1.0, 4.0)
    """
    return float(sum(comb(asked - 1, j) for j in range(min(asked, budget))))


def published_claims_bound(asked: int, budget: int) -> float:
    """The same as published, which is larger: ``sum(comb(i, j) for j <= min(i - 1, B))``."""
    return float(sum(comb(asked, j) for j in range(min(asked - 1, budget) + 1)))


def majority_bias(n: int, columns: int | np.ndarray) -> float | np.ndarray:
    """By how much a majority vote over columns of pure noise is flattered by their own rows.

    ``norm.cdf(sqrt(2 d / (pi n))) - 1 / 2`` for d columns of independent signs, n rows.
    """
    return norm.cdf(np.sqrt(2 * columns / (np.pi * n))) - 0.5
