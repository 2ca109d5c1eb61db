"""What a fit of ordered classes warns of."""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from workbench.inference.ordinal.path import Path

__all__ = ["CrossingWarning", "SeparationWarning", "TwoClassesWarning", "warn_of"]

FARTHEST = 30.0          # log odds, beyond which classes are separated
NEAR = 1e-6              # distance from optimality that counts as reached


class TwoClassesWarning(UserWarning):
    """Two classes have one boundary: this is logistic regression."""


class CrossingWarning(UserWarning):
    """Boundaries cross in some rows, where a class between them has probability zero."""


class SeparationWarning(UserWarning):
    """Log odds beyond any that data can tell: features separate classes."""


def warn_of(path: Path, eta: np.ndarray) -> None:
    """Warn of a path that did not converge, and of boundaries, shape (n, k - 1), without end."""
    if path.violations.max() > NEAR:
        warnings.warn(f"the solver stopped {path.violations.max():.1e} from optimality: max_iter "
                      "ended it, or rounding where boundaries all but meet. Raise max_iter, or "
                      "lam.", ConvergenceWarning, stacklevel=4)
    if np.abs(eta).max() > FARTHEST:
        warnings.warn(f"log odds reach {np.abs(eta).max():.3g}: features separate classes, and "
                      "some probabilities are 0 or 1 by extrapolation. A larger lam tames them.",
                      SeparationWarning, stacklevel=4)
