"""Compiled pooling of adjacent violators, row by row: where blocks start, and their means.

Loaded only by its first use, since it imports numba.
"""

from typing import Any

import numpy as np

from workbench.inference.quantiles.compiled import compiled

__all__ = ["block_means", "starts"]


def starts(values: np.ndarray) -> np.ndarray:
    """First position of the pooled block that holds each entry, shape (..., q), integers."""
    rows = np.ascontiguousarray(values).reshape(-1, values.shape[-1])
    found = np.empty(rows.shape, dtype=np.int32)
    _starts(rows, found)
    return found.reshape(values.shape)


def block_means(values: np.ndarray, first: np.ndarray, *, ordered: bool = False) -> np.ndarray:
    """Mean of each entry's block, shape and dtype of `values`.

    Parameters
    ----------
    values : array, shape (..., q)
    first : array of int, shape (..., q)
        From `starts`.
    ordered : bool
        The means are known to increase: rounding may not make one fall below its left neighbour.
    """
    rows = np.ascontiguousarray(values).reshape(-1, values.shape[-1])
    means = np.empty_like(rows)
    _block_means(rows, np.ascontiguousarray(first).reshape(rows.shape), means, ordered)
    return means.reshape(values.shape)


@compiled
def _starts(rows: Any, found: Any) -> None:
    n, q = rows.shape
    sums, first = np.empty(q), np.empty(q, dtype=np.int32)
    for row in range(n):
        blocks = 0
        for column in range(q):
            total, start = float(rows[row, column]), column
            while blocks and (sums[blocks - 1] * (column + 1 - start)
                              > total * (start - first[blocks - 1])):
                blocks -= 1
                total += sums[blocks]
                start = first[blocks]
            sums[blocks], first[blocks] = total, start
            blocks += 1
        end = q
        for block in range(blocks - 1, -1, -1):
            found[row, first[block]:end] = first[block]
            end = first[block]


@compiled
def _block_means(rows: Any, first: Any, means: Any, ordered: Any) -> None:
    n, q = rows.shape
    for row in range(n):
        end = q
        while end:
            start = first[row, end - 1]
            total = 0.0
            for column in range(start, end):
                total += rows[row, column]
            mean = total / (end - start)
            if ordered and end < q:
                mean = min(mean, means[row, end])
            means[row, start:end] = mean
            end = start
