"""Linear quantiles against scikit-learn's linear programme; any regressor, level by level."""

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingRegressor, HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, QuantileRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from workbench.core import generator
from workbench.inference.quantiles.linear import LinearQuantiles
from workbench.inference.quantiles.per_level import PerLevel
from workbench.inference.quantiles.scores import pinball

LEVELS = [0.1, 0.5, 0.9]


def world(n=120, p=3, seed=0):
    rng = generator(seed)
    X = rng.normal(size=(n, p)) * 10.0 ** np.arange(p) + 5
    return X, X[:, 0] + rng.normal(size=n), rng.random(n)


def test_matches_another_linear_programme():
    X, y, amounts = world()
    ours = LinearQuantiles(LEVELS).fit(X, y, amounts)
    for column, level in enumerate(LEVELS):
        theirs = QuantileRegressor(quantile=level, alpha=0.0).fit(X, y, amounts)
        np.testing.assert_allclose(ours.coefficients_[:, column], theirs.coef_, atol=1e-9)
        assert ours.intercepts_[column] == pytest.approx(theirs.intercept_, abs=1e-8)


@pytest.mark.parametrize("penalty", [0.003, 0.03, 10.0])
def test_matches_another_penalised_programme_on_standardised_rows(penalty):
    X, y, _ = world(seed=1)
    X, y = (X - X.mean(axis=0)) / X.std(axis=0), (y - y.mean()) / y.std()
    ours = LinearQuantiles(LEVELS, penalty=penalty).fit(X, y)
    for column, level in enumerate(LEVELS):
        theirs = QuantileRegressor(quantile=level, alpha=penalty).fit(X, y)
        np.testing.assert_allclose(ours.coefficients_[:, column], theirs.coef_, atol=1e-9)


def test_identity_one_constant_feature_gives_sample_quantiles():
    y = np.arange(10.0)
    found = LinearQuantiles([0.25]).fit(np.ones((10, 1)), y).predict_quantiles([[1.0]])
    assert found == pytest.approx(np.quantile(y, 0.25, method="inverted_cdf"))


def test_identity_units_of_features_and_target_do_not_matter():
    X, y, _ = world(seed=2)
    plain = LinearQuantiles(LEVELS, penalty=0.01).fit(X, y).predict_quantiles(X)
    moved = LinearQuantiles(LEVELS, penalty=0.01).fit(X * [1e-6, 1e3, 1] + 7, 1e5 * y - 3)
    np.testing.assert_allclose(moved.predict_quantiles(X * [1e-6, 1e3, 1] + 7),
                               1e5 * plain - 3, rtol=1e-6)


def test_identity_more_features_than_rows_fit_the_rows():
    X, y, _ = world(8, 20, seed=3)
    found = LinearQuantiles(LEVELS).fit(X, y).predict_quantiles(X)
    assert pinball(y, found, LEVELS) < 1e-9 * y.std()


@pytest.mark.parametrize(("estimator", "parameter"), [
    (QuantileRegressor(alpha=0.0), "quantile"),
    (GradientBoostingRegressor(loss="quantile", n_estimators=5, random_state=0), "alpha"),
    (HistGradientBoostingRegressor(loss="quantile", max_iter=5), "quantile"),
    (make_pipeline(StandardScaler(), QuantileRegressor(alpha=0.0)),
     "quantileregressor__quantile")])
def test_matches_copies_fitted_by_hand(estimator, parameter):
    X, y, _ = world()
    ours = PerLevel(estimator, LEVELS).fit(X, y)
    assert ours.parameter_ == parameter
    for column, level in enumerate(LEVELS):
        by_hand = estimator.set_params(**{parameter: level}).fit(X, y).predict(X)
        np.testing.assert_array_equal(ours.predict_quantiles(X)[:, column], by_hand)


def test_matches_a_data_frame_handed_on_as_it_is():
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"size": np.arange(30.0), "kind": ["a", "b", "c"] * 10})
    table["kind"] = table["kind"].astype("category")
    model = HistGradientBoostingRegressor(loss="quantile", max_iter=5, min_samples_leaf=2,
                                          categorical_features="from_dtype")
    ours = PerLevel(model, LEVELS).fit(table, np.tile([0.0, 10.0, 20.0], 10))
    found = ours.predict(table)
    assert list(ours.feature_names_in_) == ["size", "kind"]
    assert (np.diff(found[:3]) > 1).all()


@pytest.mark.parametrize(("estimator", "options", "told"), [
    (LinearRegression(), {}, "LinearRegression, in which none was found"),
    (GradientBoostingRegressor(), {}, "Pass loss='quantile'"),
    (HistGradientBoostingRegressor(), {"parameter": "quantile"}, "loss='squared_error'"),
    (QuantileRegressor(), {"parameter": "quantil"}, r"Did you mean 'quantile'\?")])
def test_rejects_regressors_without_a_quantile_loss(estimator, options, told):
    with pytest.raises(ValueError, match=told):
        PerLevel(estimator, LEVELS, **options).fit([[0.0], [1.0]], [0.0, 1.0])


def test_rejects_a_negative_penalty():
    with pytest.raises(ValueError, match="penalty must be >= 0"):
        LinearQuantiles(penalty=-1).fit([[0.0]], [0.0])
