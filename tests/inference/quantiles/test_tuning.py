"""Random search finds the planted option, and fits nothing to the rows that judge."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.linear_model import LinearRegression

from workbench.core import generator
from workbench.inference.quantiles.base_models import BASE_MODELS, make
from workbench.inference.quantiles.scores import pinball
from workbench.inference.quantiles.tuning import SPACES, tune

LEVELS = [0.1, 0.5, 0.9]


class Shifted(BaseEstimator):
    """Quantiles of y moved by an option; best at zero."""

    def __init__(self, shift=0.0, *, quantile_levels=None, random_state=None):
        self.shift, self.quantile_levels, self.random_state = shift, quantile_levels, random_state

    def fit(self, X, y):
        assert (np.asarray(X) >= 0).all(), "fitted to rows that judge"
        self.found_ = np.quantile(y, self.quantile_levels) + self.shift
        return self

    def predict_quantiles(self, X):
        return np.tile(self.found_, (len(X), 1))


def world():
    y = generator(0).normal(size=400)
    X = np.where(np.arange(400) < 300, 1.0, -1.0)[:, None]
    return (X[:300], y[:300]), (X[300:], y[300:])


def test_recovers_the_planted_option():
    rows, held = world()
    space = {"shift": [-3.0, -1.0, 0.0, 1.0, 3.0]}
    found = tune(Shifted(), *rows, held, quantile_levels=LEVELS, space=space, random_state=0)
    assert found.options == {"shift": 0.0}
    assert list(found.table["loss"]) == sorted(found.table["loss"])
    assert set(found.table["shift"]) == set(space["shift"])
    again = found.model.fit(*rows).predict_quantiles(held[0])
    assert found.loss == pinball(held[1], again, LEVELS)


def test_identity_draws_repeat_by_seed_and_are_counted():
    rows, held = world()
    space = {"shift": list(np.linspace(-1, 1, 41))}
    tables = [tune(Shifted(), *rows, held, quantile_levels=LEVELS, space=space, draws=7,
                   random_state=seed).table for seed in (1, 1, 2)]
    assert [len(table) for table in tables] == [7, 7, 7]
    assert tables[0].equals(tables[1])
    assert not tables[0].equals(tables[2])
    assert tables[0]["shift"].is_unique


def test_matches_weights_of_the_rows_that_judge():
    rows, (X, y) = world()
    amounts = (y > 1.0) * 1.0
    found = tune(Shifted(), *rows, (X, y, amounts), quantile_levels=LEVELS,
                 space={"shift": [0.0, 1.5]}, random_state=0)
    assert found.options == {"shift": 1.5}


@pytest.mark.parametrize("name", BASE_MODELS)
def test_matches_options_of_each_base_model(name):
    assert set(SPACES[name]) <= set(make(name).get_params())


def test_rejects_unknown_spaces_and_options():
    rows, held = world()
    with pytest.raises(ValueError, match="space must say which values"):
        tune(Shifted(), *rows, held)
    with pytest.raises(ValueError, match=r"Did you mean 'shift'\?"):
        tune(Shifted(), *rows, held, space={"shfit": [0.0]})
    with pytest.raises(ValueError, match="predict_quantiles"):
        tune(LinearRegression(), *rows, held, space={"fit_intercept": [True]})
