"""Coordinates in which a trend's coefficients are uncorrelated whatever its scales are.

Given its scales, the standardised coefficient vector z has a standard prior. Were the likelihood
Gaussian with information matrix A and vector b (both in score units), its conditional posterior
would be ``Normal(m, inv(P))`` with ``P = I + S A S = L L'``, ``m = inv(P) S b`` and S the diagonal
of the prior spreads. The sampler therefore moves ``x`` with ``z = m + inv(L') x``, an exact change
of variables that depends on the scales: it leaves no funnel at either end, unlike the centred and
the non-centred form (Papaspiliopoulos, Roberts and Sköld, Statistical Science 22, 2007), and no
correlation between bends. With A = 0 it is the non-centred form. A and b grow with
``1 / sigma**2``, so that the mode in these coordinates is that of the scales alone.
"""

import math

import numpy as np

from workbench.inference.trend.likelihood import compiled

__all__ = ["along_spreads", "conditional", "standardised"]


@compiled
def conditional(spread, A, b):  # type: ignore[no-untyped-def]
    """Mean m, shape (k,), and the factor L with its inverse, lower triangular, row after row.

    `A` holds the rows of the information matrix one after the other too, shape (k * k,): arrays
    of two dimensions take numba longer to compile.
    """
    k = len(spread)
    L, scaled = np.zeros(k * k), np.empty(k)
    for i in range(k):
        scaled[i] = spread[i] * b[i]
        for j in range(i + 1):
            total = spread[i] * A[i * k + j] * spread[j]
            for q in range(j):
                total -= L[i * k + q] * L[j * k + q]
            if i == j:
                L[i * k + i] = math.sqrt(1.0 + total)
            else:
                L[i * k + j] = total / L[j * k + j]
    inverse = _inverse(L, k)
    return _transposed(inverse, _times(inverse, scaled)), L, inverse


@compiled
def _inverse(L, k):  # type: ignore[no-untyped-def]
    inverse = np.zeros(k * k)
    for j in range(k):
        inverse[j * k + j] = 1 / L[j * k + j]
        for i in range(j + 1, k):
            total = 0.0
            for q in range(j, i):
                total -= L[i * k + q] * inverse[q * k + j]
            inverse[i * k + j] = total / L[i * k + i]
    return inverse


@compiled
def standardised(x, mean, inverse):  # type: ignore[no-untyped-def]
    """Standardised coefficients z and the log determinant of the change from x."""
    k, logs = len(mean), 0.0
    z = _transposed(inverse, x)
    for j in range(k):
        z[j] += mean[j]
        logs += math.log(inverse[j * k + j])
    return z, logs


@compiled
def along_spreads(x, by_z, place):  # type: ignore[no-untyped-def]
    """Slope along x, and along each log spread through z and the determinant, both (k,).

    `by_z` is the slope along z and `place` what ``conditional`` returned. No derivative of a
    matrix is formed: with ``V[i, j] = x[max(i, j)] * w[min(i, j)]`` the slope of ``inv(L') x``
    is a diagonal of ``inv(L)' V (L - inv(L'))'``, and V is a pair of running sums.
    """
    mean, L, inverse = place
    k = len(mean)
    by_x = _times(inverse, by_z)
    y = _transposed(inverse, by_x)
    along = np.empty(k)
    for j in range(k):
        after = 0.0
        for i in range(k):
            after += x[i] * (L[j * k + i] - inverse[i * k + j])
        before, turned, variance = 0.0, 0.0, 0.0
        for i in range(k):
            gap = L[j * k + i] - inverse[i * k + j]
            before += by_x[i] * gap
            after -= x[i] * gap
            turned += inverse[i * k + j] * (x[i] * before + by_x[i] * after)
            variance += inverse[i * k + j] * inverse[i * k + j]
        along[j] = mean[j] * (2 * y[j] - by_z[j]) - (1 - variance) - turned
    return by_x, along


@compiled
def _times(lower, x):  # type: ignore[no-untyped-def]
    k = int(math.sqrt(len(lower)) + 0.5)
    out = np.zeros(k)
    for i in range(k):
        for j in range(i + 1):
            out[i] += lower[i * k + j] * x[j]
    return out


@compiled
def _transposed(lower, x):  # type: ignore[no-untyped-def]
    k = int(math.sqrt(len(lower)) + 0.5)
    out = np.zeros(k)
    for i in range(k):
        for j in range(i + 1):
            out[j] += lower[i * k + j] * x[i]
    return out
