"""Loops over rows, products and coordinates, compiled by numba; loaded only by their first use.

With the boundaries ``a < b`` around a class, in log odds, its probability is ``F(b) - F(a)``, and

    -log(F(b) - F(a)) = log(1 + e^-b) + log(1 + e^a) - log(1 - e^(a - b)),

a sum of convex functions: no difference of nearly equal numbers, and a barrier where b meets a.
"""

import math

import numpy as np

from workbench.inference.quantiles.compiled import compiled

__all__ = ["add_one", "add_three", "sweep", "terms"]


@compiled
def terms(lower: np.ndarray, upper: np.ndarray, weight: np.ndarray, out: np.ndarray) -> float:
    """Weighted sum of the losses, and derivatives in the boundaries.

    Parameters
    ----------
    lower, upper, weight : array, shape (n,)
        Boundaries around the class of each row, the outermost infinite.
    out : array, shape (5, n)
        Filled with the slopes in the lower and in the upper boundary, the curvature in each and
        the curvature that both share, times -1.

    Returns
    -------
    total : float
        Infinite unless ``lower < upper`` in every row.
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


@compiled
def minimised(wanted: float, penalty: float, curvature: float) -> float:
    """Minimiser of ``curvature * z^2 / 2 - wanted * z + penalty * |z|``."""
    after = max(abs(wanted) - penalty, 0.0) / curvature
    return -after if wanted < 0.0 else after


@compiled
def sweep(H: np.ndarray, gradient: np.ndarray, z: np.ndarray,  # noqa: PLR0913 - plain arrays
          penalty: np.ndarray, most: int, share: float, slack: np.ndarray) -> None:
    """Minimise a penalised quadratic over one entry after the other.

    Ends when no sign changes and no entry brings more than `share` of the largest fall so far.

    Parameters
    ----------
    H : array, shape (d, d)
    gradient, z : array, shape (d,)
        Slope at z, and z; both are changed.
    penalty : array, shape (d,)
    most : int
        Sweeps at most.
    share : float
    slack : array, shape (d,)
        A zero stays as it is unless its slope exceeds its penalty by this much.
    """
    d, largest = z.size, 0.0
    for _ in range(most):
        changed, best = False, 0.0
        for j in range(d):
            curvature = H[j, j]
            if curvature <= 0.0:
                continue
            before = z[j]
            wanted = before * curvature - gradient[j]
            rests = before == 0.0 and penalty[j] > 0.0 and (
                abs(wanted) <= penalty[j] + slack[j])
            after = 0.0 if rests else minimised(wanted, penalty[j], curvature)
            step = after - before
            if step != 0.0:
                z[j] = after
                changed = changed or before * after <= 0.0
                best = max(best, curvature * step * step)
                for i in range(d):
                    gradient[i] += step * H[j, i]
        largest = max(largest, best)
        if not changed and best <= share * largest:
            return


def _add_three(columns: np.ndarray, weights: np.ndarray, found: np.ndarray) -> None:
    """Add ``columns @ diag(w) @ columns.T`` for three weights, shape (3, n)."""
    q, n = columns.shape
    for r in range(q):
        for s in range(r + 1):
            first = second = third = 0.0
            for i in range(n):
                product = columns[r, i] * columns[s, i]
                first += weights[0, i] * product
                second += weights[1, i] * product
                third += weights[2, i] * product
            found[0, r, s] += first
            found[1, r, s] += second
            found[2, r, s] += third
            if s < r:
                found[0, s, r] += first
                found[1, s, r] += second
                found[2, s, r] += third


def _add_one(columns: np.ndarray, weight: np.ndarray, found: np.ndarray) -> None:
    """Add ``columns @ diag(weight) @ columns.T``."""
    q, n = columns.shape
    for r in range(q):
        for s in range(r + 1):
            total = 0.0
            for i in range(n):
                total += weight[i] * columns[r, i] * columns[s, i]
            found[r, s] += total
            if s < r:
                found[s, r] += total


add_three = compiled(_add_three, reordered=True)
add_one = compiled(_add_one, reordered=True)
