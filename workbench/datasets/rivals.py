"""The door for tables on which models are compared: features, scores, or predictions.

A table has features and a target, to fit models on; or the scores of models, one column each and
one row per data set, fold or seed; or what models predict, one column each beside the truth. Which
it is can be said, or is recognised and told in a note.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from workbench.core import check
from workbench.datasets import cells
from workbench.datasets.features import digest, read_feature, useless
from workbench.datasets.files import Opened
from workbench.datasets.numbers import read_numbers
from workbench.datasets.regression import REGRESSION_TABLES
from workbench.datasets.rival_columns import (
    class_labels,
    enough_rows,
    foreign_labels,
    left_out,
    same_spelling,
    two_models,
    varying_numbers,
)
from workbench.datasets.rival_kinds import (
    KINDS,
    model_columns,
    recognised,
    rows_are_splits,
    truth_column,
)
from workbench.datasets.shipped import open_table

__all__ = ["RIVAL_TABLES", "Rivals", "load_rivals"]

FITTED = ("wine", "breast_cancer", "iris")          # that scikit-learn brings
SCORED = {"uci_classifiers": "uci-accuracies/uci_classifiers.csv",
          "anneal_folds": "uci-accuracies/anneal_folds.csv"}
RIVAL_TABLES = {
    "wine": "178 wines of 3 growers, 13 measurements; models are fitted",
    "breast_cancer": "569 tumours, benign or malignant, 30 measurements; models are fitted",
    "iris": "150 irises of 3 species, 4 measurements; models are fitted",
    "uci_classifiers": "accuracies of 5 classifiers on 54 data sets [percent]",
    "anneal_folds": "accuracies of 5 classifiers on 100 folds of one data set [percent]",
}


@dataclass(frozen=True, eq=False)
class Rivals:
    """A table on which models are compared.

    Parameters
    ----------
    kind : {"features", "scores", "predictions"}
    features : DataFrame, shape (n, p), or None
        Floats, and objects for categories; NaN where missing.
    y : array, shape (n,), or None
        Labels as text, or numbers where models are to predict numbers.
    columns : DataFrame, shape (n, k), or None
        Scores as floats, or predicted labels as text, one column per model.
    target : str
        Column of the truth; empty for scores.
    opened : Opened
        Name of the data, where they were read, checksum of the file.
    notes : tuple of str
        Every interpretation and everything left out, one sentence each.
    splits : bool
        Whether the rows of scores are splits of one data set, as a column of folds, runs or seeds
        tells; else each is a data set of its own.
    """

    kind: str
    features: pd.DataFrame | None
    y: np.ndarray | None
    columns: pd.DataFrame | None
    target: str
    opened: Opened
    notes: tuple[str, ...]
    splits: bool = False


def load_rivals(data: str | Path, *, kind: str = "auto", target: str = "",
                models: Sequence[str] = (), numbers: bool = False) -> Rivals:
    """Read a table on which models are compared.

    Parameters
    ----------
    data : str or Path
        One of `RIVAL_TABLES` or `REGRESSION_TABLES`, or a CSV, TSV or Parquet file.
    kind : {"auto", "features", "scores", "predictions"}
    target : str
        Column of labels, of the truth beside predictions; empty takes one with a usual name, or
        the last one of a table of features.
    models : sequence of str
        Columns of the models, of scores or predictions; none takes all that can be.
    numbers : bool
        Whether the target of features is a number to predict instead of a label.

    Raises
    ------
    ValueError, FileNotFoundError
        Naming what cannot be read, its first row and the remedy.

    Examples
    --------
    >>> load_rivals("uci_classifiers").columns.shape
    (54, 5)
    """
    check.one_of(("auto", *KINDS), kind=kind)
    opened = _opened(data)
    frame = opened.frame.rename(columns=str)
    _known(frame, target=target, **{f"model {at}": name for at, name in enumerate(models, 1)})
    told: list[str] = []
    if kind == "auto":
        kind, told = recognised(frame, target, models, fitted=opened.name in FITTED)
    read = {"features": _features, "scores": _scores, "predictions": _predictions}[kind]
    return read(frame, opened, target, models if kind != "features" else (),
                [*opened.notes, *told], numbers=numbers)


def _opened(data: str | Path) -> Opened:
    name = str(data).strip()
    if name not in FITTED:
        shipped = {each: f"uci-regression/{each}.csv" for each in REGRESSION_TABLES}
        return open_table(data, SCORED | shipped | dict.fromkeys(FITTED, ""))
    from sklearn import datasets

    bunch = getattr(datasets, f"load_{name}")(as_frame=True)
    frame = bunch.data.rename(columns=lambda told: str(told).replace(" (cm)", "").replace(
        " ", "_")).assign(label=bunch.target_names[bunch.target])
    frame.index = pd.RangeIndex(2, len(frame) + 2)
    content = hashlib.sha256(frame.to_csv(index=False).encode()).hexdigest()
    return Opened(frame, name, f"scikit-learn, load_{name}", content, typed=True)


def _known(frame: pd.DataFrame, **named: str) -> None:
    known = list(frame.columns)
    problems = [f"{role} must name a column of the data, got {name!r}."
                f"{check.suggestion(name, known)}"
                for role, name in named.items() if name and name not in known]
    if problems:
        told = ", ".join(known[:20]) + (" ..." if len(known) > 20 else "")
        raise ValueError(" ".join([*problems, f"Columns: {told}."]))


def _features(frame: pd.DataFrame, opened: Opened, target: str,
              models: Sequence[str], notes: list[str], *, numbers: bool) -> Rivals:
    del models
    chosen = target or truth_column(frame) or frame.columns[-1]
    if not target:
        notes.append(f"The target is the column {chosen!r}; pass target= for another.")
    y, told = varying_numbers(frame[chosen], typed=opened.typed, commas=opened.delimiter == ";"
                              ) if numbers else class_labels(frame[chosen])
    kept = frame.loc[y.index]
    enough_rows(len(kept), len(frame), "features")
    codes = y if numbers else pd.Series(pd.factorize(y)[0].astype(float), y.index)
    found: dict[str, pd.Series] = {}
    seen: dict[bytes, str] = {}
    for name in (column for column in kept.columns if column != chosen):
        feature = read_feature(kept[name], commas=opened.delimiter == ";")
        why = "" if feature.values is None else useless(feature.values, codes, seen,
                                                        plain=not feature.notes)
        notes += [*feature.notes, *([f"Column {name!r} was left out: {why}."] if why else [])]
        if feature.values is not None and not why:
            found[name] = feature.values
            seen[digest(feature.values)] = name
    if not found:
        raise ValueError(f"data must have a feature beside the target {chosen!r}, but none is "
                         f"left. {' '.join(notes)} Add a column of numbers or categories.")
    features = pd.DataFrame(found)
    missing = int(features.isna().sum().sum())
    if missing:
        notes.append(f"{missing} missing cells of features are filled by each fit from its own "
                     "training rows.")
    return Rivals("features", features, y.to_numpy(), None, chosen, opened,
                  (*notes, *told, *left_out(len(frame) - len(kept), "target")))


def _scores(frame: pd.DataFrame, opened: Opened, target: str,
            models: Sequence[str], notes: list[str], *, numbers: bool) -> Rivals:
    del target, numbers
    names = list(models) or model_columns(frame)
    if len(names) < 2:
        raise ValueError(two_models("scores", names, model_columns(frame), asked=bool(models)))
    read = {}
    for name in names:
        read[name], told = read_numbers(frame[name], typed=opened.typed,
                                        commas=opened.delimiter == ";")
        notes += told
    table = pd.DataFrame(read)
    kept = table.dropna()
    enough_rows(len(kept), len(frame), "scores")
    if not models:
        notes.append(f"Scores of {len(names)} models: {', '.join(names[:8])}"
                     f"{', ...' * (len(names) > 8)}.")
    return Rivals("scores", None, None, kept, "", opened,
                  (*notes, *left_out(len(table) - len(kept), "score of each model")),
                  splits=rows_are_splits(frame))


def _predictions(frame: pd.DataFrame, opened: Opened, target: str,
                 models: Sequence[str], notes: list[str], *, numbers: bool) -> Rivals:
    del numbers
    chosen = target or truth_column(frame)
    if not chosen:
        raise ValueError("target must name the column of the truth beside predictions, got none, "
                         f"and no column has a usual name. Columns: {', '.join(frame.columns)}.")
    names = [name for name in (models or model_columns(frame, labels=True)) if name != chosen]
    if len(names) < 2:
        known = [name for name in model_columns(frame, labels=True) if name != chosen]
        raise ValueError(two_models(f"predictions beside the truth {chosen!r}", names, known,
                                    asked=bool(models)))
    if not target:
        notes.append(f"The truth is the column {chosen!r}; pass target= for another.")
    table = same_spelling(pd.DataFrame(
        {name: cells.stripped(frame[name]) for name in (chosen, *names)}), chosen)
    kept = table.dropna()
    enough_rows(len(kept), len(frame), "predictions")
    notes += foreign_labels(kept, chosen)
    if not models:
        notes.append(f"Predictions of {len(names)} models: {', '.join(names[:8])}"
                     f"{', ...' * (len(names) > 8)}.")
    return Rivals("predictions", None, kept[chosen].to_numpy(object), kept[names], chosen, opened,
                  (*notes, *left_out(len(table) - len(kept), "label of each column")))
