"""The door for tables with classes to predict: binary or several, any features.

Columns become numbers or categories; what is dropped or interpreted is told in a note; missing
features stay missing.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from workbench.core import check
from workbench.datasets.features import digest, read_feature, useless
from workbench.datasets.files import Opened
from workbench.datasets.shipped import open_table
from workbench.datasets.words import words_of

__all__ = ["ClassTable", "by_size", "load_class_table", "read_features", "target_column",
           "usable_features"]

NAMES = ("target", "label", "class", "y", "outcome", "diagnosis", "species", "category",
         "response", "status")
MOST_CLASSES = 20
FEWEST_OF_CLASS = 5
FEWEST = 40
SHOWN = 20


@dataclass(frozen=True, eq=False)
class ClassTable:
    """Features and classes.

    Parameters
    ----------
    features : DataFrame, shape (n, p)
        Floats, and objects for categories; NaN where missing. Its index holds the rows of the
        file.
    y : array of int, shape (n,)
        Position of each class in `classes`.
    classes : tuple of str
    target, name, origin, sha256 : str
    notes : tuple of str
    """

    features: pd.DataFrame
    y: np.ndarray
    classes: tuple[str, ...]
    target: str
    name: str
    origin: str
    sha256: str
    notes: tuple[str, ...]


def load_class_table(data: str | Path, *, target: str = "") -> ClassTable:
    """Read a table with a column of classes.

    Parameters
    ----------
    data : str or Path
        A CSV, TSV or Parquet file.
    target : str
        Column of the classes; empty takes one with a usual name, or the last with few values.

    Raises
    ------
    ValueError, FileNotFoundError
        If there are fewer than two classes of five rows, more than twenty, or no feature.
    """
    opened = open_table(data, {})
    frame = opened.frame.rename(columns=str)
    chosen = target_column(frame, target)
    notes = [*opened.notes, *([] if target else [
        f"The target is column {chosen!r}; pass target= for another."])]
    words = words_of(frame[chosen])
    counts = words.value_counts()
    rare = counts[counts < FEWEST_OF_CLASS]
    classes = sorted((str(one) for one in counts.index if one not in rare.index), key=by_size)
    _enough(classes, counts, chosen)
    gone = int(words.isna().sum())
    if gone:
        notes.append(f"{gone} {'row' if gone == 1 else 'rows'} without a class "
                     f"{'was' if gone == 1 else 'were'} left out.")
    if len(rare):
        notes.append(f"Classes with fewer than {FEWEST_OF_CLASS} rows were left out: "
                     f"{', '.join(map(repr, rare.index[:SHOWN]))}.")
    kept = words[words.isin(classes)]
    if len(kept) < FEWEST:
        raise ValueError(f"data must give at least {FEWEST} rows with a class, to learn from and "
                         f"to test on, but {len(frame)} rows gave {len(kept)}. Add rows.")
    y = kept.map({name: place for place, name in enumerate(classes)}).astype(int)
    features, read = read_features(frame.loc[kept.index].drop(columns=chosen), y, opened)
    return ClassTable(features, y.to_numpy(), tuple(classes), chosen, opened.name, opened.origin,
                      opened.sha256, (*notes, *read))


def target_column(frame: pd.DataFrame, target: str) -> str:
    """The column of the classes: the one named, one with a usual name, or one with few values."""
    known = list(frame.columns)
    if target:
        if target not in known:
            told = ", ".join(known[:SHOWN]) + (" ..." if len(known) > SHOWN else "")
            raise ValueError(f"target must name a column of the data, got {target!r}."
                             f"{check.suggestion(target, known)} Columns: {told}.")
        return target
    words = {name.casefold().strip(): name for name in known}
    for word in NAMES:
        if word in words:
            return words[word]
    few = [name for name in known if 2 <= words_of(frame[name]).nunique() <= MOST_CLASSES]
    return few[-1] if few else known[-1]


def by_size(word: str) -> tuple[float, str]:
    """Numbers by size, then words."""
    number = pd.to_numeric(pd.Series([word]), errors="coerce").iloc[0]
    return (np.inf if pd.isna(number) else float(number), word)


def _enough(classes: list[str], counts: pd.Series, target: str) -> None:
    if len(counts) > MOST_CLASSES:
        raise ValueError(f"target must be one of at most {MOST_CLASSES} classes, but {target!r} "
                         f"holds {len(counts)} different values. Name another column, or group "
                         "its values; numbers are predicted by quantile_aggregation.")
    if len(classes) < 2:
        told = ", ".join(f"{name!r} {count}" for name, count in counts.items())
        raise ValueError(f"target must hold at least 2 classes of {FEWEST_OF_CLASS} rows each, "
                         f"but {target!r} holds {told or 'nothing'}. Name another column.")


def usable_features(frame: pd.DataFrame, y: pd.Series, opened: Opened
                    ) -> tuple[pd.DataFrame, list[str]]:
    """Columns that can tell rows apart, as numbers and categories, and what was left out."""
    found: dict[str, pd.Series] = {}
    seen: dict[bytes, str] = {}
    notes: list[str] = []
    for name in frame:
        feature = read_feature(frame[name], commas=opened.delimiter == ";")
        why = "" if feature.values is None else useless(
            feature.values, y.astype(float), seen, plain=not feature.notes)
        notes += [*feature.notes, *([f"Column {name!r} was left out: {why}."] if why else [])]
        if feature.values is not None and not why:
            found[str(name)] = feature.values
            seen[digest(feature.values)] = str(name)
    return pd.DataFrame(found, index=frame.index), notes


def read_features(frame: pd.DataFrame, y: pd.Series, opened: Opened
                  ) -> tuple[pd.DataFrame, list[str]]:
    """Columns as numbers and categories, and what was read or left out, one sentence each."""
    found, notes = usable_features(frame, y, opened)
    if found.empty:
        raise ValueError("data must have a feature beside the target, but none is left. "
                         f"{' '.join(notes)} Add a column of numbers or categories.")
    missing = {str(name): int(values.isna().sum()) for name, values in found.items()}
    listed = ", ".join(f"{name!r} {count}" for name, count in missing.items() if count)
    if listed:
        notes.append("Missing cells of features, filled with the median of the training rows and "
                     f"marked: {listed}, of {len(frame)} rows.")
    return found, notes
