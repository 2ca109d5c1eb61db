"""Finite universes: every row that could be, and where the rows of a sample stand in it."""

from typing import Any

import numpy as np

__all__ = ["LARGEST", "binary_points", "codes_of"]

LARGEST = 2**24


def codes_of(rows: Any, universe: Any) -> tuple[np.ndarray, int, np.ndarray | None]:
    """Codes of rows in a universe.

    Parameters
    ----------
    rows : array of int, shape (n,), or array, shape (n, p)
    universe : int, or array, shape (N, p)

    Returns
    -------
    codes : array of int, shape (n,)
    size : int
    points : array, shape (N, p), or None where only their number is known

    Raises
    ------
    ValueError
        If the universe is too large, or does not hold a row.
    """
    points = None if isinstance(universe, int | np.integer) else np.atleast_2d(
        _table(universe, "universe"))
    size = int(universe) if points is None else len(points)
    if not 2 <= size <= LARGEST:
        raise ValueError(f"universe must have 2 to 2**24 points, got {size}. Take fewer columns, "
                         "or fewer values of each.")
    given = _table(rows, "rows")
    if not given.size:
        raise ValueError("rows must hold at least one row, got none. Pass a sample.")
    if points is None or given.ndim == 1:
        return _checked_codes(given, size), size, points
    place = {tuple(point): at for at, point in enumerate(points.tolist())}
    if len(place) < size:
        raise ValueError(f"universe must hold each point once, got {size - len(place)} of {size} "
                         "twice. Drop duplicates.")
    found = [place.get(tuple(row), -1) for row in given.tolist()]
    if -1 in found:
        first = found.index(-1)
        raise ValueError(f"universe must hold every row, but row {first}, "
                         f"{given[first].tolist()}, is no point of it. Add it, or code the rows "
                         "more coarsely.")
    return np.array(found), size, points


def binary_points(columns: int) -> np.ndarray:
    """All rows of so many columns of 0 and 1, shape (2 ** columns, columns); column 0 is lowest.

    Examples
    --------
    >>> binary_points(2).tolist()
    [[0, 0], [1, 0], [0, 1], [1, 1]]
    """
    return (np.arange(2**columns)[:, None] >> np.arange(columns)) & 1


def _table(values: Any, name: str) -> np.ndarray:
    try:
        return np.asarray(values)
    except ValueError:
        raise ValueError(f"{name} must be rows of one length, got different ones. Fill what is "
                         "missing.") from None


def _checked_codes(codes: np.ndarray, size: int) -> np.ndarray:
    whole = codes.ndim == 1 and codes.dtype.kind in "iu"
    if not (whole and codes.min() >= 0 and codes.max() < size):
        raise ValueError(f"rows must be codes from 0 to {size - 1}, got values of type "
                         f"{codes.dtype} from {codes.min()} to {codes.max()}. A point that the "
                         "universe lacks cannot be weighed.")
    return codes
