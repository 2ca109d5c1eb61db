"""Recognise what a table for a comparison of models holds, by its columns."""

from collections.abc import Sequence

import pandas as pd

from workbench.datasets import cells
from workbench.datasets.features import numbers_in

__all__ = ["KINDS", "model_columns", "recognised", "rows_are_splits", "truth_column"]

KINDS = ("features", "scores", "predictions")
TRUTH = ("truth", "y_true", "actual", "gold", "target", "label", "labels", "class", "y")
SPLITS = ("fold", "run", "seed", "repeat", "split", "replication", "iteration", "trial")
COUNTERS = frozenset({*SPLITS, "id", "index", "row", "unnamed: 0", ""})
MOST_LABELS = 50
MANY_ROWS = 20           # from which labels cannot all differ


def recognised(frame: pd.DataFrame, target: str, models: Sequence[str], *, fitted: bool
               ) -> tuple[str, list[str]]:
    """Kind of a table, and how that was concluded where nobody said it.

    Parameters
    ----------
    frame : DataFrame
    target : str
        The named column of the truth, or empty.
    models : sequence of str
        Named columns of models, or none.
    fitted : bool
        Whether the table is known to be one to fit models on.
    """
    if fitted:
        return "features", []
    if len(models) >= 2:
        kind = "predictions" if target or truth_column(frame) else "scores"
        return kind, [f"Columns of models were named, so that the table is read as {kind}; pass "
                      "kind= for another reading."]
    truth = target or truth_column(frame)
    if truth:
        if _predicts(frame, truth):
            return "predictions", [f"Every column holds labels of {truth!r}, so that the table is "
                                   "read as predictions; pass kind=features if they are features."]
        return "features", []
    if _scores(frame):
        return "scores", ["All numbers lie in one range and no column has the name of a target, "
                          "so that the table is read as scores; pass kind=features or target= if "
                          "it is none."]
    return "features", []


def truth_column(frame: pd.DataFrame) -> str:
    """A column with the usual name of the truth, or empty."""
    lower = {str(name).strip().lower(): str(name) for name in frame.columns}
    return next((lower[name] for name in TRUTH if name in lower), "")


def rows_are_splits(frame: pd.DataFrame) -> bool:
    """Whether a column counts folds, runs or seeds, so that rows are splits of one data set."""
    return any(str(name).strip().lower() in SPLITS for name in frame.columns)


def model_columns(frame: pd.DataFrame, *, labels: bool = False) -> list[str]:
    """Columns that can be models: all but counters, and only numbers unless labels are asked.

    Of labels, a column whose many cells all differ is left out, too: it names the rows.
    """
    names = [str(name) for name in frame.columns if str(name).strip().lower() not in COUNTERS]
    if labels:
        return [name for name in names if len(frame) < MANY_ROWS or not frame[name].is_unique]
    return [name for name in names if _numbers(frame[name]) is not None]


def _numbers(column: pd.Series) -> pd.Series | None:
    """A column as numbers, if nine tenths of its cells are."""
    if column.dtype.kind in "iufb":
        return column.astype(float)
    own = cells.stripped(column)
    found = numbers_in(own)[0] if own.notna().any() else None
    return found if found is not None and found.notna().sum() >= 0.9 * own.notna().sum() else None


def _predicts(frame: pd.DataFrame, truth: str) -> bool:
    """Whether at least two columns beside the truth hold its labels, and no others are there."""
    known = {*cells.stripped(frame[truth]).dropna()}
    names = [name for name in model_columns(frame, labels=True) if name != truth]
    if not 2 <= len(known) <= MOST_LABELS or len(names) < 2:
        return False
    return all({*cells.stripped(frame[name]).dropna()} <= known for name in names)


def _scores(frame: pd.DataFrame) -> bool:
    """Whether two or more columns of numbers lie in [0, 1], or in [0, 100] close together."""
    numbers = {name: _numbers(frame[name]) for name in model_columns(frame)}
    held = [column.dropna() for column in numbers.values() if column is not None]
    if len(held) < 2 or any(column.empty for column in held):
        return False
    low, high = min(column.min() for column in held), max(column.max() for column in held)
    middles = [float(column.median()) for column in held]
    near = max(middles) <= 2 * min(middles)
    return bool(low >= 0 and near and (high <= 1 or (high <= 100 and min(middles) > 10)))
