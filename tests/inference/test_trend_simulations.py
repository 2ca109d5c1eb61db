"""Oracle: the prior itself and planted slopes; ranks and intervals of the truth."""

import math

import numpy as np
import pytest
from scipy import stats

from workbench.core import generator
from workbench.datasets import opinion_scores
from workbench.inference import BayesianTrend, Prior
from workbench.inference.trend.design import BEND, TrendDesign

DAYS = np.datetime64("1970-01-01") + np.arange(0, 181, 12)
T = np.arange(0, 181, 12) / 30
PRIOR = Prior.for_scale((0.0, 10.0), 6.0)
WIDE = (-1e6, 1e6)


def uniform(ranks, bins):
    """p value of ranks among 99 draws being uniform."""
    return stats.chisquare(np.bincount(np.asarray(ranks) * bins // 100, minlength=bins)).pvalue


@pytest.mark.slow
def test_recovers_calibrated_ranks_of_the_robust_line():
    rng = generator(0)
    model = BayesianTrend(scale=WIDE, prior=PRIOR, draws=198, tune=300, chains=1)
    ranks = []
    for _ in range(400):
        alpha, beta = rng.normal(5, 5), rng.normal(0, 2)
        sigma = abs(rng.normal(0, 2))
        fit = model.fit(DAYS, alpha + beta * T + sigma * rng.standard_t(4, len(T)), rng=rng)
        ranks.append([(fit.slope_draws[::2] < beta).sum(), (fit.sigma[::2] < sigma).sum()])
    assert min(uniform(column, 20) for column in np.array(ranks).T) > 0.01


@pytest.mark.slow
def test_recovers_calibrated_ranks_of_the_smooth_trend():
    rng = generator(1)
    design = TrendDesign(0.0, 180.0, 30.0, basis=12)
    X = design.matrix(DAYS)
    model = BayesianTrend(trend="smooth", basis=12, scale=WIDE, prior=PRIOR, draws=396, tune=500,
                          chains=1)
    ranks = []
    for _ in range(200):
        c = rng.normal(size=14) * np.append([5.0, 2.0], np.zeros(12)) + np.append(5, np.zeros(13))
        eta, length = abs(rng.normal(0, 2)), 1.2 * math.exp(0.7 * rng.normal())
        spectrum = math.sqrt(2 * math.pi) * length * np.exp(
            -0.5 * (length * design.frequencies) ** 2)
        c[design.kinds == BEND] = eta * np.sqrt(spectrum) * rng.normal(size=12)
        sigma = abs(rng.normal(0, 2))
        y = X @ c + sigma * rng.standard_t(4, len(T))
        fit = model.fit(DAYS, y, rng=rng)
        truth = (X[-1] - X[0]) @ c / design.span
        ranks.append([(fit.slope_draws[::4] < truth).sum(), (fit.sigma[::4] < sigma).sum(),
                      (fit.hyper["length"].ravel()[::4] < length).sum()])
    assert min(uniform(column, 10) for column in np.array(ranks).T) > 0.01


@pytest.mark.slow
def test_recovers_planted_slopes_and_outliers_cost_the_normal_more():
    """90 % intervals cover 84 to 96 of 100 planted slopes; 6 % outliers."""
    covered, robust, normal = [], [], []
    for seed in range(100):
        scores = opinion_scores(rng=generator(seed))
        fit, plain = (BayesianTrend(likelihood=likelihood, scale=(0, 10), draws=500).fit(
            scores["date"], scores["score"], rng=generator(seed))
            for likelihood in ("student", "normal"))
        interval = fit.slope().interval
        covered.append(interval.low <= -0.27 <= interval.high)
        robust.append(fit.slope().value + 0.27)
        normal.append(plain.slope().value + 0.27)
    assert 84 <= sum(covered) <= 96
    assert np.std(robust) < np.std(normal)
    assert np.sqrt(np.mean(np.square(robust))) < 0.8 * np.sqrt(np.mean(np.square(normal)))
