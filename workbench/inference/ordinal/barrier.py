"""A barrier between boundaries, also around classes that a row does not have.

``-strength * log(1 - e^-gap)``, averaged over rows and summed over all gaps: zero at once where
boundaries are far apart, infinite where they meet. At the minimum of loss plus barrier, the loss
is at most ``strength * (m - 1)`` above the lowest that it has with all gaps positive.
"""

import numpy as np

from workbench.inference.ordinal.products import products
from workbench.inference.ordinal.rows import Rows

__all__ = ["Barrier"]


class Barrier:
    """The barrier at one strength.

    Parameters
    ----------
    rows : Rows
    strength : float > 0
    """

    def __init__(self, rows: Rows, strength: float):
        self._rows, self._strength = rows, strength

    def gaps(self, theta: np.ndarray) -> np.ndarray:
        """Distances between neighbouring boundaries, shape (n, m - 1)."""
        return self._rows.Z @ np.diff(theta, axis=0).T

    def local(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Value, and gradient in theta, shape (m, 1 + p); infinite and zero outside."""
        gaps, gradient = self.gaps(theta), np.zeros_like(theta)
        if not (gaps > 0).all():
            return np.inf, gradient
        apart = -np.expm1(-gaps)
        slope = (self._strength * self._rows.weight[:, None] * (1 - apart) / apart).T @ (
            self._rows.Z)
        gradient[1:] -= slope
        gradient[:-1] += slope
        return -self._strength * float(self._rows.weight @ np.log(apart).sum(axis=1)), gradient

    def add_hessian(self, theta: np.ndarray, columns: np.ndarray, H: np.ndarray) -> None:
        """Add second derivatives in theta to `H`, shape (m, m, q, q), not below its diagonal.

        `columns`, shape (q, n), are those of the rows that they are taken in.
        """
        apart = -np.expm1(-self.gaps(theta))
        ratio = (1 - apart) / apart
        amounts = self._strength * self._rows.weight[:, None] * ratio * (1 + ratio)
        for k, shared in enumerate(products(columns, np.ascontiguousarray(amounts.T))):
            H[k, k] += shared
            H[k + 1, k + 1] += shared
            H[k, k + 1] -= shared

    def room(self, theta: np.ndarray, move: np.ndarray) -> float:
        """How far one can go before two boundaries meet in a row."""
        gaps, change = self.gaps(theta), self.gaps(move)
        closing = change < 0
        return float((gaps[closing] / -change[closing]).min(initial=np.inf))
