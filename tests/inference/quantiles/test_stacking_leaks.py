"""A planted leak is caught, honest predictions are not accused more often than stated."""

import warnings

import numpy as np
import pytest

from workbench.core import generator
from workbench.inference.quantile_aggregation import QuantileAggregator
from workbench.inference.quantiles.forests import QuantileForest
from workbench.inference.quantiles.leaks import LeakWarning, check_for_leak
from workbench.inference.quantiles.linear import LinearQuantiles
from workbench.inference.quantiles.out_of_fold import out_of_fold
from workbench.inference.quantiles.scores import pinball
from workbench.inference.quantiles.stacking import StackedQuantileRegressor

LEVELS = [0.1, 0.5, 0.9]
DEEP = {"min_samples_leaf": 1, "min_samples_split": 2, "n_estimators": 20, "random_state": 0}


def world(n, seed=0):
    rng = generator(seed)
    X = rng.normal(size=(n, 3))
    return X, X[:, 0] + rng.standard_t(3, n)


def models():
    return {"deep forest": QuantileForest(LEVELS, **DEEP), "linear": LinearQuantiles(LEVELS)}


def quantiles(X, y, new, *, honest):
    """Base quantiles of the rows and of new ones, the former in-sample unless honest."""
    fitted = [model.fit(X, y) for model in models().values()]
    Z_new = np.stack([model.predict_quantiles(new) for model in fitted], axis=1)
    if honest:
        return out_of_fold(models(), X, y, quantile_levels=LEVELS, cv=3), Z_new
    return np.stack([model.predict_quantiles(X) for model in fitted], axis=1), Z_new


def test_recovers_a_planted_leak():
    X, y = world(200)
    new, y_new = world(80, seed=1)
    Z, Z_new = quantiles(X, y, new, honest=False)
    with pytest.warns(LeakWarning, match="'deep forest' loses .* Predict those rows"):
        table = check_for_leak(Z, y, Z_new, y_new, quantile_levels=LEVELS, names=list(models()))
    assert table["is_leak"].tolist() == [True, False]
    with pytest.raises(ValueError, match="must not have seen the rows"):
        check_for_leak(Z, y, Z_new, y_new, quantile_levels=LEVELS, on_leak="raise")


def test_identity_honest_predictions_pass():
    X, y = world(200)
    new, y_new = world(80, seed=1)
    Z, Z_new = quantiles(X, y, new, honest=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = check_for_leak(Z, y, Z_new, y_new, quantile_levels=LEVELS)
    assert not table["is_leak"].any()
    assert (table["chance"] > 0.001).all()


def test_matches_the_harm_that_a_leak_does():
    X, y = world(200)
    new, y_new = world(2000, seed=1)
    found = {}
    for honest in (True, False):
        Z, Z_new = quantiles(X, y, new, honest=honest)
        model = QuantileAggregator(LEVELS, resolution="coarse", local=False, solver="lp",
                                   penalty=0).fit(None, Z, y)
        loss = pinball(y_new, model.predict(None, Z_new), LEVELS)
        found[honest] = (model.weights()[0, 0], loss)
    assert found[False][0] > 0.9                 # all weight to the forest that knows the answers
    assert found[True][0] < 0.5
    assert found[True][1] < found[False][1]


def test_matches_the_stated_rate_of_false_alarms():
    """Honest losses with heavy tails: at most the stated share, within four standard errors."""
    rng, rate, draws = generator(2), 0.1, 1000
    alarms = 0
    for _ in range(draws):
        y, y_new = rng.standard_t(2, 80), rng.standard_t(2, 20)
        Z, Z_new = (np.zeros((len(part), 3, 3)) + rng.normal(size=(len(part), 3, 1))
                    for part in (y, y_new))
        table = check_for_leak(Z, y, Z_new, y_new, quantile_levels=LEVELS, false_alarms=rate,
                               on_leak="ignore")
        alarms += table["is_leak"].any()
    assert alarms / draws < rate + 4 * np.sqrt(rate * (1 - rate) / draws)
    assert alarms > 0


class Remembering:
    """A user's model whose fit changes nothing: it was fitted to all rows before."""

    def __init__(self, model):
        self.model = model

    def fit(self, X, y):
        pass

    def predict_quantiles(self, X):
        return self.model.predict_quantiles(X)


def test_recovers_a_leak_inside_a_stack():
    X, y = world(300)
    stack = StackedQuantileRegressor(
        [("linear", LinearQuantiles())], quantile_levels=LEVELS, random_state=0, in_order=True,
        aggregator=QuantileAggregator(local=False, solver="lp", penalty=0))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stack.fit(X, y)
    assert not stack.leaks_["is_leak"].any()
    known = Remembering(QuantileForest(LEVELS, **DEEP).fit(X[:240], y[:240]))
    with pytest.warns(LeakWarning, match="'known' loses"):
        stack.set_params(estimators=[("linear", LinearQuantiles()), ("known", known)]).fit(X, y)


def test_rejects_shapes_that_do_not_match():
    with pytest.raises(ValueError, match=r"shapes \(n, k, q\) and \(m, k, q\)"):
        check_for_leak(np.zeros((4, 2, 3)), np.zeros(4), np.zeros((4, 1, 3)), np.zeros(4))
    with pytest.raises(ValueError, match="one entry for each of the 2 models of Z, got 1"):
        check_for_leak(np.zeros((4, 2, 3)), np.zeros(4), np.zeros((4, 2, 3)), np.zeros(4),
                       quantile_levels=LEVELS, names=["one"])
    with pytest.raises(ValueError, match="false_alarms must lie"):
        check_for_leak(np.zeros((4, 1, 3)), np.zeros(4), np.zeros((4, 1, 3)), np.zeros(4),
                       false_alarms=0)
