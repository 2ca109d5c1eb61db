"""What every test asks of its arrays, told in one voice."""

import numbers
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from workbench.core import check

__all__ = ["alpha_between", "at_least_zero", "differences", "floats", "is_real", "level_between",
           "named", "rightness", "score_table", "share", "source"]


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
        if _is_text(own) != _is_text(truth):
            raise ValueError(f"predictions of model {at + 1} must be labels like those of y, "
                             f"{truth[:1].tolist()[0]!r}, got {own[:1].tolist()[0]!r}: text never "
                             "equals a number. Convert one of them.")
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


def is_real(value: Any) -> bool:
    """Whether a value is one number, and no text or bool."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def share(*, hint: str, **named_shares: Any) -> None:
    """Refuse what is no number strictly between 0 and 1."""
    for name, value in named_shares.items():
        if not (is_real(value) and 0 < value < 1):
            raise ValueError(f"{name} must lie strictly between 0 and 1, got {value!r}. {hint}")


def alpha_between(alpha: Any) -> None:
    """Refuse a level that is not strictly between 0 and 1."""
    share(alpha=alpha, hint="Pass 0.05.")


def level_between(level: Any) -> None:
    """Refuse a share of covered truths that is not strictly between 0 and 1."""
    share(level=level, hint="Pass 0.95.")


def at_least_zero(*, hint: str, **amounts: Any) -> None:
    """Refuse what is no finite number of at least 0."""
    for name, value in amounts.items():
        if not (is_real(value) and 0 <= value < float("inf")):
            raise ValueError(f"{name} must be finite and not negative, got {value!r}. {hint}")


def source(rng: Any, why: str) -> np.random.Generator:
    """The generator, refused where it is none."""
    if not isinstance(rng, np.random.Generator):
        raise ValueError(f"rng must be a generator {why}, got {rng!r}. Pass "
                         "numpy.random.default_rng(0).")
    return rng


def named(**predictions: Any) -> Mapping[str, Any]:
    """A mapping of model names to arrays, refused where it is none."""
    ((name, given),) = predictions.items()
    if not isinstance(given, Mapping):
        raise ValueError(f"{name} must map names of models to arrays, got a "
                         f"{type(given).__name__}. Pass for example {{'new': first, 'old': "
                         "second}.")
    return given


def _whole(name: str, labels: np.ndarray) -> None:
    if labels.ndim != 1:
        raise ValueError(f"{name} must have one axis, got shape {labels.shape}. Pass labels, one "
                         "per row.")
    missing = int(pd.isna(labels).sum()) if labels.dtype.kind in "fcOMm" else 0
    if missing:
        raise ValueError(f"{name} must have no missing label, got {missing} of {len(labels)}. "
                         "Drop these rows for all models.")


def _is_text(labels: np.ndarray) -> bool:
    return labels.dtype.kind in "US" or (labels.dtype.kind == "O" and all(
        isinstance(value, str) for value in labels.tolist()))
