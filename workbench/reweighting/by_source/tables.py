"""The user's own table: rows of several sources, a target, and rows that can be trusted."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from workbench.core import check
from workbench.datasets.class_table import MOST_CLASSES, NAMES, usable_features
from workbench.datasets.features import numbers_in
from workbench.datasets.files import Opened
from workbench.datasets.shipped import open_table
from workbench.datasets.words import words_of
from workbench.datasets.yes_no import ONES, ZEROS

__all__ = ["TASKS", "Roles", "SourceTable", "read_sources"]

TASKS = ("auto", "number", "class")
MANY = 20                # different numbers above which a target is no class
MOST_SOURCES = 50
TRUSTED = ONES | {"1", "validation", "valid", "trusted"}
NOT_TRUSTED = ZEROS | {"0", "train", "training", "untrusted"}


@dataclass(frozen=True)
class Roles:
    """Names of the columns of a table; empty ones are guessed or not there."""

    source: str = ""
    target: str = ""
    validation: str = ""
    text: str = ""


@dataclass(frozen=True, eq=False)
class SourceTable:
    """Features, target, source and trust of each row.

    Parameters
    ----------
    features : DataFrame, shape (n, p)
        Its index holds the rows of the file.
    texts : Series or None
    y : array, shape (n,)
    group : array of int, shape (n,)
        Place in `names`; -1 where a trusted row has no source.
    trusted : array of bool, shape (n,), or None
        None where a share of the rows is to be trusted.
    names, classes : tuple of str
    target, name, sha256 : str
    notes : tuple of str
    """

    features: pd.DataFrame
    texts: pd.Series | None
    y: np.ndarray
    group: np.ndarray
    trusted: np.ndarray | None
    names: tuple[str, ...]
    classes: tuple[str, ...]
    target: str
    name: str
    sha256: str
    notes: tuple[str, ...]


def read_sources(data: str | Path, roles: Roles, *, task: str = "auto") -> SourceTable:
    """Read a table of several sources.

    Parameters
    ----------
    data : str or Path
        A CSV, TSV or Parquet file.
    roles : Roles
        `source` without a name takes a column called so; `validation` marks trusted rows with
        yes or 1; `text` is turned into frequencies of words.
    task : {"auto", "number", "class"}
        "auto": a number where the target holds more than twenty different ones.

    Raises
    ------
    ValueError, FileNotFoundError
        Naming what cannot be read and the remedy.
    """
    check.one_of(TASKS, task=task)
    opened = open_table(data, {})
    frame = opened.frame.rename(columns=str)
    source = _named(frame, roles.source, "source", ("source", "corpus", "domain", "origin"))
    target = _named(frame, roles.target, "target", NAMES)
    for role, name in (("validation", roles.validation), ("text", roles.text)):
        if name:
            _named(frame, name, role, ())
    notes = [*opened.notes]
    _refuse_twice({"source": source, "target": target, "validation": roles.validation,
                   "text": roles.text})
    trusted = _trust(frame[roles.validation], notes) if roles.validation else None
    y, classes, known = _target(frame[target], task, opened)
    groups = words_of(frame[source])
    kept = known & (groups.notna() if trusted is None else groups.notna() | trusted)
    gone = int((~kept).sum())
    if gone:
        notes.append(f"{gone} {'row' if gone == 1 else 'rows'} without a target or a source "
                     f"{'was' if gone == 1 else 'were'} left out.")
    names = _names(groups[kept & ~trusted] if trusted is not None else groups[kept])
    place = {name: at for at, name in enumerate(names)}
    group = groups.map(place).fillna(-1).astype(int)
    used = [name for name in (source, target, roles.validation, roles.text) if name]
    features, told = _features(frame[kept].drop(columns=used), y[kept], opened,
                               wanted=not roles.text)
    texts = frame.loc[kept, roles.text].fillna("").astype(str) if roles.text else None
    return SourceTable(features, texts, y[kept].to_numpy(), group[kept].to_numpy(),
                       None if trusted is None else trusted[kept].to_numpy(), names, classes,
                       target, opened.name, opened.sha256, (*notes, *told))


def _named(frame: pd.DataFrame, name: str, role: str, usual: tuple[str, ...]) -> str:
    known = [str(one) for one in frame]
    if name in known:
        return name
    words = {one.casefold().strip(): one for one in known}
    found = next((words[word] for word in usual if word in words), "")
    if found and not name:
        return found
    told = ", ".join(known[:MANY]) + (" ..." if len(known) > MANY else "")
    raise ValueError(f"{role} must name a column of the data, got {name!r}."
                     f"{check.suggestion(name, known) if name else ''} Columns: {told}.")


def _refuse_twice(named: Mapping[str, str]) -> None:
    """Refuse a column that has two roles."""
    before: dict[str, str] = {}
    for role, name in named.items():
        if name and name in before:
            raise ValueError(f"{role} must name another column than {before[name]}, got {name!r} "
                             "for both. Name two columns.")
        before[name] = role


def _trust(column: pd.Series, notes: list[str]) -> pd.Series:
    words = words_of(column).astype(object)
    small = words.where(words.isna(), words.astype(str).str.casefold())
    bad = small.notna() & ~small.isin(TRUSTED | NOT_TRUSTED)
    if bad.any():
        raise ValueError(f"validation must hold yes or no, 1 or 0, but column {column.name!r} "
                         f"holds {words[bad].iloc[0]!r} in row {words.index[bad][0]}. Name "
                         "another column, or leave it empty and pass a share.")
    found = small.isin(TRUSTED)
    notes.append(f"{int(found.sum())} rows are trusted by column {column.name!r}; half of them "
                 "teach the weights and half test, another half for each seed.")
    if not found.any():
        raise ValueError(f"validation must mark some rows with yes or 1, but column "
                         f"{column.name!r} marks none. Mark trusted rows, or pass a share.")
    return found


def _target(column: pd.Series, task: str, opened: Opened
            ) -> tuple[pd.Series, tuple[str, ...], pd.Series]:
    """Numbers or class places, the classes, and which rows have one."""
    words = words_of(column)
    filled = words.dropna().astype(str)
    numbers, _ = numbers_in(filled, commas=opened.delimiter == ";")
    is_number = task == "number" or (task == "auto" and numbers.notna().mean() > 0.9
                                     and filled.nunique() > MANY)
    if is_number:
        found = numbers.reindex(words.index).astype(float)
        if found.nunique() < 2:
            raise ValueError(f"target must hold numbers that vary, but {column.name!r} has "
                             f"{found.nunique()} different ones. Name another column.")
        return found.fillna(0.0), (), found.notna()
    classes = tuple(sorted(filled.unique()))
    if not 2 <= len(classes) <= MOST_CLASSES:
        raise ValueError(f"target must hold 2 to {MOST_CLASSES} classes, or more than {MANY} "
                         f"different numbers, but {column.name!r} holds {len(classes)} different "
                         "values. Name another column, or group its values.")
    places: Mapping[str, int] = {name: at for at, name in enumerate(classes)}
    return words.map(places).fillna(0).astype(int), classes, words.notna()


def _names(groups: pd.Series) -> tuple[str, ...]:
    names = sorted(groups.dropna().astype(str).unique())
    if len(names) < 2:
        raise ValueError(f"source must hold at least 2 sources with training rows, got "
                         f"{names or 'none'}. There is nothing to weigh: name another column.")
    if len(names) > MOST_SOURCES:
        raise ValueError(f"source must hold at most {MOST_SOURCES} sources, got {len(names)}. "
                         "Name another column, or group its values.")
    return tuple(names)


def _features(frame: pd.DataFrame, y: pd.Series, opened: Opened, *, wanted: bool
              ) -> tuple[pd.DataFrame, list[str]]:
    found, notes = usable_features(frame, y, opened)
    if found.empty and wanted:
        raise ValueError("data must have a feature beside target and source, but none is left. "
                         f"{' '.join(notes)} Add one, or name a column of text.")
    return found, notes
