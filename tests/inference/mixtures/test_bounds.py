"""Oracle: brute force over balls, quadrature, and published values of coins."""

import math
import warnings

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import beta, binom

from workbench.inference.mixtures import bernoulli
from workbench.inference.mixtures.bounds import (
    EmptyBallWarning,
    effective_dimension,
    eps_grid,
    mixture_regret_bound,
    samples_needed,
    soft_bound,
    soft_log_weight,
    variational_bound,
)

UNIFORM, KT = (1.0, 1.0), (0.5, 0.5)


def test_matches_published_regret_and_bounds_of_a_coin():
    eps = eps_grid()
    for prior, regret, ball, soft, rare in ((UNIFORM, 1.6746, 2.892, 2.171, 2.917),
                                            (KT, 2.0280, 3.255, 2.531, 2.026)):
        assert bernoulli.expected_regret(100, 0.3, *prior) == pytest.approx(regret, abs=5e-5)
        weight = bernoulli.ball_log_weight(eps, 0.3, *prior)
        assert 100 * mixture_regret_bound(eps, weight, 100).value == pytest.approx(ball, abs=5e-4)
        assert -bernoulli.soft_log_weight(100, 0.3, *prior) == pytest.approx(soft, abs=5e-4)
        assert bernoulli.expected_regret(100, 0.02, *prior) == pytest.approx(rare, abs=6e-4)


def test_matches_krichevsky_and_trofimov_for_many_tosses():
    """Against the best coin in hindsight; on average the true coin is worse than it by 1/2."""
    n, ones = 20_000, 8_000
    limit = 0.5 * math.log(n) + 0.5 * math.log(math.pi / 2)
    best = ones * math.log(0.4) + (n - ones) * math.log(0.6)
    assert best - bernoulli.log_evidence(ones, n, *KT) == pytest.approx(limit, abs=1e-3)
    assert bernoulli.expected_regret(n, 0.4, *KT) == pytest.approx(limit - 0.5, abs=1e-3)


@pytest.mark.parametrize("n", [1, 5, 40, 300])
@pytest.mark.parametrize("p", [0.03, 0.3, 0.5, 0.9])
def test_matches_the_chain_of_bounds(n, p):
    for prior in (UNIFORM, KT, (2.0, 5.0)):
        k = np.arange(n + 1)
        own = k * math.log(p) + (n - k) * math.log1p(-p)
        grid = beta(*prior).ppf((np.arange(4000) + 0.5) / 4000)[:, None]
        mixed = (grid ** k * (1 - grid) ** (n - k)).mean(axis=0) if n <= 5 else np.exp(
            bernoulli.log_evidence(k, n, *prior))
        exact = float(binom.pmf(k, n, p) @ (own - np.log(mixed)))
        assert bernoulli.expected_regret(n, p, *prior) == pytest.approx(exact, abs=1e-3)
        soft = -bernoulli.soft_log_weight(n, p, *prior)
        assert exact <= soft + 1e-9
        eps = eps_grid()
        balls = n * eps - bernoulli.ball_log_weight(eps, p, *prior)
        assert (soft <= balls + 1e-9).all()


def test_matches_soft_weight_to_quadrature():
    value, _ = quad(lambda theta: math.exp(-30 * bernoulli.divergence(0.2, theta)), 0, 1)
    assert bernoulli.soft_log_weight(30, 0.2) == pytest.approx(math.log(value), abs=1e-7)


def test_matches_ball_weight_to_counting_on_a_grid():
    theta = (np.arange(400_000) + 0.5) / 400_000
    near = bernoulli.divergence(0.3, theta)
    for eps in (1e-3, 0.05, 0.5):
        share = (near <= eps).mean()
        assert math.exp(bernoulli.ball_log_weight(eps, 0.3)[0]) == pytest.approx(share, abs=1e-5)
    assert bernoulli.ball_log_weight(1e4, 0.3)[0] == pytest.approx(0, abs=1e-12)


def test_matches_effective_dimension_of_a_coin_to_one():
    eps = eps_grid(1e-6, 1e-3)
    found = effective_dimension(eps, bernoulli.ball_log_weight(eps, 0.3))
    np.testing.assert_allclose(found, 1.0, atol=0.01)


def test_matches_soft_bound_as_the_least_of_all_weights():
    rng = np.random.default_rng(0)
    prior, kl = rng.dirichlet(np.ones(6)), rng.exponential(size=6)
    best = soft_bound(np.log(prior), kl, 20)
    optimum = prior * np.exp(-20 * kl)
    assert variational_bound(optimum / optimum.sum(), np.log(prior), kl, 20) == pytest.approx(best)
    for _ in range(200):
        assert variational_bound(rng.dirichlet(np.ones(6)), np.log(prior), kl, 20) >= best - 1e-12


def test_identity_directions_that_do_not_matter_cost_nothing():
    """Copies of each hypothesis, told apart by a parameter that predicts nothing."""
    rng = np.random.default_rng(1)
    prior, kl = rng.dirichlet(np.ones(4)), rng.exponential(size=4)
    other = rng.dirichlet(np.ones(7))
    many = np.log(np.outer(prior, other).ravel())
    assert soft_log_weight(many, np.repeat(kl, 7), 15) == pytest.approx(
        soft_log_weight(np.log(prior), kl, 15), abs=1e-12)


def test_matches_bound_by_hand_and_its_parts():
    found = mixture_regret_bound([0.0, 0.1, 1.0], np.log([0.01, 0.5, 1.0]), n=10)
    assert found.value == pytest.approx(0.1 + math.log(2) / 10)
    assert found.at == 0.1
    np.testing.assert_allclose(found.eps + found.price, found.total)
    np.testing.assert_allclose(samples_needed([0.5], np.log([0.25])), [math.log(4) / 0.5])


def test_rejects_what_is_no_weight_and_warns_of_empty_balls():
    with pytest.warns(EmptyBallWarning, match="every ball is empty"):
        assert mixture_regret_bound([0.1], [-math.inf], 5).value == math.inf
    with pytest.raises(ValueError, match="log_weight must be logarithms of weights, at most 0"):
        mixture_regret_bound([0.1], [0.5], 5)
    with pytest.raises(ValueError, match="eps must hold divergences >= 0, got -0"):
        mixture_regret_bound([-0.1], [-0.5], 5)
    with pytest.raises(ValueError, match="kl must hold divergences >= 0, got -1"):
        soft_log_weight([0.0], [-1.0], 5)
    with pytest.raises(ValueError, match="n must be a whole number of at least 1, got 0"):
        mixture_regret_bound([0.1], [-0.5], 0)
    with pytest.raises(ValueError, match=r"p must lie in \[0, 1\], got 2"):
        bernoulli.expected_regret(5, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert bernoulli.expected_regret(0, 0.5) == 0
        assert bernoulli.expected_regret(7, 0.0) > 0


@pytest.mark.parametrize(("call", "words"), [
    (lambda: soft_log_weight([0.0, 0.0], [0.1, 0.2], 3), "log_prior must be logarithms"),
    (lambda: soft_log_weight([0.0], [math.nan], 3), "kl must hold divergences >= 0, got nan"),
    (lambda: soft_log_weight([0.0], [0.1], -3), "n must be a finite number >= 0, got -3"),
    (lambda: mixture_regret_bound([0.1], [-1.0], 2.5), "n must be a whole number"),
    (lambda: mixture_regret_bound(["wide"], [-1.0], 2), "eps must hold numbers, but could not"),
    (lambda: variational_bound([0.5, 0.5], np.log([0.5, 0.5]), [0.1], 3), "must have one entry"),
    (lambda: effective_dimension([0.0, 0.1], [-2.0, -1.0]), "eps must be above 0, got 0"),
    (lambda: bernoulli.log_evidence(5, 3), "ones must lie between 0 and the 3 tosses, got 5"),
    (lambda: bernoulli.expected_regret(2.5, 0.3), "n must be a whole number"),
    (lambda: bernoulli.ball_log_weight([math.nan], 0.3), "eps must hold divergences"),
    (lambda: bernoulli.divergence(0.3, 2.0), r"theta must lie in \[0, 1\], got 2"),
    (lambda: bernoulli.soft_log_weight(-1, 0.3), "n must be a finite number >= 0"),
    (lambda: bernoulli.expected_regret(5, "0.3"), r"p must lie in \[0, 1\], got '0.3'"),
])
def test_rejects_numbers_that_would_give_wrong_ones(call, words):
    with pytest.raises(ValueError, match=words):
        call()


@pytest.mark.parametrize(("p", "a"), [(0.3, 1.0), (0.02, 0.5)])
def test_identity_the_last_prediction_pays_what_the_total_regret_grows_by(p, a):
    n = 40
    k = np.arange(n + 1)
    said = (a + k) / (2 * a + n)
    chance = binom(n, p).pmf(k)
    kl = chance @ (p * np.log(p / said) + (1 - p) * np.log((1 - p) / (1 - said)))
    grown = bernoulli.expected_regret(n + 1, p, a, a) - bernoulli.expected_regret(n, p, a, a)
    assert kl == pytest.approx(grown, abs=1e-12)


def test_matches_posterior_cells_to_a_beta_distribution():
    found = bernoulli.posterior_cells([0, 3], [0, 7], [0.0, 0.2, 0.7, 1.0], 0.5, 0.5)
    np.testing.assert_allclose(found[1], np.diff(beta(3.5, 7.5).cdf([0.0, 0.2, 0.7, 1.0])))
    np.testing.assert_allclose(found.sum(axis=1), 1)
