"""Read the dates of a column; whatever goes beyond ISO dates is told in a note.

Dates come out as UTC without a zone. A period stands for one day of it: a quarter for the first
day of its middle month, a month for its first day, a year for its first of July.
"""

import re

import pandas as pd
from pandas.api import types

from workbench.datasets import cells, date_forms

__all__ = ["read_dates"]

# Years that nanosecond stamps can hold; sentinels such as 9999-12-31 fall outside.
EARLIEST, LATEST = pd.Timestamp(1678, 1, 1), pd.Timestamp(2262, 1, 1)
RULE = "dates between the years 1678 and 2261"
REMEDY = ("Write dates as 2024-03-05, years in four digits, leave a missing date empty, or name "
          "another column.")
SERIAL = r"(?:[2-5][0-9]{4}|60000)(?:\.[0-9]+)?"
UNSERIAL = ("Numbers from 20000 to 60000 look like Excel's serial dates: format the column as "
            "yyyy-mm-dd, so that dates are saved as ISO text such as 2024-03-05.")


def read_dates(column: pd.Series) -> tuple[pd.Series, list[str]]:
    """Dates of a column, NaT where missing, and what was interpreted.

    Parameters
    ----------
    column : Series, shape (n,)
        Text, whole numbers (years, 20240305, seconds or milliseconds since 1970) or time stamps;
        its index holds the rows of the file.

    Returns
    -------
    dates : Series of datetime64[us], shape (n,)
        UTC without a zone; the time of day is kept.
    notes : list of str

    Raises
    ------
    ValueError
        For cells that are no date, and for day and month that could be swapped.

    Examples
    --------
    >>> read_dates(pd.Series(["1945 Q1"]))[0].item()
    Timestamp('1945-02-01 00:00:00')
    """
    kind = column.dtype
    if types.is_datetime64_any_dtype(kind):
        dates, notes = _stamps(column)
    elif types.is_bool_dtype(kind) or types.is_complex_dtype(kind) or not (
            types.is_numeric_dtype(kind) or types.is_string_dtype(kind)
            or types.is_object_dtype(kind)):
        raise ValueError(f"column {column.name!r} must hold {RULE}, but its type is {kind}. "
                         "Name another column.")
    else:
        dates, notes = _from_text(column)
    outside = dates.notna() & ~dates.between(EARLIEST, LATEST, inclusive="left")
    cells.refuse(column, outside, RULE, REMEDY)
    return dates.astype("datetime64[us]"), notes


def _stamps(column: pd.Series) -> tuple[pd.Series, list[str]]:
    zone = column.dt.tz
    if zone is None:
        return column, []
    dates = column.dt.tz_convert("UTC").dt.tz_localize(None)
    return dates, [f"Column {column.name!r} carries the time zone {zone}; dates are in UTC."]


def _from_text(column: pd.Series) -> tuple[pd.Series, list[str]]:
    text = cells.stripped(column)
    if text.isna().all():
        return pd.Series(pd.NaT, column.index, dtype="datetime64[us]"), []
    # Each distinct text is read once; its index keeps the row where it first appears.
    distinct = text.dropna().drop_duplicates()
    dates = pd.Series(pd.NaT, distinct.index, dtype="datetime64[us]")
    notes: list[str] = []
    left = distinct
    for form in date_forms.FORMS:
        found = left.str.fullmatch(form.pattern, na=False).astype(bool)
        if found.any():
            some, told = _told(column, form, left[found])
            dates.loc[some.index] = some.astype("datetime64[us]")
            notes += [f"Column {column.name!r}: {note}" for note in told]
            left = left[~found]
    known = pd.Series(dates.to_numpy(), index=pd.Index(distinct.to_numpy()))
    read = text.map(known)
    bad = text.notna() & read.isna()
    serial = bad.any() and re.fullmatch(SERIAL, str(text[bad].iloc[0]))
    cells.refuse(column, bad, RULE, UNSERIAL if serial else REMEDY)
    return read, notes


def _told(column: pd.Series, form: date_forms.Form, texts: pd.Series) -> date_forms.Read:
    """Read one form; a complaint begins with the column."""
    try:
        return form.read(texts)
    except ValueError as trouble:
        raise ValueError(f"column {column.name!r} {trouble}") from trouble
