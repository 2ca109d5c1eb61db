"""Laws of aggregators: identities, relabelling, units, and one seed for the same bits."""

import numpy as np
import pytest
from sklearn.base import clone

from workbench.core import generator
from workbench.inference.quantile_aggregation import CARD, QuantileAggregator
from workbench.inference.quantiles.scores import pinball

pytest.importorskip("torch")

LEVELS = np.array([0.1, 0.3, 0.5, 0.7, 0.9])
EACH = [(resolution, local) for resolution in ("coarse", "medium", "fine")
        for local in (False, True)]


def world(n=80, k=3, seed=0):
    rng = generator(seed)
    X = rng.normal(size=(n, 2))
    y = 100 + 7 * X[:, 0] + 3 * np.exp(X[:, 1] / 2) * rng.normal(size=n)
    Z = np.sort(100 + 7 * X[:, :1, None] + 4 * rng.normal(size=(n, k, 5)), axis=-1)
    return X, Z, y


def aggregator(resolution, *, local, **options):
    return QuantileAggregator(LEVELS, resolution=resolution, local=local,
                              **{"max_steps": 60, "patience": 100, "random_state": 0} | options)


@pytest.mark.parametrize(("resolution", "local"), EACH)
def test_identity_a_full_average_share_is_the_equal_average(resolution, local):
    X, Z, y = world()
    Z = Z[:, :, [1, 0, 2, 4, 3]]                        # models that cross, as neutral leaves them
    model = aggregator(resolution, local=local, **CARD.neutral).fit(X, Z, y)
    np.testing.assert_allclose(model.predict(X, Z), Z.mean(1), rtol=1e-12)
    np.testing.assert_allclose(model.weights_by_model(X), 1 / 3, rtol=1e-12)


@pytest.mark.parametrize("local", [False, True])
@pytest.mark.parametrize("resolution", ["coarse", "medium"])
def test_identity_one_model_comes_back(resolution, local):
    X, Z, y = world(k=1)
    model = aggregator(resolution, local=local).fit(X, Z, y)
    np.testing.assert_allclose(model.predict(X, Z), Z[:, 0], rtol=1e-14)


@pytest.mark.parametrize("normalise", [True, False])
@pytest.mark.parametrize("resolution", ["coarse", "medium"])
def test_identity_equal_logits_are_the_average(resolution, normalise):
    X, Z, y = world()
    model = aggregator(resolution, local=False, max_steps=0, normalise=normalise).fit(None, Z, y)
    np.testing.assert_allclose(model.predict(X, Z), Z.mean(1), rtol=1e-7)


@pytest.mark.parametrize(("resolution", "local"), EACH)
def test_identity_weights_lie_on_the_simplex_and_make_the_quantiles(resolution, local):
    X, Z, y = world()
    model = aggregator(resolution, local=local, isotonise="none", average_share=0.1).fit(X, Z, y)
    weights = model.weights(X)
    over = (1, 2) if resolution == "fine" else 1
    assert (weights >= 0).all()
    np.testing.assert_allclose(weights.sum(axis=over), 1, rtol=1e-12)
    by_hand = {"coarse": lambda: (weights[:, :, None] * Z).sum(1),
               "medium": lambda: (weights * Z).sum(1),
               "fine": lambda: (weights * Z[:, :, :, None]).sum((1, 2))}[resolution]()
    np.testing.assert_allclose(model.predict(X, Z), by_hand, rtol=1e-6)
    summed = {"coarse": lambda: np.repeat(weights[:, :, None], 5, 2), "medium": lambda: weights,
              "fine": lambda: weights.sum(2)}[resolution]()
    np.testing.assert_array_equal(model.weights_by_model(X), summed)


@pytest.mark.parametrize("local", [False, True])
def test_identity_coarse_weights_cross_nothing_that_did_not(local):
    X, Z, y = world()
    model = aggregator("coarse", local=local, isotonise="none").fit(X, Z, y)
    assert (np.diff(model.predict(X, Z)) >= 0).all()


@pytest.mark.parametrize("resolution", ["coarse", "medium", "fine"])
def test_identity_permuted_models_permute_global_weights(resolution):
    X, Z, y = world()
    order = [2, 0, 1]
    Z[:, 1] += 3
    plain, permuted = (aggregator(resolution, local=False, patience=None, learning_rate=0.01).fit(
        X, base, y) for base in (Z, Z[:, order]))
    np.testing.assert_allclose(permuted.weights(), plain.weights()[:, order], atol=1e-5)
    assert np.ptp(plain.weights(), axis=1).max() > 0.01


@pytest.mark.parametrize(("resolution", "local"), EACH)
def test_identity_another_unit_gives_the_same_quantiles(resolution, local):
    X, Z, y = world()
    plain = aggregator(resolution, local=local).fit(X, Z, y)
    scaled = clone(plain).fit(50 * X - 3, 1000 * Z + 5, 1000 * y + 5)
    np.testing.assert_allclose(scaled.predict(50 * X - 3, 1000 * Z + 5),
                               1000 * plain.predict(X, Z) + 5, rtol=1e-5)
    assert scaled.validation_ == pytest.approx(1000 * plain.validation_, rel=1e-4)


def test_identity_one_seed_gives_the_same_bits():
    X, Z, y = world()
    first, again, other = (aggregator("fine", local=True, random_state=seed, dropout=0.1).fit(
        X, Z, y).predict(X, Z) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert abs(first - other).max() > 1e-6


@pytest.mark.parametrize("local", [False, True])
def test_identity_rows_without_weight_are_absent(local):
    X, Z, y = world()
    weight = np.ones(80)
    weight[::4] = 0
    used = weight > 0
    held = {"X_val": X, "Z_val": Z, "y_val": y}
    weighted = aggregator("medium", local=local).fit(X, Z, y, sample_weight=weight, **held)
    absent = aggregator("medium", local=local).fit(X[used], Z[used], y[used], **held)
    np.testing.assert_allclose(weighted.predict(X, Z), absent.predict(X, Z), rtol=1e-6)


@pytest.mark.parametrize("isotonise", ["none", "sort", "pava", "minmax"])
def test_matches_the_score_of_what_it_predicts(isotonise):
    X, Z, y = world()
    weight = generator(1).uniform(0, 2, 80)
    model = aggregator("fine", local=True, isotonise=isotonise, max_steps=200).fit(
        X, Z, y, X_val=X, Z_val=Z, y_val=y, sample_weight_val=weight)
    assert model.validation_ == pytest.approx(
        pinball(y, model.predict(X, Z), LEVELS, sample_weight=weight), rel=1e-5)
    assert model.validation_ == min(score for _, score in model.history_)
    if isotonise != "none":
        assert (np.diff(model.predict(X, Z)) >= 0).all()


def test_recovers_which_model_to_trust_where():
    rng = generator(2)
    X = rng.uniform(-1, 1, size=(600, 1))
    y = rng.normal(size=600)
    spread = np.array([-1.2816, -0.5244, 0.0, 0.5244, 1.2816])
    near = spread + np.zeros((600, 1))
    Z = np.stack([np.where(X < 0, near, near + 4), np.where(X < 0, near - 4, near)], axis=1)
    model = aggregator("coarse", local=True, max_steps=1000, patience=500).fit(X, Z, y)
    weights = model.weights(np.array([[-0.8], [0.8]]))
    assert weights[0, 0] > 0.9
    assert weights[1, 1] > 0.9
    assert pinball(y, model.predict(X, Z), LEVELS) < 0.5 * pinball(y, Z.mean(1), LEVELS)


def test_recovers_from_numbers_that_single_precision_cannot_hold():
    X, Z, y = world()
    Z[3, 0, 4] = 1e60
    model = aggregator("fine", local=True).fit(X * 1e60, Z, y)
    assert np.isfinite(model.predict(1e60 * X[3:], Z[3:])).all()
    small = aggregator("fine", local=True).fit(X, Z[4:].repeat(2, 0)[:80] * 1e-40, y * 1e-40)
    assert small.validation_ < 1e-37


@pytest.mark.parametrize("constant", ["feature", "outcome", "model", "one row"])
def test_identity_nothing_varies_and_nothing_breaks(constant):
    X, Z, y = world()
    if constant == "feature":
        X[:, 0] = 0.1
    elif constant == "outcome":
        y[:] = 0.1
    elif constant == "model":
        Z[:, 0] = 5.0
    else:
        X, Z, y = X[:1], Z[:1], y[:1]
    assert np.isfinite(aggregator("fine", local=True).fit(X, Z, y).predict(X, Z)).all()
