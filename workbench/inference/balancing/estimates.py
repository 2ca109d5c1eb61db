"""The mean over all items from weighted observed ones, with its interval.

The weights solve estimating equations, so that the error of ``weights @ values`` is, to first
order, the weighted mean of what a weighted regression on the balanced functions leaves over. Its
sandwich variance uses leave-one-out residuals. Losses of items that are observed have no error in
the mean over these very items, which shortens the interval.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from workbench.core import Estimate, Interval, Summary, check, effective_size

__all__ = ["BalanceResult", "weighted_mean"]

ACTIVE = 1e-7            # multiplier from which a function decides the weights
ALONE = 1e-8             # rest of a row's own share, below which it says nothing about its error


@dataclass(frozen=True, eq=False)
class BalanceResult:
    """A mean with its standard error.

    Parameters
    ----------
    params : Series
        One entry, ``mean``.
    bse : Series
        Its standard error.
    effective_size : float
        Kish's, of the weights.
    n_observed, n : int
        Observed items, and all.
    unit : str
    """

    params: pd.Series
    bse: pd.Series
    effective_size: float
    n_observed: int
    n: int
    unit: str = ""

    @property
    def value(self) -> float:
        """The mean."""
        return float(self.params.iloc[0])

    def conf_int(self, alpha: float = 0.05) -> pd.DataFrame:
        """Ends of the normal interval that misses with probability `alpha`."""
        if not check.holds(lambda one: 0 < one < 1, alpha):
            raise ValueError(f"alpha must lie between 0 and 1, got {alpha!r}. Pass 0.05.")
        half = float(norm.ppf(1 - alpha / 2)) * self.bse
        return pd.DataFrame({"low": self.params - half, "high": self.params + half})

    def estimate(self, alpha: float = 0.05) -> Estimate:
        """The mean with its interval."""
        low, high = map(float, self.conf_int(alpha).iloc[0])
        return Estimate(self.value, Interval(low, high, 1 - alpha), self.unit)

    def summary(self, alpha: float = 0.05) -> Summary:
        """The mean and the effective size, for reading."""
        return Summary({"mean over all items": self.estimate(alpha), "effective size": Estimate(
            self.effective_size, why=f"exact for these weights; {self.n_observed} of {self.n} "
            "items are observed")})


def weighted_mean(values: np.ndarray, weights: np.ndarray, n: int, *,  # noqa: PLR0913 - options
                  balanced: np.ndarray | None = None, shift: float = 0.0,
                  groups: np.ndarray | None = None,
                  share: "np.ndarray | float" = 0.0) -> BalanceResult:
    """Mean over all items from observed ones.

    Parameters
    ----------
    values : array, shape (m,)
        Of the observed items; for a doubly robust mean what an imputation leaves over.
    weights : array, shape (m,)
        On the simplex.
    n : int
        All items.
    balanced : array, shape (m, J), optional
        Functions whose balance decides the weights.
    shift : float
        Added: the mean of the imputation over all items.
    groups : array of int, shape (m,), optional
        Items that may err together.
    share : array, shape (m,), or float
        How much of all each of these items is; 0 where they are a sample of a large population.
    """
    estimate = weights @ values
    design = np.ones((len(values), 1)) if balanced is None else np.column_stack(
        [np.ones(len(values)), balanced])
    root = np.sqrt(weights)[:, None]
    left, lengths, _ = np.linalg.svd(design * root, full_matrices=False)
    left = left[:, lengths > 1e-9 * lengths[0]]
    rest = values - (left @ (left.T @ (root[:, 0] * values))) / root[:, 0]
    alone = np.maximum(1 - (left ** 2).sum(axis=1), ALONE)
    variance = _variance(weights, rest / alone, share * rest ** 2 / alone, groups)
    return BalanceResult(
        pd.Series({"mean": shift + float(estimate)}),
        pd.Series({"mean": float(np.sqrt(variance))}), effective_size(weights), len(values), n)


def _variance(weights: np.ndarray, alone: np.ndarray, known: np.ndarray,
              groups: np.ndarray | None) -> float:
    """Sandwich variance of the weighted mean, less what is known of the mean over all."""
    if groups is None:
        pieces = weights * alone
        return max(float(pieces @ pieces - weights @ known), 0.0)
    pieces = np.bincount(groups, weights * alone)
    many = len(np.unique(groups))
    return float(pieces @ pieces) * many / max(many - 1, 1)
