"""Minimise a convex quadratic with an absolute-value penalty: coordinates first, then exactly.

    minimise  slope @ (z - x) + (z - x) @ H @ (z - x) / 2 + penalty @ |z|

Coordinate descent finds which entries are zero; on the others, with their signs held, the minimum
solves linear equations. A sign that would change on the way becomes a zero and the search goes on,
so that every step descends. Loaded only by its first use, since it imports numba.
"""

import numpy as np
from scipy.linalg import lapack

from workbench.inference.quantiles.compiled import compiled

__all__ = ["penalised_minimum"]

ROUNDS = 200
SWEEPS = 20              # of coordinates, after which the equations are solved
SLACK = 1e-12            # of a slope beside its penalty
SMALLEST = 1e-13         # addition to the diagonal of dependent equations, relative


def penalised_minimum(H: np.ndarray, slope: np.ndarray, x: np.ndarray,
                      penalty: np.ndarray) -> np.ndarray:
    """The minimiser, shape (d,).

    Parameters
    ----------
    H : array, shape (d, d)
        Positive semi-definite.
    slope : array, shape (d,)
        At `x`.
    x : array, shape (d,)
        Where to start.
    penalty : array, shape (d,)
        Amounts >= 0.
    """
    z, gradient = x.copy(), slope.copy()
    scale = float(np.abs(slope).max(initial=0.0))
    for _ in range(ROUNDS):
        _sweep(H, gradient, z, penalty, SWEEPS)
        held = np.flatnonzero((z != 0) | (penalty == 0))
        if held.size:
            step = _solved(H[np.ix_(held, held)],
                           -gradient[held] - penalty[held] * np.sign(z[held]))
            share, stopped = _reach(z[held], step, penalty[held])
            z[held] += share * step
            if stopped is not None:
                z[held[stopped]] = 0.0
            gradient = slope + H @ (z - x)
            if stopped is not None:
                continue
        over = np.abs(gradient) - penalty
        over[held] = 0.0
        if over.max(initial=0.0) <= SLACK * scale:
            break
    return z


def _reach(z: np.ndarray, step: np.ndarray, penalty: np.ndarray) -> tuple[float, int | None]:
    """How much of a step keeps every penalised sign, and which entry ends it."""
    turned = np.flatnonzero((penalty > 0) & (z * (z + step) < 0))
    if not turned.size:
        return 1.0, None
    shares = -z[turned] / step[turned]
    first = int(shares.argmin())
    return float(shares[first]), int(turned[first])


def _solved(H: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Solve symmetric equations; where they depend on each other, nearly the shortest solution."""
    size = max(float(H.diagonal().max()), np.finfo(float).tiny)
    more = 0.0
    while True:
        shifted = H + more * size * np.eye(len(H)) if more else H
        _, found, failed = lapack.dposv(shifted, right, lower=1)
        if not failed and np.isfinite(found).all():
            return np.asarray(found)
        more = max(10 * more, SMALLEST)


@compiled
def _sweep(H: np.ndarray, gradient: np.ndarray, z: np.ndarray, penalty: np.ndarray,
           most: int) -> None:
    """Minimise over one entry after the other until no sign changes; `gradient` is that at z."""
    d = z.size
    for _ in range(most):
        changed = False
        for j in range(d):
            curvature = H[j, j]
            if curvature <= 0.0:
                continue
            before = z[j]
            wanted = before * curvature - gradient[j]
            after = max(abs(wanted) - penalty[j], 0.0) / curvature
            if wanted < 0.0:
                after = -after
            step = after - before
            if step != 0.0:
                z[j] = after
                changed = changed or (before == 0.0) != (after == 0.0) or before * after < 0.0
                for l in range(d):
                    gradient[l] += step * H[j, l]
        if not changed:
            return
