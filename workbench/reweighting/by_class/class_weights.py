"""Weights of classes by how many rows they have.

Source: Y. Cui, M. Jia, T.-Y. Lin, Y. Song, S. Belongie, "Class-Balanced Loss Based on Effective
Number of Samples", CVPR (2019).
"""

from typing import Any

import numpy as np

from workbench.core import check

__all__ = ["NORMALISATIONS", "checked_counts", "class_balanced_weights", "class_counts",
           "emphasised_weights", "rare_classes"]

NORMALISATIONS = ("class", "sample", "raw")


def class_balanced_weights(counts: Any, beta: float, *, normalise: str = "class") -> np.ndarray:
    """Weights of classes by the effective number of their rows, ``(1 - beta^n) / (1 - beta)``.

    Parameters
    ----------
    counts : array of int >= 1, shape (c,)
    beta : float in [0, 1)
        Zero weighs all classes alike; towards one, weights become inverse to counts.
    normalise : {"class", "sample", "raw"}
        "class": weights sum to c. "sample": their mean over the rows is one. "raw": one over
        the effective number.

    Returns
    -------
    weights : array, shape (c,)

    Raises
    ------
    ValueError
        If a number is out of range.

    Examples
    --------
    >>> class_balanced_weights([100, 10], 0.99).round(4).tolist()
    [0.2621, 1.7379]
    """
    n = checked_counts(counts)
    check.one_of(NORMALISATIONS, normalise=normalise)
    if not check.holds(lambda share: 0 <= share < 1, beta):
        raise ValueError(f"beta must lie in [0, 1), got {beta!r}. Pass 0 for equal weights, "
                         "0.999 for about a thousand rows in the largest class.")
    if beta == 0:
        return np.ones(len(n))
    # 1 - beta^n by way of expm1, which keeps its digits where beta^n is close to one
    return _normalised((1 - beta) / -np.expm1(n * np.log(beta)), n, normalise)


def emphasised_weights(counts: Any, emphasis: float, *, rare_below: float = 0.5,
                       normalise: str = "class") -> np.ndarray:
    """Weight one for common classes and `emphasis` for rare ones.

    Parameters
    ----------
    counts : array of int >= 1, shape (c,)
    emphasis : float > 0
    rare_below : float in (0, 1]
        See `rare_classes`.
    normalise : {"class", "sample", "raw"}
        As of `class_balanced_weights`. "raw" leaves one and `emphasis`, which makes the steps of
        training larger too.

    Examples
    --------
    >>> emphasised_weights([100, 10], 3.0).tolist()
    [0.5, 1.5]
    """
    n = checked_counts(counts)
    if not check.holds(lambda number: 0 < number < np.inf, emphasis):
        raise ValueError(f"emphasis must be positive and finite, got {emphasis!r}. Pass 1 for "
                         "equal weights.")
    check.one_of(NORMALISATIONS, normalise=normalise)
    if emphasis == 1:
        return np.ones(len(n))
    return _normalised(np.where(rare_classes(n, rare_below), float(emphasis), 1.0), n, normalise)


def rare_classes(counts: Any, rare_below: float = 0.5) -> np.ndarray:
    """Which classes are rare: those with fewer rows than a share of the largest class.

    Parameters
    ----------
    counts : array of int >= 1, shape (c,)
    rare_below : float in (0, 1]

    Examples
    --------
    >>> rare_classes([100, 60, 10]).tolist()
    [False, False, True]
    """
    n = checked_counts(counts)
    if not check.holds(lambda share: 0 < share <= 1, rare_below):
        raise ValueError(f"rare_below must lie in (0, 1], got {rare_below!r}. Pass a share of the "
                         "largest class, such as 0.5.")
    rare: np.ndarray = n < rare_below * n.max()
    return rare


def class_counts(y: Any, classes: int | None = None) -> np.ndarray:
    """Rows of each class 0 to c - 1, shape (c,); `classes` adds those without a row at the end.

    Raises
    ------
    ValueError
        If `y` holds anything but whole numbers from zero.
    """
    labels = np.asarray(y.numpy(force=True) if hasattr(y, "numpy") else y)
    if labels.ndim != 1 or not len(labels) or labels.dtype.kind not in "iu" or labels.min() < 0:
        raise ValueError("y must be whole class numbers >= 0, shape (n,), got "
                         f"{labels.dtype} of shape {labels.shape}. Number the classes from 0.")
    if classes is not None and labels.max() >= classes:
        raise ValueError(f"y must lie in 0 to {classes - 1}, got {labels.max()}. Pass more "
                         "classes.")
    return np.bincount(labels, minlength=classes or 0)


def checked_counts(counts: Any) -> np.ndarray:
    """Counts as floats.

    Raises
    ------
    ValueError
        If one is below one or not whole, or there are fewer than two.
    """
    n = check.floats(counts=counts)
    if n.ndim != 1 or len(n) < 2 or not (np.isfinite(n).all() and n.min() >= 1
                                         and (n == n.round()).all()):
        raise ValueError("counts must hold at least two numbers >= 1, whole, one for each class, "
                         f"got {n.tolist()}. Leave out classes without a row.")
    return n


def _normalised(raw: np.ndarray, counts: np.ndarray, normalise: str) -> np.ndarray:
    if normalise == "raw":
        return raw
    scale = raw.mean() if normalise == "class" else raw @ counts / counts.sum()
    weights: np.ndarray = raw / scale
    return weights
