"""Read the numbers of a column: missing words are missing, what is no number is refused.

A decimal comma is refused, since "1,234" may mean either of two numbers; only where semicolons
separate the cells, and no number has a point, is it read.
"""

import re

import numpy as np
import pandas as pd
from pandas.api import types

from workbench.datasets import cells

__all__ = ["read_numbers"]

NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
WITH_COMMA = NUMBER.replace(r"\.", ",")
MINUS = "\N{MINUS SIGN}"
REAL = ("decimal", "floating", "integer", "mixed-integer-float")  # objects that are numbers
PLAIN = "Write a plain number such as 7.5, leave a missing cell empty, or name another column."
REMEDIES = {
    r"[0-9]\s[0-9]": "Remove the spaces between the groups of digits.",
    ",": "Write decimals with a point, as in 7.5, and no thousands separator.",
    "/": "Write one number instead of a fraction.",
    "%": "Drop the percent sign.",
}


def read_numbers(column: pd.Series, *, typed: bool = False, commas: bool = False
                 ) -> tuple[pd.Series, list[str]]:
    """Numbers of a column, NaN where missing, and what was interpreted.

    Parameters
    ----------
    column : Series, shape (n,)
        Numbers or text; its index holds the rows of the file.
    typed : bool
        Whether the file knows numbers from text, so that text is worth a note.
    commas : bool
        Whether a comma can only be a decimal comma.

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
    if types.is_object_dtype(kind) and types.infer_dtype(column, skipna=True) in REAL:
        column = column.where(column.notna(), np.nan).astype(float)
    numbers, notes = (column.astype(float), list[str]()) if types.is_numeric_dtype(
        column.dtype) else _from_text(column, typed=typed, commas=commas)
    cells.refuse(column, pd.Series(np.isinf(numbers), column.index), "finite numbers",
                 "Correct the infinite cells or leave them empty.")
    return numbers, notes


def _from_text(column: pd.Series, *, typed: bool, commas: bool) -> tuple[pd.Series, list[str]]:
    own = cells.stripped(column)
    if own.isna().all():
        return pd.Series(np.nan, column.index, name=column.name), []
    text, notes = _plain(own, commas=commas)
    bad = text.notna() & ~text.str.fullmatch(NUMBER, na=False).astype(bool)
    first = str(text[bad].iloc[0]) if bad.any() else ""
    cells.refuse(column, bad, "numbers",
                 next((told for mark, told in REMEDIES.items() if re.search(mark, first)), PLAIN))
    padded = 0 if typed else int((own.notna() & (own != column)).sum())
    if padded:
        notes.append(f"blanks around numbers were ignored, {padded} in all.")
    told = [f"Column {column.name!r} is stored as text; its numbers were read."] * typed
    return pd.to_numeric(text).astype(float), told + [f"Column {column.name!r}: {note}"
                                                      for note in notes]


def _plain(text: pd.Series, *, commas: bool) -> tuple[pd.Series, list[str]]:
    """Numbers with a hyphen for minus and, where it is certain, a point for a decimal comma."""
    notes = []
    signs = int(text.str.contains(MINUS, regex=False, na=False).sum())
    if signs:
        text = text.str.replace(MINUS, "-", regex=False)
        notes.append(f"the minus sign U+2212 was read as a hyphen, {signs} in all.")
    with_comma = int(text.str.contains(",", regex=False, na=False).sum())
    if commas and with_comma and text.dropna().str.fullmatch(WITH_COMMA).all():
        text = text.str.replace(",", ".", regex=False)
        notes.append(f"decimal commas were read as decimal points, {with_comma} in all.")
    return text, notes
