"""Linear quantile regression, exact, one linear programme per level.

The dual has one row per feature and one bounded variable per training row, so that it stays small
however many rows there are: ``max y @ d`` with ``Z' d = 0`` and
``weights (tau - 1) <= d <= weights tau``, ``Z = [1, X]``. The coefficients are the multipliers
of its equations.

Source: R. Koenker, Quantile Regression (2005), section 6.2.
"""

from typing import Any

import numpy as np
from scipy.optimize import linprog

from workbench.inference.quantiles.base_models import QuantileEstimator
from workbench.inference.quantiles.levels import checked_levels
from workbench.inference.quantiles.training_rows import Rows, location, training_rows

__all__ = ["LinearQuantiles"]


class LinearQuantiles(QuantileEstimator):
    """Quantiles linear in the features.

    Parameters
    ----------
    quantile_levels : array, shape (q,), optional
        None takes ``even_levels(19)``.
    penalty : float >= 0
        L1 penalty on the coefficients of standardised features, against the mean pinball loss of
        standardised y; the intercept is free.

    Attributes
    ----------
    levels_ : array, shape (q,)
    coefficients_ : array, shape (p, q)
        In the unit of y per unit of each feature.
    intercepts_ : array, shape (q,)

    Notes
    -----
    Minimises ``weights @ pinball(y - b0 - X b) + penalty * sum(abs(b))`` with weights that sum
    to one. Where several coefficients are best, as with collinear features, it takes a vertex.

    Examples
    --------
    >>> X = np.arange(8.0)[:, None]
    >>> LinearQuantiles([0.5]).fit(X, 3 * X[:, 0] + 1).predict([[10.0]]).round(6)
    array([31.])
    """

    def __init__(self, quantile_levels: Any = None, *, penalty: float = 0.0):
        self.quantile_levels = quantile_levels
        self.penalty = penalty

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "LinearQuantiles":
        """Solve one linear programme per level.

        Parameters
        ----------
        X : array, shape (n, p)
        y : array, shape (n,)
        sample_weight : array, shape (n,), optional
            Amounts >= 0.

        Raises
        ------
        ValueError
            If levels, shapes, weights or the penalty are malformed.
        """
        self.levels_ = checked_levels(self.quantile_levels)
        if not self.penalty >= 0:
            raise ValueError(f"penalty must be >= 0, got {self.penalty!r}. Pass 0 for none.")
        rows = training_rows(self, X, y, sample_weight).merged()
        weight = rows.weight / rows.weight.sum()
        centre, scale = location(rows.X, weight)
        middle, size = location(rows.y[:, None], weight)
        scaled = Rows((rows.X - centre) / scale, (rows.y - middle[0]) / size[0], weight)
        found = np.column_stack([self._solve(scaled, level) for level in self.levels_]) * size[0]
        self.coefficients_ = found[1:] / scale[:, None]
        self.intercepts_ = found[0] + middle[0] - centre @ self.coefficients_
        return self

    def predict_quantiles(self, X: Any) -> np.ndarray:
        """Quantiles, shape (n, q); lines of two levels may cross."""
        return np.asarray(self._new_rows(X) @ self.coefficients_ + self.intercepts_)

    def _solve(self, rows: Rows, level: float) -> np.ndarray:
        """Intercept and coefficients of one level, shape (p + 1,)."""
        n, p = rows.X.shape
        bounds = n * np.column_stack([(level - 1) * rows.weight, level * rows.weight])
        ones, features = np.ones((1, n)), rows.X.T
        if self.penalty:
            solved = linprog(-rows.y, A_ub=np.vstack([features, -features]),
                             b_ub=np.full(2 * p, n * self.penalty), A_eq=ones, b_eq=[0.0],
                             bounds=bounds, method="highs-ds")
            sides = solved.ineqlin.marginals if solved.success else np.zeros(2 * p)
            slopes = sides[p:] - sides[:p]
        else:
            solved = linprog(-rows.y, A_eq=np.vstack([ones, features]), b_eq=np.zeros(p + 1),
                             bounds=bounds, method="highs-ds")
            slopes = -solved.eqlin.marginals[1:] if solved.success else np.zeros(p)
        if not solved.success:
            raise ValueError(f"the linear programme at level {level:g} must have a solution, got "
                             f"{solved.message!r}. Look for features of very different sizes.")
        return np.append(-solved.eqlin.marginals[0], slopes)
