"""The estimators in scikit-learn's company: its own checks, pipelines, frames, folds, groups."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import QuantileRegressor
from sklearn.model_selection import KFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from workbench.core import generator
from workbench.inference.conformal import TooFewRowsWarning, calibrate
from workbench.inference.conformal_folds import CrossConformalQuantileRegressor
from workbench.inference.conformal_split import ConformalQuantileRegressor
from workbench.inference.quantiles.linear import LinearQuantiles
from workbench.inference.quantiles.per_level import PerLevel
from workbench.inference.quantiles.scores import coverage

LEVELS = [0.1, 0.25, 0.5, 0.75, 0.9]
BOTH = [ConformalQuantileRegressor(quantile_levels=LEVELS, random_state=0),
        CrossConformalQuantileRegressor(quantile_levels=LEVELS, cv=3)]


def world(n=240, seed=0):
    rng = generator(seed)
    X = rng.normal(size=(n, 2))
    return X, X @ [1.0, -2.0] + (1 + (X[:, 0] > 0)) * rng.standard_t(4, n)


@pytest.mark.parametrize("estimator", BOTH, ids=lambda each: type(each).__name__)
def test_matches_what_scikit_learn_asks_of_an_estimator(estimator):
    with warnings.catch_warnings():
        # The checks fit on so few rows that ends are infinite, and skip what needs array APIs.
        warnings.simplefilter("ignore")
        done = check_estimator(estimator)
    assert len(done) > 40


@pytest.mark.parametrize("estimator", BOTH, ids=lambda each: type(each).__name__)
def test_matches_itself_in_pipelines_clones_and_frames(estimator):
    X, y = world()
    plain = clone(estimator).fit(X, y).predict_quantiles(X)
    frame = pd.DataFrame(X, columns=["a", "b"])
    framed = clone(estimator).fit(frame, pd.Series(y))
    np.testing.assert_allclose(framed.predict_quantiles(frame), plain, rtol=1e-9)
    assert framed.feature_names_in_.tolist() == ["a", "b"]
    piped = make_pipeline(StandardScaler(), clone(estimator)).fit(X, y)
    np.testing.assert_allclose(piped.predict(X), clone(estimator).fit(X, y).predict(X), atol=1e-6)
    assert (np.diff(plain) >= 0).all()
    scored = cross_validate(estimator, X, y, cv=3, scoring="r2")
    assert (scored["test_score"] > 0.3).all()


def test_matches_its_parts_done_by_hand():
    X, y = world()
    train, held = np.arange(0, 240, 2), np.arange(1, 240, 2)
    weight = generator(1).uniform(1, 2, 240)
    model = ConformalQuantileRegressor(quantile_levels=LEVELS, cv=[(train, held)])
    found = model.fit(X, y, sample_weight=weight).predict_quantiles(X)
    base = LinearQuantiles(LEVELS).fit(X[train], y[train], weight[train])
    by_hand = calibrate(y[held], base.predict_quantiles(X[held]), LEVELS,
                        sample_weight=weight[held]).apply(base.predict_quantiles(X))
    np.testing.assert_allclose(found, by_hand, rtol=1e-12)
    np.testing.assert_array_equal(model.predict_interval(X, 0.8), found[:, [0, 4]])
    frozen = ConformalQuantileRegressor(FrozenEstimator(base), calibration_share=1)
    np.testing.assert_allclose(
        frozen.fit(X[held], y[held], sample_weight=weight[held]).predict_quantiles(X), by_hand)


def test_recovers_coverage_within_groups_of_a_column():
    X, y = world(3000)
    new, outcome = world(3000, seed=5)
    frames = [pd.DataFrame(each, columns=["a", "b"]).assign(noisy=each[:, 0] > 0)
              for each in (X, new)]
    base = LinearQuantiles(LEVELS)
    by_column = ConformalQuantileRegressor(base, group_by="noisy", random_state=0)
    by_function = ConformalQuantileRegressor(base, group_by=lambda X: X["a"] > 0, random_state=0)
    found = by_column.fit(frames[0], y).predict_interval(frames[1], 0.8)
    np.testing.assert_array_equal(
        by_function.fit(frames[0], y).predict_interval(frames[1], 0.8), found)
    for noisy in (False, True):
        own = (new[:, 0] > 0) == noisy
        low, high = coverage(outcome[own], found[own, 0], found[own, 1], level=0.999).ends
        assert low - 0.05 < 0.8 < high + 0.05      # 375 calibration rows: sd of coverage 0.02


def test_matches_jackknife_plus_in_chunks(monkeypatch):
    X, y = world(30)
    model = CrossConformalQuantileRegressor(PerLevel(QuantileRegressor(alpha=0.0)),
                                            quantile_levels=[0.1, 0.5, 0.9], cv="loo").fit(X, y)
    whole = model.predict_quantiles(world()[0])
    monkeypatch.setattr("workbench.inference.conformal_folds.MOST", 30 * 3 * 7)
    np.testing.assert_array_equal(model.predict_quantiles(world()[0]), whole)
    assert len(model.estimators_) == 30


def test_rejects_options_and_folds_that_promise_nothing():
    X, y = world(40)
    levels = [0.1, 0.5, 0.9]
    with pytest.raises(ValueError, match=r"level must be one of 0\.8, which the quantile levels"):
        ConformalQuantileRegressor(quantile_levels=levels, random_state=0).fit(
            X, y).predict_interval(X, 0.9)
    with pytest.raises(ValueError, match="cv must hold out each row exactly once"):
        CrossConformalQuantileRegressor(cv=list(KFold(5).split(X))[:4]).fit(X, y)
    overlapping = [(np.arange(40), np.arange(40))]
    with pytest.raises(ValueError, match="cv must not fit on the rows that it holds out"):
        CrossConformalQuantileRegressor(cv=overlapping).fit(X, y)
    with pytest.raises(ValueError, match="40 held out and 40 of them fitted on too"):
        ConformalQuantileRegressor(cv=overlapping).fit(X, y)
    with pytest.raises(NotFittedError, match="Wrap it in FrozenEstimator"):
        ConformalQuantileRegressor(LinearQuantiles(levels).fit(X, y), calibration_share=1).fit(
            X, y)
    with pytest.raises(ValueError, match="calibration_share must lie above 0"):
        ConformalQuantileRegressor(calibration_share=0.0).fit(X, y)
    with pytest.raises(ValueError, match="Wrap a regressor with a quantile loss in PerLevel"):
        ConformalQuantileRegressor(QuantileRegressor(), random_state=0).fit(X, y)
    with pytest.warns(TooFewRowsWarning, match="takes at least 9 rows, and there are 4"):
        ConformalQuantileRegressor(quantile_levels=[0.05, 0.5, 0.95], random_state=0,
                                   calibration_share=0.1).fit(X, y)
