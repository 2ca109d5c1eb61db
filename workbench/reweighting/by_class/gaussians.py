"""Why weights of rare classes cost more under attack: two Gaussians, in closed form.

A common class around ``+eta`` and a rare one around ``-eta`` in each of `dimensions` coordinates,
with the same spread. Seen along the line of the means they lie at a distance ``m = eta
sqrt(dimensions)`` on both sides of zero. An attack that may move each coordinate by `eps` brings
them closer, to ``(eta - eps) sqrt(dimensions)``. A weight of the rare class moves the threshold by
``spread^2 log(weight) / 2m``: little where classes are far apart, much where they are close.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.core import check

__all__ = ["TwoClasses", "errors_by_emphasis"]


@dataclass(frozen=True)
class TwoClasses:
    """Two Gaussian classes and the threshold that weights choose between them.

    Parameters
    ----------
    eta : float > 0
        Mean of each coordinate, plus or minus.
    spread : float > 0
        Standard deviation of each coordinate.
    factor : float > 0
        Rows of the common class over those of the rare one.
    eps : float in [0, eta)
        By how much an attack moves each coordinate.
    dimensions : int > 0

    Raises
    ------
    ValueError
        If a number is out of range.

    Examples
    --------
    >>> round(TwoClasses(eta=1.0, spread=0.8, factor=10).threshold(3.0), 6)
    0.385271
    """

    eta: float = 1.0
    spread: float = 0.8
    factor: float = 10.0
    eps: float = 0.0
    dimensions: int = 1

    def __post_init__(self) -> None:
        check.positive(eta=self.eta, spread=self.spread, factor=self.factor)
        check.whole(1, dimensions=self.dimensions)
        if not check.holds(lambda number: 0 <= number < self.eta, self.eps):
            raise ValueError(f"eps must lie in [0, {self.eta:g}), below eta, got {self.eps!r}. "
                             "At eta the classes lie on each other.")

    @property
    def half_distance(self) -> float:
        """Half the distance of the means that the attack leaves."""
        return float((self.eta - self.eps) * np.sqrt(self.dimensions))

    def threshold(self, emphasis: Any) -> Any:
        """``t``, where the common class is decided for ``x > -t``; weights of the rare class."""
        if not np.all(np.asarray(emphasis) > 0):
            raise ValueError(f"emphasis must be > 0, got {emphasis!r}. Pass 1 for equal weights.")
        logs = np.log(self.factor / np.asarray(emphasis, float))
        found = self.spread ** 2 * logs / (2 * self.half_distance)
        return float(found) if found.ndim == 0 else found

    def errors(self, emphasis: Any) -> tuple[Any, Any]:
        """Share of errors of the common and of the rare class, under the attack.

        Parameters
        ----------
        emphasis : float > 0, or array
            Weight of the rare class.
        """
        from scipy.stats import norm

        m, t = self.half_distance, self.threshold(emphasis)
        return norm.cdf(-(m + t) / self.spread), norm.cdf(-(m - t) / self.spread)


def errors_by_emphasis(world: TwoClasses, emphases: Any) -> tuple[np.ndarray, np.ndarray]:
    """Errors of both classes, shape (k,) each, for weights of the rare class, shape (k,).

    Examples
    --------
    >>> errors_by_emphasis(TwoClasses(factor=1.0), [1.0])[0].round(4).tolist()
    [0.1056]
    """
    common, rare = world.errors(np.asarray(emphases, float))
    return np.atleast_1d(common), np.atleast_1d(rare)
