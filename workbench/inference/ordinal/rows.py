"""Rows as the solver holds them: standardised, weighted, sorted by class, with a leading one."""

from dataclasses import dataclass

import numpy as np

__all__ = ["Rows", "moments", "standardised"]

CONSTANT = 1e-12         # of the largest size in a column: a smaller deviation is rounding


@dataclass(frozen=True, eq=False)
class Rows:
    """Standardised rows in the order of their classes.

    Parameters
    ----------
    Z : array, shape (n, 1 + p)
        Ones, then columns of mean 0 and standard deviation 1 (0 where constant).
    weight : array, shape (n,)
        On the simplex.
    starts : array of int, shape (k + 1,)
        First row of each class, and n.
    mean, scale : array, shape (p,)
        Of the columns; a constant one has scale 1.
    """

    Z: np.ndarray
    weight: np.ndarray
    starts: np.ndarray
    mean: np.ndarray
    scale: np.ndarray

    @property
    def boundaries(self) -> int:
        """One less than there are classes."""
        return len(self.starts) - 2

    def part(self, k: int) -> slice:
        """Rows of class k."""
        return slice(int(self.starts[k]), int(self.starts[k + 1]))

    def frequencies(self) -> np.ndarray:
        """Weight of each class, shape (k,)."""
        return np.add.reduceat(self.weight, self.starts[:-1])

    def original(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Intercepts (..., m) and coefficients (..., m, p) of the columns as they were given.

        Parameters
        ----------
        theta : array, shape (..., m, 1 + p)
            Of the standardised columns.
        """
        coef = theta[..., 1:] / self.scale
        return theta[..., 0] - coef @ self.mean, coef


def moments(X: np.ndarray, share: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each column, whatever its unit.

    Parameters
    ----------
    X : array, shape (n, p)
    share : array, shape (n,), optional
        Weights on the simplex; none for equal ones.

    Returns
    -------
    mean, deviation : array, shape (p,)
        The deviation is exactly 0 where the column is constant but for rounding.

    Examples
    --------
    >>> moments(np.array([[1e-13, 0.1], [3e-13, 0.1]]))[1] > 0
    array([ True, False])
    """
    share = np.full(len(X), 1 / len(X)) if share is None else share
    mean = share @ X
    spread = np.sqrt(share @ (X - mean) ** 2)
    return mean, np.where(spread <= CONSTANT * np.abs(X).max(axis=0), 0.0, spread)


def standardised(X: np.ndarray, codes: np.ndarray, weight: np.ndarray, *, classes: int,
                 scaled: bool = True) -> Rows:
    """Sort rows by class and standardise their columns by weighted mean and deviation.

    Parameters
    ----------
    X : array, shape (n, p)
    codes : array of int, shape (n,)
        Class of each row, from 0 on; each class has a row.
    weight : array, shape (n,)
        Amounts above 0.
    classes : int
    scaled : bool
        Whether to divide by the standard deviation; means are always subtracted, which changes
        the intercepts alone.
    """
    order = np.argsort(codes, kind="stable")
    share = weight[order] / weight.sum()
    own = X[order]
    mean, spread = moments(own, share)
    centred = own - mean
    centred[:, spread == 0] = 0.0
    scale = np.where((spread == 0) | (not scaled), 1.0, spread)
    Z = np.empty((len(own), 1 + own.shape[1]))
    Z[:, 0] = 1.0
    Z[:, 1:] = centred / scale
    return Rows(Z, share, np.searchsorted(codes[order], np.arange(classes + 1)), mean, scale)
