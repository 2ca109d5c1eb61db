"""Identities of the bootstrap's weights, and one test by its name. Oracle: scikit-learn."""

import numpy as np
import pytest
from joblib import parallel_config
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import get_scorer
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_predict, cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from workbench.core import effective_size, generator
from workbench.inference.model_comparison import (
    TESTS,
    BootstrapOOB,
    bootstrap_score,
    compare_models,
    compare_predictions,
    compare_scores,
    cv5x2_f,
    folds,
    halves,
    paired_t,
    score_splits,
)

X, Y = load_iris(return_X_y=True)


def test_identity_out_of_bag_of_folds_equals_cross_validation():
    """Counts of 0 and 1 that leave each row out once make the bootstrap cross-validation."""
    pairs = list(StratifiedKFold(10, shuffle=True, random_state=0).split(X, Y))
    told = bootstrap_score(GaussianNB(), X, Y, "oob", splits=[train for train, _ in pairs])
    right = cross_val_predict(GaussianNB(), X, Y, cv=pairs) == Y
    assert told.estimate == pytest.approx(right.mean(), abs=1e-12)
    np.testing.assert_array_equal(told.weights, [0.0, 1.0])
    assert told.effective == pytest.approx(135)


@pytest.mark.parametrize("model", [GaussianNB(), LogisticRegression(max_iter=500)])
def test_identity_counts_as_weights_equal_repeated_rows(model):
    plain, weighted = (bootstrap_score(model, X, Y, n_splits=15, as_weights=way, rng=generator(3))
                       for way in (False, True))
    np.testing.assert_allclose(plain.replicates, weighted.replicates, atol=0.02)
    assert plain.estimate == pytest.approx(weighted.estimate, abs=2e-3)


def test_identity_equal_counts_weigh_like_all_rows():
    counts = np.ones(150)
    assert effective_size(counts) == pytest.approx(150)
    drawn = BootstrapOOB(400, random_state=0).counts(150)
    share = np.mean([effective_size(each.astype(float)) for each in drawn]) / 150
    assert share == pytest.approx(150 / (2 * 150 - 1), abs=4 * 0.03 / 20)


@pytest.mark.parametrize("scoring", ["accuracy", "f1_macro"])
def test_matches_scores_of_scikit_learn(scoring):
    splits = folds(Y, 5, rng=generator(0))
    told = score_splits(DecisionTreeClassifier(random_state=0), X, Y, splits, scoring=scoring)
    right = cross_val_score(DecisionTreeClassifier(random_state=0), X, Y, cv=list(splits.pairs),
                            scoring=get_scorer(scoring))
    np.testing.assert_allclose(told.scores, right, atol=1e-12)


def test_matches_halves_by_hand():
    told = compare_models(GaussianNB(), KNeighborsClassifier(1), X, Y, "5x2f", rng=generator(0))
    rng = generator(0)
    pairs = halves(Y, rng=rng).pairs
    diffs = [[GaussianNB().fit(X[a], Y[a]).score(X[b], Y[b])
              - KNeighborsClassifier(1).fit(X[a], Y[a]).score(X[b], Y[b])
              for a, b in pairs[2 * at:2 * at + 2]] for at in range(5)]
    assert told.statistic == pytest.approx(cv5x2_f(diffs).statistic)
    for first, second in zip(pairs[::2], pairs[1::2], strict=True):
        np.testing.assert_array_equal(first[0], second[1])


@pytest.mark.parametrize("test", [name for name, each in TESTS.items()
                                  if each.splits != "datasets" and name != "5x2t"])
def test_identity_swapped_models_flip_the_sign_and_keep_p(test):
    pair = GaussianNB(), KNeighborsClassifier(5)
    here, there = (compare_models(*order, X, Y, test, rng=generator(1), k=5, n_splits=8)
                   for order in (pair, pair[::-1]))
    if test == "bayes_t":
        assert (here.first, here.equal) == pytest.approx((there.second, there.equal))
        return
    assert here.pvalue == pytest.approx(there.pvalue)
    signed = test not in ("5x2f", "mcnemar", "mcnemar_midp", "cochran_q", "f_test")
    assert here.statistic == pytest.approx((-1 if signed else 1) * there.statistic)


def test_identity_one_seed_gives_one_result_and_jobs_change_nothing():
    def told():
        return bootstrap_score(DecisionTreeClassifier(), X, Y, n_splits=24, rng=generator(5))

    first = told()
    with parallel_config(backend="threading", n_jobs=2):
        second = told()
    np.testing.assert_array_equal(first.replicates, second.replicates)
    np.testing.assert_array_equal(first.replicates, told().replicates)


@pytest.mark.slow
def test_identity_processes_change_nothing():
    table, labels = load_breast_cancer(return_X_y=True)
    first = bootstrap_score(GaussianNB(), table, labels, n_splits=20, rng=generator(0))
    with parallel_config(n_jobs=2):
        second = bootstrap_score(GaussianNB(), table, labels, n_splits=20, rng=generator(0))
    np.testing.assert_array_equal(first.replicates, second.replicates)


def test_matches_scores_from_elsewhere():
    rng = generator(0)
    first, second = rng.normal(0.8, 0.02, 20), rng.normal(0.79, 0.02, 20)
    assert compare_scores(first, second, "paired_t").pvalue == paired_t(first - second).pvalue
    told = compare_scores(first, second, "corrected", test_frac=0.1)
    assert told.pvalue > compare_scores(first, second, "paired_t").pvalue
    assert compare_predictions([1, 1, 0], [1, 0, 0], [1, 1, 0], "cochran_q").pvalue > 0.1


@pytest.mark.parametrize(("options", "words"), [
    ({"test": "5x3f"}, "test must be one of .* Did you mean '5x2f'"),
    ({"test": "wilcoxon"}, "test must be one for a single data set"),
    ({"scorin": "r2"}, "options must be of .* Did you mean 'scoring'"),
    ({"test": "kfold_t", "k": 200}, "k must lie between 2 and the number of rows"),
    ({"scoring": "acuracy"}, "scoring must be one of .* Did you mean 'accuracy'"),
    ({"test": "resampled_t", "test_frac": 1.0}, "test_frac must lie strictly between 0 and 1")])
def test_rejects_what_no_test_can_use(options, words):
    with pytest.raises(ValueError, match=words):
        compare_models(GaussianNB(), KNeighborsClassifier(), X, Y, rng=generator(0), **options)


@pytest.mark.parametrize(("pair", "labels", "options", "words"), [
    (("svm", GaussianNB()), Y, {}, "estimator must be one of scikit-learn's kind, got 'svm'"),
    ((GaussianNB, GaussianNB()), Y, {}, "estimator must be one of scikit-learn's kind"),
    ((LinearRegression(), LinearRegression()), X[:, 0], {"test": "mcnemar"},
     "scoring must be a score of numbers for LinearRegression"),
    ((GaussianNB(), GaussianNB()), Y * 0, {}, "y must have at least two different labels, got 0"),
    ((GaussianNB(), GaussianNB()), np.array([None, "a", "b"] * 50, dtype=object), {},
     "y must be finite, got 50 missing"),
    ((GaussianNB(), GaussianNB()), Y, {"rng": 0}, "rng must be a generator of the splits"),
    ((GaussianNB(), GaussianNB()), Y, {"test": "kfold_t", "k": "5"}, "k must be a whole number")])
def test_rejects_models_and_labels_that_cannot_be_compared(pair, labels, options, words):
    with pytest.raises(ValueError, match=words):
        compare_models(*pair, X, labels, **{"rng": generator(0), **options})


def test_rejects_scores_without_what_a_test_needs():
    with pytest.raises(ValueError, match="test_frac must be given for 'corrected'"):
        compare_scores([1, 2], [2, 3], "corrected")
    with pytest.raises(ValueError, match="rng must be a generator for 'bayes_signed_rank'"):
        compare_scores([1, 2], [2, 3], "bayes_signed_rank")
    with pytest.raises(ValueError, match=r"first must hold numbers .* got \['a'\]"):
        compare_scores(["a"], ["b"])
    with pytest.raises(ValueError, match="first and second must have one entry per row"):
        compare_scores([1, 2], [2, 3, 4], "paired_t")
    with pytest.raises(ValueError, match="X and y must have one row per example"):
        compare_models(GaussianNB(), GaussianNB(), X, Y[:-1], rng=generator(0))


def test_matches_plain_folds_where_labels_are_numbers():
    splits = folds(X[:, 0], 5, rng=generator(0))
    tests = np.sort(np.concatenate([test for _, test in splits.pairs]))
    np.testing.assert_array_equal(tests, np.arange(150))
    assert [len(test) for _, test in splits.pairs] == [
        len(test) for _, test in KFold(5).split(X)]
