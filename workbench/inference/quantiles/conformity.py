"""How far outcomes lie outside their predicted intervals, and the rank that keeps the promise.

A new row is one more among the calibration rows, so that it holds a share of the weight as well:
the shift of an interval is the smallest nonconformity at or below which lies the share
``1 - alpha`` of all the weight, that of the new row included. If even the largest is not enough,
it is infinite.
"""

import math

import numpy as np

from workbench.core import check
from workbench.core.weights import effective_size
from workbench.inference.quantiles.isotonic import minmax_sweep
from workbench.inference.quantiles.levels import pairs

__all__ = ["METHODS", "NESTS", "TooFewRowsWarning", "equal", "infinite_levels", "least_shifts",
           "nested", "new_amount", "nonconformity", "outward", "rank_of", "rows_needed",
           "shifted", "sides", "told"]

METHODS = ("symmetric", "asymmetric")
NESTS = ("sort", "widen")
MANY = 100_000     # quantiles from which compiled loops are worth their import
SLACK = 1e-12      # relative; a level such as 1 - 2 * 0.05 is not quite 0.9


class TooFewRowsWarning(UserWarning):
    """Some interval has infinite ends, since too few rows calibrate it."""

    def __init__(self, sentence: str):
        super().__init__(sentence)


def sides(quantile_levels: np.ndarray, method: str) -> np.ndarray:
    """Share that may lie outside each calibrated side, shape (s,).

    One side per interval for ``symmetric``, whose two ends move together; for ``asymmetric`` all
    low ends, then all high ends.
    """
    check.one_of(METHODS, method=method)
    alphas = 2 * quantile_levels[:len(quantile_levels) // 2]
    return alphas if method == "symmetric" else np.concatenate([alphas, alphas]) / 2


def nonconformity(y: np.ndarray, quantiles: np.ndarray, method: str) -> np.ndarray:
    """How far y lies outside each side, negative inside, shape (s, n).

    Parameters
    ----------
    y : array, shape (n,)
    quantiles : array, shape (n, q)
    method : {"symmetric", "asymmetric"}
        ``max(low - y, y - high)`` of each interval, or both by themselves.
    """
    k = quantiles.shape[1] // 2
    if quantiles.size >= MANY:
        from workbench.inference.quantiles.conformity_loops import both_sides

        return both_sides(y, quantiles, k * (1 + (method == "asymmetric")))
    below = quantiles[:, :k].T - y
    above = y - quantiles[:, ::-1][:, :k].T
    if method == "asymmetric":
        return np.concatenate([below, above])
    return np.maximum(below, above, out=below)


def outward(shifts: np.ndarray, q: int) -> np.ndarray:
    """What is added to each quantile, from the shifts of the sides, shape (n, q)."""
    moves = np.zeros((len(shifts), q))
    moves[:, :q // 2] = -shifts[:, :q // 2]
    moves[:, ::-1][:, :q // 2] = shifts[:, -(q // 2):]         # all of them if symmetric
    return moves


def shifted(quantiles: np.ndarray, shifts: np.ndarray, nest: str) -> np.ndarray:
    """Intervals moved outwards, then nested, shape (n, q).

    Parameters
    ----------
    quantiles : array, shape (n, q)
    shifts : array, shape (1, s) or (n, s)
        One for all rows, or one for each.
    nest : {"sort", "widen"}
        As in `nested`.
    """
    check.one_of(NESTS, nest=nest)
    moves = outward(shifts, quantiles.shape[1])
    if len(moves) > 1 or quantiles.size < MANY:
        return nested(quantiles + moves, nest)
    from workbench.inference.quantiles.conformity_loops import moved

    made, crossing = moved(quantiles, moves[0])
    return nested(made, nest) if crossing else made


def nested(quantiles: np.ndarray, nest: str) -> np.ndarray:
    """Quantiles in order, so that each interval holds the narrower ones, shape (n, q).

    Parameters
    ----------
    quantiles : array, shape (n, q)
    nest : {"sort", "widen"}
        ``sort`` never raises the pinball loss, but an interval may lose a little; ``widen`` grows
        intervals only, so that each keeps its coverage. Rows in order stay as they are.
    """
    check.one_of(NESTS, nest=nest)
    crossed = (quantiles[:, 1:] < quantiles[:, :-1]).any(axis=1)
    if not crossed.any():
        return quantiles
    ordered = quantiles.copy()
    if nest == "sort":
        ordered[crossed] = np.sort(quantiles[crossed], axis=1)
    else:
        ordered[crossed] = _widened(quantiles[crossed])
    return ordered


def _widened(rows: np.ndarray) -> np.ndarray:
    """Swept from the middle; two middle levels that cross are swapped first."""
    q = rows.shape[1]
    if q % 2:
        return minmax_sweep(rows)
    centre = np.sort(rows[:, q // 2 - 1:q // 2 + 1], axis=1)
    right = np.maximum.accumulate(np.column_stack([centre[:, 1], rows[:, q // 2 + 1:]]), axis=1)
    left = np.minimum.accumulate(np.column_stack(
        [centre[:, 0], rows[:, :q // 2 - 1][:, ::-1]]), axis=1)
    return np.concatenate([left[:, ::-1], right], axis=1)


def rank_of(alpha: float, n: int) -> int:
    """``ceil((1 - alpha) * (n + 1))``: which smallest of n shifts an interval; beyond n none does.

    Examples
    --------
    >>> rank_of(0.1, 99), rank_of(0.1, 8)
    (90, 9)
    """
    exact = (1 - alpha) * (n + 1)
    return math.ceil(exact - SLACK * (n + 1))


def rows_needed(alpha: float) -> int:
    """Fewest rows with which the shift is finite.

    Examples
    --------
    >>> rows_needed(0.1)
    9
    """
    return max(1, math.ceil((1 / alpha) * (1 - SLACK) - 1))


def equal(amounts: np.ndarray) -> bool:
    """Whether all rows count the same."""
    return amounts.strides == (0,) or bool(np.ptp(amounts) == 0)


def new_amount(amounts: np.ndarray) -> float:
    """How much a new row counts: as one of ``effective_size`` equal ones with the same total."""
    return float(amounts.sum()) / effective_size(amounts)


def least_shifts(scores: np.ndarray, amounts: np.ndarray, outside: np.ndarray,
                 weights: np.ndarray | None = None) -> np.ndarray:
    """Smallest nonconformity that leaves at most a given share of the weight above it.

    Parameters
    ----------
    scores : array, shape (s, m)
        Nonconformity of the calibration rows, for each side.
    amounts : array, shape (m,)
        What each counts; above zero.
    outside : array, shape (s,)
        The share, see `sides`.
    weights : array, shape (n,), optional
        What each new row counts; None is the same for all, `new_amount`.

    Returns
    -------
    shifts : array, shape (s,), or (n, s) with `weights`
        Infinite where no score is large enough.
    """
    n = len(amounts)
    if weights is None and equal(amounts):
        own, parted = np.full(len(outside), np.inf), np.empty(n)
        for side, rank in enumerate(rank_of(alpha, n) for alpha in outside):
            if rank <= n:
                parted[:] = scores[side]
                parted.partition(rank - 1)
                own[side] = parted[rank - 1]
        return own
    counts = np.array(new_amount(amounts)) if weights is None else weights
    shifts = np.empty((*counts.shape, len(outside)))
    for side, (row, alpha) in enumerate(zip(scores, outside, strict=True)):
        order = np.argsort(row)
        reached = np.cumsum(amounts[order])
        wanted = (1 - alpha) * (reached[-1] + counts)
        position = np.searchsorted(reached, wanted * (1 - SLACK))
        shifts[..., side] = np.append(row[order], np.inf)[position]
    return shifts


def infinite_levels(quantile_levels: np.ndarray, infinite: np.ndarray) -> np.ndarray:
    """Levels of the ends that are infinite.

    Parameters
    ----------
    quantile_levels : array, shape (q,)
    infinite : array of bool, shape (s,)
        Which sides have an infinite shift.
    """
    k = len(quantile_levels) // 2
    ends = quantile_levels[:k][infinite[:k]], quantile_levels[::-1][:k][infinite[-k:]][::-1]
    return np.concatenate(ends)


def told(quantile_levels: np.ndarray, infinite: np.ndarray, rows: float, where: str = "") -> str:
    """A sentence about intervals with infinite ends.

    Parameters
    ----------
    quantile_levels : array, shape (q,)
    infinite : array of bool, shape (s,)
        Which sides have an infinite shift.
    rows : float
        Effective number of rows that calibrate them.
    where : str
        Such as `` of group 'a'``.
    """
    alphas = [alpha for _, _, alpha in pairs(quantile_levels)]
    method = METHODS[len(infinite) > len(alphas)]
    needed = rows_needed(float(sides(quantile_levels, method)[infinite].min()))
    lost = np.atleast_1d(infinite.reshape(-1, len(alphas)).any(axis=0))
    levels = ", ".join(f"{100 * (1 - alpha):.4g} %" for alpha, gone
                       in zip(alphas, lost, strict=True) if gone)
    return (f"The intervals of level {levels}{where} have infinite ends: calibrating them all "
            f"takes at least {needed} rows, and there are {rows:.4g}. Calibrate on more rows, or "
            "leave out the outer levels.")
