"""Few, tied and awkward scores: the trend must not mistake them for certainty.

Oracle: the noise of the simulated scores, and the straight line, whose posterior is known.
"""

from dataclasses import replace

import numpy as np
import pytest

from workbench.core import generator
from workbench.inference import BayesianTrend, Prior, warnings_of


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


def test_recovers_whole_number_scores_with_many_ties():
    """Without a floor the noise would vanish: most scores lie exactly on one line."""
    dates = np.datetime64("2024-01-01") + 3 * np.arange(70)
    rng = generator(1)
    scores = rng.permutation(np.append(np.full(60, 7.0), rng.integers(4, 10, 10)))
    for trend in ("line", "smooth"):
        fit = BayesianTrend(trend=trend, scale=(0, 10), draws=500).fit(dates, scores, rng=rng)
        assert fit.sigma.min() >= 1 / np.sqrt(12)
        assert 0.05 < fit.probability_falling().value < 0.95
        assert warnings_of(fit) == ()


def test_recovers_a_steep_fall_within_a_day():
    dates = np.datetime64("2024-01-01T00:00") + 14 * np.arange(100)
    scores = 7 - 3 * np.linspace(0, 1, 100) + generator(1).normal(0, 0.3, 100)
    fit = BayesianTrend(scale=(0, 10)).fit(dates, scores, rng=generator(0))
    truth = -3 / (99 * 14 / 1440 / 30)
    assert abs(fit.slope().value - truth) < 4 * fit.slope_draws.std()


def test_recovers_the_share_of_scores_inside_the_band_of_any_source():
    dates = np.datetime64("2024-01-01") + np.arange(320)
    source = np.tile(list("abcdefgh"), 40)
    offset = dict(zip("abcdefgh", np.linspace(-8, 8, 8), strict=True))
    scores = 50 + np.array([offset[name] for name in source]) + generator(2).normal(0, 1, 320)
    fit = BayesianTrend(likelihood="normal", scale=(0, 100), draws=500).fit(
        dates, scores, source=source, rng=generator(0))
    band = fit.predict(dates, rng=generator(1))
    inside = (scores >= band["low"]) & (scores <= band["high"])
    assert 0.85 < inside.mean() < 0.97


@pytest.mark.parametrize(("change", "words"), [
    ({"dates": np.arange(1980, 1992)}, "dates must be dates, got numbers such as 1980"),
    ({"scores": np.ma.masked_greater(np.arange(12.0), 10)}, "scores must be finite"),
    ({"source": ["a", None] * 6}, "source must name a source"),
])
def test_rejects_what_would_be_misread(change, words):
    rows = {"dates": np.datetime64("2024-01-01") + np.arange(12), "scores": np.arange(12.0) % 5}
    with pytest.raises(ValueError, match=words):
        BayesianTrend(scale=(0, 12)).fit(**(rows | change), rng=generator(0))


def test_rejects_a_prior_without_spread():
    with pytest.raises(ValueError, match="source_sd must be positive, got 0"):
        replace(Prior.for_scale((0, 10), 5.0), source_sd=0.0)
