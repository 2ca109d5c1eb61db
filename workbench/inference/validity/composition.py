"""What many private answers cost together, and what one may cost so that all stay affordable.

Composition of pure answers adds up; the advanced theorem (C. Dwork, A. Roth, The Algorithmic
Foundations of Differential Privacy, 2014, theorem 3.20) buys a root of their number for a small
chance delta; concentrated privacy (M. Bun, T. Steinke, TCC 2016) adds up for normal noise.
"""

import math

from workbench.core import check
from workbench.inference.validity.checks import amount, fraction, number

__all__ = ["advanced_epsilon", "checked_delta", "per_query_epsilon", "zcdp_epsilon"]


def advanced_epsilon(epsilon: float, queries: int, delta: float) -> float:
    """Cost of many answers of the same cost, up to a chance of delta.

    Parameters
    ----------
    epsilon : float >= 0
        Of one answer [nats].
    queries : int > 0
    delta : float in (0, 1)

    Notes
    -----
    ``epsilon * sqrt(2 m ln(1 / delta)) + m * epsilon * (exp(epsilon) - 1)``
    """
    fraction("Pass 1e-6.", delta=delta)
    return (epsilon * math.sqrt(2 * queries * math.log(1 / delta))
            + queries * epsilon * math.expm1(min(epsilon, 500.0)))


def per_query_epsilon(epsilon: float, queries: int, delta: float = 0.0) -> float:
    """What each of many answers may cost, so that all cost at most `epsilon`.

    Parameters
    ----------
    epsilon : float > 0
        Of all answers together [nats].
    queries : int > 0
    delta : float in [0, 1)
        Chance that the advanced theorem may fail; 0 adds up. The better of both is taken, so that
        one answer may always cost everything.

    Examples
    --------
    >>> per_query_epsilon(1.0, 10), per_query_epsilon(1.0, 1, 1e-6)
    (0.1, 1.0)
    """
    amount(epsilon=epsilon)
    check.whole(1, queries=queries)
    checked_delta(delta)
    low = epsilon / queries
    if delta == 0 or advanced_epsilon(low, queries, delta) >= epsilon:
        return low
    high = epsilon
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (low, middle) if advanced_epsilon(middle, queries, delta) > epsilon else (
            middle, high)
    return low


def zcdp_epsilon(rho: float, delta: float) -> float:
    """Cost of answers with normal noise whose concentrated costs add up to `rho`."""
    fraction("Pass 1e-6.", delta=delta)
    number(rho, "rho", lambda x: x >= 0, "be 0 or more", "Pass the sum of what answers cost.")
    return rho + 2 * math.sqrt(rho * math.log(1 / delta))


def checked_delta(delta: float) -> None:
    """Refuse a chance that is none."""
    number(delta, "delta", lambda x: 0 <= x < 1, "lie in [0, 1)", "Pass 0 for pure privacy.")
