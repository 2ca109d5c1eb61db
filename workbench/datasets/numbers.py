"""Read the numbers of a column: missing words are missing, what is no number is refused.

A decimal comma is refused, since "1,234" may mean either of two numbers.
"""

import numpy as np
import pandas as pd
from pandas.api import types

from workbench.datasets import cells

__all__ = ["read_numbers"]

NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
PLAIN = "Write a plain number such as 7.5, leave a missing cell empty, or name another column."
REMEDIES = {
    ",": "Write decimals with a point, as in 7.5, and no thousands separator.",
    "/": "Write one number instead of a fraction.",
    "%": "Drop the percent sign.",
}


def read_numbers(column: pd.Series, *, typed: bool = False) -> tuple[pd.Series, list[str]]:
    """Numbers of a column, NaN where missing, and what was interpreted.

    Parameters
    ----------
    column : Series, shape (n,)
        Numbers or text; its index holds the rows of the file.
    typed : bool
        Whether the file knows numbers from text, so that text is worth a note.

    Returns
    -------
    numbers : Series of float, shape (n,)
    notes : list of str

    Raises
    ------
    ValueError
        For cells that are infinite or no number, with their count and the first of them.
    """
    kind = column.dtype
    if types.is_bool_dtype(kind) or not (
            types.is_numeric_dtype(kind) or types.is_string_dtype(kind)
            or types.is_object_dtype(kind)) or types.is_complex_dtype(kind):
        raise ValueError(f"column {column.name!r} must hold numbers, but its type is {kind}. "
                         "Name another column, or code it as numbers first.")
    numbers, notes = (column.astype(float), list[str]()) if types.is_numeric_dtype(kind) else (
        _from_text(column, typed=typed))
    cells.refuse(column, pd.Series(np.isinf(numbers), column.index), "finite numbers",
                 "Correct the infinite cells or leave them empty.")
    return numbers, notes


def _from_text(column: pd.Series, *, typed: bool) -> tuple[pd.Series, list[str]]:
    text = cells.stripped(column)
    if text.isna().all():
        return pd.Series(np.nan, column.index, name=column.name), []
    bad = text.notna() & ~text.str.fullmatch(NUMBER, na=False).astype(bool)
    first = str(text[bad].iloc[0]) if bad.any() else ""
    cells.refuse(column, bad, "numbers",
                 next((told for mark, told in REMEDIES.items() if mark in first), PLAIN))
    padded = int((text.notna() & (text != column)).sum()) if not typed else 0
    notes = [f"Column {column.name!r} is stored as text; its numbers were read."] * typed
    if padded:
        notes.append(f"Column {column.name!r}: blanks around numbers were ignored, {padded} in "
                     "all.")
    return pd.to_numeric(text).astype(float), notes
