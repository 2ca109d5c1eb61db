"""Forecasters of events of known chance: one is right, the others are wrong in many ways."""

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from workbench.core import check

__all__ = ["simulated_forecasts"]


def simulated_forecasts(n: int = 400, *, rng: np.random.Generator) -> pd.DataFrame:
    """Events with a slowly moving chance, and eight forecasts of each.

    Parameters
    ----------
    n : int > 0
        Steps.
    rng : numpy.random.Generator

    Returns
    -------
    table : DataFrame, shape (n, 9)
        ``outcome``, 0 or 1; ``calibrated`` knows the chance; ``overconfident`` and ``cautious``
        double and halve its log odds; ``optimist`` adds to them; ``noisy`` blurs them; ``late``
        tells the chance of ten steps before; ``base_rate`` and ``coin`` are constant.
    """
    check.positive(n=n)
    shocks = 0.35 * rng.normal(size=n + 10)
    odds = np.zeros(n + 10)
    for step in range(1, n + 10):
        odds[step] = 0.95 * odds[step - 1] + shocks[step]
    now, before = odds[10:] - 0.5, odds[:n] - 0.5
    outcome = (rng.random(n) < expit(now)).astype(int)
    return pd.DataFrame({
        "outcome": outcome, "calibrated": expit(now), "overconfident": expit(2 * now),
        "cautious": expit(now / 2), "optimist": expit(now + 1.0),
        "noisy": expit(now + rng.normal(size=n)), "late": expit(before),
        "base_rate": expit(logit(0.4)), "coin": 0.5})
