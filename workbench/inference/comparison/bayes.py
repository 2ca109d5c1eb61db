"""How probable is it that one model is better, or that it does not matter? Two posteriors.

Correlated t: with a flat prior on the mean and the log variance and correlation ``rho`` between
splits, the mean difference is Student-t with ``k - 1`` degrees of freedom about the mean, with
scale ``sd sqrt(1/k + rho / (1 - rho))`` and ``rho`` the share of rows that a split tests on.
Signed rank: weights on the data sets and on one pseudo-observation at 0 are Dirichlet; the
statistic is ``weights @ A @ weights`` with ``A`` the pairs whose mean lies beyond the region of
practical equivalence, and the posterior the share of draws in which each region weighs most.

Sources: Corani and Benavoli (2015), Machine Learning 100; Benavoli, Mangili, Corani, Zaffalon and
Ruggeri (2014), ICML; Benavoli, Corani, Demsar and Zaffalon (2017), JMLR 18.
"""

import math
from typing import Any

import numpy as np
from scipy import special

from workbench.core import Interval, check
from workbench.inference.comparison.arrays import (
    at_least_zero,
    differences,
    level_between,
    share,
    source,
)
from workbench.inference.comparison.outcomes import Posterior

__all__ = ["bayesian_signed_rank", "correlated_t"]

BATCH = 1 << 22          # entries of weights that are held at once


def correlated_t(diffs: Any, *, rope: float = 0.0, test_frac: float, level: float = 0.95
                 ) -> Posterior:
    """Bayesian correlated t test of two models scored on the same splits of one data set.

    Parameters
    ----------
    diffs : array, shape (k,)
        First minus second, of k-fold, repeated k-fold or repeated hold-out.
    rope : float >= 0
        Differences up to this size are practically none.
    test_frac : float in (0, 1)
        Share of rows that a split tests on; ``1 / folds``.
    level : float
        Of the credible interval.

    Notes
    -----
    With ``rope=0`` the smaller of the outer probabilities is half the p value of the corrected
    resampled t test.

    Examples
    --------
    >>> told = correlated_t([1.0, 5.0, -3.0], rope=1.0, test_frac=1 / 3)
    >>> round(told.first, 4), round(told.equal, 4)
    (0.5, 0.1806)
    """
    found = differences(diffs)
    _checked(rope)
    share(test_frac=test_frac, hint="Pass 1 / folds for k-fold.")
    level_between(level)
    k, mean = len(found), float(found.mean())
    scale = float(found.std(ddof=1)) * math.sqrt(1 / k + test_frac / (1 - test_frac))
    name = "Bayesian correlated t"
    if scale <= 1e-12 * abs(mean) or scale == 0:
        half = 0.5 if rope == 0 and mean == 0 else 0.0
        sides = (float(mean > rope) + half, float(abs(mean) <= rope and not half),
                 float(mean < -rope) + half)
        return Posterior(*sides, mean, Interval(mean, mean, level), name, rope, 0.0,
                         ("All differences are equal: the posterior is one point.",))
    first = float(special.stdtr(k - 1, (mean - rope) / scale))
    second = float(special.stdtr(k - 1, (-rope - mean) / scale))
    reach = scale * float(special.stdtrit(k - 1, 0.5 + level / 2))
    return Posterior(first, max(0.0, 1 - first - second) if rope else 0.0, second, mean,
                     Interval(mean - reach, mean + reach, level), name, rope)


def bayesian_signed_rank(diffs: Any, *, rope: float = 0.0, prior: float = 0.5,
                         draws: int = 50_000, rng: np.random.Generator) -> Posterior:
    """Bayesian signed-rank test of two models over independent data sets.

    Parameters
    ----------
    diffs : array, shape (k,)
        First minus second, one per data set.
    rope : float >= 0
    prior : float >= 0
        Weight of the pseudo-observation at 0, in data sets.
    draws : int > 0
        From the Dirichlet posterior of the weights.
    rng : numpy.random.Generator

    Returns
    -------
    posterior : Posterior
        Probability that each region weighs most; ties count to each region alike. `error` is the
        Monte-Carlo standard error.
    """
    found = differences(diffs, least=1)
    _checked(rope)
    check.whole(1, draws=draws)
    at_least_zero(prior=prior, hint="Pass 0.5.")
    rng = source(rng, "to draw weights from the posterior")
    values = np.concatenate([[0.0], found]) if prior else found
    amounts = np.ones(len(values))
    if prior:
        amounts[0] = prior
    sums = values[:, None] + values[None, :]
    above = (sums > 2 * rope) + 0.5 * (sums == 2 * rope)
    below = (sums < -2 * rope) + 0.5 * (sums == -2 * rope)
    wins, size = np.zeros(3), max(1, BATCH // len(values))
    for start in range(0, draws, size):
        weights = rng.dirichlet(amounts, min(size, draws - start))
        first = np.einsum("di,di->d", weights @ above, weights)
        second = np.einsum("di,di->d", weights @ below, weights)
        middle = 1 - first - second if rope else np.full(len(first), -1.0)
        regions = np.stack([first, middle, second], axis=1)
        best = regions >= regions.max(axis=1, keepdims=True) - 1e-12
        wins += (best / best.sum(axis=1, keepdims=True)).sum(axis=0)
    shares = wins / draws
    error = float(np.sqrt(shares * (1 - shares) / draws).max())
    few = () if len(found) >= 5 else (f"Only {len(found)} data sets: the prior counts much.",)
    return Posterior(float(shares[0]), float(shares[1]), float(shares[2]), float(found.mean()),
                     None, "Bayesian signed rank", rope, error, few)


def _checked(rope: float) -> None:
    at_least_zero(rope=rope, hint="Pass the largest difference that does not matter, such as "
                                  "0.01.")
