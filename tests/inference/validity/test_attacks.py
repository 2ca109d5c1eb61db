"""Oracles: the closed form of the attack's bias, published runs, exact binomial intervals."""

import numpy as np
import pytest

from workbench.inference import attack_errors, guarantee_trials
from workbench.inference.validity.attacks import MECHANISMS, Setting, signs, verdict, vote
from workbench.inference.validity.bounds import majority_bias


def errors(name, d, setting=None, repetitions=10, n=2000):
    found = attack_errors([name], n, [d], setting or Setting(), repetitions=repetitions,
                          rng=np.random.default_rng(0))
    return found["error"].to_numpy()


@pytest.mark.parametrize("d", [500, 2000])
def test_matches_the_plain_bias_to_its_formula(d):
    found = errors("plain", d)
    assert abs(found.mean() - majority_bias(2000, d)) < 3 * found.std(ddof=1) / np.sqrt(10) + 1e-3


def test_matches_published_runs_with_normal_noise():
    """Noise 0.1 on means of signs is 0.05 on values of 0 and 1: 0.012 and 0.071 were obtained."""
    setting = Setting(spread=0.05)
    for d, published in ((500, 0.012), (2000, 0.071)):
        found = errors("gaussian", d, setting, repetitions=20)
        error = found.std(ddof=1) / np.sqrt(20) + 0.05 / np.sqrt(10)     # theirs had 10
        assert abs(found.mean() - published) < 3 * error
    assert errors("gaussian", 2000, setting).mean() < majority_bias(2000, 2000) / 2


def test_recovers_no_bias_from_fresh_rows():
    found = errors("split", 99, repetitions=200)
    assert abs(found.mean()) < 3 * found.std(ddof=1) / np.sqrt(200)


def test_recovers_thresholdout_from_the_attack():
    found = errors("thresholdout", 1000, Setting(threshold=0.09, sigma=0.0056))
    assert np.abs(found).max() < 0.09
    assert errors("plain", 1000).min() > 0.15


def test_matches_a_budget_that_ends_to_nan():
    found = errors("thresholdout", 300, Setting(threshold=0.001, sigma=0.0002, budget=2))
    assert np.isnan(found).all()


def test_matches_votes_by_hand():
    part = np.array([[1, 0, 1], [1, 1, 0]], dtype=np.float32)
    np.testing.assert_allclose(vote(np.array([0.6, 0.4]), part), [0, -2, 2])
    np.testing.assert_allclose(vote(np.array([0.6, np.nan]), part), [1, -1, 1])
    assert verdict(np.array([1.0, 0.0, -2.0])).tolist() == [1.0, 0.5, 0.0]
    drawn = signs(1001, 400, np.random.default_rng(0))
    assert set(np.unique(drawn)) == {0.0, 1.0}
    assert drawn.shape == (400, 1001)
    assert abs(drawn.mean() - 0.5) < 4 * 0.5 / np.sqrt(drawn.size)


@pytest.mark.parametrize("name", MECHANISMS)
def test_recovers_that_certificates_are_kept_and_the_plain_promise_is_not(name):
    setting = Setting(threshold=0.1, sigma=0.005, budget=3, epsilon=0.3, delta=0.0, spread=0.05)
    found = guarantee_trials(name, 4000, 400, setting, trials=40, rng=np.random.default_rng(1))
    assert found.is_kept == (name != "plain")
    share = found.violations()
    assert share.interval.low <= share.value <= share.interval.high
    assert found.violations(0.0).value == 1.0
    assert found.errors.shape == (40,)


def test_rejects_unknown_mechanisms_and_too_few_queries():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"name must be one of 'plain', .* mean 'laplace'"):
        attack_errors(["laplce"], 100, [10], Setting(), rng=rng)
    with pytest.raises(ValueError, match="queries must be at least 2"):
        guarantee_trials("plain", 100, 1, Setting(), rng=rng)
