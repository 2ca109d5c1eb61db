"""Make balanced classes unequal, the way benchmarks of rare classes do: in a step, or smoothly.

Class 0 keeps the most rows and the last class the fewest, `factor` times fewer. "step" splits the
classes into a common half and a rare half; "exp" takes the same share away from class to class.

Source: K. Cao, C. Wei, A. Gaidon, N. Arechiga, T. Ma, "Learning Imbalanced Datasets with
Label-Distribution-Aware Margin Loss", NeurIPS (2019).
"""

from typing import Any

import numpy as np

from workbench.core import check

__all__ = ["PROFILES", "imbalanced_counts", "subsample_imbalanced"]

PROFILES = ("step", "exp")
SLACK = 1e-9             # of a power that ought to be whole


def imbalanced_counts(classes: int, largest: int, factor: float,
                      profile: str = "step") -> np.ndarray:
    """Rows of each class.

    Parameters
    ----------
    classes, largest : int > 0
        Number of classes, and rows of the first one.
    factor : float >= 1
        Rows of the first class over those of the last.
    profile : {"step", "exp"}

    Returns
    -------
    counts : array of int, shape (classes,)
        Rounded down, but at least one.

    Raises
    ------
    ValueError
        If a number is out of range or the profile unknown.

    Examples
    --------
    >>> imbalanced_counts(10, 5000, 100, "exp").tolist()
    [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50]
    """
    check.one_of(PROFILES, profile=profile)
    check.whole(1, classes=classes, largest=largest)
    if not check.holds(lambda number: 1 <= number < np.inf, factor):
        raise ValueError(f"factor must be >= 1, got {factor!r}. Pass how many times more rows the "
                         "largest class has than the smallest; 1 for equal classes.")
    at = np.arange(classes)
    share = np.where(at < classes / 2, 1.0, 1 / factor) if profile == "step" else (
        float(factor) ** (-at / max(classes - 1, 1)))
    counts: np.ndarray = np.maximum(1, np.floor(largest * share + SLACK)).astype(np.int64)
    return counts


def subsample_imbalanced(y: Any, profile: str = "step", factor: float = 10.0, *,
                         largest: int | None = None,
                         rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Choose rows so that the classes become unequal.

    Parameters
    ----------
    y : array of int, shape (n,)
        Classes 0 to c - 1, each with a row.
    profile : {"step", "exp"}
    factor : float >= 1
    largest : int > 0, optional
        Rows of the first class; without, as many as the smallest class of `y` has.
    rng : numpy.random.Generator
        Orders the rows of each class. From the same state a larger factor takes rows that a
        smaller one took too, the first ones of the same orders.

    Returns
    -------
    index : array of int
        Rows that are kept, in their old order.
    counts : array of int, shape (c,)

    Raises
    ------
    ValueError
        If a class has no row, or fewer than it would have to keep.

    Examples
    --------
    >>> y = np.arange(40) % 4
    >>> index, counts = subsample_imbalanced(y, factor=5, rng=np.random.default_rng(0))
    >>> counts.tolist(), np.bincount(y[index]).tolist()
    ([10, 10, 2, 2], [10, 10, 2, 2])
    """
    labels = np.asarray(y)
    if labels.ndim != 1 or not len(labels) or labels.dtype.kind not in "iu" or labels.min() < 0:
        raise ValueError("y must be whole class numbers >= 0, shape (n,), got "
                         f"{labels.dtype} of shape {labels.shape}. Number the classes from 0.")
    there = np.bincount(labels)
    if not there.min():
        raise ValueError(f"y must hold each class from 0 to {len(there) - 1}, but class "
                         f"{int(there.argmin())} has no row. Number the classes without gaps.")
    counts = imbalanced_counts(len(there), int(there.min() if largest is None else largest),
                               factor, profile)
    short = np.flatnonzero(counts > there)
    if len(short):
        at = int(short[0])
        raise ValueError(f"largest must leave each class enough rows, but class {at} has "
                         f"{there[at]} of {counts[at]}. Pass at most {there.min()}.")
    kept = [rng.permutation(np.flatnonzero(labels == each))[:count]
            for each, count in enumerate(counts)]
    return np.sort(np.concatenate(kept)), counts
