"""One column of a mixed table as a feature: a number, a date, a category, or left out.

Cells that miss stay missing; whoever fits a model decides how to fill them. Whatever is read in
another way than it stands, or left out, is told in a sentence.
"""

import hashlib
import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pandas.api import types

from workbench.datasets import cells
from workbench.datasets.dates import read_dates
from workbench.datasets.numbers import MINUS, NUMBER, REAL

__all__ = ["Feature", "digest", "numbers_in", "read_feature", "repeated", "useless"]

MOSTLY = 0.9           # share of numbers from which a column of text is one of numbers
FEW = 10               # so many different words always are categories
THOUSANDS = r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?"
CERTAIN_THOUSANDS = r"[+-]?[0-9]{1,3}(?:(?:,[0-9]{3})+\.[0-9]+|(?:,[0-9]{3}){2,})"
DECIMAL_COMMA = r"[+-]?[0-9]*,[0-9]+(?:[eE][+-]?[0-9]+)?"
LARGEST = 1e150        # its square is still a finite number
DAY = np.timedelta64(1, "D")


@dataclass(frozen=True, eq=False)
class Feature:
    """A column as floats or as objects (text, NaN where missing), or None where it is left out.

    `notes` say what was interpreted, or why the column is left out.
    """

    values: pd.Series | None
    notes: tuple[str, ...] = ()


def read_feature(column: pd.Series, *, commas: bool = False) -> Feature:
    """Read a column by what it holds.

    Parameters
    ----------
    column : Series, shape (n,)
        Of any type.
    commas : bool
        Whether a comma inside a number can only be a decimal comma.

    Returns
    -------
    feature : Feature
        Numbers and true/false as floats; dates as days since the first; text with few different
        values as categories.

    Examples
    --------
    >>> read_feature(pd.Series(["1,5", "2,25"], name="x")).values.tolist()
    [1.5, 2.25]
    """
    kind, name = column.dtype, column.name
    if column.isna().all():
        return Feature(None, (f"Column {name!r} was left out: it is empty.",))
    if types.is_timedelta64_dtype(kind):
        return Feature(column.dt.total_seconds() / 86400,
                       (f"Column {name!r} was turned into days.",))
    if types.is_datetime64_any_dtype(kind):
        return _days(column)
    inferred = types.infer_dtype(column, skipna=True) if types.is_object_dtype(kind) else ""
    if types.is_complex_dtype(kind) or inferred in ("bytes", "complex"):
        return Feature(None, (f"Column {name!r} was left out: {inferred or kind} is neither "
                              "number nor text.",))
    if types.is_numeric_dtype(kind) or inferred in (*REAL, "boolean"):
        return _finite(column.astype(object).where(column.notna(), np.nan).astype(float), name)
    return _text(column, commas=commas)


def numbers_in(text: pd.Series, *, commas: bool = False) -> tuple[pd.Series, list[str]]:
    """Numbers spelled in cells, NaN where there is none, and how commas were read.

    A comma is read as decimal where no cell could mean thousands by it alone (``1,5``), as a
    separator of thousands where it can be nothing else (``1,234,567``), and else not at all.

    Parameters
    ----------
    text : Series of text, shape (n,)
    commas : bool
        Whether a comma can only be a decimal comma.
    """
    plain = text.str.replace(MINUS, "-", regex=False)
    notes = []
    held = plain[plain.str.contains(",", regex=False, na=False)]
    if len(held):
        decimal, grouped = (held.str.fullmatch(form) for form in (DECIMAL_COMMA, THOUSANDS))
        others = plain[~plain.index.isin(held.index)]
        points = others.str.contains(".", regex=False, na=False) & others.str.fullmatch(
            NUMBER, na=False)            # that of a text says nothing of numbers
        certain = held.str.fullmatch(CERTAIN_THOUSANDS)
        if not points.any() and decimal.any() and (commas or not grouped[decimal].all()):
            plain = plain.str.replace(",", ".", regex=False)
            notes.append(f"decimal commas were read as decimal points, {int(decimal.sum())} "
                         "in all.")
        elif certain.any() and grouped[~certain].all() and not commas:
            plain = plain.str.replace(",", "", regex=False)
            notes.append(f"commas were read as separators of thousands, {len(held)} in all.")
    good = plain.str.fullmatch(NUMBER, na=False).astype(bool)
    return pd.to_numeric(plain.where(good)).astype(float), notes


def useless(values: pd.Series, y: pd.Series, seen: dict[bytes, str], *,
            plain: bool = True) -> str:
    """Why a feature says nothing that target `y` or an earlier column does not say; or "".

    `seen` maps the digest of each earlier column to its name; `plain` says that the numbers stood
    in the file as they are, so that 1, 2, 3, ... are no days.
    """
    if values.notna().all() and values.nunique() == 1:
        return "it is constant"
    if values.dtype.kind == "f" and np.array_equal(values.to_numpy(), y.to_numpy()):
        return "it equals the target, which no model may see"
    if digest(values) in seen:
        return f"it repeats column {seen[digest(values)]!r}"
    if plain and values.dtype.kind == "f" and values.iloc[0] in (0, 1) and (
            values.diff()[1:] == 1).all():
        return "it numbers the rows; pass it as time= if their order matters"
    return ""


def repeated(frame: pd.DataFrame) -> int:
    """Rows that repeat an earlier one where that is no chance: some column tells most rows apart.

    Tables of a few categories repeat rows without being copies, and count none.
    """
    apart = any(frame[name].nunique() > len(frame) / 10 for name in frame)
    return int(frame.duplicated().sum()) if apart else 0


def digest(values: pd.Series) -> bytes:
    """Equal for equal columns, whatever their names and rows."""
    hashed = pd.util.hash_pandas_object(values, index=False).to_numpy()
    return hashlib.sha256(hashed.tobytes()).digest()


def _text(column: pd.Series, *, commas: bool) -> Feature:
    name, own = column.name, cells.stripped(column)
    filled = int(own.notna().sum())
    if not filled:
        return Feature(None, (f"Column {name!r} was left out: it is empty.",))
    numbers, told = numbers_in(own, commas=commas)
    other = own[own.notna() & numbers.isna()]
    if len(other) <= (1 - MOSTLY) * filled:
        notes = [f"Column {name!r}: {note}" for note in told]
        if len(other):
            notes.append(f"Column {name!r}: {len(other)} of {filled} cells are no number, the "
                         f"first is {_short(other.iloc[0])}; they count as missing.")
        read = _finite(numbers, name)
        return Feature(read.values, (*notes, *read.notes))
    try:
        return _days(pd.Series(read_dates(column)[0], name=str(name)))
    except ValueError:      # no dates either
        return _category(own, filled)


def _category(own: pd.Series, filled: int) -> Feature:
    different = own.nunique()
    if different > max(FEW, filled / 2):
        return Feature(None, (
            f"Column {own.name!r} was left out: {different} of its {filled} texts differ, as in "
            f"identifiers or free text; the first is {_short(own.dropna().iloc[0])}.",))
    return Feature(own.astype(object).where(own.notna(), np.nan))


def _days(column: pd.Series) -> Feature:
    if column.dt.tz is not None:
        column = column.dt.tz_convert("UTC").dt.tz_localize(None)
    first = column.min()
    days = (column - first) / DAY
    return Feature(days.astype(float), (
        f"Column {column.name!r} holds dates; it was turned into days since {first:%Y-%m-%d}.",))


def _finite(numbers: pd.Series, name: object) -> Feature:
    infinite, huge = np.isinf(numbers), np.isfinite(numbers) & (numbers.abs() > LARGEST)
    counts = {"infinite": int(infinite.sum()), f"beyond {LARGEST:g}": int(huge.sum())}
    told = " and ".join(f"{count} {what}" for what, count in counts.items() if count)
    if not told:
        return Feature(numbers)
    one = sum(counts.values()) == 1
    return Feature(numbers.mask(infinite | huge), (
        f"Column {name!r}: {told} {'cell counts' if one else 'cells count'} as missing.",))


def _short(text: object) -> str:
    told = re.sub(r"\s+", " ", str(text))
    return repr(told if len(told) <= 40 else told[:37] + "...")
