"""Boosted quantiles against LightGBM's own estimator; silence; what a missing library says."""

import sys

import numpy as np
import pytest
from lightgbm import LGBMRegressor

from workbench.core import generator
from workbench.inference.quantiles.boosting import BoostedQuantiles
from workbench.inference.quantiles.training_rows import integer_seed

LEVELS = [0.1, 0.5, 0.9]


def world(n=400):
    rng = generator(0)
    X = rng.normal(size=(n, 4))
    return X, X[:, 0] + rng.normal(size=n), rng.integers(1, 4, n).astype(float)


def test_matches_lightgbm_level_by_level():
    X, y, amounts = world()
    amounts += 0.5                                        # no numbers of equal rows
    amounts /= amounts.mean()
    middle = np.average(y, weights=amounts)
    size = np.sqrt(np.average((y - middle) ** 2, weights=amounts))
    ours = BoostedQuantiles(LEVELS, n_estimators=30, random_state=1).fit(X, y, amounts)
    order = np.argsort(y)
    seed = integer_seed(1)
    for column, level in enumerate(LEVELS):
        theirs = LGBMRegressor(
            objective="quantile", alpha=level, n_estimators=30, num_leaves=10, subsample=0.8,
            subsample_freq=1, min_child_samples=9, colsample_bytree=0.6, reg_alpha=0.1,
            reg_lambda=0.1, n_jobs=1, seed=seed, deterministic=True, force_row_wise=True,
            verbosity=-1).fit(X[order], ((y - middle) / size)[order],
                              sample_weight=amounts[order])
        np.testing.assert_allclose(ours.predict_quantiles(X)[:, column],
                                   middle + size * theirs.booster_.predict(X), rtol=1e-9)


def test_identity_a_weight_of_two_is_two_rows_and_threads_change_nothing():
    X, y, amounts = world()
    whole = amounts.astype(int)
    model = BoostedQuantiles(LEVELS, n_estimators=5, random_state=0)
    weighted = model.fit(X, y, amounts).predict_quantiles(X)
    repeated = model.fit(np.repeat(X, whole, axis=0), np.repeat(y, whole)).predict_quantiles(X)
    threads = model.set_params(n_jobs=2).fit(X, y, amounts).predict_quantiles(X)
    np.testing.assert_allclose(weighted, repeated, rtol=1e-10)
    np.testing.assert_array_equal(threads, weighted)


def test_identity_units_of_target_and_weights_do_not_matter():
    X, y, amounts = world()
    model, amounts = BoostedQuantiles(LEVELS, n_estimators=5, random_state=0), amounts + 0.5
    plain = model.fit(X, y, amounts).predict_quantiles(X)
    tiny = model.fit(X, y, amounts * 2.0**-40).predict_quantiles(X)
    np.testing.assert_array_equal(tiny, plain)
    far = model.fit(X, y + 2.0**33, amounts).predict_quantiles(X) - 2.0**33
    np.testing.assert_allclose(far, plain, atol=1e-4)     # single precision has steps of 1024


def test_recovers_levels_on_new_rows():
    X, y, _ = world(6000)
    model = BoostedQuantiles(LEVELS, random_state=0).fit(X[:3000], y[:3000])
    below = (y[3000:, None] <= model.predict_quantiles(X[3000:])).mean(axis=0)
    # Two samples of 3000, and the shrinkage of 50 steps of size 0.1 towards the middle: 0.9**50.
    assert (np.abs(below - LEVELS) < 4 * np.sqrt(2 * 0.25 / 3000) + 0.9**50).all()


@pytest.mark.parametrize("n", [1, 2, 5, 30])
def test_identity_says_nothing_whatever_the_rows(n, capfd):
    X, y, _ = world(n)
    X[:, 1] = 0.0                                         # a constant feature
    BoostedQuantiles(LEVELS, n_estimators=3).fit(X, y).predict_quantiles(X)
    told = capfd.readouterr()
    assert told.out + told.err == ""


class Unloadable:
    """An import that fails as that of a library without one of its own libraries."""

    def __init__(self, failure):
        self.failure = failure

    def find_spec(self, name, *_):
        if name == "lightgbm":
            raise self.failure


@pytest.mark.parametrize(("failure", "remedy"), [
    (OSError("libgomp.so.1: cannot open shared object file"), "apt install libgomp1"),
    (ModuleNotFoundError("No module named 'lightgbm'"), r"pip install 'workbench\[quantiles\]'")])
def test_rejects_a_library_that_cannot_be_loaded(monkeypatch, failure, remedy):
    monkeypatch.delitem(sys.modules, "lightgbm", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Unloadable(failure), *sys.meta_path])
    with pytest.raises(ImportError, match=remedy):
        BoostedQuantiles().fit([[0.0], [1.0]], [0.0, 1.0])


def test_rejects_shares_outside_their_range():
    with pytest.raises(ValueError, match=r"subsample must lie in \(0, 1\], got 0"):
        BoostedQuantiles(subsample=0).fit([[0.0]], [0.0])
