"""Oracles of quantile forests: leaf weights by hand, another library, repeated rows."""

import numpy as np
import pytest
from quantile_forest import ExtraTreesQuantileRegressor
from scipy import sparse

from workbench.core import generator
from workbench.inference.quantiles import forests
from workbench.inference.quantiles.forests import QuantileForest, weighted_quantiles
from workbench.inference.quantiles.training_rows import integer_seed

LEVELS = [0.05, 0.25, 0.5, 0.9]


def world(n=60, seed=0):
    rng = generator(seed)
    X = rng.normal(size=(n, 3))
    return X, X[:, 0] + rng.normal(size=n), rng.integers(0, 4, n).astype(float)


def by_hand(forest, X, y, amounts, row):
    """Meinshausen's quantiles of one row, by loops over trees and training rows."""
    weights = np.zeros(len(y))
    centre = np.average(X, axis=0, weights=amounts)
    scale = np.sqrt(np.average((X - centre) ** 2, axis=0, weights=amounts))
    X, row = (X - centre) / scale, (row - centre) / scale
    for tree in forest.forest_.estimators_:
        leaf = tree.apply(row[None].astype(np.float32))[0]
        members = (tree.apply(X.astype(np.float32)) == leaf) * amounts
        weights += members / members.sum() / len(forest.forest_.estimators_)
    found = []
    for level in LEVELS:
        reached = [value for value in np.sort(y) if weights[y <= value].sum() >= level - 1e-9]
        found.append(reached[0])
    return found


@pytest.mark.parametrize("extra", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_matches_weighted_quantiles_by_hand(extra, weighted):
    X, y, amounts = world()
    amounts = amounts if weighted else np.ones(len(y))
    forest = QuantileForest(LEVELS, extra=extra, n_estimators=7, min_samples_leaf=3,
                            random_state=0).fit(X, y, amounts)
    new = generator(1).normal(size=(15, 3))
    oracle = [by_hand(forest, X, y, amounts, row) for row in new]
    np.testing.assert_array_equal(forest.predict_quantiles(new), oracle)
    weights = forest.weights(new)
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, rtol=1e-12)
    assert weights.min() >= 0


@pytest.mark.parametrize("extra", [False, True])
def test_identity_a_weight_of_two_is_two_rows(extra):
    X, y, amounts = world()
    counts = amounts.astype(int)
    new = generator(2).normal(size=(20, 3))
    options = {"extra": extra, "n_estimators": 9, "random_state": 3}
    weighted = QuantileForest(LEVELS, **options).fit(X, y, amounts).predict_quantiles(new)
    repeated = QuantileForest(LEVELS, **options).fit(
        np.repeat(X, counts, axis=0), np.repeat(y, counts)).predict_quantiles(new)
    np.testing.assert_array_equal(weighted, repeated)


@pytest.mark.parametrize("extra", [False, True])
def test_identity_units_do_not_matter(extra):
    """Not even units in which all differences are below 1e-7, or which put 0 far away."""
    X, y, _ = world(200)
    options = {"extra": extra, "n_estimators": 5, "random_state": 0}
    plain = QuantileForest(LEVELS, **options).fit(X, y).predict_quantiles(X)
    small = QuantileForest(LEVELS, **options).fit(X * 2.0**-40, y * 2.0**-40)
    np.testing.assert_array_equal(small.predict_quantiles(X * 2.0**-40), plain * 2.0**-40)
    seconds = 1.7e9 + np.round(X * 100)                   # single precision would see steps of 128
    far, near = (QuantileForest(LEVELS, **options).fit(rows, y).predict_quantiles(rows)
                 for rows in (seconds, seconds - 1.7e9))
    np.testing.assert_array_equal(far, near)


@pytest.mark.parametrize("extra", [False, True])
def test_matches_the_quantiles_of_each_cell_where_rows_repeat(extra):
    """Four cells, four outcomes: 16 distinct rows, but leaves hold hundreds."""
    rng = generator(9)
    X = rng.integers(0, 2, (2000, 2)).astype(float)
    y = rng.binomial(3, 0.2 + 0.2 * X.sum(axis=1)).astype(float)
    forest = QuantileForest(LEVELS, extra=extra, n_estimators=5, random_state=0).fit(X, y)
    for cell in ([0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]):
        exact = np.quantile(y[(cell == X).all(axis=1)], LEVELS, method="inverted_cdf")
        np.testing.assert_array_equal(forest.predict_quantiles([cell])[0], exact)
    assert forest.responses_.tolist() == [0.0, 1.0, 2.0, 3.0]


def test_matches_another_library_on_the_same_trees():
    X, y, _ = world(600)
    levels = np.array([0.25, 0.5, 0.75])
    ours = QuantileForest(levels, extra=True, n_estimators=50, random_state=5).fit(X, y)
    order = np.argsort(y)
    theirs = ExtraTreesQuantileRegressor(
        50, min_samples_split=8, min_samples_leaf=8, max_samples_leaf=None,
        random_state=integer_seed(5)).fit(X[order], y[order])
    new = generator(4).normal(size=(50, 3))
    # They interpolate between responses, so that their level is off by one response's weight.
    found, slack = ours.predict_quantiles(new), ours.weights(new).max()
    low, high = (theirs.predict(new, quantiles=moved, interpolation=side, weighted_leaves=True)
                 for moved, side in ((list(levels - slack), "lower"),
                                     (list(levels + slack), "higher")))
    assert slack < levels[0]
    assert ((low <= found) & (found <= high)).all()


def test_identity_chunks_do_not_change_predictions(monkeypatch):
    X, y, _ = world(200)
    forest = QuantileForest(LEVELS, n_estimators=5, random_state=0).fit(X, y)
    whole = forest.predict_quantiles(X)
    monkeypatch.setattr(forests, "ENTRIES", 100)
    np.testing.assert_array_equal(forest.predict_quantiles(X), whole)


def test_recovers_the_quantiles_of_two_groups():
    rng = generator(6)
    X = np.repeat([[0.0], [1.0]], 4000, axis=0)
    X += rng.uniform(-0.1, 0.1, X.shape)
    y = rng.normal(size=8000) * np.repeat([1.0, 5.0], 4000) + np.repeat([0.0, 40.0], 4000)
    forest = QuantileForest([0.1, 0.9], n_estimators=20, min_samples_leaf=2000, random_state=0)
    found = forest.fit(X, y).predict_quantiles([[0.0], [1.0]])      # two leaves, at the gap
    exact = np.array([[-1.2816, 1.2816], [33.5922, 46.4078]])
    error = np.array([[1.0], [5.0]]) * np.sqrt(0.09 / 4000) / 0.1755     # of a sample quantile
    assert (np.abs(found - exact) < 4 * error).all()


def test_recovers_missing_entries_that_mean_something():
    rng = generator(7)
    X = rng.normal(size=(400, 1))
    y = rng.normal(size=400) + 100 * (np.arange(400) % 2)
    X[::2] = np.nan
    forest = QuantileForest([0.5], n_estimators=10, random_state=0).fit(X, y)
    low, high = forest.predict([[np.nan], [0.0]])
    assert low < 50 < high


def test_matches_quantiles_of_sparse_rows():
    weights = sparse.csr_array(np.array([[0.5, 0.0, 0.5], [0.0, 0.1, 0.9]]))
    found = weighted_quantiles(weights, np.array([1.0, 2.0, 3.0]), [0.05, 0.5, 0.51])
    assert found.tolist() == [[1.0, 1.0, 3.0], [2.0, 3.0, 3.0]]


def test_rejects_no_trees():
    with pytest.raises(ValueError, match="n_estimators must be positive"):
        QuantileForest(n_estimators=0).fit([[0.0]], [0.0])
