"""Cells as words, spelled alike: ``1.0`` and ``1`` are one word."""

import pandas as pd
from pandas.api import types

from workbench.datasets import cells

__all__ = ["words_of"]


def words_of(column: pd.Series) -> pd.Series:
    """Words of a column, NaN where missing.

    Examples
    --------
    >>> words_of(pd.Series(["1.0", " 2 ", "NA", "b"])).tolist()
    ['1', '2', nan, 'b']
    """
    plain = column.astype(float) if types.is_bool_dtype(column.dtype) else column
    own = cells.stripped(plain).astype(object)
    return own.where(own.isna(), own.astype(str).str.replace(r"^([+-]?\d+)\.0+$", r"\1",
                                                             regex=True))
