"""Rows of an aggregator: features, base quantiles and outcomes, checked and standardised."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from workbench.core import check
from workbench.inference.quantiles.rows import FILL, checked_amounts

__all__ = ["Rows", "Scales", "checked_base", "checked_features", "checked_held",
           "checked_training", "chunks", "in_parts"]

CONSTANT = 1e-12      # relative spread below which a column counts as constant
LARGEST = 1e30        # standard deviations that single precision holds with room for sums
ROWS_AT_ONCE = 8192   # rows standardised at once, so that doubles of all of them are never held


@dataclass(frozen=True)
class Rows:
    """What an aggregator learns from.

    Parameters
    ----------
    X : array, shape (n, p), or None
        None when weights do not depend on features.
    Z : array, shape (n, k, q)
    y : array, shape (n,)
    amounts : array, shape (n,), or None
        Sample weights with mean one; None when all are equal.
    """

    X: np.ndarray | None
    Z: np.ndarray
    y: np.ndarray
    amounts: np.ndarray | None

    def __len__(self) -> int:
        return len(self.y)

    def take(self, chosen: np.ndarray) -> "Rows":
        """Some of the rows."""
        return Rows(None if self.X is None else self.X[chosen], self.Z[chosen], self.y[chosen],
                    None if self.amounts is None else _mean_one(self.amounts[chosen]))

    def parted(self, rng: np.random.Generator) -> "tuple[Rows, Rows]":
        """Rows to learn from, and a fifth of them held out; a single row is both."""
        if len(self) == 1:
            return self, self
        order = rng.permutation(len(self))
        size = max(1, len(self) // 5)
        return self.take(np.sort(order[size:])), self.take(np.sort(order[:size]))


@dataclass(frozen=True)
class Scales:
    """Means and standard deviations of the training rows; one for what is constant."""

    x_mean: np.ndarray | None
    x_sd: np.ndarray | None
    y_mean: float
    y_sd: float

    @classmethod
    def of(cls, rows: Rows) -> "Scales":
        """Weighted moments of features and outcome."""
        mean, sd = _moments(rows.y[:, None], rows.amounts)
        if rows.X is None:
            return cls(None, None, float(mean[0]), float(sd[0]))
        return cls(*_moments(rows.X, rows.amounts), float(mean[0]), float(sd[0]))

    def features(self, X: np.ndarray) -> np.ndarray:
        """Standardised features, single precision."""
        return _scaled(X, self.x_mean, self.x_sd)

    def outcomes(self, values: np.ndarray) -> np.ndarray:
        """Outcomes or quantiles in standard deviations of the outcome, single precision."""
        return _scaled(values, self.y_mean, self.y_sd)

    def original(self, values: np.ndarray) -> np.ndarray:
        """Back to the unit of the outcome, double precision."""
        return values.astype(float) * self.y_sd + self.y_mean

    def standard(self, rows: Rows, *, exact: bool = False) -> Rows:
        """All of the rows standardised, in single precision unless `exact`."""
        if exact:
            return replace(rows, Z=(rows.Z - self.y_mean) / self.y_sd,
                           y=(rows.y - self.y_mean) / self.y_sd)
        X = None if rows.X is None else self.features(rows.X)
        return replace(rows, X=X, Z=self.outcomes(rows.Z), y=self.outcomes(rows.y))


def checked_features(X: Any, name: str = "X", *, width: int | None = None) -> np.ndarray:
    """Features as numbers, shape (n, p).

    Raises
    ------
    ValueError
        If they are not a table of finite numbers, of that width where it is known.
    """
    table = _numbers(X, name)
    if table.ndim != 2 or not table.shape[1]:
        raise ValueError(f"{name} must be a table with a row per outcome and at least one column, "
                         f"got shape {table.shape}. Pass shape (n, p), or local=False.")
    if width not in (None, table.shape[1]):
        raise ValueError(f"{name} must have the {width} features of fit, got {table.shape[1]}. "
                         "Pass the same columns.")
    check.finite(**{name: table}, hint=FILL)
    return table


def checked_base(Z: Any, models: int | None, levels: int, name: str = "Z") -> np.ndarray:
    """Base quantiles, shape (n, k, q).

    Raises
    ------
    ValueError
        If the shape is another, or they are not finite.
    """
    base = _numbers(Z, name)
    k = base.shape[1] if base.ndim == 3 else 0
    if not k or base.shape[2] != levels or models not in (None, k):
        wanted = f"({'k' if models is None else models} models, {levels} levels)"
        raise ValueError(f"{name} must have shape (n rows, k models, q levels) with {wanted}, got "
                         f"{base.shape}. Stack predictions with np.stack(predictions, axis=1).")
    check.finite(**{name: base}, hint=FILL)
    return base


def checked_training(X: Any, Z: Any, y: Any, sample_weight: Any, *, form: tuple[int | None, int],
                     suffix: str = "") -> Rows:
    """Rows to learn from; those of weight zero are left out.

    Parameters
    ----------
    X : array, shape (n, p), or None
    Z : array, shape (n, k, q)
    y : array, shape (n,)
    sample_weight : array, shape (n,), or None
    form : (k or None, q)
        Models, where known, and levels.
    suffix : str
        Ends the names of the arguments in messages.
    """
    base = checked_base(Z, *form, f"Z{suffix}")
    outcomes = _numbers(y, f"y{suffix}")
    table = None if X is None else checked_features(X, f"X{suffix}")
    if outcomes.ndim != 1 or not len(outcomes):
        raise ValueError(f"y{suffix} must hold one outcome per row and at least one, got shape "
                         f"{outcomes.shape}. Pass shape (n,).")
    check.same_length(**{f"Z{suffix}": base, f"y{suffix}": outcomes},
                      **({} if table is None else {f"X{suffix}": table}))
    check.finite(**{f"y{suffix}": outcomes}, hint=FILL)
    amounts = checked_amounts(sample_weight, len(outcomes))
    if np.ptp(amounts) == 0:
        return Rows(table, base, outcomes, None)
    return Rows(table, base, outcomes, amounts).take(np.flatnonzero(amounts))


def checked_held(X: Any, Z: Any, y: Any, sample_weight: Any, *,
                 form: tuple[int, int]) -> Rows | None:
    """Rows to stop by, or None where no argument gives any."""
    if Z is not None:
        return checked_training(X, Z, y, sample_weight, form=form, suffix="_val")
    if any(part is not None for part in (X, y, sample_weight)):
        raise ValueError("Z_val must come with X_val, y_val or sample_weight_val, got None. Pass "
                         "base quantiles of those rows too.")
    return None


def chunks(n: int, size: int) -> Iterator[slice]:
    """Slices that cover n rows."""
    return (slice(start, start + size) for start in range(0, n, size))


def in_parts(table: np.ndarray, size: int, shape: tuple[int, ...],
             tell: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """What is told of `size` rows at a time, for all rows, shape (n, *shape)."""
    found = np.empty((len(table), *shape))
    for part in chunks(len(table), size):
        found[part] = tell(table[part])
    return found


def _numbers(values: Any, name: str) -> np.ndarray:
    try:
        return np.asarray(values, dtype=float)
    except (TypeError, ValueError) as wrong:
        raise ValueError(f"{name} must hold numbers, got others: {wrong}. Encode categories, for "
                         "instance with table_encoder.") from wrong


def _mean_one(amounts: np.ndarray) -> np.ndarray:
    return amounts / amounts.mean()


def _moments(table: np.ndarray, amounts: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    mean = np.average(table, axis=0, weights=amounts)
    sd = np.sqrt(np.average((table - mean) ** 2, axis=0, weights=amounts))
    return mean, np.where(sd > CONSTANT * np.maximum(np.abs(mean), 1e-300), sd, 1.0)


def _scaled(values: np.ndarray, mean: Any, sd: Any) -> np.ndarray:
    """``(values - mean) / sd`` in single precision, without a second copy in double."""
    found = np.empty(values.shape, dtype=np.float32)
    for part in chunks(len(values), ROWS_AT_ONCE):
        found[part] = np.clip((values[part] - mean) / sd, -LARGEST, LARGEST)
    return found
