"""What every test asks of its arrays, told in one voice."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from workbench.core import check

__all__ = ["alpha_between", "differences", "floats", "rightness", "score_table"]


def floats(**named: Any) -> np.ndarray:
    """One named argument as an array of floats, refused where it holds anything else."""
    ((name, values),) = named.items()
    try:
        return np.asarray(values, dtype=float)
    except (ValueError, TypeError) as trouble:
        raise ValueError(f"{name} must hold numbers in rows of one length, got "
                         f"{str(values)[:60]}. Pass an array of floats.") from trouble


def differences(diffs: Any, *, least: int = 2) -> np.ndarray:
    """Differences of two models' scores as floats, shape (k,).

    Raises
    ------
    ValueError
        If they have another shape, are too few, or one is NaN or infinite.
    """
    found = floats(diffs=diffs)
    if found.ndim != 1:
        raise ValueError(f"diffs must have one axis, got shape {found.shape}. Subtract the scores "
                         "of the second model from those of the first.")
    if found.size < least:
        raise ValueError(f"diffs must hold at least {least} differences, got {found.size}. "
                         "Score both models on more splits.")
    if not np.isfinite(found).all():
        check.finite(diffs=found)
    return found


def rightness(y: Any, predictions: Sequence[Any], *, least: int = 2) -> np.ndarray:
    """Whether each model is right about each row, shape (n, k).

    Raises
    ------
    ValueError
        If there are fewer than `least` models or no rows, if lengths differ, or if a label
        misses.
    """
    if len(predictions) < least:
        raise ValueError(f"predictions must be of at least {least} models, got "
                         f"{len(predictions)}. Pass one array per model.")
    truth = np.asarray(y)
    if not truth.size:
        raise ValueError("y must hold at least one label, got none. Predict some rows.")
    _whole("y", truth)
    right = np.empty((len(truth), len(predictions)), dtype=bool)
    for at, given in enumerate(predictions):
        own = np.asarray(given)
        if own.shape != truth.shape:
            raise ValueError(f"predictions must have the shape of y, {truth.shape}, got "
                             f"{own.shape} for model {at + 1}. Predict the same rows with all.")
        _whole(f"predictions of model {at + 1}", own)
        right[:, at] = own == truth
    return right


def score_table(scores: Any, *, models: int = 2, rows: int = 2) -> np.ndarray:
    """Scores as floats, one row per data set or split and one column per model, shape (n, k)."""
    found = floats(scores=scores)
    if found.ndim != 2 or found.shape[1] < models or found.shape[0] < rows:
        raise ValueError(f"scores must have at least {rows} rows and {models} columns, one per "
                         f"model, got shape {found.shape}. Pass one row per data set or split.")
    if not np.isfinite(found).all():
        check.finite(scores=found, hint="Drop the rows in which a model has no score.")
    return found


def alpha_between(alpha: float) -> None:
    """Refuse a level that is not strictly between 0 and 1."""
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must lie strictly between 0 and 1, got {alpha!r}. Pass 0.05.")


def _whole(name: str, labels: np.ndarray) -> None:
    if labels.ndim != 1:
        raise ValueError(f"{name} must have one axis, got shape {labels.shape}. Pass labels, one "
                         "per row.")
    missing = 0
    if labels.dtype.kind == "f":
        missing = int(np.isnan(labels).sum())
    elif labels.dtype.kind == "O":
        missing = sum(value is None or value != value for value in labels.tolist())
    if missing:
        raise ValueError(f"{name} must have no missing label, got {missing} of {len(labels)}. "
                         "Drop these rows for all models.")
