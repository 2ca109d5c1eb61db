"""Order statistics of many sorted lists, each moved by its own offset, for each new row.

The end of a CV+ interval is one: each fold's scores, moved by what the fold's model predicts. No
list of n values is built for a new row: a pivot splits the sorted scores of all folds at once, and
the half without the answer is dropped. Loaded only by its first use, since it imports numba.
"""

from typing import Any

import numpy as np

from workbench.inference.quantiles.compiled import compiled

__all__ = ["smallest_reaching"]


def smallest_reaching(offsets: np.ndarray, scores: np.ndarray, starts: np.ndarray,
                      reached: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Smallest value at or below which enough weight lies.

    Parameters
    ----------
    offsets : array, shape (n, k)
        What is added to the scores of each fold, for each new row.
    scores : array, shape (m,)
        Fold after fold, increasing within each.
    starts : array of int, shape (k + 1,)
        Where each fold starts, and the end of the last.
    reached : array, shape (m + 1,)
        Weight of all scores before each position.
    wanted : array, shape (n,)

    Returns
    -------
    values : array, shape (n,)
        One of ``scores + offset``, or infinite where all of them weigh too little.
    """
    values = np.empty(len(offsets))
    _smallest_reaching(np.ascontiguousarray(offsets, dtype=float), np.ascontiguousarray(scores),
                       starts, reached, wanted, values)
    return values


@compiled
def _smallest_reaching(offsets: Any, scores: Any, starts: Any, reached: Any, wanted: Any,
                       values: Any) -> None:
    n, k = offsets.shape
    low, high, right = np.empty(k, np.int64), np.empty(k, np.int64), np.empty(k, np.int64)
    for row in range(n):
        low[:], high[:] = starts[:k], starts[1:]
        left, best, state = starts[k] - starts[0], np.inf, np.int64(12345)
        while left > 0:
            state = (state * 1103515245 + 12345) % 2147483648     # any pivot will do
            pick, fold = (state >> 8) % left, 0
            while pick >= high[fold] - low[fold]:
                pick -= high[fold] - low[fold]
                fold += 1
            pivot = scores[low[fold] + pick] + offsets[row, fold]
            weight = 0.0
            for one in range(k):
                right[one] = _first_above(scores, low[one], high[one], offsets[row, one], pivot)
                weight += reached[right[one]] - reached[starts[one]]
            left = 0
            if weight >= wanted[row]:
                best = pivot
                for one in range(k):
                    high[one] = _first_not_below(scores, low[one], right[one], offsets[row, one],
                                                 pivot)
                    left += high[one] - low[one]
            else:
                for one in range(k):
                    low[one] = right[one]
                    left += high[one] - low[one]
        values[row] = best


@compiled
def _first_above(scores: Any, low: Any, high: Any, offset: Any, pivot: Any) -> Any:
    while low < high:
        middle = (low + high) // 2
        if scores[middle] + offset > pivot:
            high = middle
        else:
            low = middle + 1
    return low


@compiled
def _first_not_below(scores: Any, low: Any, high: Any, offset: Any, pivot: Any) -> Any:
    while low < high:
        middle = (low + high) // 2
        if scores[middle] + offset >= pivot:
            high = middle
        else:
            low = middle + 1
    return low
