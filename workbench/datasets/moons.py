"""Two interleaving arcs with flipped labels: classes of known noise that no line separates."""

import math

import numpy as np

from workbench.core import check

__all__ = ["flip_entropy", "moons"]


def moons(n: int = 100, *, flip: float = 0.1, noise: float = 0.15, rng: np.random.Generator
          ) -> tuple[np.ndarray, np.ndarray]:
    """Points on two arcs, and labels of which a share is wrong.

    Parameters
    ----------
    n : int > 0
    flip : float in [0, 0.5)
        Probability that the label is that of the other arc: no model can do better than the
        entropy of this coin.
    noise : float >= 0
        Standard deviation of the points around their arc [radii].
    rng : numpy.random.Generator

    Returns
    -------
    x : array, shape (n, 2)
        Centred, in radii.
    y : array of 0 and 1, shape (n,)

    Examples
    --------
    >>> x, y = moons(4, rng=np.random.default_rng(0))
    >>> x.shape, y.shape
    ((4, 2), (4,))
    """
    check.positive(n=n)
    if not 0 <= flip < 0.5:
        raise ValueError(f"flip must lie in [0, 0.5), got {flip!r}. Pass 0.1.")
    if not noise >= 0:
        raise ValueError(f"noise must be >= 0, got {noise!r}. Pass 0.15.")
    arc = rng.integers(0, 2, n)
    angle = math.pi * rng.random(n)
    side = 1 - 2 * arc
    points = np.column_stack([np.cos(angle) * side + arc, np.sin(angle) * side + arc / 2])
    x = points + noise * rng.normal(size=(n, 2)) - np.array([0.5, 0.25])
    return x, np.where(rng.random(n) < flip, 1 - arc, arc)


def flip_entropy(flip: float) -> float:
    """Entropy of a flipped label [nats], the least log-loss that anything can have.

    Examples
    --------
    >>> round(flip_entropy(0.1), 4)
    0.3251
    """
    if not 0 <= flip <= 1:
        raise ValueError(f"flip must lie in [0, 1], got {flip!r}. Pass a probability.")
    return -sum(share * math.log(share) for share in (flip, 1 - flip) if share)
