"""Weighted sums of products of columns, ``Z.T @ diag(w) @ Z`` for several weights at once.

Compiled for few columns, where a general matrix product spends its time on packing; for many, the
matrix product. Loaded only by its first use, since it imports numba.
"""

import numpy as np

from workbench.inference.quantiles.compiled import compiled

__all__ = ["products"]

FEW = 64                 # columns, up to which the loop is faster
BLOCK = 1024             # rows that stay in the nearest cache


def products(columns: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Sums over rows of ``weights[j] * columns[r] * columns[s]``.

    Parameters
    ----------
    columns : array, shape (q, n)
        One row per column, contiguous.
    weights : array, shape (j, n)

    Returns
    -------
    sums : array, shape (j, q, q)
    """
    q, n = columns.shape
    if q > FEW:
        return np.stack([(columns * each) @ columns.T for each in weights])
    found = np.zeros((len(weights), q, q))
    for start in range(0, n, BLOCK):
        part = slice(start, start + BLOCK)
        if len(weights) == 3:
            _three(columns[:, part], weights[:, part], found)
        else:
            for each, sums in zip(weights, found, strict=True):
                _one(columns[:, part], each[part], sums)
    return found


def _add_three(columns: np.ndarray, weights: np.ndarray, found: np.ndarray) -> None:
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
    q, n = columns.shape
    for r in range(q):
        for s in range(r + 1):
            total = 0.0
            for i in range(n):
                total += weight[i] * columns[r, i] * columns[s, i]
            found[r, s] += total
            if s < r:
                found[s, r] += total


_three, _one = compiled(_add_three, reordered=True), compiled(_add_one, reordered=True)
