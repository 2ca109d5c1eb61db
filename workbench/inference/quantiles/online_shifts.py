"""Shifts that follow a stream of nonconformity scores; loaded only by its first use."""

import math
from typing import Any

import numpy as np

from workbench.inference.quantiles.compiled import compiled
from workbench.inference.quantiles.conformity import SLACK

__all__ = ["follow"]


def follow(scores: np.ndarray, outside: np.ndarray, shares: np.ndarray, recent: np.ndarray, *,
           rate: float, window: int) -> tuple[np.ndarray, np.ndarray]:
    """Shift of each row from the rows before it, and the share left outside that it aims at.

    Parameters
    ----------
    scores : array, shape (s, n)
        Nonconformity of each row, in the order of time, for each side.
    outside : array, shape (s,)
        Share that may lie outside in the long run.
    shares : array, shape (s,)
        Where the share starts.
    recent : array, shape (s, m)
        Scores before the first row, the oldest first; m <= window.
    rate : float
        Step of the share after each row.
    window : int
        Scores that are remembered.

    Returns
    -------
    shifts : array, shape (s, n)
        Infinite where none is large enough; minus infinity where the share reached 1.
    shares : array, shape (s, n + 1)
        The share of each row, and of the one to come.
    """
    sides, n = scores.shape
    shifts, aims = np.empty((sides, n)), np.empty((sides, n + 1))
    for side in range(sides):
        _follow(np.append(recent[side], scores[side]),
                np.array([outside[side], shares[side], rate]), window, shifts[side], aims[side])
    return shifts, aims


@compiled
def _follow(scores: Any, aim: Any, window: Any, shifts: Any, aims: Any) -> None:
    outside, share, rate = aim
    before = m = len(scores) - len(shifts)
    ordered = np.empty(window + 1)
    ordered[:m] = np.sort(scores[:m])
    for row in range(len(shifts)):
        aims[row] = share
        rank = math.ceil((1 - share) * (m + 1) - SLACK * (m + 1))
        if share >= 1:
            shifts[row] = -np.inf
        elif share <= 0 or rank > m:
            shifts[row] = np.inf
        else:
            shifts[row] = ordered[max(rank, 1) - 1]
        score = scores[before + row]
        share += rate * (outside - (score > shifts[row]))
        place = np.searchsorted(ordered[:m], score)
        ordered[place + 1:m + 1] = ordered[place:m].copy()
        ordered[place] = score
        m += 1
        if m > window:
            gone = np.searchsorted(ordered[:m], scores[before + row + 1 - m])
            ordered[gone:m - 1] = ordered[gone + 1:m].copy()
            m -= 1
    aims[len(shifts)] = share
