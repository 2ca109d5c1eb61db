"""Questions to guarded rows and their answers: values per row in, one number out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.core import check

__all__ = ["KINDS", "Answer", "BudgetExhaustedError", "GuardedRows", "checked_range"]

KINDS = ("rows", "values")
SLACK = 1e-9             # of a value outside its range, by rounding


class BudgetExhaustedError(RuntimeError):
    """No more answers: what the holdout can bear has been spent."""


@dataclass(frozen=True)
class Answer:
    """What an analyst is told.

    Parameters
    ----------
    value : float
        In the range of the query; NaN where refused.
    used_holdout : bool
        Whether the holdout was read, which costs budget.
    flag : str
        Empty, or ``refused``, or ``outdated`` for an estimate that could not be improved.
    """

    value: float
    used_holdout: bool
    flag: str = ""


class GuardedRows:
    """Rows that tell means to the mechanism that owns them, and nothing to anybody else.

    Parameters
    ----------
    data : DataFrame, array, sequence of arrays of one length, or int
        What queries are called with; a number only counts rows, whose values are then handed
        over with each query.
    name : str
        The argument, for messages.
    value_range : (float, float)
        Range of the values of queries, mapped to [0, 1].
    """

    __slots__ = ("__data", "__range", "n", "name")

    def __init__(self, data: Any, name: str, value_range: Sequence[float] = (0.0, 1.0)):
        self.__data, self.name, self.__range = data, name, checked_range(value_range)
        self.n = _count(data, name)

    def __repr__(self) -> str:
        return f"{self.name}: {self.n} guarded rows"

    def values(self, query: Any, kind: str) -> np.ndarray:
        """Values of a query on a scale from 0 to 1, shape (n,) or (q, n)."""
        check.one_of(KINDS, kind=kind)
        if kind == "values":
            return self._unit(_floats(query))
        if isinstance(self.__data, int | np.integer):
            raise ValueError(f"kind must be 'values' where {self.name} only counts rows, got "
                             "'rows'. Pass the rows themselves, or the values of the query.")
        if not callable(query):
            raise ValueError(f"query must be a function of the rows, got a "
                             f"{type(query).__name__}. Pass kind='values' for its values.")
        return self._unit(_floats(_called(query, self.__data)))

    def mean(self, query: Any, kind: str) -> float:
        """Mean of a query on a scale from 0 to 1."""
        values = self.values(query, kind)
        if values.ndim != 1:
            raise ValueError(f"query must give one value per row, got the shape {values.shape}. "
                             "Pass several queries to answer_batch().")
        return float(values.mean(dtype=float))

    def batch(self, values: Any) -> list[float]:
        """Means of several queries, values of shape (q, n), on a scale from 0 to 1."""
        found = self._unit(np.atleast_2d(_floats(values)))
        return [float(each) for each in found.mean(axis=1, dtype=float)]

    def _unit(self, values: np.ndarray) -> np.ndarray:
        low, high = self.__range
        if not 1 <= values.ndim <= 2 or values.shape[-1] != self.n:
            raise ValueError(f"query must give one value for each of the {self.n} rows of "
                             f"{self.name}, got the shape {values.shape}.")
        if not values.size:
            return values
        slack = SLACK * (high - low)
        if not (values.min() >= low - slack and values.max() <= high + slack):
            bad = ~((values >= low - slack) & (values <= high + slack))
            raise ValueError(
                f"query must give values in [{low:g}, {high:g}], got {int(bad.sum())} outside on "
                f"{self.name}, the first {values[bad][0]:.6g}. Clip it, or pass value_range=.")
        if (low, high) != (0.0, 1.0):
            values = (values - low) / (high - low)
        return values if values.min() >= 0 and values.max() <= 1 else np.clip(values, 0.0, 1.0)


def checked_range(value_range: Sequence[float]) -> tuple[float, float]:
    """Ends of a range, in order and finite."""
    try:
        low, high = (float(end) for end in value_range)
    except (TypeError, ValueError):
        low, high = np.nan, np.nan
    if not -np.inf < low < high < np.inf:
        raise ValueError(f"value_range must be two finite numbers, the lower first, got "
                         f"{value_range!r}. Pass (0, 1), and clip what has no bounds.")
    return low, high


def _floats(values: Any) -> np.ndarray:
    try:
        found = np.asarray(values)
    except ValueError:
        raise ValueError("query must give numbers, got rows of different lengths. Return one "
                         "value per row.") from None
    if found.dtype.kind == "O":
        found = _unboxed(found)
    if found.dtype.kind not in "fiub":
        raise ValueError(f"query must give numbers, got values of type {found.dtype}. Return 1 "
                         "and 0 for true and false.")
    return found if found.dtype.kind == "f" else found.astype(float)


def _unboxed(values: np.ndarray) -> np.ndarray:
    """Numbers that lie in boxes of their own, as in a column of mixed types."""
    plain = all(isinstance(each, bool | int | float | np.integer | np.floating | np.bool_)
                for each in values.ravel())
    return values.astype(float) if plain else values


def _called(query: Callable[..., Any], data: Any) -> Any:
    return query(*data) if isinstance(data, tuple) else query(data)


def _count(data: Any, name: str) -> int:
    if data is None or isinstance(data, float | str | bool):
        raise ValueError(f"{name} must be rows, or their number, got {data!r}. Pass a table, an "
                         "array, or a whole number.")
    if isinstance(data, tuple):
        check.same_length(**{f"{name}[{at}]": part for at, part in enumerate(data)})
        n = len(data[0]) if data else 0
    else:
        n = int(data) if isinstance(data, int | np.integer) else len(data)
    if not n > 0:
        raise ValueError(f"{name} must have rows, got {n}. Set some rows aside first.")
    return n
