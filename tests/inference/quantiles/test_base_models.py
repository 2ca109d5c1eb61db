"""The protocol of base models, their rows, and what is refused."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, QuantileRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from workbench.core import generator
from workbench.inference.quantiles.base_models import (
    BASE_MODELS,
    QuantileModel,
    copied,
    fit_model,
    make,
    median_of,
    quantiles_of,
)
from workbench.inference.quantiles.linear import LinearQuantiles

LEVELS = [0.1, 0.5, 0.9]


class Own:
    """A user's model that knows nothing of scikit-learn."""

    def fit(self, X, y):  # noqa: ARG002 - the form of a model
        self.found = np.quantile(y, LEVELS)

    def predict_quantiles(self, X):
        return np.tile(self.found, (len(X), 1))


@pytest.mark.parametrize("name", BASE_MODELS)
def test_matches_the_protocol_under_each_name(name):
    model = make(name, LEVELS, 0)
    assert isinstance(model, QuantileModel)
    assert list(model.get_params()["quantile_levels"]) == LEVELS


def test_identity_a_users_own_object_is_a_model():
    model = Own()
    assert isinstance(model, QuantileModel)
    fitted = fit_model(copied(model), np.zeros((5, 1)), np.arange(5.0))
    assert quantiles_of(fitted, np.zeros((2, 1)), LEVELS).tolist() == [[0.4, 2.0, 3.6]] * 2
    assert not hasattr(model, "found")


@pytest.mark.parametrize(("levels", "row", "median"), [
    ([0.1, 0.5, 0.9], [1.0, 2.0, 4.0], 2.0), ([0.2, 0.8], [1.0, 3.0], 2.0),
    ([0.4, 0.8], [1.0, 5.0], 2.0), ([0.6, 0.9], [1.0, 3.0], 1.0),
    ([0.1, 0.5, 0.9], [-np.inf, 2.0, np.inf], 2.0)])
def test_matches_medians_by_hand(levels, row, median):
    assert median_of(np.array([row]), levels) == pytest.approx([median])


def test_matches_weights_given_to_the_last_step_of_a_pipeline():
    rng = generator(0)
    X, y, weight = rng.normal(size=(40, 2)), rng.normal(size=40), rng.integers(0, 4, 40)
    pipe = make_pipeline(StandardScaler(), QuantileRegressor(alpha=0.0))
    plain = QuantileRegressor(alpha=0.0).fit(np.repeat(X, weight, axis=0), np.repeat(y, weight))
    fit_model(pipe, X, y, weight.astype(float))
    np.testing.assert_allclose(pipe.predict(X), plain.predict(X), atol=1e-8)


class Wrong(Own):
    def __init__(self, shape=(2, 3), value=0.0):
        self.answer = np.full(shape, value)

    def predict_quantiles(self, X):  # noqa: ARG002 - the form of a model
        return self.answer


@pytest.mark.parametrize(("model", "told"), [
    (Wrong((2, 2)), r"must return shape \(2, 3\), got \(2, 2\)"),
    (Wrong(value=np.nan), "must be finite, got 6 NaN"),
    (LinearRegression(), "must have predict_quantiles")])
def test_rejects_what_is_no_quantile(model, told):
    with pytest.raises(ValueError, match=told):
        quantiles_of(model, np.zeros((2, 1)), LEVELS)


def test_rejects_other_levels_and_unusable_models():
    fitted = LinearQuantiles([0.5]).fit(np.arange(4.0)[:, None], np.arange(4.0))
    with pytest.raises(ValueError, match="levels of linear must be those of the aggregator"):
        quantiles_of(fitted, np.zeros((1, 1)), LEVELS, name="linear")
    with pytest.raises(ValueError, match="must have a fit method"):
        fit_model(object(), None, None)
    with pytest.raises(ValueError, match="Own, whose fit takes none"):
        fit_model(Own(), np.zeros((2, 1)), np.zeros(2), np.ones(2))
    with pytest.raises(ValueError, match=r"Did you mean 'lgbm'\?"):
        make("lgb")
