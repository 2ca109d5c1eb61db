"""A handful of scores: the smooth trend must not pass through them and call that certainty.

Oracle: the noise of the simulated scores, and the straight line, whose posterior is known.
"""

import numpy as np
import pytest

from workbench.core import generator
from workbench.inference import BayesianTrend


@pytest.mark.parametrize("likelihood", ["student", "normal"])
@pytest.mark.parametrize("n", [5, 8])
def test_recovers_the_uncertainty_of_few_scores(n, likelihood):
    dates = np.datetime64("2024-01-01") + 9 * np.arange(n)
    scores = generator(n).normal(5, 1, n)
    wide, line = (BayesianTrend(trend=trend, likelihood=likelihood, scale=(0, 10), draws=500).fit(
        dates, scores, rng=generator(0)) for trend in ("smooth", "line"))
    assert wide.slope_draws.std() > 0.8 * line.slope_draws.std()
    assert np.quantile(wide.sigma, 0.1) > 0.05
    assert wide.stats["diverging"].mean() < 0.05


def test_rejects_scores_without_scatter():
    dates = np.datetime64("2024-01-01") + np.arange(6)
    with pytest.raises(ValueError, match="scores must scatter around their trend"):
        BayesianTrend(scale=(0, 10)).fit(dates, 5 + 0.1 * np.arange(6), rng=generator(0))


def test_identity_an_exact_fit_needs_no_scatter():
    dates = np.datetime64("2024-01-01") + np.arange(6)
    fit = BayesianTrend(scale=(0, 10), likelihood="normal", sampler="exact", time_scale=1.0).fit(
        dates, 5 + 0.1 * np.arange(6), rng=generator(0))
    assert abs(fit.slope().value - 0.1) < 4 * fit.slope_draws.std()


def test_rejects_weights_that_leave_too_few_scores():
    dates = np.datetime64("2024-01-01") + np.arange(8)
    scores = generator(1).normal(5, 1, 8)
    with pytest.raises(ValueError, match="with a weight above 0, got 1"):
        BayesianTrend(scale=(0, 10)).fit(dates, scores, sample_weight=np.eye(8)[0],
                                         rng=generator(0))
