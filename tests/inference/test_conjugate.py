"""Oracles: the conjugate formulas written out, statsmodels in the flat-prior limit, a grid."""

import math

import numpy as np
import pytest
from scipy import integrate, stats

from workbench.core import generator
from workbench.datasets import opinion_scores
from workbench.inference import BayesianTrend, NormalInverseGamma, Prior

LEVELS = [0.05, 0.25, 0.5, 0.75, 0.95]


def world(seed=0):
    scores = opinion_scores(outliers=0, rng=generator(seed))
    t = ((scores["date"] - scores["date"].iloc[0]).dt.days / 30).to_numpy()
    return scores["date"], scores["score"].to_numpy(), np.column_stack([np.ones_like(t), t])


def test_matches_the_student_posterior_of_the_slope():
    date, y, A = world()
    model = BayesianTrend(likelihood="normal", sampler="exact", scale=(0, 10), draws=25_000)
    fit = model.fit(date, y, rng=generator(1))
    V0, m0, a0, b0 = np.diag([25.0, 4.0]) / 0.04, np.array([5.0, 0.0]), 0.5, 0.02
    Vn = np.linalg.inv(np.linalg.inv(V0) + A.T @ A)
    mn = Vn @ (np.linalg.inv(V0) @ m0 + A.T @ y)
    an = a0 + len(y) / 2
    bn = b0 + (y @ y + m0 @ np.linalg.inv(V0) @ m0 - mn @ np.linalg.inv(Vn) @ mn) / 2
    beta = stats.t(2 * an, mn[1], math.sqrt(bn / an * Vn[1, 1]))
    for level in LEVELS:
        place = beta.cdf(np.quantile(fit.slope_draws, level))
        assert abs(place - level) < 4 * math.sqrt(level * (1 - level) / 100_000)
    variance = stats.invgamma(an, scale=bn)
    assert stats.kstest(fit.sigma[:2000] ** 2, variance.cdf).pvalue > 1e-3


def test_matches_least_squares_in_the_flat_limit():
    import statsmodels.api as sm

    _, y, A = world(1)
    flat = NormalInverseGamma(np.zeros(2), 1e10 * np.eye(2), shape=1e-9, rate=1e-9)
    posterior = flat.condition(A, y, np.ones(len(y)))
    ols = sm.OLS(y, A).fit()
    np.testing.assert_allclose(posterior.mean, ols.params, rtol=1e-7)
    scale = posterior.rate / posterior.shape * (len(y) / (len(y) - 2))
    np.testing.assert_allclose(np.sqrt(scale * np.diag(posterior.covariance)), ols.bse, rtol=1e-6)


def test_identity_a_weight_of_two_is_a_copy():
    _, y, A = world(2)
    prior = NormalInverseGamma(np.array([5.0, 0.0]), np.diag([25.0, 4.0]), 1.0, 1.0)
    weighted = prior.condition(A, y, np.full(len(y), 2.0))
    copied = prior.condition(np.vstack([A, A]), np.tile(y, 2), np.ones(2 * len(y)))
    np.testing.assert_allclose(weighted.mean, copied.mean, rtol=1e-11)
    np.testing.assert_allclose(weighted.covariance, copied.covariance, rtol=1e-11)
    assert weighted.shape == copied.shape
    assert weighted.rate == pytest.approx(copied.rate, rel=1e-11)


def test_matches_nuts_under_the_same_likelihood():
    """The priors differ (inverse gamma, half-normal) but 400 scores outweigh them."""
    scores = opinion_scores(400, outliers=0, rng=generator(3))
    fits = [BayesianTrend(likelihood="normal", sampler=sampler, scale=(0, 10)).fit(
        scores["date"], scores["score"], rng=generator(4)) for sampler in ("exact", "nuts")]
    exact, sampled = (fit.slope_draws for fit in fits)
    assert abs(exact.mean() - sampled.mean()) < 4 * exact.std() * math.sqrt(2 / 3000)
    assert abs(exact.std() / sampled.std() - 1) < 0.08


def test_matches_nuts_on_a_grid_with_its_own_prior():
    date, y, A = world(5)
    fit = BayesianTrend(likelihood="normal", scale=(0, 10), draws=3000).fit(
        date, y, rng=generator(6))

    def evidence(log_sigma, power):
        """Gaussian integral over alpha and beta at fixed sigma, times beta ** power."""
        sigma = math.exp(log_sigma)
        precision = np.diag([1 / 25, 1 / 4]) + A.T @ A / sigma ** 2
        mean = np.linalg.solve(precision, np.array([5 / 25, 0]) + A.T @ y / sigma ** 2)
        residual = y - A @ mean
        logs = (-len(y) * log_sigma - residual @ residual / (2 * sigma ** 2)
                - 0.5 * ((mean[0] - 5) ** 2 / 25 + mean[1] ** 2 / 4)
                - 0.5 * np.linalg.slogdet(precision)[1]
                + stats.halfnorm.logpdf(sigma, scale=2) + log_sigma)
        moment = (1.0, mean[1], mean[1] ** 2 + np.linalg.inv(precision)[1, 1])[power]
        return moment * math.exp(logs)

    total, first, second = (integrate.quad(evidence, -2, 1, args=(power,), epsabs=0)[0]
                            for power in range(3))
    mean, sd = first / total, math.sqrt(second / total - (first / total) ** 2)
    assert abs(fit.slope().value - mean) < 4 * sd / math.sqrt(6000)
    assert abs(fit.slope_draws.std() / sd - 1) < 4 / math.sqrt(2 * 4000)


def test_recovers_calibrated_ranks_on_the_exact_path():
    """Ranks of the true slope among posterior draws are uniform under the prior."""
    prior = Prior.for_scale((0.0, 10.0), 6.0)
    days = np.datetime64("2024-01-01") + np.arange(0, 181, 20)
    t = np.arange(0, 181, 20) / 30
    rng = generator(7)
    model = BayesianTrend(likelihood="normal", sampler="exact", scale=(-1e6, 1e6), prior=prior,
                          draws=99, chains=1)
    ranks = []
    for _ in range(5000):
        typical = prior.sigma_sd / 10
        sigma = typical / math.sqrt(2 * rng.gamma(0.5))
        alpha = prior.level_mean + prior.level_sd * sigma / typical * rng.normal()
        beta = prior.slope_sd * sigma / typical * rng.normal()
        y = alpha + beta * t + sigma * rng.normal(size=len(t))
        fit = model.fit(days, np.clip(y, -1e6, 1e6), rng=rng)
        ranks.append([(fit.slope_draws < beta).sum(), (fit.sigma < sigma).sum()])
    for column in np.array(ranks).T:
        counts = np.bincount(column // 5, minlength=20)
        assert stats.chisquare(counts).pvalue > 0.01
