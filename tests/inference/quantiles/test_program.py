"""Linear programmes against scikit-learn, a grid, and gradient descent."""

import numpy as np
import pytest
from sklearn.linear_model import QuantileRegressor

from workbench.core import generator
from workbench.inference.quantile_aggregation import QuantileAggregator
from workbench.inference.quantiles.program import least_pinball
from workbench.inference.quantiles.scores import pinball

LEVELS = np.array([0.1, 0.3, 0.5, 0.7, 0.9])
NORMAL = np.array([-1.2816, -0.5244, 0.0, 0.5244, 1.2816])


def world(n=120, k=3, seed=0):
    """Models that are wrong in different ways: shifted, too wide, too narrow."""
    rng = generator(seed)
    middle = rng.normal(size=n)
    y = middle + rng.normal(size=n)
    shift, width = rng.uniform(-1, 1, k), rng.uniform(0.2, 2.2, k)
    noise = 0.3 * rng.normal(size=(n, k))
    return (middle[:, None] + shift + noise)[:, :, None] + width[:, None] * NORMAL, y


def optimum(resolution, Z, y, **options):
    return QuantileAggregator(LEVELS, resolution=resolution, local=False, solver="lp", penalty=0,
                              isotonise="none", **options).fit(None, Z, y)


def loss(model, Z, y):
    return pinball(y, model.predict(None, Z), LEVELS)


def losses(y, predicted, level):
    return np.maximum(level * (y - predicted), (level - 1) * (y - predicted))


@pytest.mark.parametrize("normalise", [True, False])
def test_identity_finer_weights_fit_no_worse(normalise):
    Z, y = world()
    fine, medium, coarse = (loss(optimum(resolution, Z, y, normalise=normalise), Z, y)
                            for resolution in ("fine", "medium", "coarse"))
    best = min(pinball(y, Z[:, model], LEVELS) for model in range(3))
    assert fine <= medium + 1e-9
    assert medium <= coarse + 1e-9
    assert coarse <= best + 1e-9
    assert fine < coarse - 1e-3                    # and here the finer ones gain


def test_matches_scikit_learn_without_the_simplex():
    Z, y = world(seed=1)
    amounts = generator(2).uniform(0, 2, len(y))
    for k, level in enumerate(LEVELS):
        found = least_pinball(Z[:, :, k], y, np.full(len(y), level), amounts=amounts,
                              simplex=False)
        theirs = QuantileRegressor(quantile=level, alpha=0, fit_intercept=False).fit(
            Z[:, :, k], y, amounts)
        assert amounts @ losses(y, Z[:, :, k] @ found, level) == pytest.approx(
            amounts @ losses(y, theirs.predict(Z[:, :, k]), level), rel=1e-7)


def test_matches_a_grid_on_the_simplex():
    Z, y = world(k=2, seed=3)
    share = np.linspace(0, 1, 20_001)
    for k, level in enumerate(LEVELS):
        found = least_pinball(Z[:, :, k], y, np.full(len(y), level), amounts=np.ones(len(y)),
                              simplex=True)
        each = [losses(y, s * Z[:, 0, k] + (1 - s) * Z[:, 1, k], level).mean()
                for s in share]
        assert abs(found[0] - share[np.argmin(each)]) <= 1 / 20_000
        assert found.sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("resolution", ["coarse", "medium", "fine"])
def test_identity_whole_weights_are_repeated_rows(resolution):
    Z, y = world(60, seed=4)
    times = generator(5).integers(0, 3, 60)
    options = {"resolution": resolution, "local": False, "solver": "lp", "penalty": 0}
    weighted = QuantileAggregator(LEVELS, **options).fit(None, Z, y, sample_weight=times)
    again = QuantileAggregator(LEVELS, **options).fit(None, np.repeat(Z, times, axis=0),
                                                      np.repeat(y, times))
    assert pinball(y, weighted.predict(None, Z), LEVELS, sample_weight=times) == pytest.approx(
        pinball(y, again.predict(None, Z), LEVELS, sample_weight=times), rel=1e-9)


@pytest.mark.parametrize("resolution", ["coarse", "medium", "fine"])
def test_identity_permuted_models_permute_the_weights(resolution):
    Z, y = world(seed=6)
    order = [2, 0, 1]
    plain, permuted = optimum(resolution, Z, y), optimum(resolution, Z[:, order], y)
    assert loss(permuted, Z[:, order], y) == pytest.approx(loss(plain, Z, y), rel=1e-9)
    if resolution != "fine":                       # the optimum is unique here
        np.testing.assert_allclose(permuted.weights(), plain.weights()[:, order], atol=1e-7)


@pytest.mark.parametrize("resolution", ["coarse", "medium", "fine"])
def test_matches_descent_within_half_a_percent(resolution):
    pytest.importorskip("torch")
    Z, y = world(seed=7)
    descended = QuantileAggregator(
        LEVELS, resolution=resolution, local=False, margin="none", isotonise="none",
        learning_rate=0.02, max_steps=3000, random_state=0).fit(
            None, Z, y, Z_val=Z, y_val=y)
    exact = loss(optimum(resolution, Z, y), Z, y)
    assert exact <= loss(descended, Z, y) + 1e-9
    assert loss(descended, Z, y) < 1.005 * exact


def test_identity_a_share_of_the_average_stays():
    Z, y = world(seed=8)
    half, all_of_it = (optimum("medium", Z, y, average_share=share) for share in (0.5, 1.0))
    assert half.weights().min() >= 0.5 / 3 - 1e-12
    np.testing.assert_allclose(all_of_it.predict(None, Z), Z.mean(1), rtol=1e-12, atol=1e-12)
    free = loss(optimum("medium", Z, y), Z, y)
    assert free < loss(half, Z, y) < loss(all_of_it, Z, y)


def test_rejects_what_is_no_linear_programme():
    Z, y = world()
    for wrong in ({"local": True, "penalty": 0}, {"local": False},
                  {"local": False, "penalty": 0, "in_training": True}):
        with pytest.raises(ValueError, match="solver='lp' must come with local=False, penalty=0"):
            QuantileAggregator(LEVELS, solver="lp", **wrong).fit(Z[:, :, 0], Z, y)
