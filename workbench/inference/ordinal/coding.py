"""Ordered labels as numbers: which order they have, and what cannot be an ordered outcome."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from workbench.core import check

__all__ = ["OrderWarning", "coded", "order_of"]

SHOWN = 12


class OrderWarning(UserWarning):
    """Labels of text were put into alphabetical order, which may not be theirs."""


def order_of(y: Any) -> list[Any] | None:
    """The order that an ordered Categorical brings, or none."""
    kind = getattr(y, "dtype", None)
    ordered = isinstance(kind, pd.CategoricalDtype) and kind.ordered
    return list(kind.categories) if ordered else None  # type: ignore[union-attr]


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
    if order is None:
        classes, codes = np.unique(labels, return_inverse=True)
        if labels.dtype.kind in "OUS" and len(classes) > 2:
            told = " < ".join(map(str, classes[:SHOWN]))
            warnings.warn(f"labels are text, so they were taken in alphabetical order: {told}. "
                          "Pass order=[...] from the first stage to the last, or an ordered "
                          "Categorical.", OrderWarning, stacklevel=3)
        return classes, codes.ravel()
    return _in_order(labels, list(order))


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
