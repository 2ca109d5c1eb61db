"""Oracles: NUTS against Laplace, planted slopes, and known limits of measurement error."""

import math

import numpy as np
import pytest

from workbench.core import generator
from workbench.datasets import opinion_scores
from workbench.inference import BayesianTrend, warnings_of

START = np.datetime64("2024-01-01", "s")


def many(n, rng, bend=0.0):
    day = np.append(0.0, np.sort(rng.uniform(0, 360, n - 1)))
    line = 5 - 0.27 * day / 30 + bend * np.sin(day / 40)
    score = line + 0.2 * rng.standard_t(4, n)
    inside = (score > 0) & (score < 10)
    dates = START + (86_400 * day).astype("timedelta64[s]")
    return dates[inside], score[inside]


@pytest.mark.parametrize("trend", ["line", "smooth"])
def test_matches_nuts_by_laplace(trend):
    dates, score = many(2000, generator(0), 0.5 if trend == "smooth" else 0.0)
    laplace, nuts = (BayesianTrend(trend=trend, scale=(0, 10), sampler=sampler).fit(
        dates, score, rng=generator(1)) for sampler in ("laplace", "nuts"))
    sd = nuts.slope_draws.std()
    assert warnings_of(laplace) == ()
    assert abs(laplace.slope_draws.mean() - nuts.slope_draws.mean()) < 4 * sd * math.sqrt(2 / 300)
    assert abs(laplace.slope_draws.std() / sd - 1) < 4 / math.sqrt(2 * 300)
    np.testing.assert_allclose(laplace.trend()["mean"], nuts.trend()["mean"], atol=0.03)


def test_recovers_the_slope_of_more_rows_than_nuts_is_asked_for():
    dates, score = many(20_400, generator(2))
    fit = BayesianTrend(scale=(0, 10)).fit(dates, score, rng=generator(2))
    assert fit.sampler == "laplace"
    assert abs(fit.slope().value + 0.27) < 4 * fit.slope_draws.std()
    assert warnings_of(fit) == ()


@pytest.mark.slow
@pytest.mark.parametrize("trend", ["line", "smooth"])
def test_recovers_the_slope_of_a_million_rows(trend):
    dates, score = many(1_000_000, generator(3), 0.5 if trend == "smooth" else 0.0)
    fit = BayesianTrend(trend=trend, scale=(0, 10)).fit(dates, score, rng=generator(3))
    assert warnings_of(fit) == ()
    truth = -0.27 + (0.5 * math.sin(9) / 12 if trend == "smooth" else 0.0)
    assert abs(fit.slope().value - truth) < 4 * fit.slope_draws.std()


def test_identity_every_sampler_repeats_its_seed():
    scores = opinion_scores(rng=generator(4))
    for sampler in ("nuts", "laplace"):
        model = BayesianTrend(scale=(0, 10), sampler=sampler, draws=100, tune=100)
        first, second = (model.fit(scores["date"], scores["score"], rng=generator(5))
                         for _ in range(2))
        np.testing.assert_array_equal(first.coefficients, second.coefficients)


@pytest.mark.parametrize("likelihood", ["student", "normal"])
def test_matches_measurement_errors_alone(likelihood):
    """Scores close to a line but measured with error .5: the slope cannot be surer than that."""
    t = np.arange(0, 300, 10) / 30
    dates = START + (86_400 * 30 * t).astype("timedelta64[s]")
    model = BayesianTrend(likelihood=likelihood, scale=(0, 10), draws=500)
    score = 7 - 0.2 * t + 0.01 * np.tile([1, -1], 15)
    fit = model.fit(dates, score, error=np.full(30, 0.5), rng=generator(6))
    naive = model.fit(dates, score, rng=generator(6))
    smallest = 0.5 / math.sqrt(((t - t.mean()) ** 2).sum())
    assert fit.slope_draws.std() > 0.95 * smallest
    assert naive.slope_draws.std() < 0.1 * smallest


def test_matches_noise_and_measurement_error_add_up():
    rng = generator(7)
    dates, _ = many(400, rng)
    error = np.full(len(dates), 0.4)
    score = 5 + np.hypot(0.3, 0.4) * rng.normal(size=len(dates))
    model = BayesianTrend(likelihood="normal", scale=(0, 10), draws=500)
    split = model.fit(dates, score, error=error, rng=generator(8))
    whole = model.fit(dates, score, rng=generator(8))
    assert np.hypot(split.sigma, 0.4).mean() == pytest.approx(whole.sigma.mean(), rel=0.02)
    assert split.slope_draws.std() == pytest.approx(whole.slope_draws.std(), rel=0.15)
    assert split.sigma.mean() == pytest.approx(0.3, abs=0.06)
