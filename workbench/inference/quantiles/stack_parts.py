"""Parts of the rows of a stack: what its aggregator learns from, and what it stops by."""

from dataclasses import dataclass, fields
from inspect import signature
from typing import Any

import numpy as np

from workbench.inference.quantiles.base_models import copied
from workbench.inference.quantiles.levels import checked_levels
from workbench.inference.quantiles.training_rows import ordered

__all__ = ["Part", "aggregator_for", "fit_aggregator", "held_out_rows", "stack_levels"]


@dataclass(frozen=True)
class Part:
    """Rows with their base quantiles.

    Parameters
    ----------
    X : array, shape (n, p)
    Z : array, shape (n, k, q)
    y : array, shape (n,)
    amounts : array, shape (n,)
        What each row counts.
    source : array of int, shape (n,)
        Which row of the table each was written out from.
    """

    X: np.ndarray
    Z: np.ndarray
    y: np.ndarray
    amounts: np.ndarray
    source: np.ndarray

    def take(self, chosen: np.ndarray) -> "Part":
        """Some of the rows."""
        return Part(self.X[chosen], self.Z[chosen], self.y[chosen], self.amounts[chosen],
                    self.source[chosen])

    def joined(self, other: "Part") -> "Part":
        """These rows and then the others."""
        return Part(*(np.concatenate([getattr(self, item.name), getattr(other, item.name)])
                      for item in fields(self)))

    def once(self) -> "Part":
        """Each row of the table once, for tests that take rows for independent."""
        return self.take(np.unique(self.source, return_index=True)[1])

    def predicted(self) -> np.ndarray:
        """Which rows have base quantiles: some folds, such as those of time, skip the first."""
        return np.asarray(~np.isnan(self.Z).any(axis=(1, 2)))

    def ordered(self, fold: np.ndarray | float = 0.0) -> "Part":
        """The rows by y, fold and X, so that their order matters to no aggregator."""
        folds = np.broadcast_to(fold, len(self.y))
        return self.take(ordered(np.column_stack([folds, self.X, self.amounts]), self.y))


def stack_levels(quantile_levels: Any, aggregator: Any) -> np.ndarray:
    """Levels of a stack: its own, or its aggregator's, or ``even_levels(19)``."""
    own = getattr(aggregator, "quantile_levels", None)
    if quantile_levels is not None and own is not None and not np.array_equal(
            checked_levels(quantile_levels), checked_levels(own)):
        raise ValueError("quantile_levels of stack and aggregator must be the same, got "
                         f"{list(quantile_levels)} and {list(own)}. Leave one of them None.")
    return checked_levels(own if quantile_levels is None else quantile_levels)


def aggregator_for(aggregator: Any, levels: np.ndarray, rng: np.random.Generator) -> Any:
    """Unfitted aggregator whose levels and seed are filled where they are None."""
    if aggregator is None:
        from workbench.inference.quantile_aggregation import QuantileAggregator

        aggregator = QuantileAggregator()
    made = copied(aggregator)
    params = made.get_params(deep=False) if hasattr(made, "get_params") else {}
    seed = int(rng.integers(2**31 - 1))
    if params.get("quantile_levels", levels) is None:
        made.set_params(quantile_levels=levels)
    if params.get("random_state", seed) is None:
        made.set_params(random_state=seed)
    return made


def held_out_rows(X: np.ndarray, y: np.ndarray, share: float, *, in_order: bool,
                  rng: np.random.Generator) -> np.ndarray:
    """Rows to stop by, array of bool, shape (n,), whatever the order of the rows.

    Parameters
    ----------
    X : array, shape (n, p)
    y : array, shape (n,)
    share : float in [0, 1)
    in_order : bool
        The last rows instead of random ones.
    rng : numpy.random.Generator
    """
    if not 0 <= share < 1:
        raise ValueError(f"validation_share must lie in [0, 1), got {share!r}. Pass 0.2, or 0 "
                         "to hold none out.")
    n = len(y)
    if in_order:
        return np.arange(n) >= n - round(share * n)
    held = np.zeros(n, dtype=bool)
    held[ordered(X, y)[rng.permutation(n)[:round(share * n)]]] = True
    return held


def fit_aggregator(aggregator: Any, training: Part, validation: Part | None) -> Any:
    """Fit an aggregator, weighing rows where their amounts differ.

    One that holds no rows out to stop by, such as a baseline, learns from all of them.
    """
    options: dict[str, Any] = {}
    if validation is not None and not _holds_out(aggregator):
        training, validation = training.joined(validation), None
    if np.ptp(training.amounts) > 0:
        options["sample_weight"] = training.amounts
    if validation is not None:
        options |= {"X_val": validation.X, "Z_val": validation.Z, "y_val": validation.y}
        if np.ptp(validation.amounts) > 0:
            options["sample_weight_val"] = validation.amounts
    fitted = aggregator.fit(training.X, training.Z, training.y, **options)
    return aggregator if fitted is None else fitted


def _holds_out(aggregator: Any) -> bool:
    options = signature(aggregator.fit).parameters
    return "Z_val" in options or any(each.kind is each.VAR_KEYWORD for each in options.values())
