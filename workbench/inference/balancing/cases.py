"""A sample observed in part, what is asked of it, and a mean that was found."""

from dataclasses import dataclass

import numpy as np

from workbench.inference.balancing.estimates import BalanceResult
from workbench.inference.balancing.kernels import Kernel

__all__ = ["Case", "Found", "Options", "slice_error", "told"]


@dataclass(frozen=True, eq=False)
class Case:
    """A sample of items observed in part.

    Parameters
    ----------
    X : array, shape (n, p)
    observed : array of bool, shape (n,)
    outcome : array, shape (observed,)
    drawn : array, shape (m,), or None
        Outcomes of a slice drawn at random.
    total : int
        Items of the population, n unless rows stand for several.
    sample_weight : array, shape (n,), or None
        How many items each row stands for.
    groups : array of int, shape (observed,), or None
        Items that may err together.
    base : array, shape (observed,), or None
        Base weights of the kernels.
    """

    X: np.ndarray
    observed: np.ndarray
    outcome: np.ndarray
    drawn: np.ndarray | None = None
    total: int = 0
    sample_weight: np.ndarray | None = None
    groups: np.ndarray | None = None
    base: np.ndarray | None = None

    @property
    def size(self) -> int:
        """Items of the population."""
        return self.total or len(self.X)


    @property
    def base_error(self) -> float:
        """Standard error that base weights bring from the slice on which they rest."""
        return 0.0 if self.base is None or self.drawn is None else slice_error(self.drawn)


@dataclass(frozen=True)
class Options:
    """What kernels are balanced, and how closely; see `KernelBalancer`."""

    kernel: Kernel = "gaussian"
    gamma: str | float = "dimension"
    n_functions: int = 80
    slack: float = 0.01
    include_fitted: bool = True
    ridge: float = 1e-3


@dataclass(frozen=True)
class Found:
    """A mean, its standard error, and the share of observed items that the weights leave.

    Parameters
    ----------
    value, se, share : float
        `se` and `share` are NaN where there are none.
    """

    value: float
    se: float = np.nan
    share: float = np.nan


def told(found: BalanceResult) -> Found:
    """A weighted mean as one that was found."""
    return Found(found.value, float(found.bse.iloc[0]), found.effective_size / found.n_observed)


def slice_error(drawn: np.ndarray) -> float:
    """Standard error of the mean of a slice, on which base weights rest."""
    return float(drawn.std(ddof=1) / np.sqrt(len(drawn)))
