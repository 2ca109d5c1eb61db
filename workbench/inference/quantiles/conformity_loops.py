"""Nonconformity and shifts of many rows, compiled: one pass where NumPy takes several.

Loaded only by its first use, since it imports numba.
"""

from typing import Any

import numpy as np

from workbench.inference.quantiles.compiled import compiled

__all__ = ["both_sides", "moved"]

BLOCK = 512        # rows that stay in the fastest cache while their levels are visited


def both_sides(y: np.ndarray, quantiles: np.ndarray, sides: int) -> np.ndarray:
    """How far y lies outside each side, one or two to an interval, shape (sides, n)."""
    scores = np.empty((sides, len(y)))
    _both_sides(np.ascontiguousarray(y), np.ascontiguousarray(quantiles), scores)
    return scores


def moved(quantiles: np.ndarray, moves: np.ndarray) -> tuple[np.ndarray, bool]:
    """Quantiles with one row of moves added to each, and whether any cross; shape (n, q)."""
    made = np.empty(quantiles.shape)
    return made, bool(_moved(np.ascontiguousarray(quantiles), moves, made))


@compiled
def _both_sides(y: Any, quantiles: Any, scores: Any) -> None:
    (n, q), apart = quantiles.shape, len(scores) - quantiles.shape[1] // 2
    for start in range(0, n, BLOCK):
        for low in range(q // 2):
            for row in range(start, min(start + BLOCK, n)):
                below = quantiles[row, low] - y[row]
                above = y[row] - quantiles[row, q - 1 - low]
                if apart:
                    scores[low, row], scores[low + apart, row] = below, above
                else:
                    scores[low, row] = below if below > above else above


@compiled
def _moved(quantiles: Any, moves: Any, made: Any) -> Any:
    n, q = quantiles.shape
    crossing = False
    for row in range(n):
        last = -np.inf
        for level in range(q):
            value = quantiles[row, level] + moves[level]
            made[row, level] = value
            crossing |= value < last
            last = value
    return crossing
