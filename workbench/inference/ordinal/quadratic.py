"""Minimise a convex quadratic with an absolute-value penalty: coordinates first, then exactly.

    minimise  slope @ (z - x) + (z - x) @ H @ (z - x) / 2 + penalty @ |z|

Coordinate descent finds which entries are zero; on the others, with their signs held, the minimum
solves linear equations. A sign that would change on the way becomes a zero and the search goes on,
so that every step descends.
"""

import numpy as np
from scipy.linalg import lapack

__all__ = ["penalised_minimum"]

ROUNDS = 200
SWEEPS, SHARE = 100, 1e-3    # of coordinates, until the equations are solved
SLACK, ROUNDING = 1e-12, 1e-15       # of a slope beside its penalty, relative
MORE = (0.0, *(10.0 ** np.arange(-13, 1)))   # on the diagonal of dependent equations, relative


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
    from workbench.inference.ordinal.loops import sweep

    z, gradient = x.copy(), slope.copy()
    slack = SLACK * float(np.abs(slope).max(initial=0.0)) + ROUNDING * H.diagonal() * (
        1 + float(np.abs(x).max(initial=0.0)))
    for _ in range(ROUNDS):
        sweep(H, gradient, z, penalty, SWEEPS, SHARE, slack)
        held = np.flatnonzero((z != 0) | (penalty == 0))
        settled = True
        if held.size:
            own = H[np.ix_(held, held)]
            step = _solved(own, -gradient[held] - penalty[held] * np.sign(z[held]))
            z[held], settled = _moved(z[held], step, penalty[held], own, gradient[held])
            gradient = slope + H @ (z - x)
        over = np.abs(gradient) > penalty + slack
        over[held] = False
        if settled and not over.any():
            break
    return z


def _moved(z: np.ndarray, step: np.ndarray, penalty: np.ndarray, H: np.ndarray,
           gradient: np.ndarray) -> tuple[np.ndarray, bool]:
    """Where a step leads while no sign changes, and whether that is all the way.

    Of two ways to keep the signs, the one that falls further: the whole step with zeros for the
    entries that would change theirs, or the step up to the first change.
    """
    there = z + step
    turned = (penalty > 0) & (z * there < 0)
    if not turned.any():
        return there, True
    cut = np.where(turned, 0.0, there)
    shares = np.where(turned, -z / np.where(turned, step, 1.0), 1.0)
    first = z + shares.min() * step
    first[turned & (shares == shares.min())] = 0.0
    falls = []
    for each in (cut, first):
        move = each - z
        falls.append(gradient @ move + move @ H @ move / 2 + penalty @ np.abs(each))
    return (cut if falls[0] <= falls[1] else first), False


def _solved(H: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Solve symmetric equations; where they depend on each other, nearly the shortest solution.

    Each unknown is measured in its own unit, so that curvatures may differ by any factor.
    """
    unit = np.sqrt(H.diagonal())
    unit[~(unit > 0)] = 1.0
    scaled = H / np.outer(unit, unit)
    for more in MORE:
        shifted = scaled + more * np.eye(len(H)) if more else scaled
        _, found, failed = lapack.dposv(shifted, right / unit, lower=1)
        if not failed and np.isfinite(found).all():
            return np.asarray(found / unit)
    return np.zeros(len(H))              # curvature beyond all numbers: coordinates go on alone
