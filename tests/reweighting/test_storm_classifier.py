"""The classifier in scikit-learn's grammar: its own checks, sparse rows, wrong labels."""

import contextlib
import unittest

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")

from scipy.sparse import csr_matrix
from sklearn.utils.estimator_checks import estimator_checks_generator

from workbench.core import generator
from workbench.reweighting import StormClassifier


def rows(n=400, p=6, noise=0.25, seed=0):
    rng = generator(seed)
    X = rng.normal(size=(n, p))
    clean = np.where(X[:, 0] + 0.5 * X[:, 1] > 0, "yes", "no")
    wrong = rng.random(n) < noise
    return X, np.where(wrong, np.where(clean == "yes", "no", "yes"), clean), clean, wrong


def test_recovers_wrong_labels_and_beats_equal_weights():
    X, y, _, wrong = rows()
    options = {"learning_rate": 0.02, "random_state": 0}
    model = StormClassifier(**options).fit(X, y)
    assert model.weight_history_.shape == (10, 400)
    assert model.sample_weight_.shape == (400,)
    assert model.sample_weight_[~wrong].mean() > model.sample_weight_[wrong].mean() + 0.3
    plain = StormClassifier(strength=0.0, **options).fit(X, y)
    test, _, truth, _ = rows(seed=1)
    assert model.score(test, truth) > plain.score(test, truth)
    assert set(model.predict(test)) == {"yes", "no"}
    assert model.predict_proba(test).sum(1) == pytest.approx(1)


def test_identity_sparse_rows_are_dense_ones():
    X, y, *_ = rows(80)
    X[X < 0.5] = 0
    dense, sparse = (StormClassifier(epochs=2, random_state=0).fit(each, y)
                     for each in (X, csr_matrix(X)))
    assert np.array_equal(dense.sample_weight_, sparse.sample_weight_, equal_nan=True)
    assert np.array_equal(dense.predict(X), sparse.predict(csr_matrix(X)))


@pytest.mark.slow
def test_matches_the_grammar_of_scikit_learn():
    model = StormClassifier(epochs=6, passes=1, random_state=0)
    for estimator, check in estimator_checks_generator(model):
        with contextlib.suppress(unittest.SkipTest):
            check(estimator)


@pytest.mark.parametrize(("options", "words"), [
    ({"width": -1}, "width must be a whole number of at least 0"),
    ({"batch_size": 1}, "batch_size must be a whole number of at least 2"),
    ({"inner": "adam"}, "inner must be one of"),
    ({"passes": 0}, "passes must be a whole number")])
def test_rejects_options_out_of_range(options, words):
    X, y, *_ = rows(40)
    with pytest.raises(ValueError, match=words):
        StormClassifier(**options).fit(X, y)


def test_rejects_what_would_not_fit_as_a_dense_matrix():
    wide = csr_matrix((np.ones(4), ([0, 1, 2, 3], [0, 1, 2, 3])), shape=(4, 2 ** 26))
    with pytest.raises(ValueError, match="must fit into 512 MiB as a dense matrix"):
        StormClassifier().fit(wide, [0, 1, 0, 1])
