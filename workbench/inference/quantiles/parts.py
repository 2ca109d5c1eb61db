"""Parts of a table: to learn from, to stop by, to calibrate on, to test on; and its groups.

No row is in two parts. The calibration part is used for nothing but conformal calibration, and
the test part for nothing but the reported numbers.
"""

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["REST", "Groups", "Parts", "binned", "named", "split"]

SHARES = {"test": 0.2, "calibration": 0.2, "validation": 0.12}   # the rest is for training
REST, MISSING = "other", "missing"


@dataclass(frozen=True, eq=False)
class Parts:
    """Positions of the rows of each part, each an array."""

    train: np.ndarray
    validation: np.ndarray
    calibration: np.ndarray
    test: np.ndarray

    @property
    def in_order(self) -> bool:
        """Whether later parts hold later rows."""
        return bool((np.diff(np.concatenate(list(vars(self).values()))) > 0).all())

    def __str__(self) -> str:
        sizes = {name: len(rows) for name, rows in vars(self).items()}
        return (f"{sizes['train']} rows to learn from, {sizes['validation']} to stop by, "
                f"{sizes['calibration']} to calibrate on and {sizes['test']} to test on")


def split(n: int, *, rng: np.random.Generator | None) -> Parts:
    """Divide n rows: 20 % test, 20 % calibration, 12 % validation, the rest training.

    Parameters
    ----------
    n : int
    rng : Generator or None
        Draws the parts; None keeps the order of time: what is tested lies after what is learnt.

    Examples
    --------
    >>> split(100, rng=None).test[:2]
    array([80, 81])
    """
    order = np.arange(n) if rng is None else rng.permutation(n)
    sizes = {name: max(1, round(share * n)) for name, share in SHARES.items()}
    first = n - sum(sizes.values())
    if first < 1:
        raise ValueError(f"n must be at least 4 rows, one for each part, got {n}. Add rows.")
    ends = np.cumsum([first, sizes["validation"], sizes["calibration"]])
    return Parts(*np.split(order, ends))


@dataclass(frozen=True, eq=False)
class Groups:
    """Group of each row, and the names of all groups in the order to show them."""

    labels: np.ndarray
    order: tuple[str, ...]


def binned(values: Any, reference: Any, bins: int) -> Groups:
    """Groups of numbers between quantiles of `reference`.

    Parameters
    ----------
    values, reference : array, shape (n,), (any,)
        Numbers; NaN becomes the group "missing". The reference is the training part.
    bins : int
        Ties make fewer.

    Examples
    --------
    >>> binned([1.0, 9.0], [1, 2, 3, 4], 2).order
    ('up to 2.5', 'above 2.5')
    """
    numbers, known = np.asarray(values, float), np.asarray(reference, float)
    known = known[np.isfinite(known)]
    inner = np.unique(np.quantile(known, np.arange(1, bins) / bins)) if len(known) else known
    inner = inner[inner < known.max()] if len(known) else inner
    told = next(texts for digits in range(4, 18)
                if len(set(texts := [f"{edge:.{digits}g}" for edge in inner])) == len(inner))
    order = [f"{low} to {high}" for low, high in itertools.pairwise(told)]
    order = [f"up to {told[0]}", *order, f"above {told[-1]}"] if told else ["all"]
    labels = np.array(order, dtype=object)[np.searchsorted(inner, numbers, side="left")
                                           * np.isfinite(numbers)]
    labels[~np.isfinite(numbers)] = MISSING
    return Groups(labels, (*order, *[MISSING] * bool((~np.isfinite(numbers)).any())))


def named(values: Any, reference: Any, most: int) -> Groups:
    """Groups of a category or a code: its most frequent values in `reference`, the rest together.

    The group of a row depends on nothing but its value and the reference, so that calibration and
    test rows are divided alike.

    Parameters
    ----------
    values, reference : array, shape (n,), (any,)
        Texts or floats; NaN becomes the group "missing". The reference is the training part.
    most : int
        Groups of the reference at most, the rest included. Values that it lacks are of the rest.
    """
    names, known = pd.Series(_spelled(values)), pd.Series(_spelled(reference))
    counts = known.value_counts()
    kept = list(counts.index[:most if len(counts) <= most else most - 1])
    if np.asarray(reference).dtype.kind == "f":
        kept = sorted(kept, key=lambda name: np.inf if name == MISSING else float(name))
    labels = names.where(names.isin(kept), REST).to_numpy(dtype=object)
    rest = REST not in kept and bool((labels == REST).any())
    return Groups(labels, (*kept, *[REST] * rest))


def _spelled(values: Any) -> list[str]:
    """Names of groups; a code reads 3 even where gaps made it the number 3.0."""
    told = (f"{value:.15g}" if isinstance(value, float) else str(value) for value in values)
    return [MISSING if name == "nan" else name for name in told]
