"""One division of rows into training rows and a holdout, as scikit-learn's searches take it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from workbench.core import check, generator
from workbench.inference.validity.checks import number

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
        number(self.size, "size", lambda x: 0 <= x < 1, "lie in [0, 1)", "Pass 0.5.")

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """One."""
        del X, y, groups
        return 1

    def split(self, X: Any, y: Any = None, groups: Any = None
              ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Places of training rows and of the holdout; whole groups where there are any."""
        n = length(X)
        for name, given in {"y": y, "groups": groups}.items():
            if given is not None:
                check.same_length(**{"X": range(n), name: range(length(given))})
        place, found = pd.factorize(np.arange(n) if groups is None else np.asarray(groups),
                                    use_na_sentinel=False)
        units = np.arange(len(found))
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
        label = pd.Series(np.asarray(y).reshape(len(order), -1)[order, 0])
        if label.nunique() > MOST_CLASSES:
            return order
        each = label.isna().groupby(label, dropna=False)
        rank = (each.cumcount() + 0.5) / each.transform("size")
        return order[np.argsort(rank.to_numpy(), kind="stable")]


def length(data: Any) -> int:
    """Number of rows, of sparse matrices too."""
    if hasattr(data, "shape") and len(data.shape):
        return int(data.shape[0])
    if not hasattr(data, "__len__") or isinstance(data, str):
        raise ValueError(f"X and y must be tables or arrays with rows, got {data!r}. Pass both.")
    return len(data)


def _taken(data: Any, places: np.ndarray) -> Any:
    if hasattr(data, "iloc"):
        return data.iloc[places]
    return data[places] if hasattr(data, "shape") else np.asarray(data)[places]
