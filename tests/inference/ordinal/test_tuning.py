"""Folds, scores, the largest minimiser, probabilities from boundaries."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.special import expit

from tests.inference.ordinal_worlds import world
from workbench.inference import PRESTO, presto_path
from workbench.inference.ordinal.probability import (
    class_probabilities,
    crossing_rows,
    rare_probability,
)
from workbench.inference.ordinal.tuning import Tuned, brier, folds_of, log_loss, tuned


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def test_matches_the_largest_of_tied_minimisers():
    scores = np.array([[3.0, 1.0, 1.0, 2.0], [3.0, 2.0, 2.0, 2.5]])
    found = Tuned(np.array([4.0, 3.0, 2.0, 1.0]), scores, np.array([1.0, 3.0]))
    assert found.best == 1
    np.testing.assert_allclose(found.mean, [3.0, 1.75, 1.75, 2.375])


def test_matches_folds_with_every_class(rng):
    codes = np.repeat([0, 1, 2, 3], [50, 20, 4, 1])
    fold = folds_of(codes, 5, rng)
    assert fold[-1] == -1
    for each in range(5):
        assert set(codes[fold != each]) == {0, 1, 2, 3}
        assert (codes[fold == each] == 0).sum() == 10
        assert (codes[fold == each] == 1).sum() == 4
    group = rng.integers(0, 12, 75)
    together = folds_of(codes, 5, rng, group)
    assert all(len(set(together[group == one])) == 1 for one in range(12))


def test_matches_scores_to_their_definitions(rng):
    probabilities = rng.dirichlet(np.ones(4), size=(2, 30))
    codes = rng.integers(0, 4, 30)
    hot = np.eye(4)[codes]
    np.testing.assert_allclose(brier(probabilities, codes), ((probabilities - hot) ** 2).sum(-1))
    np.testing.assert_allclose(log_loss(probabilities, codes),
                               -np.log((probabilities * hot).sum(-1)))


def test_matches_cross_validation_done_by_hand(rng):
    X, y, _ = world(rng, bend=0.0)
    weight = rng.uniform(0.5, 2, len(y))
    fold = np.arange(len(y)) % 4
    splits = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(4)]
    model = PRESTO(cv=splits, n_lambdas=6, lambda_min_ratio=0.3).fit(X, y, sample_weight=weight)
    total = np.zeros(6)
    for train, test in splits:
        path = presto_path(X[train], y[train], model.path_.lambdas, sample_weight=weight[train])
        for at in range(6):
            below = expit(path.intercepts[at] + X[test] @ path.coefs[at].T)
            p = np.diff(np.hstack([np.zeros((len(test), 1)), below, np.ones((len(test), 1))]))
            assert (p >= 0).all()
            total[at] += weight[test] @ ((p - np.eye(4)[y[test]]) ** 2).sum(axis=1)
    np.testing.assert_allclose(-model.cv_results_["mean_test_score"], total / weight.sum(),
                               atol=1e-7)
    assert model.lambda_ == model.path_.lambdas[total.argmin()]
    kept = presto_path(X, y, [model.lambda_], sample_weight=weight)
    np.testing.assert_allclose(model.coef_, kept.coefs[0], atol=1e-9)


def test_matches_plain_differences_where_boundaries_are_in_order(rng):
    eta = np.sort(rng.normal(scale=3, size=(50, 4)), axis=1)
    below = np.hstack([np.zeros((50, 1)), expit(eta), np.ones((50, 1))])
    np.testing.assert_allclose(class_probabilities(eta), np.diff(below), atol=1e-12)
    assert not crossing_rows(eta).any()


def test_matches_running_maximum_up_to_the_last_boundary():
    eta = np.array([[1.0, 0.0, 2.0], [2.0, 0.0, 1.0], [-800.0, 800.0, 900.0]])
    found = class_probabilities(eta)
    np.testing.assert_allclose(found[0], np.diff([0, *expit([1.0, 1.0, 2.0]), 1]), atol=1e-12)
    np.testing.assert_allclose(found[1], np.diff([0, *expit([1.0, 1.0, 1.0]), 1]), atol=1e-12)
    np.testing.assert_allclose(found[2], [0, 1, 0, 0], atol=1e-12)
    np.testing.assert_array_equal(rare_probability(eta), found[:, -1])
    assert crossing_rows(eta).tolist() == [True, True, False]
    tiny = class_probabilities(np.array([30.0, 30.0 + 1e-9]))[1]
    assert tiny == pytest.approx(1e-9 * np.exp(-30.0), rel=1e-6)


def test_rejects_a_training_part_without_a_class(rng):
    X, y, _ = world(rng)
    part = np.flatnonzero(y < 3)
    with pytest.raises(ValueError, match="one lacks class number 4 of 4"):
        tuned(lambda *_: SimpleNamespace(), X, y, np.ones(len(y)), [(part, part)])
