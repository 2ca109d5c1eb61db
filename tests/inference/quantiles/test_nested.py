"""Nested CV+: who saw what, how many fits, and the coverage it promises."""

import numpy as np
import pytest
from sklearn.model_selection import KFold

from workbench.core import generator
from workbench.inference.conformal import TooFewRowsWarning
from workbench.inference.conformal_cross import cross_calibrate
from workbench.inference.quantile_aggregation import QuantileAggregator
from workbench.inference.quantiles.baselines import SimpleAggregation
from workbench.inference.quantiles.linear import LinearQuantiles
from workbench.inference.quantiles.nested import NestedConformalStack
from workbench.inference.quantiles.out_of_fold import out_of_fold

LEVELS = [0.1, 0.5, 0.9]
EXACT = {"resolution": "coarse", "local": False, "solver": "lp", "penalty": 0}


class Witness:
    """Predicts which folds it was fitted to, as a sum of powers of two; column 1 is the fold."""

    fits: list[int] = []  # noqa: RUF012 - shared by all copies

    def fit(self, X, y):  # noqa: ARG002 - the form of a model
        self.seen = sum(2 ** int(fold) for fold in set(X[:, 1]))
        self.fits.append(self.seen)

    def predict_quantiles(self, X):
        return np.full((len(X), len(LEVELS)), float(self.seen))


class Recorder:
    """An aggregator that keeps what it is given."""

    def fit(self, X, Z, y, **options):
        self.given = {"X": X, "Z": Z, "y": y, **options}

    def predict(self, X, Z):  # noqa: ARG002 - the form of an aggregator
        return np.sort(Z[:, 0], axis=1)


class Nearest:
    """Says what the nearest training row was, as if that were certain."""

    def fit(self, X, y):
        self.X, self.y = X[:, 0], y

    def predict_quantiles(self, X):
        place = np.abs(X[:, :1] - self.X).argmin(axis=1)
        return self.y[place, None] + np.array([-0.01, 0.0, 0.01])


class Pooled:
    """Quantiles of all training rows."""

    def fit(self, X, y):  # noqa: ARG002 - the form of a model
        self.found = np.quantile(y, LEVELS)

    def predict_quantiles(self, X):
        return np.tile(self.found, (len(X), 1))


def world(rng, n):
    X = rng.uniform(-2, 2, (n, 1))
    return X, X[:, 0] + rng.normal(size=n)


@pytest.mark.parametrize("count", [3, 5])
def test_matches_who_saw_what_and_how_many_fits(count):
    rng = generator(0)
    fold = np.repeat(np.arange(count), 8)
    X, y = np.column_stack([np.arange(8.0 * count), fold]), rng.normal(size=8 * count)
    Witness.fits = []
    stack = NestedConformalStack([Witness()], Recorder(), quantile_levels=LEVELS, random_state=0,
                                 cv=KFold(count)).fit(X, y)
    everything = 2**count - 1
    assert len(Witness.fits) == stack.fits_ == count * (count - 1) // 2 + count
    assert len(set(Witness.fits)) == stack.fits_               # no two saw the same folds
    for left, (models, aggregator) in enumerate(zip(stack.models_, stack.aggregators_,
                                                    strict=True)):
        assert models[0][1].seen == everything - 2**left
        given = aggregator.given
        rows = np.concatenate([given["X"], given["X_val"]])
        told = np.concatenate([given["Z"], given["Z_val"]])[:, 0, 0]
        assert left not in rows[:, 1]
        assert len(rows) == 8 * (count - 1)
        np.testing.assert_array_equal(told, everything - 2**left - 2 ** rows[:, 1])


def test_matches_cv_plus_of_a_single_model():
    """With one model a convex aggregator changes nothing: what is left is CV+ of the model."""
    X, y = world(generator(1), 60)
    new, _ = world(generator(2), 30)
    stack = NestedConformalStack([("linear", LinearQuantiles())], QuantileAggregator(**EXACT),
                                 quantile_levels=LEVELS, cv=4, random_state=0).fit(X, y)
    own = out_of_fold([LinearQuantiles()], X, y, quantile_levels=LEVELS, cv=4)[:, 0]
    fold = np.repeat(np.arange(4), 15)
    folds = [LinearQuantiles(LEVELS).fit(X[fold != k], y[fold != k]) for k in range(4)]
    plain = cross_calibrate(y, np.sort(own, axis=1), LEVELS, fold).apply(
        np.stack([np.sort(model.predict_quantiles(new), axis=1) for model in folds], axis=1))
    np.testing.assert_allclose(stack.predict_quantiles(new), plain, rtol=1e-9)


@pytest.mark.slow
def test_recovers_the_promised_coverage_of_models_that_cover_nothing():
    rng, n, alpha, draws = generator(3), 60, 0.2, 150
    calibrated, loose = [], []
    for _ in range(draws):
        X, y = world(rng, n)
        stack = NestedConformalStack(
            [("nearest", Nearest()), ("pooled", Pooled())], QuantileAggregator(**EXACT),
            quantile_levels=LEVELS, cv=3, random_state=0).fit(X, y)
        new, truth = world(rng, 100)
        low, high = stack.predict_interval(new, 1 - alpha).T
        calibrated.append(((low <= truth) & (truth <= high)).mean())
        mixed = stack.aggregators_[0].predict(new, np.stack(
            [model.predict_quantiles(new) for _, model in stack.models_[0]], axis=1))
        loose.append(((mixed[:, 0] <= truth) & (truth <= mixed[:, -1])).mean())
    error = np.std(calibrated) / np.sqrt(draws)
    assert np.mean(calibrated) - 4 * error > 1 - 2 * alpha - np.sqrt(2 / n)      # the guarantee
    assert np.mean(calibrated) > 1 - alpha - 4 * error                           # in practice
    assert np.mean(loose) < 1 - alpha - 4 * np.std(loose) / np.sqrt(draws)       # without it
    assert np.mean(calibrated) < 0.95                       # and not by covering everything


def test_identity_same_seed_same_intervals_and_weights_scale():
    X, y = world(generator(4), 45)
    amounts = generator(5).uniform(0.5, 2, 45)
    made = [NestedConformalStack(["linear", "qrf"], QuantileAggregator(**EXACT), cv=3,
                                 quantile_levels=LEVELS, random_state=0).fit(X, y, weight)
            .predict_quantiles(X) for weight in (amounts, amounts, 8 * amounts)]
    np.testing.assert_array_equal(made[0], made[1])
    np.testing.assert_allclose(made[0], made[2], rtol=1e-6)
    assert (np.diff(made[0], axis=1) >= 0).all()


def test_identity_a_fold_without_weight_is_no_fold():
    X, y = world(generator(7), 40)
    weight = np.repeat([1.0, 0.0], [30, 10])
    options = {"quantile_levels": LEVELS, "random_state": 0}
    four = NestedConformalStack([Pooled()], Recorder(), cv=4, **options).fit(X, y, weight)
    three = NestedConformalStack([Pooled()], Recorder(), cv=3, **options).fit(X[:30], y[:30])
    assert four.fits_ == three.fits_ == 6
    np.testing.assert_array_equal(four.predict_quantiles(X), three.predict_quantiles(X))


@pytest.mark.parametrize(("options", "told"), [
    ({"cv": 2}, "at least 3 folds with rows"),
    ({"cv": [([3, 4], [0]), ([0], [3]), ([0], [4])]}, "7 rows never held out"),
    ({"quantile_levels": [0.1, 0.5]}, "must be symmetric"), ({"method": "sym"}, "Did you mean")])
def test_rejects_folds_and_levels_that_do_not_fit(options, told):
    X, y = world(generator(6), 10)
    with pytest.raises(ValueError, match=told):
        NestedConformalStack([Pooled()], Recorder(),
                             **{"quantile_levels": LEVELS} | options).fit(X, y)


@pytest.mark.parametrize("amount", [1.0, 3.0, 0.3])
def test_identity_equal_weights_are_no_weights(amount):
    rng = np.random.default_rng(8)
    X = rng.normal(size=(30, 1))
    y = X[:, 0] + rng.normal(size=30)
    options = {"cv": 3, "quantile_levels": [0.01, 0.25, 0.5, 0.75, 0.99], "random_state": 0}
    with pytest.warns(TooFewRowsWarning):   # 30 rows do not reach 98 %, whatever they weigh
        plain = NestedConformalStack(["linear"], SimpleAggregation(), **options).fit(X, y)
    with pytest.warns(TooFewRowsWarning):
        weighed = NestedConformalStack(["linear"], SimpleAggregation(), **options).fit(
            X, y, np.full(30, amount))
    expected = plain.predict_quantiles(X)
    assert np.isinf(expected[:, 0]).all()
    np.testing.assert_allclose(weighed.predict_quantiles(X), expected, atol=1e-9)
