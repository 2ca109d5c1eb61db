"""Oracle: enumeration, exact integrals of Gaussian models, and chance."""

import math

import numpy as np
import pytest
from scipy.stats import multivariate_normal, ncx2, norm

from workbench.inference.mixtures.weight import (
    WeightEstimator,
    exact_weight,
    laplace_ball_weight,
    laplace_soft_weight,
    prior_weight,
)

EPS = np.array([0.01, 0.1, 0.5, 2.0])


def test_matches_enumeration_by_hand_and_never_falls():
    rng = np.random.default_rng(0)
    kl, prior = rng.exponential(size=50), rng.dirichlet(np.ones(50))
    found = exact_weight(EPS, kl, np.log(prior))
    np.testing.assert_allclose(np.exp(found.log_weight), [prior[kl <= eps].sum() for eps in EPS])
    assert (np.diff(found.log_weight) >= 0).all()
    assert exact_weight([0.0], [1.0], [0.0]).log_weight[0] == -math.inf


def test_recovers_the_exact_weight_from_draws_of_the_prior():
    rng = np.random.default_rng(1)
    kl, prior = rng.exponential(size=30), rng.dirichlet(np.ones(30))
    exact = exact_weight(EPS, kl, np.log(prior))
    sampler = WeightEstimator("prior_mc", lambda chosen: kl[chosen], n_samples=40_000,
                              prior_sampler=lambda m, draws: draws.choice(30, m, p=prior))
    found = sampler.weight(EPS[1:], rng=np.random.default_rng(2))
    gap = np.abs(found.log_weight - exact.log_weight[1:])
    assert (gap <= 3 * found.stderr + 1e-12).all()


def test_identity_another_parameter_has_the_same_weight():
    """A coin by its bias and by its log odds, the prior transformed with it."""
    theta = (np.arange(20_000) + 0.5) / 20_000
    odds = np.linspace(-16, 16, 20_001)
    share = 1 / (1 + np.exp(-odds))

    def kl(q):
        return 0.3 * np.log(0.3 / q) + 0.7 * np.log(0.7 / (1 - q))

    by_bias = WeightEstimator("grid", kl, theta, np.zeros(len(theta))).weight(EPS)
    by_odds = WeightEstimator("grid", lambda one: kl(1 / (1 + np.exp(-one))), odds,
                              np.log(share * (1 - share))).weight(EPS)
    np.testing.assert_allclose(by_bias.log_weight, by_odds.log_weight, atol=2e-3)


def test_matches_the_ball_of_a_gaussian_mean():
    """KL is half the squared distance: the weight is that of a non-central chi-square."""
    eps, at = np.array([0.005, 0.02, 0.05]), np.array([0.4, -0.3])
    exact = np.log(ncx2(2, at @ at).cdf(2 * eps))
    density = multivariate_normal(np.zeros(2)).logpdf(at)
    found = laplace_ball_weight(eps, np.ones(2), density, prior_std=1.0)
    assert (np.abs(np.expm1(found - exact)) < 0.05).all()


def test_matches_the_soft_weight_of_a_linear_model():
    """Against the normal integral with full matrices."""
    rng = np.random.default_rng(3)
    X, truth, s, n = rng.normal(size=(12, 5)), rng.normal(size=5), 1.7, 12
    X[:, 4] = 0.0                                               # a flat direction
    F = X.T @ X / n
    values, vectors = np.linalg.eigh(F)
    found = laplace_soft_weight(values, vectors.T @ truth, n, prior_std=s)
    cov = s ** 2 * X @ X.T + np.eye(n)
    exact = (-0.5 * np.linalg.slogdet(cov)[1]
             - 0.5 * (X @ truth) @ np.linalg.solve(cov, X @ truth))
    assert found == pytest.approx(exact, abs=1e-10)
    assert laplace_soft_weight(values[1:], (vectors.T @ truth)[1:], n, prior_std=s) == (
        pytest.approx(found, abs=1e-10))
    integral = np.mean(np.exp(-0.5 * ((s * rng.normal(size=(400_000, 5)) - truth) @ X.T
                                      )[:] ** 2 @ np.ones(n)))
    assert math.log(integral) == pytest.approx(found, abs=0.1)


def test_matches_one_dimension_of_laplace_to_the_normal_distribution():
    eps, curvature = 1e-4, 9.0
    half = math.sqrt(2 * eps / curvature)
    exact = math.log(norm.cdf(0.5 + half) - norm.cdf(0.5 - half))
    found = laplace_ball_weight([eps], [curvature], norm.logpdf(0.5), prior_std=1.0)[0]
    assert found == pytest.approx(exact, abs=1e-4)


def test_rejects_guesses():
    with pytest.raises(ValueError, match="holds 3 of 100"):
        prior_weight([0.01], np.concatenate([np.zeros(3), np.ones(97)]))
    with pytest.raises(ValueError, match="far above eps"):
        laplace_ball_weight([0.5], [1.0, 0.1], 0.0, prior_std=1.0)
    with pytest.raises(ValueError, match="eigenvalues must be >= 0"):
        laplace_soft_weight([-1.0], [0.0], 3)
    with pytest.raises(ValueError, match="hypotheses must be given where method='exact'"):
        WeightEstimator("exact", lambda: 0)
    with pytest.raises(ValueError, match="Did you mean 'exact'"):
        WeightEstimator("exacto", lambda: 0)
    sampler = WeightEstimator("prior_mc", lambda one: one, prior_sampler=lambda m, _: m)
    with pytest.raises(ValueError, match="rng must be given"):
        sampler.weight([0.1])
    for call in (lambda: exact_weight([0.1], [np.nan, 0.2], np.log([0.5, 0.5])),
                 lambda: prior_weight([0.1], np.append(np.zeros(50), np.nan))):
        with pytest.raises(ValueError, match="kl must hold divergences >= 0, got nan"):
            call()
    with pytest.raises(ValueError, match="eps must hold divergences >= 0, got nan"):
        prior_weight([np.nan], np.zeros(50))
    with pytest.raises(ValueError, match="log_prior must be logarithms of weights that sum to 1"):
        exact_weight([0.5], [0.1, 0.2], [0.0, 0.0])
    with pytest.raises(ValueError, match="along must be finite"):
        laplace_soft_weight([1.0], [np.nan], 3)
    with pytest.raises(ValueError, match="n_samples must be a whole number"):
        WeightEstimator("prior_mc", np.abs, prior_sampler=np.ones, n_samples=-1)
    found = WeightEstimator("laplace", lambda: ([4.0], -1.0)).weight([0.01])
    assert np.isnan(found.stderr).all()
