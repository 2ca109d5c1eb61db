"""What may come in: units, weights, labels, orders and folds, and what is refused in words."""

import warnings

import numpy as np
import pandas as pd
import pytest

from tests.inference.ordinal_worlds import world
from workbench.inference import PRESTO, ProportionalOdds, presto_path
from workbench.inference.ordinal.rivals import METHODS, fit_method


@pytest.fixture
def rows():
    return world(np.random.default_rng(9), n=200)[:2]


@pytest.mark.parametrize("unit", [1e-100, 1e-13, 1e100])
def test_identity_any_unit_of_the_columns(rows, unit):
    X, y = rows
    for model in (PRESTO(0.01), ProportionalOdds()):
        first = model.fit(X, y).predict_proba(X)
        other = model.fit(unit * X, y).predict_proba(unit * X)
        np.testing.assert_allclose(other, first, atol=1e-6)


def test_identity_column_that_is_constant_but_for_rounding(rows):
    """What is constant where a rival learns stays without a say where it is not."""
    X, y = rows
    still, moved = (np.column_stack([X, np.full(len(y), value)]) for value in (0.1, 0.2))
    for method in METHODS:
        predict = fit_method(method, still, y)
        np.testing.assert_allclose(predict(moved), predict(still), atol=1e-9)


@pytest.mark.parametrize("factor", [1e-320, 1e-200, 1e308])
def test_identity_weights_of_any_size(rows, factor):
    X, y = rows
    own = PRESTO(0.01).fit(X, y, sample_weight=np.full(len(y), factor))
    np.testing.assert_allclose(own.coef_, PRESTO(0.01).fit(X, y).coef_, atol=1e-12)


def test_matches_folds_that_mean_rows_of_weight_zero(rows):
    X, y = rows
    weight = np.where(np.arange(200) < 190, 1.0, 0.0)
    first, last = np.arange(200) % 2 == 0, np.arange(200) % 2 == 1
    masks = PRESTO(cv=[(first, last)], n_lambdas=4).fit(X, y, sample_weight=weight)
    places = PRESTO(cv=[(np.flatnonzero(first), np.flatnonzero(last))], n_lambdas=4).fit(
        X, y, sample_weight=weight)
    np.testing.assert_array_equal(masks.cv_results_["mean_test_score"],
                                  places.cv_results_["mean_test_score"])


def test_matches_labels_as_objects_and_in_a_table(rows):
    X, y = rows
    first = PRESTO(0.01).fit(X, y)
    np.testing.assert_array_equal(PRESTO(0.01).fit(X, y.astype(object)).coef_, first.coef_)
    ordered = pd.Categorical.from_codes(y, ["d", "c", "b", "a"], ordered=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")          # scikit-learn's, of a table of one column
        table = PRESTO(0.01).fit(X, pd.DataFrame({"y": ordered}))
    assert table.classes_.tolist() == ["d", "c", "b", "a"]
    np.testing.assert_array_equal(table.coef_, first.coef_)


@pytest.mark.parametrize(("labels", "words"), [
    (lambda y: np.where(np.arange(200) == 3, None, y.astype(object)),
     "y must have a label in every row, got 1 without, the first at position 3"),
    (lambda y: pd.Series(pd.Categorical.from_codes(
        np.where(np.arange(200) == 5, -1, y), list("abcd"))),
     "y must have a label in every row, got 1 without, the first at position 5"),
    (lambda y: np.where(y == 3, "severe", y.astype(object)),
     "y must hold labels of one kind, got int and str"),
])
def test_rejects_labels(rows, labels, words):
    X, y = rows
    with pytest.raises(ValueError, match=words):
        PRESTO(0.01).fit(X, labels(y))


def test_rejects_numbers_as_stages(rows):
    with pytest.raises(ValueError, match="y must have at most 200 classes, got 250"):
        PRESTO(0.01).fit(np.tile(rows[0], (5, 1)), np.arange(1000) // 4)


@pytest.mark.parametrize("order", [5, "0123", [], {3, 2, 1, 0}, [[0], [1]]])
def test_rejects_an_order_without_order(rows, order):
    for model in (PRESTO(0.01, order=order), ProportionalOdds(order)):
        with pytest.raises(ValueError, match="order must be a list of labels from the first"):
            model.fit(*rows)


@pytest.mark.parametrize(("cv", "words"), [
    ("5", "cv must be a whole number between 2 and 20, or pairs"),
    (5.0, "cv must be a whole number between 2 and 20, or pairs"),
    ([], "cv must hold out rows in a fold, got none"),
    ([(np.arange(200), [])], "cv must hold out rows in a fold, got none"),
    ([(1, 2, 3)], "cv must hold pairs of training and held-out rows"),
    ([(np.arange(150), np.arange(150, 201))], "as positions below 200"),
    ([(np.arange(150.0), np.arange(150.0, 200))], "as positions below 200"),
    ([(np.ones(3, bool), np.ones(3, bool))], "or as 200 times true or false"),
])
def test_rejects_folds(rows, cv, words):
    with pytest.raises(ValueError, match=words):
        PRESTO(cv=cv).fit(*rows)


def test_rejects_folds_of_single_rows(rows):
    with pytest.raises(ValueError, match="cv must hold out rows in a fold, got none"):
        PRESTO().fit(rows[0][:3], [0, 1, 2])


@pytest.mark.parametrize(("options", "words"), [
    ({"standardize": "no"}, "standardize must be True or False, got 'no'. Pass True"),
    ({"strict": 1}, "strict must be True or False, got 1. Pass False"),
    ({"random_state": "a"}, "random_state must be a whole number >= 0, a generator or None"),
    ({"random_state": -1}, "random_state must be a whole number >= 0, a generator or None"),
])
def test_rejects_switches_and_seeds(rows, options, words):
    with pytest.raises(ValueError, match=words):
        PRESTO(**options).fit(*rows)


@pytest.mark.parametrize("lambdas", ["abc", ["a"], [np.nan], [-1.0], [None], {"a": 1}])
def test_rejects_lambdas(rows, lambdas):
    with pytest.raises(ValueError, match="lambdas must be numbers >= 0, got"):
        presto_path(*rows, lambdas)
    with pytest.raises(ValueError, match="lam must not be given beside lambdas"):
        presto_path(*rows, [0.1], lam=0.1)


def test_rejects_weights_that_are_no_amounts(rows):
    X, y = rows
    for odd in (np.full(200, "a"), np.full(200, 1j), [[1], [1, 2]]):
        with pytest.raises(ValueError, match="sample_weight must hold numbers"):
            PRESTO(0.01).fit(X, y, sample_weight=odd)
    lost = np.where(np.arange(200) == np.flatnonzero(y == 0)[0], 1e20, 1.0)
    with pytest.raises(ValueError, match="sample_weight must leave each class a share of at "
                                         "least 1e-12, but class 3 has"):
        PRESTO(0.01).fit(X, y, sample_weight=lost)


def test_rejects_numbers_that_have_no_squares(rows):
    X, y = rows
    model = PRESTO(0.01).fit(X, y)
    for unit, reached in ((1e-160, "e-160"), (1e160, r"e\+160")):
        with pytest.raises(ValueError, match=f"X must hold columns .* column 0 .*{reached}"):
            PRESTO(0.01).fit(unit * X, y)
    with pytest.raises(ValueError, match="X must hold columns"):
        model.predict_proba(1e200 * X)
    np.testing.assert_allclose(model.boundaries(1e-200 * X), np.tile(model.intercepts_, (200, 1)))
    with pytest.raises(ValueError, match="could not convert") as told:
        PRESTO(0.01).fit(np.full((200, 1), "a"), y)
    assert "Encode text first" in told.value.__notes__[0]


def test_rejects_steps_of_proportional_odds(rows):
    with pytest.raises(ValueError, match="max_iter must be a whole number of at least 1, got -1"):
        ProportionalOdds(max_iter=-1).fit(*rows)
