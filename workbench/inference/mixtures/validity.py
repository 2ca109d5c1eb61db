"""Simulations of what mixtures promise: intervals that cover, regret that stays under its bound.

A posterior interval of level L covers the truth with probability L where truths are drawn from the
prior; the regret against a hypothesis stays under ``-log`` of its weight for every sequence.
"""

import math

import numpy as np
from scipy.special import betaincinv

from workbench.core import Measure, check
from workbench.inference.mixtures.step_sizes import stationary_variance
from workbench.inference.universal_mixture import FiniteMixture

__all__ = ["coin_coverage", "langevin_coverage", "least_margin"]


def coin_coverage(level: float = 0.9, n: int = 30, *, prior: tuple[float, float] = (1.0, 1.0),
                  replications: int = 2000, rng: np.random.Generator) -> Measure:
    """Share of central posterior intervals of a coin's bias that cover it, biases from the prior.

    Parameters
    ----------
    level : float in (0, 1)
    n : int > 0
        Tosses.
    prior : (float, float)
        Of the Beta prior.
    replications : int > 1
    rng : numpy.random.Generator
    """
    _checked(level, n, replications)
    a, b = prior
    bias = rng.beta(a, b, replications)
    ones = rng.binomial(n, bias)
    low, high = (betaincinv(a + ones, b + n - ones, side)
                 for side in ((1 - level) / 2, (1 + level) / 2))
    return _share((low <= bias) & (bias <= high))


def langevin_coverage(  # noqa: PLR0913 - a simulation's knobs
        level: float = 0.9, n: int = 20, *, replications: int = 500, steps: int = 1500,
        lr: float | None = None, temperature: float = 1.0, rng: np.random.Generator) -> Measure:
    """Share of intervals from Langevin draws that cover the coefficients of a linear regression.

    Coefficients are drawn from the prior N(0, 1), noise is N(0, 1), so that exact posterior draws
    cover with probability `level`; each replication is one chain with rows of its own, and gives
    an interval from its draws for each of two coefficients.

    Parameters
    ----------
    level, n, replications, rng : as for :func:`coin_coverage`
    steps : int > 0
    lr : float > 0 or None
        Step size; None takes ``0.3 / (n + 1)``.
    temperature : float >= 0
    """
    from torch import nn

    from workbench.inference.mixtures.langevin import SGLDSampler

    _checked(level, n, replications)
    x = rng.normal(size=(replications, n, 2))
    truth = rng.normal(size=(replications, 2))
    y = np.einsum("rnp,rp->rn", x, truth) + rng.normal(size=(replications, n))
    size = 0.3 / (n + 1) if lr is None else lr
    stationary_variance(n + 1.0, size)               # refuses steps that run away
    how = SGLDSampler(lr=size, n_steps=steps, snapshots=steps // 2, temperature=temperature,
                      device="cpu")
    models = [nn.Linear(2, 1, bias=False).double() for _ in range(replications)]
    sampled = how.sample(models, (x, y), rng=rng, is_own=True, form="vmap",
                         loss=lambda outputs, target: 0.5 * (outputs[:, 0] - target) ** 2)
    draws = sampled.draws.params.numpy()
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
    covered = (low <= truth) & (truth <= high)
    found = covered.mean(axis=1)
    return Measure(float(found.mean()), float(found.std(ddof=1) / math.sqrt(replications)))


def least_margin(hypotheses: int = 8, steps: int = 50, *, sequences: int = 200,
                 temperature: float = 1.0, rng: np.random.Generator) -> float:
    """Smallest bound minus regret over many sequences and all hypotheses [nats]; never below 0.

    Half of the sequences are drawn by the hypotheses themselves, half choose in each step what
    hurts the mixture most. Hypotheses are random, their prior weights too; some sleep.
    """
    check.positive(hypotheses=hypotheses, steps=steps, sequences=sequences)
    least = math.inf
    for number in range(sequences):
        prior = rng.dirichlet(np.full(hypotheses, 0.5)) + 1e-12
        chance = rng.beta(0.3, 0.3, size=(steps, hypotheses)).clip(1e-9, 1 - 1e-9)
        mixture = FiniteMixture(np.log(prior / prior.sum()), temperature)
        chosen = int(rng.integers(hypotheses))
        for row in chance:
            share = float(mixture.weights @ row)
            one = row[chosen] > share if number % 2 else rng.random() < row[chosen]
            told = np.log(row if one else 1 - row)
            asleep = rng.random(hypotheses) < 0.1
            mixture = mixture.update(np.where(asleep & ~asleep.all(), np.nan, told))
        least = min(least, float((mixture.bound - mixture.regret()).min()))
    return least


def _checked(level: float, n: int, replications: int) -> None:
    if not 0 < level < 1:
        raise ValueError(f"level must lie strictly between 0 and 1, got {level!r}. Pass 0.9.")
    if not (n > 0 and replications > 1):
        raise ValueError(f"n must be positive and replications above 1, got {n!r} and "
                         f"{replications!r}. Pass 30 and 2000.")


def _share(covered: np.ndarray) -> Measure:
    share = float(covered.mean())
    return Measure(share, math.sqrt(max(share * (1 - share), 1e-12) / len(covered)))
