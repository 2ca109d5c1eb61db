"""Cells of one column of a file: stripped text, missing words, and how a bad cell is told.

The index of a column holds the row numbers of the file, the header being row 1.
"""

from typing import Any

import pandas as pd

__all__ = ["MISSING", "refuse", "stripped"]

MISSING = frozenset({
    "", "na", "n/a", "null", "none", "nan", "nat", "-", ".", "missing",
    "#n/a", "#n/a n/a", "#na", "#null!", "#div/0!", "#value!", "#ref!", "#name?", "#num!"})
EXACT = 1e15  # whole floats below are exact, and written in full


def stripped(column: pd.Series) -> pd.Series:
    """Cells as text without surrounding blanks; missing words and spreadsheet errors become NaN.

    Whole numbers are spelled without a point, since one empty cell makes whole numbers floats.

    Examples
    --------
    >>> stripped(pd.Series([" 7.5 ", "N/A"])).isna().tolist()
    [False, True]
    """
    text = column if isinstance(column.dtype, pd.StringDtype) else (
        column.astype(object).map(_spelled, na_action="ignore"))
    if text.isna().all():
        return text.astype(object)
    text = text.str.strip()
    return text.mask(text.str.lower().isin(list(MISSING)))


def refuse(column: pd.Series, bad: pd.Series, rule: str, remedy: str) -> None:
    """Raise when `bad` marks a cell: the rule, how many break it, the first one, a remedy."""
    if bad.any():
        first = int(bad.to_numpy(dtype=bool).argmax())
        row, cell = bad.index[first], column.iloc[first]
        raise ValueError(f"column {column.name!r} must hold {rule}, but {int(bad.sum())} of "
                         f"{len(column)} cells do not, the first in row {row}: "
                         f"{_shown(cell)}. {remedy}")


def _spelled(cell: Any) -> str:
    whole = isinstance(cell, float) and cell.is_integer() and abs(cell) < EXACT
    return str(int(cell) if whole else cell)


def _shown(cell: Any) -> str:
    if pd.isna(cell):
        return "an empty cell"
    told = repr(cell) if isinstance(cell, str) else str(cell)
    return told if len(told) <= 60 else told[:57] + "..."
