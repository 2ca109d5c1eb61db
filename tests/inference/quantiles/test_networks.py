"""Base networks: seeds, units, weights, order, the global generator left alone."""

import pickle
import sys

import numpy as np
import pytest
import torch
from scipy.stats import norm

from workbench.core import generator
from workbench.inference.quantiles.networks import (
    GaussianNetwork,
    QuantileNetwork,
    SimultaneousNetwork,
)
from workbench.inference.quantiles.scores import pinball_losses

LEVELS = [0.1, 0.3, 0.5, 0.7, 0.9]
KINDS = [GaussianNetwork, SimultaneousNetwork, QuantileNetwork]
SMALL = {"hidden": 16, "max_steps": 200, "learning_rate": 1e-2, "random_state": 0, "device": "cpu"}


def global_state():
    words = np.random.get_state()[1]  # noqa: NPY002 - what must be left alone
    return torch.get_rng_state().tolist(), words.tolist()


def world(n=300, seed=0):
    rng = generator(seed)
    X = rng.uniform(-1, 1, (n, 2))
    sd = np.exp(X[:, 1])
    return X, 2 * X[:, 0] + sd * rng.normal(size=n), sd


@pytest.mark.parametrize("kind", KINDS)
def test_identity_same_seed_same_bits_and_no_global_state(kind):
    X, y, _ = world()
    before = global_state()
    first, second, other = (kind(LEVELS, **SMALL | {"random_state": seed, "dropout": 0.1})
                            .fit(X, y).predict_quantiles(X) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()
    assert global_state() == before


@pytest.mark.parametrize("kind", KINDS)
def test_identity_units_do_not_matter(kind):
    X, y, _ = world()
    plain = kind(LEVELS, **SMALL).fit(X, y).predict_quantiles(X)
    # Powers of two scale without rounding, so that the same network is trained.
    scaled = kind(LEVELS, **SMALL).fit(X * [2.0**20, 0.5], y * 2.0**-10)
    np.testing.assert_allclose(scaled.predict_quantiles(X * [2.0**20, 0.5]), plain * 2.0**-10,
                               rtol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_identity_a_weight_of_two_is_two_rows_in_any_order(kind):
    X, y, _ = world(80)
    amounts = generator(1).integers(0, 4, 80)
    repeated = generator(2).permutation(np.repeat(np.arange(80), amounts))
    weighted = kind(LEVELS, **SMALL).fit(X, y, amounts)
    moved = kind(LEVELS, **SMALL).fit(X[repeated], y[repeated])
    np.testing.assert_array_equal(moved.predict_quantiles(X), weighted.predict_quantiles(X))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_recovers_the_quantiles_of_a_normal_whose_spread_moves(kind):
    X, y, _ = world(4000)
    model = kind(LEVELS, random_state=0, device="cpu").fit(X, y)
    new, truth, sd = world(2000, seed=9)
    exact = 2 * new[:, :1] + sd[:, None] * norm.ppf(LEVELS)
    error = (model.predict_quantiles(new) - exact) / sd[:, None]
    # As near as a sample quantile of 100 rows at each x would be: sd 0.17 at level 0.1.
    assert np.sqrt((error**2).mean()) < np.sqrt(0.09 / 100) / norm.pdf(norm.ppf(0.1))
    losses = pinball_losses(truth, exact, LEVELS).mean(axis=1)
    assert abs(model.validation_ - losses.mean()) < 4 * losses.std() / np.sqrt(800)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [1, 5, 40])
def test_identity_a_constant_target_is_predicted(kind, n):
    X = generator(3).normal(size=(n, 2))
    found = kind(LEVELS, **SMALL | {"max_steps": 20}).fit(X, np.full(n, 7.5)).predict(X)
    np.testing.assert_allclose(found, 7.5, atol=2.0)


def test_identity_order_is_a_choice():
    X, y, _ = world(40)
    options = SMALL | {"max_steps": 0}          # as drawn: five outputs in no order
    loose = QuantileNetwork(LEVELS, isotonise="none", **options).fit(X, y).predict_quantiles(X)
    found = QuantileNetwork(LEVELS, **options).fit(X, y).predict_quantiles(X)
    assert (np.diff(loose, axis=1) < 0).any()
    np.testing.assert_array_equal(found, np.sort(loose, axis=1))


def test_matches_a_penalty_that_keeps_levels_apart():
    X, y, _ = world(60)
    options = SMALL | {"isotonise": "none", "max_steps": 300, "patience": 300}
    free, kept = (QuantileNetwork(LEVELS, penalty=penalty, margin_scale=0.5, **options)
                  .fit(X, y).predict_quantiles(X) for penalty in (0.0, 100.0))
    gaps = np.diff(kept, axis=1) / y.std()
    assert (gaps > 0).all()
    assert gaps.min() > np.diff(free, axis=1).min() / y.std()


@pytest.mark.parametrize("kind", [SimultaneousNetwork, QuantileNetwork])
def test_matches_the_plain_loss_as_the_parabola_narrows(kind):
    X, y, _ = world()
    plain, narrow, wide = (kind(LEVELS, huber=huber, **SMALL).fit(X, y).predict_quantiles(X)
                           for huber in (0.0, 1e-12, 5.0))
    np.testing.assert_allclose(narrow, plain, atol=1e-3)
    assert np.abs(wide - plain).max() > 1e-2


@pytest.mark.parametrize("kind", KINDS)
def test_identity_a_pickle_predicts_the_same(kind):
    X, y, _ = world(40)
    model = kind(LEVELS, **SMALL | {"max_steps": 10, "dropout": 0.2}).fit(X, y)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_quantiles(X), model.predict_quantiles(X))


def test_rejects_a_missing_library(monkeypatch):
    room = "workbench.inference.quantiles."
    for name in [name for name in sys.modules if name.startswith(room)]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    from workbench.inference.quantiles.networks import GaussianNetwork as Fresh

    with pytest.raises(ImportError, match=r"Networks need PyTorch.*pip install 'workbench\[train"):
        Fresh().fit([[0.0]], [0.0])


@pytest.mark.parametrize(("options", "told"), [
    ({"validation_share": 1.0}, "validation_share must lie strictly between 0 and 1"),
    ({"penalty": -1.0}, "penalty must be >= 0"), ({"huber": -1.0}, "alpha must be >= 0"),
    ({"hidden": 0}, "hidden must be positive"), ({"isotonise": "sorted"}, "Did you mean 'sort'")])
def test_rejects_options_out_of_range(options, told):
    with pytest.raises(ValueError, match=told):
        QuantileNetwork(LEVELS, **options).fit(np.zeros((3, 1)), np.arange(3.0))
