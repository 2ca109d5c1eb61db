"""The door for tables with an outcome to be right about: a class, or a score with bounds.

The outcome becomes a number from 0 to 1; features become numbers or categories. What is dropped
or interpreted is told in a note; what cannot be used is refused, with its remedy.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workbench.core import check
from workbench.datasets import cells
from workbench.datasets.features import FEW, LARGEST, numbers_in, repeated
from workbench.datasets.files import Opened
from workbench.datasets.outcome_features import features_beside
from workbench.datasets.shipped import open_table
from workbench.datasets.yes_no import ONES

__all__ = ["OUTCOME_NAMES", "OUTCOME_TABLES", "Outcomes", "load_outcomes"]

OUTCOME_TABLES = {
    "wine_quality_red": "Tasters' grades of 1599 red wines (0 to 10)",
    "panchen": "Whether 1412 complaints to officials were passed on (0 or 1)",
}
FILES = {"wine_quality_red": "uci-regression/wine_quality_red.csv",
         "panchen": "panchen/panchen.csv"}
USUAL: dict[str, dict[str, Any]] = {"panchen": {"target": "SendOrNot"},
                                    "wine_quality_red": {"low": 0.0, "high": 10.0}}
OUTCOME_NAMES = ("target", "y", "label", "outcome", "class", "response", "score")
FEWEST = 90              # rows: thirty for each of three parts
MOST_CLASSES = 50
SHOWN = 20


@dataclass(frozen=True, eq=False)
class Outcomes:
    """A table with an outcome between 0 and 1.

    Parameters
    ----------
    features : DataFrame, shape (n, p)
        Floats, and objects for categories; NaN where missing. Its index holds the rows of the
        file (the header is row 1).
    y : array, shape (n,)
        0 or 1 for a class, else a score mapped to [0, 1].
    is_class : bool
    target, meaning : str
        Its column, and what 1 stands for.
    name, origin, sha256 : str
    notes : tuple of str
        Every interpretation and everything left out, one sentence each.
    """

    features: pd.DataFrame
    y: np.ndarray
    is_class: bool
    target: str
    meaning: str
    name: str
    origin: str
    sha256: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Wanted:
    """How an outcome is to be read; empty and None leave it to the table."""

    target: str
    positive: str
    low: float | None
    high: float | None


@dataclass(frozen=True, eq=False)
class _Read:
    y: pd.Series
    is_class: bool
    meaning: str
    notes: list[str] = field(default_factory=list)


def load_outcomes(data: str | Path, *, target: str = "", positive: str = "",
                  low: float | None = None, high: float | None = None) -> Outcomes:
    """Read a table with an outcome.

    Parameters
    ----------
    data : str or Path
        One of `OUTCOME_TABLES`, or a CSV, TSV or Parquet file.
    target : str
        Column of the outcome; empty takes one with a usual name, else the last.
    positive : str
        The class that counts as 1; empty takes the only other one of two, or, of several texts,
        the most frequent.
    low, high : float, optional
        Bounds of a score; None takes those of the table.

    Raises
    ------
    ValueError, FileNotFoundError
        Naming what cannot be read and the remedy.

    Examples
    --------
    >>> table = load_outcomes("wine_quality_red")
    >>> table.is_class, table.meaning
    (False, 'quality, 0 to 10')
    """
    opened = open_table(data, FILES)
    frame = opened.frame.rename(columns=str)
    usual = USUAL.get(str(data), {}) if not target else {}
    name, chosen = _column(frame, target or usual.get("target", ""))
    read = _outcome(frame[name], Wanted(
        name, positive, usual.get("low") if low is None else low,
        usual.get("high") if high is None else high), opened)
    y = read.y.dropna()
    gone = len(frame) - len(y)
    left = [f"{gone} of {len(frame)} rows had no outcome and were left out."] if gone else []
    _enough(y, name, len(frame))
    copies = repeated(frame.loc[y.index])
    if copies:
        left.append(f"{copies} of {len(y)} rows repeat an earlier one. Where they are the same "
                    "case, remove them: copies in two parts make a holdout too kind.")
    if read.is_class and (low is not None or high is not None):
        read.notes.append(f"low and high are of a score and do nothing here: {name!r} is a class.")
    features, told = features_beside(frame.loc[y.index], name, y, opened)
    return Outcomes(features, y.to_numpy(), read.is_class, name, read.meaning, opened.name,
                    opened.origin, opened.sha256,
                    (*opened.notes, *chosen, *read.notes, *left, *told))


def _column(frame: pd.DataFrame, target: str) -> tuple[str, list[str]]:
    known = list(frame.columns)
    if target and target not in known:
        told = ", ".join(known[:SHOWN]) + (" ..." if len(known) > SHOWN else "")
        raise ValueError(f"target must name a column of the data, got {target!r}."
                         f"{check.suggestion(target, known)} Columns: {told}.")
    if target:
        return target, []
    words = {re.sub(r"[\W_]+", "_", name.casefold()).strip("_"): name for name in known[::-1]}
    found = next((words[name] for name in OUTCOME_NAMES if name in words), known[-1])
    return found, [f"The outcome is the column {found!r}; pass target= for another."]


def _outcome(column: pd.Series, wanted: Wanted, opened: Opened) -> _Read:
    """A class where one is named or there are two, or texts; else a score."""
    own = cells.stripped(column)
    known = own.value_counts()
    if not len(known):
        raise ValueError(f"target must hold outcomes, but {wanted.target!r} is empty. Name "
                         "another column.")
    numbers, notes = _numbers(column, opened)
    if wanted.positive:
        return _class(own, _spelled(wanted.positive, known, wanted.target), wanted.target, [])
    if len(known) == 2:
        first, second = (str(word) for word in sorted(known.index, key=_rank))
        return _class(own, second, wanted.target, [
            f"Of the outcomes {first!r} and {second!r} the second counts as 1; pass positive= "
            "for the other."])
    if len(known) > 2 and numbers.notna().sum() > own.notna().sum() / 2:
        cells.refuse(column, own.notna() & numbers.isna(), "numbers, or few texts",
                     "Correct the cells, or name a class with positive=.")
        return _score(numbers, wanted, notes)
    if len(known) > max(FEW, min(MOST_CLASSES, len(own) / 2)):
        raise ValueError(f"target must be a class or a score, but {wanted.target!r} holds "
                         f"{len(known)} different texts, the first {str(own.dropna().iloc[0])!r}. "
                         "Name another column, or positive= for one of them.")
    most = str(known.index[0])
    return _class(own, most, wanted.target, [
        f"Of {len(known)} outcomes the most frequent, {most!r}, counts as 1 and the others as 0; "
        "pass positive= for another."])


def _numbers(column: pd.Series, opened: Opened) -> tuple[pd.Series, list[str]]:
    """Numbers of a column, NaN where there is none, and how they were read."""
    if pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column):
        return column.astype(float), []
    own = cells.stripped(column)
    if own.isna().all():
        return pd.Series(np.nan, own.index), []
    numbers, notes = numbers_in(own, commas=opened.delimiter == ";")
    return numbers, [f"Column {column.name!r}: {note}" for note in notes]


def _class(own: pd.Series, positive: str, target: str, notes: list[str]) -> _Read:
    y = (own == positive).astype(float).where(own.notna())
    return _Read(y, is_class=True, meaning=f"{target} is {positive}", notes=notes)


def _score(numbers: pd.Series, wanted: Wanted, notes: list[str]) -> _Read:
    column = numbers.rename(wanted.target)
    cells.refuse(column, column.abs() > LARGEST, f"numbers within {LARGEST:g} of 0",
                 "Choose a larger unit.")
    low = float(column.min()) if wanted.low is None else wanted.low
    high = float(column.max()) if wanted.high is None else wanted.high
    if not low < high:
        raise ValueError(f"low must lie below high, got {low:g} and {high:g}. Name bounds that "
                         "hold the score.")
    cells.refuse(column, (column < low) | (column > high), f"scores from {low:g} to {high:g}",
                 "Widen low= and high=, or correct the cells.")
    told = list(notes)
    if wanted.low is None or wanted.high is None:
        told.append(f"The score {wanted.target!r} is taken to lie between {low:g} and {high:g}, "
                    "as in this table; pass low= and high= for its true bounds, or positive= "
                    "if it is a class.")
    return _Read((column - low) / (high - low), is_class=False,
                 meaning=f"{wanted.target}, {low:g} to {high:g}", notes=told)


def _spelled(positive: str, known: pd.Series, target: str) -> str:
    words = [str(word) for word in known.index]
    if positive.strip() not in words:
        raise ValueError(f"positive must be an outcome of {target!r}, got {positive!r}."
                         f"{check.suggestion(positive, words)} Outcomes: "
                         f"{', '.join(words[:SHOWN])}{' ...' * (len(words) > SHOWN)}.")
    return positive.strip()


def _rank(word: object) -> tuple[bool, str]:
    told = str(word).casefold()
    return told == "1" or told in ONES, told


def _enough(y: pd.Series, target: str, rows: int) -> None:
    if len(y) < FEWEST:
        raise ValueError(f"data must give at least {FEWEST} rows with an outcome, in thirds to "
                         f"train on, hold out and keep fresh, but {rows} rows gave {len(y)}. Add "
                         f"rows, or name another target than {target!r}.")
    if y.nunique() == 1:
        raise ValueError(f"target must vary, but {target!r} is the same in all {len(y)} rows. "
                         "Name another column.")
