"""What aggregators refuse, in one voice, and how much memory their answers may take."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from workbench.core import generator
from workbench.inference import quantile_aggregation
from workbench.inference.quantile_aggregation import QuantileAggregator

LEVELS = [0.25, 0.5, 0.75]


def world(n=12):
    rng = generator(0)
    return rng.normal(size=(n, 2)), rng.normal(size=(n, 4, 3)), rng.normal(size=n)


@pytest.mark.parametrize(("options", "words"), [
    ({"quantile_levels": [0.5, 0.1, 0.9]}, "quantile_levels must increase"),
    ({"quantile_levels": [0.0, 0.5, 0.9]}, "strictly between 0 and 1"),
    ({"resolution": "finer"}, "Did you mean 'fine'"), ({"margin": "adaptiv"}, "'adaptive'"),
    ({"isotonise": "sorted"}, "Did you mean 'sort'"), ({"solver": "sgd"}, "solver must be one of"),
    ({"device": "cudo"}, "Did you mean 'cuda'"), ({"penalty": -1}, "penalty must be >= 0"),
    ({"margin_scale": float("nan")}, "margin_scale must be >= 0"), ({"searches": 0}, "searches"),
    ({"average_share": 1.5}, r"average_share must lie in \[0, 1\]"),
    ({"activation": "gelu"}, "activation must be one of"), ({"dropout": 1.0}, "dropout must lie"),
    ({"learning_rate": 0}, "learning_rate"),
    ({"max_steps": -1}, "max_steps must be a whole number >= 0"),
    ({"patience": None, "searches": 2}, "searches must be 1"), ({"patience": 0}, "patience"),
    ({"layers": 2.5}, "layers must be a whole number >= 1, got 2.5"),
    ({"penalty": float("inf")}, "penalty must be >= 0 and finite"), ({"hidden": 0}, "hidden"),
    ({"random_state": "seed"}, "random_state must be")])
def test_rejects_options_that_cannot_be(options, words):
    pytest.importorskip("torch")
    with pytest.raises(ValueError, match=words):
        QuantileAggregator(**{"quantile_levels": LEVELS} | options).fit(*world())


def holed(part):
    return np.where(np.arange(part.size).reshape(part.shape) == 5, np.nan, part)


@pytest.mark.parametrize(("change", "words"), [
    (lambda X, Z, y: (X, Z[:, :, :2], y), r"Z must have shape .*\(k models, 3 levels\)"),
    (lambda X, Z, y: (X, Z[:, 0], y), "Z must have shape"),
    (lambda X, Z, y: (X, holed(Z), y), "Z must be finite, got 1 NaN"),
    (lambda X, Z, y: (holed(X), Z, y), "X must be finite"),
    (lambda X, Z, y: (X, Z, y / 0), "y must be finite"),
    (lambda X, Z, y: (X, Z, y[:-1]), "one entry per row each, but Z has 12, y has 11"),
    (lambda X, Z, y: (X[:5], Z, y), "X has 5"), (lambda X, Z, y: (X[0, 0], Z, y), "local=False"),
    (lambda X, Z, y: (X[:, 0], Z, y), "X must be a table"),
    (lambda X, Z, y: (X.astype(str) + "a", Z, y), "X must hold numbers, got others: could not"),
    (lambda X, Z, y: (X[:0], Z[:0], y[:0]), "at least one")])
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_rejects_rows_that_cannot_be(change, words):
    with pytest.raises(ValueError, match=words):
        QuantileAggregator(LEVELS).fit(*change(*world()))


@pytest.mark.parametrize(("weight", "words"), [
    ([1.0] * 11, "each of the 12 rows"), ([0.0] * 12, "not all zero"),
    ([-1.0] + [1.0] * 11, ">= 0"), ([np.nan] + [1.0] * 11, "sample_weight must be finite")])
def test_rejects_weights_that_cannot_be(weight, words):
    with pytest.raises(ValueError, match=words):
        QuantileAggregator(LEVELS).fit(*world(), sample_weight=weight)


def fitted(**options):
    X, Z, y = world()
    return QuantileAggregator(LEVELS, max_steps=2, random_state=0, **options).fit(
        X, Z, y, X_val=X, Z_val=Z, y_val=y)


def test_rejects_other_models_and_features_later():
    pytest.importorskip("torch")
    X, Z, y = world()
    model = fitted()
    with pytest.raises(ValueError, match="4 models, 3 levels"):
        model.predict(X, Z[:, :3])
    with pytest.raises(ValueError, match="X must have the 2 features of fit, got 1"):
        model.predict(X[:, :1], Z)
    with pytest.raises(ValueError, match="X has 5"):
        model.predict(X[:5], Z)
    with pytest.raises(ValueError, match="X_val must have the 2 features"):
        QuantileAggregator(LEVELS).fit(X, Z, y, X_val=X[:, :1], Z_val=Z, y_val=y)
    with pytest.raises(ValueError, match="Z_val must have shape"):
        QuantileAggregator(LEVELS).fit(X, Z, y, X_val=X, Z_val=Z[:, :2], y_val=y)


@pytest.mark.parametrize("part", ["X_val", "y_val", "sample_weight_val"])
def test_rejects_rows_to_stop_by_without_base_quantiles(part):
    X, Z, y = world()
    given = {"X_val": X, "y_val": y, "sample_weight_val": np.ones(12)}[part]
    with pytest.raises(ValueError, match="Z_val must come with"):
        QuantileAggregator(LEVELS).fit(X, Z, y, **{part: given})


def test_rejects_columns_in_another_order():
    pytest.importorskip("torch")
    X, Z, y = world()
    table = pd.DataFrame(X, columns=["age", "size"])
    model = QuantileAggregator(LEVELS, max_steps=2, random_state=0).fit(table, Z, y)
    assert model.predict(table, Z).shape == (12, 3)
    with pytest.raises(ValueError, match="same order"):
        model.predict(table[["size", "age"]], Z)


def test_rejects_descent_without_pytorch_and_solves_programmes():
    code = '''
import sys
class Missing:
    def find_spec(self, name, *_):
        if name == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")
sys.meta_path.insert(0, Missing())
import numpy as np
from workbench.inference.quantile_aggregation import QuantileAggregator
Z, y = np.arange(24.0).reshape(4, 2, 3), np.arange(4.0)
programme = QuantileAggregator([0.2, 0.5, 0.8], local=False, solver="lp", penalty=0)
print(programme.fit(None, Z, y).predict(None, Z).shape)
try:
    QuantileAggregator([0.2, 0.5, 0.8], local=False).fit(None, Z, y)
except ImportError as error:
    print(error)
'''
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.startswith("(4, 3)\nsolver='adam' needs PyTorch")
    assert "solver='lp'" in told.stdout


def test_rejects_a_prediction_before_fit():
    from sklearn.exceptions import NotFittedError

    X, Z, _ = world()
    for call in (lambda model: model.predict(X, Z), lambda model: model.weights(X),
                 lambda model: model.weights_by_model(X)):
        with pytest.raises(NotFittedError):
            call(QuantileAggregator(LEVELS))


def test_rejects_weights_too_many_to_hold(monkeypatch):
    pytest.importorskip("torch")
    X, _, _ = world()
    model = fitted()
    monkeypatch.setattr(quantile_aggregation, "LARGEST", 8 * 12 * 36 - 1)
    with pytest.raises(ValueError, match="X must have fewer rows, got 12"):
        model.weights(X)
    assert model.weights(X[:11]).shape == (11, 4, 3, 3)
    assert model.weights_by_model(X).shape == (12, 4, 3)
    assert model.weights(X[:0]).shape == (0, 4, 3, 3)
    assert model.weights_by_model(X[:0]).shape == (0, 4, 3)


@pytest.mark.parametrize("resolution", ["coarse", "fine"])
def test_identity_chunks_of_rows_change_nothing(resolution, monkeypatch):
    pytest.importorskip("torch")
    X, Z, _ = world()
    model = fitted(resolution=resolution)
    whole, weights = model.predict(X, Z), model.weights(X)
    monkeypatch.setattr(quantile_aggregation, "CHUNK", 5)
    np.testing.assert_allclose(model.predict(X, Z), whole, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(model.weights(X), weights, rtol=1e-5)
