"""Functions to balance: kernels between items and a few of them, in units of their spread.

``h_j(x) = K(x, x_j)`` with the Gaussian kernel ``exp(-gamma |x - x'|^2)`` or the exponential one
``exp(-gamma |x - x'|)``, on features of mean 0 and standard deviation 1 over all items. Only
items times centres are ever held.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from workbench.core import check

__all__ = ["KERNELS", "Functions", "Kernel", "Scaling", "kernel_functions", "moments",
           "width"]

KERNELS = ("gaussian", "laplace")
RULES = ("median", "dimension")
CHUNK = 16_384           # items whose kernels are held at once
MOST = 1000              # rows whose distances the median rule looks at
FLAT = 1e-10             # spread below which a function is constant

Kernel = str | Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class Scaling:
    """Mean and standard deviation of each feature, fixed once; constant features become 0."""

    mean: np.ndarray
    spread: np.ndarray

    @classmethod
    def of(cls, X: np.ndarray, share: np.ndarray | None = None) -> "Scaling":
        """Statistics over all items, shape (n, p), which may stand for others by their share."""
        size = np.abs(X).max(axis=0)
        size = np.exp2(np.floor(np.log2(np.where(size > 0, size, 1.0))))     # exact to divide by
        small = X / size                            # so that no square overflows or vanishes
        mean = small.mean(axis=0) if share is None else share @ small
        squares = (small - mean) ** 2
        spread = np.sqrt(squares.mean(axis=0) if share is None else share @ squares)
        return cls(mean * size, np.where(spread <= FLAT, np.inf, spread * size))

    def __call__(self, X: np.ndarray) -> np.ndarray:
        return (X - self.mean) / self.spread


@dataclass(frozen=True, eq=False)
class Functions:
    """Balanced functions: what they are on any features, in standard deviations over all items.

    Parameters
    ----------
    kernel : {"gaussian", "laplace"} or function of two arrays of features
    gamma : float
        Of the kernel, per squared or plain unit of distance.
    scaling : Scaling
    centres : array, shape (m, p)
        Standardised features of the items whose kernels are used.
    mix : array, shape (m, J)
        Which combination of kernels each function is.
    mean, spread : array, shape (J,)
        Of each function over all items.
    """

    kernel: Kernel
    gamma: float
    scaling: Scaling
    centres: np.ndarray
    mix: np.ndarray
    mean: np.ndarray
    spread: np.ndarray

    def __call__(self, X: np.ndarray) -> np.ndarray:
        """Functions on raw features, shape (n, J), minus their mean, over their spread."""
        raw = kernel_functions(self.kernel, self.scaling(X), self.centres, self.gamma) @ self.mix
        return (raw - self.mean) / self.spread


def moments(kernel: Kernel, items: np.ndarray, centres: np.ndarray, gamma: float,
            share: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Mean, shape (m,), and covariance, shape (m, m), of kernels over all items, by chunks.

    Parameters
    ----------
    kernel, centres, gamma : as in :func:`kernel_functions`
    items : array, shape (n, p)
        Standardised.
    share : array, shape (n,), optional
        On the simplex: how much of all each item stands for.
    """
    amounts = np.full(len(items), 1 / len(items)) if share is None else share
    shift = kernel_functions(kernel, items[:1], centres, gamma)[0]
    first, second = np.zeros(len(centres)), np.zeros((len(centres), len(centres)))
    for begin in range(0, len(items), CHUNK):
        some = kernel_functions(kernel, items[begin:begin + CHUNK], centres, gamma) - shift
        part = some * amounts[begin:begin + CHUNK, None]
        first += part.sum(axis=0)
        second += part.T @ some
    return first + shift, second - np.outer(first, first)


def kernel_functions(kernel: Kernel, X: np.ndarray, centres: np.ndarray,
                     gamma: float) -> np.ndarray:
    """Kernel between each item and each centre, shape (n, m).

    Parameters
    ----------
    kernel : {"gaussian", "laplace"} or function of two arrays
    X, centres : array, shape (n, p) and (m, p)
    gamma : float > 0

    Raises
    ------
    ValueError
        If a kernel of the user's own gives another shape or numbers that are not finite.

    Examples
    --------
    >>> kernel_functions("gaussian", np.zeros((2, 1)), np.array([[0.0], [1.0]]), 1.0)[0].round(3)
    array([1.   , 0.368])
    """
    if callable(kernel):
        made = np.asarray(kernel(X, centres), dtype=float)
        if made.shape != (len(X), len(centres)) or not np.isfinite(made).all():
            raise ValueError(f"kernel must give finite numbers of shape {(len(X), len(centres))} "
                             f"for items and centres, got shape {made.shape} with "
                             f"{int((~np.isfinite(made)).sum())} that are not finite. Return one "
                             "row per item and one column per centre.")
        return made
    squares = ((X ** 2).sum(axis=1)[:, None] + (centres ** 2).sum(axis=1) - 2 * X @ centres.T)
    squares = np.maximum(squares, 0.0)
    return np.exp(-gamma * (squares if kernel == "gaussian" else np.sqrt(squares)))


def width(rule: str | float, X: np.ndarray, kernel: Kernel = "gaussian") -> float:
    """Gamma of a kernel on standardised features.

    Parameters
    ----------
    rule : {"median", "dimension"} or float > 0
        "median": half the inverse of the squared median distance between items, for the
        exponential kernel the inverse of the median distance. "dimension": 1 / (2 p), or its
        root.
    X : array, shape (n, p)
        Standardised features.
    kernel : {"gaussian", "laplace"} or function

    Examples
    --------
    >>> width("dimension", np.zeros((3, 6)))
    0.08333333333333333
    """
    if not isinstance(rule, str):
        if not check.holds(lambda one: 0 < one < np.inf, rule):
            raise ValueError(f"gamma must be positive and finite, got {rule!r}. Pass 'median', or "
                             "a number above zero.")
        return float(rule)
    check.one_of(RULES, gamma=rule)
    if rule == "dimension":
        squared = float(X.shape[1])
    else:
        some = X[np.unique(np.linspace(0, len(X) - 1, min(MOST, len(X))).astype(int))]
        squares = (some ** 2).sum(axis=1)[:, None] + (some ** 2).sum(axis=1) - 2 * some @ some.T
        squared = max(float(np.median(squares[np.triu_indices(len(some), 1)])), 0.0) if len(
            some) > 1 else 0.0
        squared = squared or float(X.shape[1])          # most items alike
    return 1 / np.sqrt(squared) if kernel == "laplace" else 1 / (2 * squared)
