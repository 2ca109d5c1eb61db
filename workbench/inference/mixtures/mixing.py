"""Whether chains agree, and how many independent draws theirs are worth.

Sources: split R-hat, A. Gelman et al., Bayesian Data Analysis, 3rd edition (2013), section 11.4;
effective size by batch means, J. M. Flegal, G. L. Jones, Annals of Statistics 38 (2010).
"""

import math

import numpy as np

__all__ = ["effective_draws", "split_rhat"]


def split_rhat(draws: np.ndarray) -> float:
    """Split R-hat of one number, shape (chains, draws); NaN with fewer than four draws."""
    half = draws.shape[1] // 2
    if half < 2:
        return math.nan
    parts = np.concatenate([draws[:, :half], draws[:, -half:]])
    within = parts.var(axis=1, ddof=1).mean()
    between = half * parts.mean(axis=1).var(ddof=1)
    if within == 0:
        return 1.0 if between == 0 else math.inf
    return float(math.sqrt((half - 1) / half + between / (half * within)))


def effective_draws(draws: np.ndarray) -> float:
    """Effective size of one number's draws, shape (chains, draws), by batch means.

    At most their count, since chance alone makes batches of a long chain vary less.
    """
    chains, count = draws.shape
    size = max(1, math.isqrt(count))
    batches = draws[:, :count // size * size].reshape(chains, -1, size).mean(axis=2)
    spread, total = size * batches.var(ddof=1), draws.var(ddof=1)
    if not (spread > 0 and total > 0):
        return math.nan
    return float(min(chains * count, chains * count * total / spread))
