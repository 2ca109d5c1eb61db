"""Simulated worlds: how far predicted probabilities of the rare stage are from the true ones."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from workbench.core.rng import seed_from
from workbench.datasets.simulated_stages import ordered_stages
from workbench.inference.ordinal.rivals import fit_method

__all__ = ["TRIED", "ratio_interval", "trials"]

TRIED = ("PRESTO", "PRESTO, squares", "PRESTO, base free", "proportional odds",
         "logistic regression", "logistic regression, shrunk", "multinomial")


def trials(replications: int, *, n: int = 2500, p: int = 10,  # noqa: PLR0913 - of a world
           intercepts: Sequence[float] = (0.0, 3.0, 5.0), deviation: float = 0.5,
           sparsity: float = 1.0, reverse: bool = False, methods: Sequence[str] = TRIED,
           rng: np.random.Generator) -> pd.DataFrame:
    """Mean squared error of the probability of the last stage, on the rows it was learnt from.

    Parameters
    ----------
    replications : int
    n, p, intercepts, deviation, sparsity
        As of :func:`~workbench.datasets.simulated_stages.ordered_stages`.
    reverse : bool
        Whether the order is turned round, so that the first stage becomes the last.
    methods : sequence of str
        Of :data:`~workbench.inference.ordinal.rivals.METHODS`.
    rng : numpy.random.Generator

    Returns
    -------
    table : DataFrame
        Columns replication, method, mse, and rare: rows of the last stage.
    """
    rows = []
    for replication, own in enumerate(rng.spawn(replications)):
        world = ordered_stages(n, p, intercepts=intercepts, deviation=deviation,
                               sparsity=sparsity, rng=own)
        seed, last = seed_from(own), len(intercepts)
        codes = last - world.codes if reverse else world.codes
        truth = world.probabilities[:, 0 if reverse else -1]
        for method in methods:
            found = fit_method(method, world.X, codes, None, seed)(world.X)[:, -1]
            rows.append((replication, method, float(np.mean((found - truth) ** 2)),
                         int((codes == last).sum())))
    return pd.DataFrame(rows, columns=["replication", "method", "mse", "rare"])


def ratio_interval(own: np.ndarray, other: np.ndarray, level: float) -> tuple[float, ...]:
    """Ratio of two means over the same replications, and its interval by the delta method.

    The interval is Student's in the logarithm of the ratio.
    """
    from scipy.stats import t

    ratio = float(own.mean() / other.mean())
    if len(own) < 2:
        return ratio, 0.0, np.inf
    parts = own / own.mean() - other / other.mean()
    half = float(t.ppf(0.5 + level / 2, len(own) - 1) * parts.std(ddof=1) / np.sqrt(len(own)))
    return ratio, ratio * np.exp(-half), ratio * np.exp(half)
