"""Baselines against scikit-learn's quantile regression and NumPy."""

import numpy as np
import pytest
from sklearn.linear_model import QuantileRegressor
from sklearn.metrics import mean_pinball_loss

from workbench.core import generator
from workbench.inference.quantiles.baselines import (
    LinearAggregation,
    SimpleAggregation,
    best_single,
    equal_average,
    median,
)

LEVELS = np.array([0.1, 0.5, 0.8])


def world(n=60, seed=0):
    rng = generator(seed)
    y = 50 + 10 * rng.normal(size=n)
    Z = y[:, None, None] + 5 * rng.normal(size=(n, 4, 1)) + np.array([-8.0, 0.0, 5.0])
    return Z, y


def test_matches_numpy():
    Z, y = world()
    np.testing.assert_array_equal(equal_average(Z), Z.mean(1))
    np.testing.assert_array_equal(median(Z), np.median(Z, 1))
    for rule, expected in (("average", Z.mean(1)), ("median", np.median(Z, 1))):
        model = SimpleAggregation(LEVELS, rule=rule).fit(None, Z, y)
        np.testing.assert_array_equal(model.predict(None, Z), expected)


def test_recovers_the_best_model():
    Z, y = world()
    Z[:, 2] = y[:, None] + np.array([-1.0, 0.0, 1.0])
    assert best_single(Z, y, LEVELS) == 2
    model = SimpleAggregation(LEVELS, rule="best single").fit(None, Z, y)
    np.testing.assert_array_equal(model.predict(None, Z), Z[:, 2])


def test_matches_the_best_model_of_weighted_rows():
    Z, y = world(20)
    Z[:10, 0], Z[10:, 1] = y[:10, None], y[10:, None]
    Z[10:, 0] += 30
    Z[:10, 1] += 30
    Z[:, 2:] += 100
    first = np.repeat([5.0, 1.0], 10)
    assert best_single(Z, y, LEVELS, sample_weight=first) == 0
    assert best_single(Z, y, LEVELS, sample_weight=first[::-1]) == 1


@pytest.mark.parametrize("weighted", [False, True])
def test_matches_scikit_learn(weighted):
    Z, y = world(seed=1)
    weight = generator(2).uniform(0, 3, len(y)) if weighted else None
    model = LinearAggregation(LEVELS).fit(None, Z, y, sample_weight=weight)
    ours = model.predict(None, Z)
    for k, level in enumerate(LEVELS):
        theirs = QuantileRegressor(quantile=level, alpha=0).fit(Z[:, :, k], y, weight)
        assert mean_pinball_loss(y, ours[:, k], alpha=level, sample_weight=weight) == (
            pytest.approx(mean_pinball_loss(y, theirs.predict(Z[:, :, k]), alpha=level,
                                            sample_weight=weight), rel=1e-7))


def test_identity_whole_weights_are_repeated_rows():
    Z, y = world(40, seed=3)
    times = generator(4).integers(0, 3, 40)
    weighted = LinearAggregation(LEVELS).fit(None, Z, y, sample_weight=times)
    repeated = LinearAggregation(LEVELS).fit(None, np.repeat(Z, times, axis=0),
                                             np.repeat(y, times))
    np.testing.assert_allclose(weighted.coefficients_, repeated.coefficients_, atol=1e-7)
    np.testing.assert_allclose(weighted.intercepts_, repeated.intercepts_, rtol=1e-6)


def test_rejects_unknown_rules_and_other_shapes():
    Z, y = world()
    with pytest.raises(ValueError, match="Did you mean 'median'"):
        SimpleAggregation(LEVELS, rule="medan").fit(None, Z, y)
    with pytest.raises(ValueError, match="4 models, 3 levels"):
        LinearAggregation(LEVELS).fit(None, Z, y).predict(None, Z[:, :3])
    with pytest.raises(ValueError, match="Z must be finite"):
        LinearAggregation(LEVELS).fit(None, np.where(Z > 50, np.nan, Z), y)
