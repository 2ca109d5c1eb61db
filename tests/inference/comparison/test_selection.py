"""Oracles: a spy that writes down the rows it sees, GridSearchCV, hand data."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from workbench.core import generator
from workbench.inference.model_comparison import (
    folds,
    nested_cv,
    one_standard_error,
    three_way_holdout,
)

X, Y = load_iris(return_X_y=True)
SEEN = []


class Spy(ClassifierMixin, BaseEstimator):
    """Writes down the rows, told by their first feature, that it fits and predicts."""

    def __init__(self, level=0):
        self.level = level

    def fit(self, X, y):
        SEEN.append(("fit", frozenset(X[:, 0])))
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        SEEN.append(("predict", frozenset(X[:, 0])))
        return np.full(len(X), self.classes_[self.level % len(self.classes_)])


def test_identity_outer_test_rows_are_never_seen_inside():
    rows, y = np.arange(60.0)[:, None], np.arange(60) % 2
    SEEN.clear()
    nested_cv(Spy(), {"level": [0, 1, 2]}, rows, y, outer=4, inner=3, rng=generator(0))
    outer = folds(y, 4, rng=generator(0)).pairs
    each = 3 * 3 * 2 + 2                       # candidates, inner folds, fit and predict; refit
    for at, (train, test) in enumerate(outer):
        events = SEEN[each * at:each * (at + 1)]
        hidden = frozenset(rows[test, 0])
        assert not any(held & hidden for _, held in events[:-1])
        assert events[-1] == ("predict", hidden)
        assert events[-2] == ("fit", frozenset(rows[train, 0]))


def test_matches_scores_of_the_chosen_settings():
    told = nested_cv(DecisionTreeClassifier(random_state=0), {"max_depth": [1, 3]}, X, Y, outer=4,
                     inner=3, rng=generator(0))
    pairs = folds(Y, 4, rng=generator(0)).pairs
    right = [DecisionTreeClassifier(random_state=0, **chosen).fit(X[a], Y[a]).score(X[b], Y[b])
             for (a, b), chosen in zip(pairs, told.chosen, strict=True)]
    np.testing.assert_allclose(told.outer.scores, right)
    assert told.best == {"max_depth": 3}
    assert told.model.get_params()["max_depth"] == 3
    assert told.model.tree_.n_node_samples[0] == 150


def test_matches_the_search_of_scikit_learn():
    told = nested_cv(KNeighborsClassifier(), {"n_neighbors": [1, 5, 70]}, X, Y, outer=3, inner=5,
                     rng=generator(1))
    right = GridSearchCV(KNeighborsClassifier(), {"n_neighbors": [1, 5, 70]}, cv=5).fit(X, Y)
    assert told.best["n_neighbors"] in (1, 5)
    assert right.best_params_["n_neighbors"] in (1, 5)
    assert told.outer.value == pytest.approx(cross_val_score(right.best_estimator_, X, Y).mean(),
                                             abs=0.06)


def test_identity_one_seed_chooses_the_same_without_a_state_of_its_own():
    first, second = (nested_cv(DecisionTreeClassifier(), {"max_depth": [1, 2, 4, 8]}, X, Y,
                               outer=3, inner=3, rng=generator(4)) for _ in range(2))
    assert first.best == second.best
    np.testing.assert_array_equal(first.outer.scores, second.outer.scores)


def test_matches_three_parts_that_do_not_overlap():
    rows, y = np.arange(100.0)[:, None], np.arange(100) % 2
    SEEN.clear()
    told = three_way_holdout(Spy(), {"level": [0, 1]}, rows, y, rng=generator(0))
    train, valid, test = SEEN[0][1], SEEN[1][1], SEEN[-1][1]
    assert (len(train), len(valid), len(test)) == (60, 20, 20)
    assert not train & valid
    assert not test & (train | valid)
    assert SEEN[-2] == ("fit", train | valid)
    assert told.outer.interval.low < told.outer.value < told.outer.interval.high


def test_matches_one_standard_error_by_hand():
    """Best mean .83, sd .0265, error .0153: .82 is near enough, .81 is not."""
    scores = np.array([[0.79, 0.82, 0.82], [0.81, 0.82, 0.83], [0.80, 0.84, 0.85]])
    assert scores[2].std(ddof=1) / np.sqrt(3) == pytest.approx(0.01528, abs=1e-5)
    assert one_standard_error(scores, [1, 2, 3]) == 1
    assert one_standard_error(scores, [3, 2, 1]) == 2
    results = {f"split{at}_test_score": scores[:, at] for at in range(3)} | {"mean_fit_time": 1}
    assert one_standard_error(results, [1, 2, 3]) == 1
    assert one_standard_error([[0.8, 0.8], [0.8, 0.8], [0.79, 0.79]], [2, 2, 1]) == 0


def unknown_at_zero(model, table, labels):
    """A score that one setting does not have."""
    del table, labels
    return np.nan if model.level == 0 else 1.0


@pytest.mark.parametrize(("call", "words"), [
    (lambda: nested_cv(Spy(), {}, X, Y, rng=generator(0), inner=1), "inner must be a whole"),
    (lambda: nested_cv(Spy(), [], X, Y, rng=generator(0)), "grid must hold settings"),
    (lambda: nested_cv(Spy(), {"level": 3}, X, Y, rng=generator(0)), "each with a list of values"),
    (lambda: nested_cv(Spy(), {"levle": [1]}, X, Y, rng=generator(0)),
     "grid must hold settings of Spy, got 'levle'. Did you mean 'level'"),
    (lambda: nested_cv(Spy(), {}, X, Y, rng=generator(0), iner=3), "Did you mean 'inner'"),
    (lambda: nested_cv(Spy(), {"level": [0, 1]}, X, Y, rng=generator(0), scoring=unknown_at_zero),
     "scoring must give a number for each setting, got 1 NaN"),
    (lambda: three_way_holdout(Spy(), {"level": [0, 1]}, X, Y, rng=generator(0),
                               scoring=unknown_at_zero), "scoring must give a number for each"),
    (lambda: three_way_holdout(Spy(), {}, X, Y, rng=generator(0), validation_frac=0.9),
     "test_frac and validation_frac must leave rows"),
    (lambda: three_way_holdout(Spy(), {"level": [0]}, X, Y, rng=generator(0), inner=3),
     "options must be of scoring"),
    (lambda: one_standard_error([[0.1], [0.2]], [1, 2]), "results must hold scores of at least"),
    (lambda: one_standard_error([[0.1, 0.2]], [1, 2]), "complexity must be one finite number")])
def test_rejects_with_one_sentence(call, words):
    with pytest.raises(ValueError, match=words):
        call()
