"""Oracles: scikit-learn's splitters, the law of bootstrap shares, counting."""

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.model_selection import LeaveOneOut, cross_val_score
from sklearn.naive_bayes import GaussianNB

from workbench.core import generator
from workbench.inference.model_comparison import (
    BootstrapOOB,
    each_left_out,
    folds,
    holdouts,
    same_rows,
    score_splits,
)

X, Y = load_iris(return_X_y=True)
TEXT = np.array(["a", "b", "c"])[Y]


def test_matches_shares_of_the_bootstrap():
    pairs = list(BootstrapOOB(200, random_state=0).split(np.zeros((500, 1))))
    shares = [len(test) / 500 for _, test in pairs]
    assert np.mean(shares) == pytest.approx(0.368, abs=0.01)
    for train, test in pairs:
        assert len(train) == 500
        assert len(np.unique(test)) == len(test)
        assert not set(train) & set(test)


def test_identity_one_seed_gives_the_same_splits():
    first, second = (BootstrapOOB(5, random_state=3).counts(30) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert (first.sum(axis=1) == 30).all()
    here, there = (folds(Y, 5, rng=generator(2)).pairs for _ in range(2))
    for a, b in zip(here, there, strict=True):
        np.testing.assert_array_equal(a[1], b[1])
    scores = cross_val_score(GaussianNB(), X, Y, cv=BootstrapOOB(5, random_state=0))
    assert len(scores) == BootstrapOOB(5).get_n_splits()


def test_matches_leave_one_out_to_as_many_folds():
    left = score_splits(GaussianNB(), X, Y, each_left_out(Y))
    right = cross_val_score(GaussianNB(), X, Y, cv=LeaveOneOut())
    np.testing.assert_array_equal(left.scores, right)
    many = folds(Y, 150, rng=generator(0))
    assert score_splits(GaussianNB(), X, Y, many).value == pytest.approx(left.value)
    assert "single rows" in left.warnings[0]


@pytest.mark.parametrize("labels", [Y, TEXT])
def test_matches_classes_in_every_part(labels):
    for splits in (folds(labels, 10, repeats=2, rng=generator(0)),
                   holdouts(labels, 4, test_frac=0.2, rng=generator(0))):
        for train, test in splits.pairs:
            assert not set(train) & set(test)
            _, counts = np.unique(labels[test], return_counts=True)
            assert counts.max() - counts.min() == 0
    assert folds(Y, 10, rng=generator(0)).overlap == pytest.approx(1 / 9)
    split = holdouts(Y, 5, test_frac=0.2, rng=generator(0))
    assert (split.overlap, split.test_frac) == pytest.approx((0.25, 0.2))
    assert "depend on each other" in split.warnings[0]


def test_matches_intervals_of_each_kind_of_split():
    one = score_splits(GaussianNB(), X, Y, holdouts(Y, rng=generator(0)))
    assert one.interval.low < one.value <= one.interval.high <= 1
    same = score_splits(GaussianNB(), X, Y, same_rows(Y))
    assert same.interval is None
    assert "says nothing of new ones" in same.estimate().why
    ten = score_splits(GaussianNB(), X, Y, folds(Y, 10, rng=generator(0)))
    half = ten.interval.high - ten.value
    if ten.interval.high < 1:
        from scipy import stats
        assert half == pytest.approx(stats.t.ppf(0.975, 9) * ten.sd * np.sqrt(1 / 10 + 1 / 9))


def test_matches_rare_classes_to_plain_splits_and_a_warning():
    rare = np.array(["a"] * 30 + ["b"] * 3)
    splits = folds(rare, 5, rng=generator(0))
    assert sorted(np.concatenate([test for _, test in splits.pairs])) == list(range(33))
    assert "too rare to be in every part" in splits.warnings[0]


@pytest.mark.parametrize(("call", "words"), [
    (lambda: folds(Y, 2.5, rng=generator(0)), "k must be a whole number of at least 2"),
    (lambda: folds(Y, 500, rng=generator(0)), "k must lie between 2 and the number of rows"),
    (lambda: folds(Y, 5, rng=0), "rng must be a generator of the folds, got 0"),
    (lambda: holdouts(Y, test_frac="x", rng=generator(0)), "test_frac must lie strictly"),
    (lambda: folds(Y, 1, rng=generator(0)), "k must be a whole number of at least 2"),
    (lambda: holdouts(Y, test_frac=0.0, rng=generator(0)), "test_frac must lie strictly"),
    (lambda: holdouts([1], rng=generator(0)), "y must have rows to train and to test on"),
    (lambda: each_left_out([0, 1]), "y must have at least 3 rows"),
    (lambda: BootstrapOOB(0), "n_splits must be a whole number of at least 1"),
    (lambda: score_splits(GaussianNB(), X, Y, each_left_out(Y), scoring="r3"), "scoring must be")])
def test_rejects_with_one_sentence(call, words):
    with pytest.raises(ValueError, match=words):
        call()
