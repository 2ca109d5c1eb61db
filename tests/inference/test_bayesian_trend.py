"""Oracles: a grid of the posterior by SciPy, and what must not change when the data are moved."""

import math

import numpy as np
import pytest
from scipy import stats

from workbench.core import generator, libraries
from workbench.datasets import opinion_scores
from workbench.inference import BayesianTrend

START = np.datetime64("2024-01-01")


def world(n=14, seed=0, slope=-0.3, months=12):
    rng = generator(seed)
    day = np.append(0, np.sort(rng.choice(np.arange(1, 30 * months + 1), n - 1, replace=False)))
    score = 5 + slope * day / 30 + 0.5 * rng.standard_t(4, n)
    return START + day.astype("timedelta64[D]"), np.clip(score, 0, 10)


def within(draws, mean, sd, sizes=4.0):
    """Whether mean and sd of draws lie within four Monte-Carlo standard errors."""
    arviz = libraries.arviz()

    squares = (draws - draws.mean()) ** 2
    error = sd / math.sqrt(arviz.ess(draws, method="mean"))
    square_error = squares.std() / math.sqrt(arviz.ess(squares, method="mean"))
    return (abs(draws.mean() - mean) < sizes * error
            and abs(squares.mean() - sd ** 2) < sizes * square_error)


def grid_moments(t, y, nu):
    """Mean and sd of alpha, beta and sigma on a three-dimensional grid, scale 0 to 10."""
    alpha = np.linspace(2, 8, 121)[:, None, None]
    beta = np.linspace(-0.9, 0.4, 131)[None, :, None]
    sigma = np.exp(np.linspace(-3, 1.3, 90))[None, None, :]
    logs = (stats.norm.logpdf(alpha, 5, 5) + stats.norm.logpdf(beta, 0, 2)
            + stats.halfnorm.logpdf(sigma, scale=2) + np.log(sigma))
    for time, score in zip(t, y, strict=True):
        logs = logs + stats.t.logpdf(score, nu, alpha + beta * time, sigma)
    mass = np.exp(logs - logs.max())
    mass /= mass.sum()
    means = [float((mass * axis).sum()) for axis in (alpha, beta, sigma)]
    return [(mean, math.sqrt(float((mass * (axis - mean) ** 2).sum())))
            for mean, axis in zip(means, (alpha, beta, sigma), strict=True)]


def test_matches_a_grid_of_the_posterior():
    dates, score = world()
    score[3] = 9.5                                       # a gross outlier
    fit = BayesianTrend(scale=(0, 10), draws=4000).fit(dates, score, rng=generator(1))
    t = (dates - dates[0]) / np.timedelta64(30, "D")
    alpha, beta, sigma = grid_moments(t, score, 4.0)
    assert within(fit.coefficients[..., 0], *alpha)
    assert within(fit.coefficients[..., 1], *beta)
    assert within(fit.hyper["sigma"], *sigma)


def test_identity_infinite_nu_weighs_every_score_the_same():
    dates, score = world(40)
    neutral, normal = (BayesianTrend(scale=(0, 10), draws=500, **options).fit(
        dates, score, rng=generator(2)) for options in ({"nu": math.inf},
                                                        {"likelihood": "normal"}))
    np.testing.assert_allclose(neutral.weights(), np.full(40, 1 / 40), rtol=1e-12)
    np.testing.assert_array_equal(neutral.coefficients, normal.coefficients)
    assert neutral.effective_share().value == pytest.approx(1.0)


def test_matches_the_normal_when_nu_is_large():
    dates, score = world(40)
    large, normal = (BayesianTrend(scale=(0, 10), nu=nu, draws=2000).fit(
        dates, score, rng=generator(3)) for nu in (1000.0, math.inf))
    gap = large.slope().value - normal.slope().value
    assert abs(gap) < 0.05 * normal.slope_draws.std()


def test_identity_a_constant_moves_alpha_only():
    dates, score = world(30)
    plain, moved = (BayesianTrend(scale=(low, low + 10), draws=300).fit(
        dates, score + low, rng=generator(4)) for low in (0.0, 50.0))
    shift = np.array([50.0, 0.0])
    np.testing.assert_allclose(moved.coefficients, plain.coefficients + shift, rtol=1e-5,
                               atol=1e-5)
    np.testing.assert_allclose(moved.hyper["sigma"], plain.hyper["sigma"], rtol=1e-4)


def test_identity_rescaled_time_rescales_beta_and_its_prior():
    dates, score = world(30)
    month = BayesianTrend(scale=(0, 10), draws=300).fit(dates, score, rng=generator(5))
    prior = month.prior
    quarter = BayesianTrend(
        scale=(0, 10), draws=300, time_scale=90.0,
        prior=type(prior)(**vars(prior) | {"slope_sd": 3 * prior.slope_sd})).fit(
            dates, score, rng=generator(5))
    np.testing.assert_allclose(quarter.slope_draws, 3 * month.slope_draws, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(quarter.trend()["mean"], month.trend()["mean"], rtol=1e-6)


def test_identity_permuted_rows_permute_the_weights():
    dates, score = world(30)
    order = generator(6).permutation(30)
    model = BayesianTrend(scale=(0, 10), draws=500)
    weights = model.fit(dates, score, rng=generator(7)).weights()
    permuted = model.fit(dates[order], score[order], rng=generator(7)).weights()
    np.testing.assert_allclose(permuted, weights[order], rtol=1e-4)
    assert weights.sum() == pytest.approx(1.0)
    assert (weights >= 0).all()


def test_recovers_nothing_from_flat_scores():
    dates, score = world(60, slope=0.0, seed=11)
    mirrored = np.append(score, 10 - score)
    fit = BayesianTrend(scale=(0, 10)).fit(np.tile(dates, 2), mirrored, rng=generator(8))
    assert abs(fit.probability_falling().value - 0.5) < 0.05


def test_matches_an_outlier_counts_less():
    scores = opinion_scores(rng=generator(9))
    fit = BayesianTrend(scale=(0, 10)).fit(scores["date"], scores["score"], rng=generator(9))
    months = (scores["date"] - scores["date"].iloc[0]).dt.days / 30
    far = abs(scores["score"] - 5 + 0.27 * months).to_numpy().argsort()[-3:]
    assert (fit.weights()[far] < 0.25 / 48).all()
    assert fit.effective_share().value < 0.97
