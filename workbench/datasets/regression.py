"""The door for tables with a numeric target: a shipped one, or the user's own file.

Columns become numbers or categories; what is dropped or interpreted is told in a note; what no
model could use is refused, with its remedy. Missing features stay missing.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from pandas.api import types

from workbench.core import check
from workbench.datasets import cells
from workbench.datasets.dates import read_dates
from workbench.datasets.features import LARGEST, digest, numbers_in, read_feature, useless
from workbench.datasets.files import Opened
from workbench.datasets.numbers import read_numbers
from workbench.datasets.shipped import open_table

__all__ = ["REGRESSION_TABLES", "Regression", "load_regression"]

REGRESSION_TABLES = {
    "yacht": "Residuary resistance of 308 sailing yachts (dimensionless)",
    "energy": "Heating load of 768 simulated buildings (kWh / m²)",
    "concrete": "Compressive strength of 1030 concretes (MPa)",
    "power_plant": "Hourly output of a power plant, 9568 hours (MW)",
    "wine_quality_red": "Tasters' grades of 1599 red wines (0 to 10)",
}
FEWEST = 40
SHOWN = 20


@dataclass(frozen=True, eq=False)
class Regression:
    """A table with a numeric target.

    Parameters
    ----------
    features : DataFrame, shape (n, p)
        Floats, and objects for categories (text); NaN where missing. Its index holds the rows of
        the file (the header is row 1).
    y : array, shape (n,)
        The target, finite.
    target : str
        Its column.
    group : Series, shape (n,), or None
        The column that was named as group: floats, NaN where missing, or text.
    order : array, shape (n,), or None
        Increasing times where a column of times was named; the rows are sorted by it.
    weight : array, shape (n,), or None
        How much each row counts, above zero, where a column of weights was named.
    name, origin, sha256 : str
        Name of the data, where they were read, checksum of the file.
    notes : tuple of str
        Every interpretation and everything left out, one sentence each.
    """

    features: pd.DataFrame
    y: np.ndarray
    target: str
    group: pd.Series | None
    order: np.ndarray | None
    weight: np.ndarray | None
    name: str
    origin: str
    sha256: str
    notes: tuple[str, ...]


def load_regression(data: str | Path, *, target: str = "", group: str = "", time: str = "",
                    weight: str = "") -> Regression:
    """Read a table with a numeric target.

    Parameters
    ----------
    data : str or Path
        One of `REGRESSION_TABLES`, or a CSV, TSV or Parquet file.
    target : str
        Column to predict; empty takes the last one.
    group : str
        Column whose groups coverage is told for; it stays a feature. Empty for none.
    time : str
        Column of dates or numbers that orders the rows; it is no feature. Empty for none.
    weight : str
        Column of sample weights >= 0; it is no feature. Empty counts all rows the same.

    Returns
    -------
    table : Regression
        At least 40 rows and one feature.

    Raises
    ------
    ValueError, FileNotFoundError
        Naming what cannot be read, its first row and the remedy.

    Examples
    --------
    >>> load_regression("yacht").features.shape
    (308, 6)
    """
    opened = open_table(data, {
        name: f"uci-regression/{name}.csv" for name in REGRESSION_TABLES})
    frame = opened.frame.rename(columns=str)
    target, chosen = _columns(frame, target, {"group": group, "time": time, "weight": weight})
    y, told = _target(frame, target, opened)
    amounts, idle = _amounts(frame[weight], y, opened) if weight else (None, [])
    kept, dropped = _rows(frame[y.notna()] if amounts is None else frame.loc[amounts.index], y,
                          target, time, opened)
    features, read = _features(kept, y[kept.index], {target, time, weight}, opened)
    groups = _group(frame[group].loc[kept.index], opened) if group else None
    order = kept[time].to_numpy() if time else None
    counts = None if amounts is None else amounts[kept.index].to_numpy()
    notes = (*opened.notes, *chosen, *told, *_left_out(int(y.isna().sum()), "target"), *idle,
             *dropped, *read)
    return Regression(features, y[kept.index].to_numpy(), target, groups, order, counts,
                      opened.name, opened.origin, opened.sha256, notes)


def _columns(frame: pd.DataFrame, target: str, others: dict[str, str]) -> tuple[str, list[str]]:
    known = list(frame.columns)
    chosen = target or known[-1]
    problems = [f"{role} must name a column of the data, got {name!r}."
                f"{check.suggestion(name, known)}"
                for role, name in {"target": chosen, **others}.items()
                if name and name not in known]
    problems += [f"{role} must be another column than the target, got {name!r} for both. "
                 "Name another column, or none." for role, name in others.items()
                 if name == chosen]
    if problems:
        told = ", ".join(known[:SHOWN]) + (" ..." if len(known) > SHOWN else "")
        raise ValueError(" ".join([*problems, f"Columns: {told}."]))
    return chosen, [] if target else [
        f"The target is the last column, {chosen!r}; pass target= for another."]


def _target(frame: pd.DataFrame, target: str, opened: Opened) -> tuple[pd.Series, list[str]]:
    column, notes = frame[target], list[str]()
    if types.is_string_dtype(column.dtype):
        own = cells.stripped(column)
        numbers, told = numbers_in(own, commas=opened.delimiter == ";")
        if told and numbers.notna().equals(own.notna()):
            column, notes = numbers, [f"Column {target!r}: {note}" for note in told]
    try:
        y, told = read_numbers(column, typed=opened.typed, commas=opened.delimiter == ";")
    except ValueError as trouble:
        numeric = [str(name) for name in frame if name != target and _is_number(frame[name])]
        listed = ", ".join(map(repr, numeric[:SHOWN])) or "none"
        raise ValueError(f"target: {trouble} Columns of numbers: {listed}.") from trouble
    cells.refuse(y.rename(target), y.abs() > LARGEST, f"numbers within {LARGEST:g} of 0",
                 "Choose a larger unit; squares of the target must be finite.")
    return y, notes + told


def _is_number(column: pd.Series) -> bool:
    feature = read_feature(column).values
    return feature is not None and feature.dtype.kind == "f"


def _rows(frame: pd.DataFrame, y: pd.Series, target: str, time: str, opened: Opened
          ) -> tuple[pd.DataFrame, list[str]]:
    """Rows with a time where rows are ordered, sorted by it; enough of them, that vary."""
    notes, table = list[str](), frame
    if time:
        table = frame.assign(**{time: _times(frame[time], opened)}).dropna(subset=[time])
        notes = _left_out(len(frame) - len(table), "time")
    if len(table) < FEWEST:
        raise ValueError(f"data must give at least {FEWEST} rows with a target, to learn from and "
                         f"to test on, but {len(y)} rows gave {len(table)}. Add rows, or name "
                         f"another target than {target!r}.")
    if y[table.index].nunique() == 1:
        raise ValueError(f"target must vary, but {target!r} is {y[table.index].iloc[0]:g} in all "
                         f"{len(table)} rows. Name another column.")
    twice = int(table.duplicated().sum())
    if twice:
        notes.append(f"Exact repeats of an earlier row: {twice}, all kept; a row in both training "
                     "and test part flatters every model.")
    return (table.sort_values(time, kind="stable") if time else table), notes


def _amounts(column: pd.Series, y: pd.Series, opened: Opened) -> tuple[pd.Series, list[str]]:
    """Weights above zero of the rows with a target; a row of weight zero is no row."""
    found, notes = read_numbers(column[y.notna()], typed=opened.typed,
                                commas=opened.delimiter == ";")
    cells.refuse(found, ~((found >= 0) & (found <= LARGEST)), "weights >= 0",
                 "Write 1 for a row that counts fully and 0 for one that does not count.")
    if len(found) and not found.any():
        raise ValueError(f"column {column.name!r} must hold a weight above 0, but all "
                         f"{len(found)} are 0. Leave weight= empty to count all rows the same.")
    return found[found > 0], notes + _left_out(int((found == 0).sum()), "weight above 0")


def _left_out(count: int, what: str) -> list[str]:
    return [f"{count} {'row' if count == 1 else 'rows'} without a {what} "
            f"{'was' if count == 1 else 'were'} left out."] if count else []


def _times(column: pd.Series, opened: Opened) -> pd.Series:
    """Numbers as they are, else dates; what is neither is refused."""
    try:
        return read_numbers(column, typed=opened.typed, commas=opened.delimiter == ";")[0]
    except ValueError:
        return read_dates(column)[0]


def _group(column: pd.Series, opened: Opened) -> pd.Series:
    feature = read_feature(column, commas=opened.delimiter == ";").values
    if feature is not None and feature.dtype.kind == "f":
        return feature
    return cells.stripped(column if feature is None else feature).astype(object).fillna("missing")


def _features(frame: pd.DataFrame, y: pd.Series, others: set[str], opened: Opened
              ) -> tuple[pd.DataFrame, list[str]]:
    found: dict[str, pd.Series] = {}
    seen: dict[bytes, str] = {}
    notes: list[str] = []
    for name in (column for column in frame.columns if column not in others):
        feature = read_feature(frame[name], commas=opened.delimiter == ";")
        why = "" if feature.values is None else useless(feature.values, y, seen,
                                                        plain=not feature.notes)
        notes += [*feature.notes, *([f"Column {name!r} was left out: {why}."] if why else [])]
        if feature.values is not None and not why:
            found[name] = feature.values
            seen[digest(feature.values)] = name
    if not found:
        raise ValueError("data must have a feature beside the target, but none is left. "
                         f"{' '.join(notes)} Add a column of numbers or categories.")
    missing = {name: int(values.isna().sum()) for name, values in found.items()}
    listed = ", ".join(f"{name!r} {count}" for name, count in missing.items() if count)
    if listed:
        notes.append(f"Missing cells of features, filled by each fit from its own training part: "
                     f"{listed}, of {len(frame)} rows.")
    return pd.DataFrame(found), notes
