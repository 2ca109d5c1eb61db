"""Weights of sources as numbers of rows to take from each."""

from typing import Any

import numpy as np

from workbench.core import check

__all__ = ["SHORT", "allocate"]

SHORT = ("error", "repeat", "redistribute")


def allocate(weights: Any, sizes: Any, n_total: int, on_short: str = "error") -> np.ndarray:
    """Rows to take from each source, as close to `weights` as whole numbers allow.

    Parts of rows go to the largest remainders, the first source first among equals.

    Parameters
    ----------
    weights : array, shape (K,)
        Non-negative; their sum counts as one.
    sizes : array of int, shape (K,)
        Rows that each source has.
    n_total : int > 0
    on_short : {"error", "repeat", "redistribute"}
        What happens where a source has fewer rows than its share: nothing is given; its rows are
        to be repeated; or the others share what is missing, by their weights.

    Returns
    -------
    counts : array of int, shape (K,)
        They sum to `n_total` and, but for "repeat", exceed no size.

    Raises
    ------
    ValueError
        If a source is too small under "error", all are together, or an argument is out of range.

    Examples
    --------
    >>> allocate([0.5, 0.3, 0.2], [100, 100, 100], 7).tolist()
    [4, 2, 1]
    >>> allocate([0.8, 0.2], [10, 50], 40, on_short="redistribute").tolist()
    [10, 30]
    """
    check.one_of(SHORT, on_short=on_short)
    check.whole(1, n_total=n_total)
    shares, most = _checked(weights, sizes)
    counts = _rounded(shares, n_total)
    short = np.flatnonzero(counts > most)
    if not len(short) or (on_short == "repeat" and (most[counts > 0] > 0).all()):
        return counts
    if on_short != "redistribute":
        at = int(short[0])
        raise ValueError(f"sizes must hold the share of each source, but source {at} has "
                         f"{most[at]} rows for a share of {counts[at]}. Lower n_total, or pass "
                         "on_short='redistribute' or 'repeat'.")
    if most.sum() < n_total:
        raise ValueError(f"n_total must be at most the {most.sum()} rows of all sources, got "
                         f"{n_total}. Lower it, or pass on_short='repeat'.")
    return _redistributed(shares, most, n_total)


def _checked(weights: Any, sizes: Any) -> tuple[np.ndarray, np.ndarray]:
    shares, most = np.asarray(weights, float), np.asarray(sizes)
    if shares.ndim != 1 or shares.shape != most.shape or not len(shares):
        raise ValueError("weights and sizes must have one number for each source, got shapes "
                         f"{shares.shape} and {most.shape}. Pass both in one order.")
    if not (np.isfinite(shares).all() and (shares >= 0).all() and shares.sum() > 0):
        raise ValueError(f"weights must be >= 0 and not all zero, got {shares.tolist()}. Pass "
                         "the learnt weights.")
    if most.dtype.kind not in "iu" or (most < 0).any():
        raise ValueError(f"sizes must be whole numbers >= 0, got {most.tolist()}. Pass row "
                         "counts.")
    return shares / shares.sum(), most.astype(np.int64)


def _rounded(shares: np.ndarray, total: int) -> np.ndarray:
    """Whole numbers that sum to `total`, by largest remainder."""
    exact = shares * total
    counts = np.floor(exact + 1e-9).astype(np.int64)
    rest = exact - counts
    for at in np.argsort(-rest.round(9), kind="stable")[:total - int(counts.sum())]:
        counts[at] += 1
    return counts


def _redistributed(shares: np.ndarray, most: np.ndarray, total: int) -> np.ndarray:
    """Sources that are too small give all; the others share the rest, until all fit."""
    full = np.zeros(len(shares), bool)
    while True:
        rest = total - int(most[full].sum())
        free = ~full
        part = np.where(free, shares, 0.0)
        if not part.sum():                     # what is left has no weight: by room
            part = np.where(free, most, 0).astype(float)
        counts = np.where(full, most, _rounded(part / part.sum(), rest)) if rest else (
            np.where(full, most, 0))
        over = free & (counts > most)
        if not over.any():
            return counts
        full |= over
