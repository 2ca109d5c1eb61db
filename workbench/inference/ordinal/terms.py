"""What one row adds to the loss, its slopes and its curvature; loops compiled by numba.

With the boundaries ``a < b`` around a class, in log odds, its probability is ``F(b) - F(a)``, and

    -log(F(b) - F(a)) = log(1 + e^-b) + log(1 + e^a) - log(1 - e^(a - b)),

a sum of convex functions: no difference of nearly equal numbers, and a barrier where b meets a.
Loaded only by its first use, since it imports numba.
"""

import math

import numpy as np

from workbench.inference.quantiles.compiled import compiled

__all__ = ["losses", "terms"]


@compiled
def losses(lower: np.ndarray, upper: np.ndarray, weight: np.ndarray) -> float:
    """Weighted sum of the losses; infinite unless ``lower < upper`` in every row.

    Parameters
    ----------
    lower, upper, weight : array, shape (n,)
        Boundaries around the class of each row, the outermost infinite.
    """
    total = 0.0
    for i in range(lower.size):
        a, b = lower[i], upper[i]
        if not a < b:
            return math.inf
        odds = (1.0 + math.exp(-abs(a))) * (1.0 + math.exp(-abs(b)))
        total += weight[i] * (math.log(odds / -math.expm1(a - b)) + max(a, 0.0) + max(-b, 0.0))
    return total


@compiled
def terms(lower: np.ndarray, upper: np.ndarray, weight: np.ndarray, out: np.ndarray) -> float:
    """The same, and its first and second derivatives in the boundaries.

    Parameters
    ----------
    lower, upper, weight : array, shape (n,)
    out : array, shape (5, n)
        Filled with the slopes in the lower and in the upper boundary, the curvature in each and
        the curvature that both share, times -1.
    """
    total = 0.0
    for i in range(lower.size):
        a, b, w = lower[i], upper[i], weight[i]
        if not a < b:
            return math.inf
        below, above, apart = math.exp(-abs(a)), math.exp(-abs(b)), -math.expm1(a - b)
        total += w * (math.log((1.0 + below) * (1.0 + above) / apart) + max(a, 0.0) + max(-b, 0.0))
        share_a = 1.0 / (1.0 + below) if a >= 0 else below / (1.0 + below)
        rest_b = above / (1.0 + above) if b >= 0 else 1.0 / (1.0 + above)
        ratio = (1.0 - apart) / apart                     # 1 / (e^(b - a) - 1)
        both = ratio * (1.0 + ratio)
        out[0, i] = w * (share_a + ratio)
        out[1, i] = -w * (rest_b + ratio)
        out[2, i] = w * (below / (1.0 + below) ** 2 + both)
        out[3, i] = w * (above / (1.0 + above) ** 2 + both)
        out[4, i] = w * both
    return total
