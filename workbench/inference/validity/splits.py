"""One division of rows into training rows and a holdout, as scikit-learn's searches take it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from workbench.core import generator

__all__ = ["HoldoutSplit", "Rows", "length"]

Rows = tuple[Any, Any]
MOST_CLASSES = 20


@dataclass(frozen=True)
class HoldoutSplit:
    """One division into training rows and holdout, as a ``cv=`` of scikit-learn.

    Parameters
    ----------
    size : float in [0, 1)
        Share of the holdout. 0 yields all rows and an empty holdout, for searches that are given
        training rows only while the scorer keeps the holdout.
    seed : int >= 0
    stratify : bool
        Divide each class alike where the outcome has at most 20 values.

    Examples
    --------
    >>> X, y = np.zeros((10, 1)), np.array([0, 1] * 5)
    >>> ((train, holdout),) = HoldoutSplit(0.4).split(X, y)
    >>> len(train), len(holdout), int(y[holdout].sum())
    (6, 4, 2)
    """

    size: float = 0.5
    seed: int = 0
    stratify: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.size < 1:
            raise ValueError(f"size must lie in [0, 1), got {self.size!r}. Pass 0.5.")

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """One."""
        del X, y, groups
        return 1

    def split(self, X: Any, y: Any = None, groups: Any = None
              ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Places of training rows and of the holdout; whole groups where there are any."""
        n = length(X)
        label = np.arange(n) if groups is None else np.asarray(groups)
        units, place = np.unique(label, return_inverse=True)
        count = round(self.size * len(units))
        if self.size and not 0 < count < len(units):
            raise ValueError(f"size must leave rows on both sides, got {self.size!r} of "
                             f"{len(units)} {'rows' if groups is None else 'groups'}.")
        order = self._order(units, None if groups is not None else y)
        held = np.zeros(len(units), dtype=bool)
        held[order[:count]] = True
        yield np.flatnonzero(~held[place]), np.flatnonzero(held[place])

    def parts(self, X: Any, y: Any, groups: Any = None) -> tuple[Rows, Rows]:
        """Training rows and holdout, each as (X, y)."""
        ((train, holdout),) = self.split(X, y, groups)
        return (_taken(X, train), _taken(y, train)), (_taken(X, holdout), _taken(y, holdout))

    def _order(self, units: np.ndarray, y: Any) -> np.ndarray:
        """Units in random order, in which every stretch has each class in proportion."""
        rng = generator(self.seed)
        order = rng.permutation(len(units))
        if y is None or not self.stratify:
            return order
        label = pd.Series(np.asarray(y)[order])
        if label.nunique() > MOST_CLASSES:
            return order
        rank = (label.groupby(label).cumcount() + 0.5) / label.groupby(label).transform("size")
        return order[np.argsort(rank.to_numpy(), kind="stable")]


def length(data: Any) -> int:
    """Number of rows, of sparse matrices too."""
    return int(data.shape[0]) if hasattr(data, "shape") else len(data)


def _taken(data: Any, places: np.ndarray) -> Any:
    if hasattr(data, "iloc"):
        return data.iloc[places]
    return data[places] if hasattr(data, "shape") else np.asarray(data)[places]
