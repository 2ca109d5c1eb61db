"""CV+ and jackknife+ against loops over their definition and against MAPIE."""

import warnings

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import LinearRegression, QuantileRegressor
from sklearn.model_selection import KFold, LeaveOneOut

from workbench.core import generator
from workbench.inference.conformal_cross import cross_calibrate
from workbench.inference.conformal_folds import CrossConformalQuantileRegressor
from workbench.inference.quantiles.levels import pairs
from workbench.inference.quantiles.per_level import PerLevel

LEVELS = np.array([0.1, 0.3, 0.5, 0.7, 0.9])


def world(n=60, folds=5, seed=0):
    rng = generator(seed)
    fold = rng.permutation(np.arange(n) % folds)
    Z = np.sort(rng.normal(size=(folds, n + 20, 5)), axis=2) + rng.normal(size=(folds, 1, 1))
    y = rng.normal(size=n).round(1)                                  # ties
    return y, Z[fold, np.arange(n)], fold, Z[:, n:].transpose(1, 0, 2)


def by_definition(y, quantiles, fold, Z, method):
    """Ends from a sorted list of all proposals, one row and one interval at a time."""
    n, made = len(y), Z.mean(axis=1)
    for low, high, alpha in pairs(LEVELS):
        below, above = quantiles[:, low] - y, y - quantiles[:, high]
        if method == "symmetric":
            below = above = np.maximum(below, above)
        share = alpha if method == "symmetric" else alpha / 2
        lowest = int(np.floor(share * (n + 1) + 1e-9))
        highest = int(np.ceil((1 - share) * (n + 1) - 1e-9))
        for row, each in enumerate(Z):
            made[row, low] = np.sort(each[fold, low] - below)[lowest - 1] if lowest else -np.inf
            made[row, high] = (np.sort(each[fold, high] + above)[highest - 1] if highest <= n
                               else np.inf)
    return np.sort(made, axis=1)


@pytest.mark.parametrize("method", ["symmetric", "asymmetric"])
@pytest.mark.parametrize(("n", "folds"), [(60, 5), (61, 2), (40, 40), (50, 7)])
def test_matches_the_definition(method, n, folds):
    y, quantiles, fold, Z = world(n, folds)
    made = cross_calibrate(y, quantiles, LEVELS, fold, method=method)
    np.testing.assert_allclose(made.apply(Z), by_definition(y, quantiles, fold, Z, method),
                               rtol=1e-12)


def test_identity_equal_weights_and_their_scale():
    y, quantiles, fold, Z = world()
    plain = cross_calibrate(y, quantiles, LEVELS, fold).apply(Z)
    weight = generator(1).integers(1, 5, 60).astype(float)
    some = cross_calibrate(y, quantiles, LEVELS, fold, sample_weight=weight)
    for amount in (1.0, 0.3):
        equal = cross_calibrate(y, quantiles, LEVELS, fold, sample_weight=np.full(60, amount))
        np.testing.assert_array_equal(equal.apply(Z), plain)
        scaled = cross_calibrate(y, quantiles, LEVELS, fold, sample_weight=amount * weight)
        np.testing.assert_array_equal(scaled.apply(Z), some.apply(Z))


def test_identity_equal_weights_of_so_many_rows_that_their_sums_are_rounded():
    n, levels = 1_000_000, [0.1, 0.5, 0.9]
    y, quantiles = generator(5).normal(size=n), np.tile([-1.0, 0.0, 1.0], (n, 1))
    fold, Z = np.arange(n) % 4, np.tile([-1.0, 0.0, 1.0], (1, 4, 1))
    plain = cross_calibrate(y, quantiles, levels, fold)
    equal = cross_calibrate(y, quantiles, levels, fold, sample_weight=np.full(n, 0.1))
    np.testing.assert_array_equal(equal.apply(Z), plain.apply(Z))


def test_identity_integer_weights_are_repeated_rows_but_for_the_new_one():
    """The same proposals; a new row counts as one of the rows in the latter, as stated."""
    y, quantiles, fold, Z = world()
    counts = generator(2).integers(0, 4, 60)
    weighed = cross_calibrate(y, quantiles, LEVELS, fold, sample_weight=counts)
    copied = cross_calibrate(y.repeat(counts), quantiles.repeat(counts, axis=0), LEVELS,
                             fold.repeat(counts))
    np.testing.assert_array_equal(weighed.apply(Z, weights=np.ones(20)),
                                  copied.apply(Z, weights=np.ones(20)))


class MeanOnly(RegressorMixin, BaseEstimator):
    """Least squares as both ends of an interval, which makes the scores absolute residuals."""

    def fit(self, X, y):
        self.levels_, self.model_ = np.array([0.1, 0.5, 0.9]), LinearRegression().fit(X, y)
        return self

    def predict(self, X):
        return self.model_.predict(X)

    def predict_quantiles(self, X):
        return np.repeat(self.predict(X)[:, None], 3, axis=1)


@pytest.mark.parametrize("splitter", [KFold(5), LeaveOneOut()])
def test_matches_mapie_on_absolute_residuals(splitter):
    from mapie.regression import CrossConformalRegressor

    rng = generator(3)
    X, new = rng.normal(size=(54, 2)), rng.normal(size=(30, 2))
    y = X @ [1.0, -2.0] + rng.normal(size=54)
    other = CrossConformalRegressor(LinearRegression(), confidence_level=0.8, cv=splitter)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")     # of MAPIE's, about versions to come
        expected = other.fit_conformalize(X, y).predict_interval(new)[1][:, :, 0]
    ours = CrossConformalQuantileRegressor(MeanOnly(), quantile_levels=[0.1, 0.5, 0.9],
                                           cv=splitter).fit(X, y)
    np.testing.assert_allclose(ours.predict_interval(new, 0.8), expected, rtol=1e-9)


@pytest.mark.parametrize(("method", "score"), [
    ("symmetric", "AbsoluteQuantileRegressionScore"), ("asymmetric", "QuantileRegressionScore")])
def test_matches_mapie_on_quantiles(method, score):
    from mapie import conformity_scores
    from mapie.regression import CrossConformalizedQuantileRegressor

    rng = generator(4)
    X, new = rng.normal(size=(54, 2)), rng.normal(size=(30, 2))
    y = X @ [1.0, -2.0] + rng.normal(size=54)
    line = QuantileRegressor(alpha=0.0)
    other = CrossConformalizedQuantileRegressor(
        line, confidence_level=0.8, cv=KFold(5),
        conformity_score=getattr(conformity_scores, score))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")     # of MAPIE's, about versions to come
        expected = other.fit_conformalize(X, y).predict_interval(new)[1][:, :, 0]
    ours = CrossConformalQuantileRegressor(PerLevel(line), quantile_levels=[0.1, 0.5, 0.9],
                                           method=method).fit(X, y)
    np.testing.assert_allclose(ours.predict_interval(new, 0.8), expected, rtol=1e-9)


def test_rejects_predictions_that_do_not_fit_the_folds():
    y, quantiles, fold, Z = world()
    made = cross_calibrate(y, quantiles, LEVELS, fold)
    with pytest.raises(ValueError, match=r"quantiles must have shape \(n, 5, 5\)"):
        made.apply(Z[:, 1:])
    with pytest.raises(ValueError, match="fold must hold whole numbers from 0"):
        cross_calibrate(y, quantiles, LEVELS, fold - 1)
    with pytest.raises(ValueError, match="y has 60, fold has 59"):
        cross_calibrate(y, quantiles, LEVELS, fold[1:])
    with pytest.raises(ValueError, match=r"one per row, got int64 entries .* shape \(60, 1\)"):
        cross_calibrate(y, quantiles, LEVELS, fold[:, None])
    with pytest.raises(ValueError, match="weights must have one entry for each of the 20 new"):
        made.apply(Z, weights=np.ones(3))
