"""A world of pairs that are observed where their loss is large, and whose truth is known."""

import numpy as np
import pandas as pd
from scipy.special import expit

from workbench.core import check

__all__ = ["selected_pairs"]

FEATURES = 6


def selected_pairs(n: int = 2000, *, rng: np.random.Generator) -> pd.DataFrame:
    """Pairs with six features; the larger the loss, the likelier it is observed.

    ``loss = 2 + f(x) + 0.3 x5 + 0.3 noise`` with ``f = sin(2 x1) + x2^2 - 1 + 0.8 x1 x3``, and a
    pair is observed with probability ``sigmoid(-2.2 + f(x) + 0.3 x4)``: about one in six.

    Parameters
    ----------
    n : int > 0
    rng : numpy.random.Generator

    Returns
    -------
    world : DataFrame, shape (n, 9)
        ``x1`` to ``x6``, standard normal; ``loss``, of every pair; ``observed``; ``propensity``.

    Examples
    --------
    >>> world = selected_pairs(4000, rng=np.random.default_rng(0))
    >>> bool(world["loss"][world["observed"]].mean() > world["loss"].mean() + 0.8)
    True
    """
    check.positive(n=n)
    x = rng.normal(size=(n, FEATURES))
    f = np.sin(2 * x[:, 0]) + x[:, 1] ** 2 - 1 + 0.8 * x[:, 0] * x[:, 2]
    propensity = expit(-2.2 + f + 0.3 * x[:, 3])
    observed = rng.random(n) < propensity
    loss = 2 + f + 0.3 * x[:, 4] + 0.3 * rng.normal(size=n)
    world = pd.DataFrame(x, columns=[f"x{at}" for at in range(1, FEATURES + 1)])
    return world.assign(loss=loss, observed=observed, propensity=propensity)
