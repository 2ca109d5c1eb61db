"""Quantile levels: an increasing grid inside (0, 1), and the central intervals it holds."""

from typing import Any

import numpy as np

__all__ = ["checked_intervals", "checked_levels", "even_levels", "middle", "pairs"]

CLOSE = 1e-9       # levels that differ by less are the same


def even_levels(q: int = 19) -> np.ndarray:
    """Evenly spaced levels ``k / (q + 1)`` for k = 1 ... q, shape (q,).

    Examples
    --------
    >>> even_levels(3)
    array([0.25, 0.5 , 0.75])
    """
    if not (isinstance(q, int | np.integer) and q >= 1):
        raise ValueError(f"q must be a whole number of levels >= 1, got {q!r}. Pass 9, 19 or 99.")
    return np.arange(1, q + 1) / (q + 1)


def checked_levels(quantile_levels: Any, *, symmetric: bool = False) -> np.ndarray:
    """Quantile levels as an array, shape (q,).

    Parameters
    ----------
    quantile_levels : sequence of float, or None
        Increasing, inside (0, 1); None takes `even_levels()`. Those in single precision are read
        as the seven decimals that they hold.
    symmetric : bool
        Require a level ``1 - t`` for each level t, as central intervals need.

    Raises
    ------
    ValueError
        If they are empty, not increasing, outside (0, 1), or not symmetric where they must be.
    """
    if quantile_levels is None:
        return even_levels()
    given = np.asarray(quantile_levels)
    levels = np.array(given, dtype=float)
    if given.dtype == np.float32:
        levels = levels.round(7)
    if levels.ndim != 1 or not levels.size:
        raise ValueError(f"quantile_levels must be a row of levels, got shape {levels.shape}. "
                         "Pass for instance [0.1, 0.5, 0.9].")
    if not ((levels > 0) & (levels < 1)).all():
        raise ValueError("quantile_levels must lie strictly between 0 and 1, got "
                         f"{levels.min():g} to {levels.max():g}. Divide percents by 100.")
    if not (np.diff(levels) > CLOSE).all():
        raise ValueError(f"quantile_levels must increase without repeats, got {levels.tolist()}. "
                         "Pass np.unique(quantile_levels).")
    if symmetric and not np.allclose(levels, 1 - levels[::-1], rtol=0, atol=CLOSE):
        raise ValueError("quantile_levels must be symmetric about 0.5, so that each interval has "
                         f"both ends, got {levels.tolist()}. Add 1 - t for each level t.")
    return levels


def checked_intervals(quantile_levels: Any) -> np.ndarray:
    """Levels of a symmetric grid with one central interval at least, shape (q,).

    Raises
    ------
    ValueError
        As `checked_levels`, or if there is but one level.
    """
    levels = checked_levels(quantile_levels, symmetric=True)
    if len(levels) < 2:
        raise ValueError(f"quantile_levels must hold an interval, got {levels.tolist()}. Add 0.1 "
                         "and 0.9.")
    return levels


def pairs(quantile_levels: Any) -> list[tuple[int, int, float]]:
    """Central intervals of a symmetric grid, the widest first.

    Returns
    -------
    pairs : list of (low, high, alpha)
        Positions of the two ends and the share ``alpha = 2 t`` that lies outside them.

    Examples
    --------
    >>> pairs([0.1, 0.5, 0.9])
    [(0, 2, 0.2)]
    """
    levels = checked_levels(quantile_levels, symmetric=True)
    q = len(levels)
    return [(low, q - 1 - low, float(2 * levels[low])) for low in range(q // 2)]


def middle(quantile_levels: Any) -> int:
    """Position of the level nearest to 0.5; the lower one of two."""
    return int(np.argmin(np.abs(checked_levels(quantile_levels) - 0.5).round(12)))
