"""Oracles: cross tables by pandas, Wilson's interval by statsmodels."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import proportion_confint

from tests.inference.design_worlds import world
from workbench.core import generator
from workbench.inference.design.errors import label_errors
from workbench.inference.design.learning import (
    LeastSquares,
    cross_fitted,
    feature_matrix,
    folds_of,
)


def test_matches_shares_and_intervals_of_groups():
    table = world(binary=True)
    found = label_errors(table, "y", "y_llm", ["part", "x"]).set_index(["group", "kind"])
    held = table.dropna(subset=["y"])
    some = held[(held["part"] == "b") & (held["y"] == 1)]
    row = found.loc[("part = b", "gold 1 read as 1")]
    right = int((some["y_llm"] == 1).sum())
    assert row["value"] == right / len(some)
    assert tuple(row[["low", "high"]]) == pytest.approx(
        proportion_confint(right, len(some), method="wilson"))
    assert row["labels"] == len(some)
    middle = held["x"].median()
    assert f"x <= {middle:.3g}" in found.index.get_level_values("group")
    halves = found.loc[[name for name in found.index if name[0].startswith("x ")], "labels"]
    assert halves.sum() == len(held)


def test_matches_mean_differences_of_numbers():
    table = world()
    found = label_errors(table, "y", "y_llm", []).iloc[0]
    gap = (table["y_llm"] - table["y"]).dropna()
    assert found["value"] == pytest.approx(gap.mean())
    assert found["high"] - found["value"] == pytest.approx(
        1.959964 * gap.std(ddof=0) / len(gap) ** 0.5)
    twice = label_errors(table, "y", "y_llm", [], sample_weight=np.full(len(table), 2.0))
    assert twice.iloc[0]["high"] == pytest.approx(found["high"])


class Spy:
    """A model that predicts the mean and remembers whom it saw."""

    seen: list

    def __init__(self):
        self.rows = None

    def get_params(self, **_):
        return {}

    def fit(self, X, y):
        self.mean, self.rows = y.mean(), set(X[:, 0])
        return self

    def predict(self, X):
        assert not self.rows & set(X[:, 0])
        return np.full(len(X), self.mean)


def test_matches_no_row_to_a_model_that_saw_it():
    gold = np.where(np.arange(50) < 30, np.arange(50.0), np.nan)
    fold = folds_of(50, 5, generator(0))
    found = cross_fitted(np.arange(50.0)[:, None], {"y": gold}, np.isfinite(gold), fold, Spy(),
                         generator(0))["y"]
    for one in range(5):
        right = gold[np.isfinite(gold) & (fold != one)].mean()
        np.testing.assert_allclose(found[fold == one], right)


@pytest.mark.parametrize("g", ["rf", "linear"])
def test_recovers_labels_better_than_the_surrogate(g):
    table = world(binary=True, n=1000, labelled=400)
    X, names = feature_matrix(table, ["y_llm", "x", "z", "part"])
    assert names == ["y_llm", "x", "z", "part = a", "part = b", "part = c"]
    gold = table["y"].to_numpy()
    held = np.isfinite(gold)
    found = cross_fitted(X, {"y": gold}, held, folds_of(1000, 5, generator(0)), g,
                         generator(0))["y"]
    missed, raw = ((guess - table["truth"].to_numpy())[~held] for guess in (
        found, table["y_llm"].to_numpy()))
    assert np.mean(missed ** 2) < 0.9 * np.mean(raw ** 2)


def test_matches_classifiers_to_the_probability_of_one():
    from sklearn.linear_model import LogisticRegression

    table = world(binary=True)
    X, _ = feature_matrix(table, ["y_llm", "x"])
    gold = table["y"].to_numpy()
    held, fold = np.isfinite(gold), folds_of(400, 2, generator(0))
    found = cross_fitted(X, {"y": gold}, held, fold, LogisticRegression(), generator(0))["y"]
    right = LogisticRegression().fit(X[held & (fold == 1)], gold[held & (fold == 1)].astype(int))
    np.testing.assert_allclose(found[fold == 0], right.predict_proba(X[fold == 0])[:, 1])
    with pytest.raises(ValueError, match="g must be a regressor where labels are not 0 and 1"):
        cross_fitted(X, {"y": 2 * gold}, held, fold, LogisticRegression(), generator(0))


def test_matches_least_squares_to_numpy_even_of_twins():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    X, y = np.column_stack([X, X[:, 0]]), rng.normal(size=60)
    right = np.column_stack([np.ones(60), X]) @ np.linalg.lstsq(
        np.column_stack([np.ones(60), X]), y, rcond=None)[0]
    np.testing.assert_allclose(LeastSquares().fit(X, y).predict(X), right, atol=1e-10)


def test_rejects_features_with_gaps_and_folds_with_all_labels():
    with pytest.raises(ValueError, match="features must be known for every row, but 'x'"):
        feature_matrix(pd.DataFrame({"x": [1.0, np.nan]}), ["x"])
    gold = np.array([1.0, 0.0, np.nan, np.nan])
    with pytest.raises(ValueError, match="cross_fit must leave labelled rows outside each fold"):
        cross_fitted(np.ones((4, 1)), {"y": gold}, np.isfinite(gold), np.array([0, 0, 1, 1]),
                     "linear", generator(0))
