"""Calibration that follows a stream, for rows in the order of time.

After each row the share that an interval may leave outside moves against what happened,
``share += rate * (alpha - missed)``, and the next interval is calibrated at that share on the last
rows. Whatever the stream does, the share stays in ``[-rate, 1 + rate]``, hence in n rows the
frequency of misses differs from alpha by at most ``(max(alpha, 1 - alpha) + rate) / (rate * n)``.

Source: I. Gibbs and E. Candes, NeurIPS (2021).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.core import check
from workbench.inference.quantiles.conformity import (
    METHODS,
    nested,
    nonconformity,
    outward,
    sides,
)
from workbench.inference.quantiles.levels import checked_intervals
from workbench.inference.quantiles.rows import checked_quantiles, checked_rows

__all__ = ["AdaptiveConformal", "AdaptiveState", "Followed"]


@dataclass(frozen=True, eq=False)
class AdaptiveState:
    """What is remembered between rows.

    Parameters
    ----------
    levels : array, shape (q,)
    shares : array, shape (s,)
        Share that each side of the next interval leaves outside, as if rows were exchangeable.
    recent : array, shape (s, m)
        Nonconformity of the last rows, the oldest first.
    """

    levels: np.ndarray
    shares: np.ndarray
    recent: np.ndarray


@dataclass(frozen=True, eq=False)
class Followed:
    """Intervals of rows, each made before its outcome was seen.

    Parameters
    ----------
    quantiles : array, shape (n, q)
        Calibrated, in increasing order; ends may be infinite.
    missed : array of bool, shape (n, s)
        Whether the outcome lay beyond each side, before intervals were nested.
    shares : array, shape (n, s)
        The share that each side aimed to leave outside.
    state : AdaptiveState
        After the last row.
    """

    quantiles: np.ndarray
    missed: np.ndarray
    shares: np.ndarray
    state: AdaptiveState


@dataclass(frozen=True)
class AdaptiveConformal:
    """Intervals whose long-run coverage holds for any stream.

    Parameters
    ----------
    rate : float >= 0
        Step of the share; larger follows a change sooner and swings more, 0 keeps the share.
    window : int > 0
        Rows that are remembered.
    method : {"symmetric", "asymmetric"}
        Both ends of an interval move by the same amount, or each by its own, at half of alpha.

    Notes
    -----
    A share at or below 0 gives infinite ends, one at or above 1 an empty interval, drawn as a
    point. Nesting only ever widens an interval, so that none is missed more often than is counted.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y = np.append(rng.normal(size=500), 5 * rng.normal(size=500))
    >>> adaptive = AdaptiveConformal(rate=0.05, window=100)
    >>> levels = [0.1, 0.5, 0.9]
    >>> found = adaptive.follow(adaptive.init(levels), y, np.tile([-1.0, 0.0, 1.0], (1000, 1)))
    >>> bool(abs(found.missed.mean() - 0.2) <= adaptive.bound(0.2, 1000))
    True
    """

    rate: float = 0.01
    window: int = 500
    method: str = "symmetric"

    def __post_init__(self) -> None:
        check.one_of(METHODS, method=self.method)
        if not (isinstance(self.window, int | np.integer) and self.window > 0):
            raise ValueError(f"window must be a whole number of rows above zero, got "
                             f"{self.window!r}. Pass 500 to remember that many.")
        if not 0 <= self.rate < np.inf:
            raise ValueError(f"rate must be finite and >= 0, got {self.rate!r}. Pass 0.01, or 0 "
                             "to keep the share.")

    def init(self, quantile_levels: Any, y: Any = None, quantiles: Any = None) -> AdaptiveState:
        """State before the first row.

        Parameters
        ----------
        quantile_levels : array, shape (q,)
            Symmetric about 0.5, with one interval at least.
        y : array, shape (m,), optional
        quantiles : array, shape (m, q), optional
            Earlier rows to remember, the oldest first; without any, ends are infinite at first.
        """
        levels = checked_intervals(quantile_levels)
        shares = sides(levels, self.method)
        if y is None and quantiles is None:
            return AdaptiveState(levels, shares, np.empty((len(shares), 0)))
        scores = self._scores(levels, y, quantiles)[1]
        return AdaptiveState(levels, shares, scores[:, -self.window:])

    def apply(self, state: AdaptiveState, quantiles: Any) -> np.ndarray:
        """Calibrated quantiles of rows whose outcomes come later, shape (n, q).

        Parameters
        ----------
        state : AdaptiveState
        quantiles : array, shape (n, q)
        """
        from workbench.inference.quantiles.online_shifts import follow

        rows, _ = checked_quantiles(quantiles, state.levels, finite=True)
        shares, recent = self._remembered(state)
        shifts, _ = follow(np.zeros((len(shares), 1)), shares, shares, recent, rate=0.0,
                           window=self.window)
        return self._moved(rows, shifts.T)

    def follow(self, state: AdaptiveState, y: Any, quantiles: Any) -> Followed:
        """Calibrate rows one after another, each on those before it.

        Parameters
        ----------
        state : AdaptiveState
        y : array, shape (n,)
            In the order of time.
        quantiles : array, shape (n, q)
            Predicted before the outcomes were known; finite.
        """
        from workbench.inference.quantiles.online_shifts import follow

        rows, scores = self._scores(state.levels, y, quantiles)
        before, recent = self._remembered(state)
        shifts, shares = follow(scores, sides(state.levels, self.method), before, recent,
                                rate=self.rate, window=self.window)
        recent = np.concatenate([recent, scores], axis=1)[:, -self.window:]
        return Followed(self._moved(rows, shifts.T), (scores > shifts).T, shares[:, :-1].T,
                        AdaptiveState(state.levels, shares[:, -1], recent))

    def bound(self, alpha: float, n: int) -> float:
        """Largest possible difference between `alpha` and how often the first n rows miss."""
        if self.rate == 0:
            return np.inf
        return (max(alpha, 1 - alpha) + self.rate) / (self.rate * n)

    def _remembered(self, state: AdaptiveState) -> tuple[np.ndarray, np.ndarray]:
        """Shares and last scores of a state, which may come from a longer window."""
        if len(state.shares) != len(sides(state.levels, self.method)):
            raise ValueError(f"state must be that of method {self.method!r}, got one of "
                             f"{len(state.shares)} sides. Make it with init() of this object.")
        return state.shares, state.recent[:, -self.window:]

    def _scores(self, levels: np.ndarray, y: Any,
                quantiles: Any) -> tuple[np.ndarray, np.ndarray]:
        outcomes, rows, _ = checked_rows(y, quantiles, levels, finite=True)
        return rows, nonconformity(outcomes, rows, self.method)

    def _moved(self, rows: np.ndarray, shifts: np.ndarray) -> np.ndarray:
        """Shifted, no end beyond the middle, nested by widening."""
        q = rows.shape[1]
        moved = rows + outward(shifts, q)
        middle = rows[:, [(q - 1) // 2, q // 2]].mean(axis=1, keepdims=True)
        np.minimum(moved[:, :q // 2], middle, out=moved[:, :q // 2])
        np.maximum(moved[:, -(q // 2):], middle, out=moved[:, -(q // 2):])
        return nested(moved, "widen")
