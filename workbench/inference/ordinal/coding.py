"""Ordered labels as numbers: which order they have, and what cannot be an ordered outcome."""

import warnings
from collections.abc import Collection, Hashable, Sequence, Set
from typing import Any

import numpy as np
import pandas as pd

from workbench.core import check

__all__ = ["OrderWarning", "coded", "labels_of", "order_of"]

SHOWN = 12
MOST = 200               # classes; more are a number to be predicted


class OrderWarning(UserWarning):
    """Labels of text were put into alphabetical order, which may not be theirs."""


def order_of(y: Any) -> list[Any] | None:
    """The order that an ordered Categorical brings, or none."""
    kind = getattr(_column(y), "dtype", None)
    ordered = isinstance(kind, pd.CategoricalDtype) and kind.ordered
    return list(kind.categories) if ordered else None  # type: ignore[union-attr]


def labels_of(y: Any) -> Any:
    """Labels as they are, but Python objects as what they all are: numbers, text, dates.

    Raises
    ------
    ValueError
        If a label is missing, or numbers stand among text.
    """
    if y is None or np.asarray(_column(y)).dtype.kind != "O":
        return y
    labels = pd.Series(np.asarray(_column(y)).ravel())
    missing = np.flatnonzero(labels.isna())
    if missing.size:
        raise ValueError(f"y must have a label in every row, got {missing.size} without, the "
                         f"first at position {missing[0]}. Drop those rows, or name a class for "
                         "them.")
    kinds = sorted({type(label).__name__ for label in labels})
    if len(kinds) > 1 and "str" in kinds:
        raise ValueError(f"y must hold labels of one kind, got {' and '.join(kinds)}. Turn all "
                         "into text, such as by y.astype(str).")
    return labels.infer_objects().to_numpy()


def coded(y: Any, order: Sequence[Any] | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Classes in their order, and the place of each label.

    Parameters
    ----------
    y : array or Series, shape (n,)
        Numbers, text, or an ordered Categorical, which brings its order.
    order : sequence of labels, optional
        From the first stage to the last, the rare one.

    Returns
    -------
    classes : array, shape (k,)
    codes : array of int, shape (n,)

    Raises
    ------
    ValueError
        If a label is missing from `order`, or a class has no row.
    """
    order = order_of(y) if order is None else order
    labels = np.asarray(y)
    _checked_number(len(pd.unique(labels)))
    if order is None:
        classes, codes = np.unique(labels, return_inverse=True)
        if labels.dtype.kind in "OUS" and len(classes) > 2:
            told = " < ".join(map(str, classes[:SHOWN]))
            warnings.warn(f"labels are text, so they were taken in alphabetical order: {told}. "
                          "Pass order=[...] from the first stage to the last, or an ordered "
                          "Categorical.", OrderWarning, stacklevel=3)
        return classes, codes.ravel()
    return _in_order(labels, _listed(order))


def _column(y: Any) -> Any:
    return y.iloc[:, 0] if isinstance(y, pd.DataFrame) and y.shape[1] == 1 else y


def _checked_number(classes: int) -> None:
    if classes > MOST:
        raise ValueError(f"y must have at most {MOST} classes, got {classes}. Divide it into "
                         "stages first, or predict it as a number.")


def _listed(order: Any) -> list[Any]:
    plain = isinstance(order, Collection) and not isinstance(order, str | Set | dict)
    labels = np.asarray(order).tolist() if isinstance(order, np.ndarray) else (
        list(order) if plain else [])
    if not labels or not all(isinstance(label, Hashable) for label in labels):
        raise ValueError(f"order must be a list of labels from the first stage to the last, got "
                         f"{order!r}. Pass order=['mild', 'ill', 'dead'], or None for labels that "
                         "sort themselves.")
    return labels


def _in_order(labels: np.ndarray, order: list[Any]) -> tuple[np.ndarray, np.ndarray]:
    if len(set(order)) < len(order):
        raise ValueError(f"order must name each label once, got {order!r}. Drop the repeats.")
    place = {label: at for at, label in enumerate(order)}
    found = list(dict.fromkeys(labels.tolist()))
    strange = [label for label in found if label not in place]
    if strange:
        raise ValueError(f"order must name every label of y, but {strange[0]!r} is not among "
                         f"{order!r}.{check.suggestion(strange[0], map(str, order))} Add it where "
                         "it belongs.")
    absent = [label for label in order if label not in set(found)]
    if absent:
        raise ValueError(f"y must have a row of every class in the order, got none of "
                         f"{absent[0]!r}. Leave it out of the order, or remove the unused "
                         "category.")
    classes = np.array(order, dtype=labels.dtype if labels.dtype.kind != "O" else object)
    return classes, np.array([place[label] for label in labels.tolist()], dtype=np.intp)
