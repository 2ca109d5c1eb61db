"""Oracle: products of probabilities by expert and scale; simulated truth; chance."""

import math

import numpy as np
import pytest
from scipy.stats import laplace_asymmetric, norm

from workbench.core import generator
from workbench.datasets.simulated_forecasts import simulated_forecasts
from workbench.inference.mixtures import validity
from workbench.inference.mixtures.experts import SCALES, follow_experts, hypotheses


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_matches_probabilities_to_products(rng):
    p, y = rng.uniform(0.1, 0.9, size=(30, 3)), rng.integers(0, 2, 30)
    found = follow_experts(p, y, "probability")
    joint = np.where(y[:, None] == 1, p, 1 - p).prod(axis=0)
    np.testing.assert_allclose(found.weights[-1], joint / joint.sum(), atol=1e-12)
    assert found.path.loss == pytest.approx(-math.log(joint.mean()), abs=1e-10)
    np.testing.assert_allclose(found.forecast[0], p[0].mean())
    np.testing.assert_allclose(found.batch_weights, found.weights[:-1].mean(axis=0))
    assert found.bound == pytest.approx(math.log(3))


@pytest.mark.parametrize("kind", ["point", "quantile"])
def test_matches_scales_to_densities_and_the_bound_over_them(rng, kind):
    y = rng.normal(size=25)
    forecasts = np.column_stack([y + rng.normal(size=25) * width for width in (0.2, 1.0)])
    found = follow_experts(forecasts, y, kind, quantile_level=0.8)
    scale = np.std(y) * SCALES
    error = (y[:, None] - forecasts)[:, :, None]
    if kind == "point":
        logs = norm.logpdf(error, scale=scale)
    else:                       # SciPy's kappa and scale of the same law
        kappa, unit = math.sqrt(0.8 / 0.2), scale / math.sqrt(0.8 * 0.2)
        logs = laplace_asymmetric.logpdf(error, kappa, scale=unit)
    joint = np.exp(logs.sum(axis=0))
    np.testing.assert_allclose(found.weights[-1], joint.sum(axis=1) / joint.sum(), rtol=1e-8)
    assert found.bound == pytest.approx(math.log(2 * len(SCALES)))
    best = logs.sum(axis=0).max(axis=1)
    np.testing.assert_allclose(found.regret[-1], best - found.path.log_predictive.sum())
    assert (found.regret <= found.bound + 1e-9).all()


def test_matches_shifted_units_to_the_same_weights(rng):
    """Weights do not depend on the unit of the outcome."""
    y = rng.normal(size=40)
    forecasts = y[:, None] + rng.normal(size=(40, 2)) * [0.5, 0.7]
    first, second = (follow_experts(7 + factor * forecasts, 7 + factor * y, "point").weights
                     for factor in (1.0, 1000.0))
    np.testing.assert_allclose(first, second, atol=1e-9)


def test_recovers_the_calibrated_forecaster():
    table = simulated_forecasts(600, rng=generator(1))
    names = [name for name in table if name != "outcome"]
    found = follow_experts(table[names].to_numpy(), table["outcome"].to_numpy(), "probability")
    assert names[int(found.weights[-1].argmax())] == "calibrated"
    assert found.regret[-1].max() <= found.bound + 1e-9
    assert found.gain_over_average().interval is not None


def test_matches_silence_and_sure_forecasts(rng):
    p = np.full((10, 2), 0.5)
    p[:, 0] = 1.0
    p[3, 0] = np.nan
    y = np.ones(10)
    y[5] = 0
    found = follow_experts(p, y, "probability")
    assert found.clipped == 9
    np.testing.assert_allclose(found.weights[3], found.weights[4])      # nothing was said
    assert found.forecast[3] == 0.5
    assert found.weights[-1][0] < 0.01
    same = follow_experts(np.full((5, 2), 0.5), np.ones(5), "probability").gain_over_average()
    assert same.why == "the same in all steps"


def test_matches_log_scores_and_refuses_missing_outcomes(rng):
    scores = np.log(rng.uniform(0.1, 0.9, size=(6, 2)))
    found = follow_experts(scores, None, "log_score")
    assert found.path.loss == pytest.approx(-math.log(np.exp(scores).prod(axis=0).mean()))
    with pytest.raises(ValueError, match="outcome must be given where kind='point'"):
        hypotheses(scores, None, "point")
    with pytest.raises(ValueError, match=r"quantile_level must lie in \(0, 1\), got 1"):
        hypotheses(scores, np.ones(6), "quantile", quantile_level=1)
    with pytest.raises(ValueError, match="kind must be one of"):
        hypotheses(scores, np.ones(6), "points")


@pytest.mark.parametrize(("predictions", "outcome", "kind", "words"), [
    ([[20.0, 60.0]], [1], "probability", r"predictions must lie in \[0, 1\] where kind='prob"),
    ([[0.2, 0.6]], [3], "probability", r"outcome must lie in \[0, 1\]"),
    ([[0.2, 0.6]], [np.nan], "point", "outcome must be finite"),
    ([[0.2, np.inf]], [1], "point", "predictions must be finite"),
    ([[0.2, 0.6]], [1, 0], "point", "outcome and predictions must have one entry per row"),
    ([[0.2, 0.6]], ["rain"], "probability", "outcome must hold numbers"),
    ([0.2, 0.6], [1, 0], "probability", "predictions must have a row per step"),
])
def test_rejects_forecasts_and_outcomes_that_no_likelihood_knows(predictions, outcome, kind,
                                                                 words):
    with pytest.raises(ValueError, match=words):
        follow_experts(predictions, outcome, kind)


def test_recovers_the_level_of_intervals_under_the_prior():
    for level, prior in ((0.9, (1.0, 1.0)), (0.5, (0.5, 3.0))):
        found = validity.coin_coverage(level, 25, prior=prior, replications=4000,
                                       rng=generator(0))
        assert found.value == pytest.approx(level, abs=4 * found.stderr)


def test_recovers_the_level_of_langevin_intervals_under_the_prior():
    found = validity.langevin_coverage(0.9, 10, replications=400, steps=800, rng=generator(1))
    assert found.value == pytest.approx(0.9, abs=4 * found.stderr + 0.02)     # of finite chains
    cold = validity.langevin_coverage(0.9, 10, replications=200, steps=400, temperature=0.0,
                                      rng=generator(2))
    assert cold.value < 0.1


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_matches_regret_under_its_bound_in_every_simulation(temperature):
    found = validity.least_margin(6, 25, sequences=40, temperature=temperature, rng=generator(3))
    assert found >= -1e-9
    with pytest.raises(ValueError, match="level must lie strictly between"):
        validity.coin_coverage(1.0, rng=generator(0))
