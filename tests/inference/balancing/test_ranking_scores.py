"""Measures of rankings beside scikit-learn's."""

import numpy as np
import pytest
from sklearn.metrics import ndcg_score, roc_auc_score

from workbench.inference.balancing.ranking_scores import (
    auc,
    f1_at,
    mse,
    ndcg_at,
    precision_at,
    recall_at,
)


def scored(seed=0):
    rng = np.random.default_rng(seed)
    users = rng.integers(12, size=150)
    return users, rng.integers(0, 2, 150), rng.random(150)


def test_matches_scikit_learn():
    users, truth, scores = scored()
    assert auc(truth, scores) == pytest.approx(roc_auc_score(truth, scores))
    assert auc(truth, scores.round(1)) == pytest.approx(roc_auc_score(truth, scores.round(1)))
    each = [ndcg_score(truth[users == user][None], scores[users == user][None], k=5)
            for user in np.unique(users) if truth[users == user].any()]
    assert ndcg_at(5, users, truth, scores) == pytest.approx(np.mean(each))


def test_matches_counting_the_first_items():
    users, truth, scores = scored(1)
    recalls, precisions = [], []
    for user in np.unique(users):
        own = truth[users == user][np.argsort(-scores[users == user])]
        if own.any():
            recalls.append(own[:3].sum() / own.sum())
            precisions.append(own[:3].sum() / 3)
    first, second = np.mean(precisions), np.mean(recalls)
    assert recall_at(3, users, truth, scores) == pytest.approx(second)
    assert precision_at(3, users, truth, scores) == pytest.approx(first)
    assert f1_at(3, users, truth, scores) == pytest.approx(2 * first * second / (first + second))
    assert mse([1, 0], [0.5, 0.5]) == 0.25


def test_matches_both_ways_to_count_users_without_a_one():
    users, truth = [0, 0, 1, 1], [1, 0, 0, 0]
    scores = [0.1, 0.9, 0.5, 0.4]
    value = 1 / np.log2(3)
    assert ndcg_at(2, users, truth, scores) == pytest.approx(value)
    assert ndcg_at(2, users, truth, scores, empty="one") == pytest.approx((value + 1) / 2)
    assert f1_at(1, users, truth, scores) == 0.0


@pytest.mark.parametrize(("run", "words"), [
    (lambda: auc([1, 1], [0.1, 0.2]), "both 0 and 1"), (lambda: auc([0, 2], [0, 1]), "0 or 1"),
    (lambda: mse([0], [np.nan]), "scores must be finite"),
    (lambda: ndcg_at(0, [0], [1], [1.0]), "k must be a whole number"),
    (lambda: ndcg_at(2.5, [0], [1], [1.0]), "k must be a whole number of at least 1, got 2.5"),
    (lambda: ndcg_at(1, [0], [1], [1.0], empty="all"), "empty must be one of"),
    (lambda: recall_at(1, [0, 1], [1], [1.0]), "users has 2")])
def test_rejects(run, words):
    with pytest.raises(ValueError, match=words):
        run()
