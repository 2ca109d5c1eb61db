"""The door for tables whose covariates are known in every row and whose outcome only in some."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from workbench.core import check
from workbench.datasets import cells
from workbench.datasets.features import digest, read_feature, useless
from workbench.datasets.files import Opened
from workbench.datasets.numbers import read_numbers
from workbench.datasets.shipped import open_table

__all__ = ["Selected", "load_selected"]

FEWEST = 20              # observed outcomes
SHOWN = 20
NAMES = ("outcome", "y", "response", "target", "score", "value")


@dataclass(frozen=True, eq=False)
class Selected:
    """A table whose outcome is observed in part.

    Parameters
    ----------
    features : DataFrame, shape (n, p)
        Floats, and objects for categories (text); NaN where missing. Its index holds the rows of
        the file (the header is row 1).
    outcome : array, shape (n,)
        NaN where it is not observed.
    label : str
        Column of the outcome.
    group : Series, shape (n,), or None
        Text; the column that was named.
    name, origin, sha256 : str
        Name of the data, where they were read, checksum of the file.
    notes : tuple of str
        Every interpretation and everything left out, one sentence each.
    """

    features: pd.DataFrame
    outcome: np.ndarray
    label: str
    group: pd.Series | None
    name: str
    origin: str
    sha256: str
    notes: tuple[str, ...]


def load_selected(data: str | Path, *, outcome: str = "", group: str = "",
                  features: "list[str] | None" = None) -> Selected:
    """Read a table.

    Parameters
    ----------
    data : str or Path
        A CSV, TSV or Parquet file.
    outcome : str
        Column whose mean over all rows is wanted; its cells are empty where it is not observed.
        Empty takes the column of numbers that has empty cells.
    group : str
        Column of groups whose weights can be looked at; it stays a covariate.
    features : list of str, optional
        Covariates; none takes all other columns.

    Raises
    ------
    ValueError, FileNotFoundError
        Naming what cannot be read, its first row and the remedy.
    """
    opened = open_table(data, {})
    frame = opened.frame.rename(columns=str)
    named = {"outcome": [outcome] if outcome else [], "group": [group] if group else [],
             "features": list(features or [])}
    _present(frame, named)
    label, chosen = (outcome, []) if outcome else _found(frame, opened)
    if label in named["features"]:
        raise ValueError(f"features must not hold the outcome, got {label!r} in both. Leave it "
                         "out.")
    values, told = _outcome(frame[label], opened)
    columns = named["features"] or [str(name) for name in frame if name != label]
    table, read = _features(frame[columns], values, opened)
    groups = None
    if group:
        groups = cells.stripped(frame[group]).astype(object).fillna("missing").astype(str)
    return Selected(table, values.to_numpy(), label, groups, opened.name, opened.origin,
                    opened.sha256, (*opened.notes, *chosen, *told, *read))


def _present(frame: pd.DataFrame, named: dict[str, list[str]]) -> None:
    known = list(frame.columns)
    problems = [f"{role} must name columns of the data, got {name!r}."
                f"{check.suggestion(name, known)}"
                for role, names in named.items() for name in names if name not in known]
    if problems:
        told = ", ".join(known[:SHOWN]) + (" ..." if len(known) > SHOWN else "")
        raise ValueError(" ".join([*problems, f"Columns: {told}."]))


def _found(frame: pd.DataFrame, opened: Opened) -> tuple[str, list[str]]:
    """The one column of numbers with empty cells, or the one with the usual name."""
    gaps = {}
    for name in frame:
        try:
            numbers = read_numbers(frame[name], typed=opened.typed,
                                   commas=opened.delimiter == ";")[0]
        except ValueError:
            continue
        if 0 < numbers.isna().sum() < len(numbers):
            gaps[str(name)] = int(numbers.isna().sum())
    usual = [column for name in NAMES for column in gaps if column.casefold() == name]
    if not gaps:
        raise ValueError("outcome must have empty cells where it is not observed, but no column "
                         "of numbers has any. Leave the cells of unobserved rows empty, or name "
                         "user, item and rating columns for a file of ratings.")
    if len(gaps) > 1 and not usual:
        listed = ", ".join(map(repr, list(gaps)[:SHOWN]))
        raise ValueError(f"outcome must name one of the {len(gaps)} columns of numbers with empty "
                         f"cells, got none. Pass outcome= one of {listed}.")
    label = (usual or list(gaps))[0]
    return label, [f"The outcome is {label!r}, with {gaps[label]} empty cells; pass outcome= for "
                   "another column."]


def _outcome(column: pd.Series, opened: Opened) -> tuple[pd.Series, list[str]]:
    plain = column.astype(float) if column.dtype == bool else column
    try:
        values, notes = read_numbers(plain, typed=opened.typed, commas=opened.delimiter == ";")
    except ValueError as trouble:
        raise ValueError(f"outcome: {trouble}") from trouble
    seen = values.dropna()
    if len(seen) < FEWEST:
        raise ValueError(f"outcome must be observed in at least {FEWEST} rows, but "
                         f"{column.name!r} is in {len(seen)} of {len(values)}. Observe more rows, "
                         "or name another column.")
    if len(seen) == len(values):
        raise ValueError(f"outcome must have empty cells where it is not observed, but "
                         f"{column.name!r} is known in all {len(values)} rows, whose plain mean "
                         "is the answer. Name a column that is observed in part.")
    if seen.nunique() == 1:
        raise ValueError(f"outcome must vary, but {column.name!r} is {seen.iloc[0]:g} in all "
                         f"{len(seen)} observed rows. Name another column.")
    return values, notes


def _features(frame: pd.DataFrame, outcome: pd.Series,
              opened: Opened) -> tuple[pd.DataFrame, list[str]]:
    found: dict[str, pd.Series] = {}
    seen: dict[bytes, str] = {}
    notes: list[str] = []
    unobserved = outcome.isna().to_numpy()
    for name in map(str, frame.columns):
        feature = read_feature(frame[name], commas=opened.delimiter == ";")
        notes += feature.notes
        if feature.values is None:
            continue
        why = useless(feature.values, outcome, seen, plain=not feature.notes)
        if not why and np.array_equal(feature.values.isna().to_numpy(), unobserved):
            why = "it is empty exactly where the outcome is, so that it tells nothing there"
        if why:
            notes.append(f"Column {name!r} was left out: {why}.")
            continue
        found[name] = feature.values
        seen[digest(feature.values)] = name
    if not found:
        raise ValueError("features must hold a covariate that is known where the outcome is not, "
                         f"but none is left. {' '.join(notes)} Add a column of numbers or "
                         "categories.")
    missing = {name: int(values.isna().sum()) for name, values in found.items()}
    listed = ", ".join(f"{name!r} {count}" for name, count in missing.items() if count)
    if listed:
        notes.append(f"Missing cells of covariates are filled by the median and marked, which "
                     f"balances the marks too: {listed}, of {len(frame)} rows.")
    return pd.DataFrame(found), notes
