"""Weighted sums of products of columns, ``Z.T @ diag(w) @ Z`` for several weights at once.

Compiled for few columns, where a general matrix product spends its time on packing; for many, the
matrix product.
"""

import numpy as np

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
    from workbench.inference.ordinal.loops import add_one, add_three

    q, n = columns.shape
    if q > FEW:
        return np.stack([(columns * each) @ columns.T for each in weights])
    found = np.zeros((len(weights), q, q))
    for start in range(0, n, BLOCK):
        part = slice(start, start + BLOCK)
        if len(weights) == 3:
            add_three(columns[:, part], weights[:, part], found)
        else:
            for each, sums in zip(weights, found, strict=True):
                add_one(columns[:, part], each[part], sums)
    return found
