"""Oracles: statsmodels, scipy, critical values that are printed in tables, Holm by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from workbench.core import generator
from workbench.datasets.raw import raw_file
from workbench.inference.comparison.several import METHODS, ranks
from workbench.inference.model_comparison import (
    accuracy_interval,
    friedman,
    mean_interval,
    multiple,
    nemenyi,
    pairwise_mcnemar,
    pairwise_wilcoxon,
    recommend,
    wilcoxon,
)

P = [0.01, 0.04, 0.03, 0.005, 0.04, 0.8, 1.0]


@pytest.fixture(scope="module")
def scores():
    return pd.read_csv(raw_file("uci-accuracies/uci_classifiers.csv")).drop(columns="data_set")


@pytest.mark.parametrize("method", [name for name in METHODS if name != "none"])
def test_matches_statsmodels(method):
    right = multipletests(P[:-1], method=METHODS[method])[1]
    np.testing.assert_allclose(multiple(P[:-1], method), right)
    assert (multiple(P, method) >= P).all()
    assert multiple(P, method)[-1] == 1


def test_identity_one_p_value_pays_nothing():
    for method in METHODS:
        np.testing.assert_allclose(multiple(0.03, method), [0.03])
    np.testing.assert_array_equal(multiple(P, "none"), P)


def test_matches_holm_by_hand():
    np.testing.assert_allclose(multiple([0.01, 0.04, 0.03], "holm"), [0.03, 0.06, 0.06])
    np.testing.assert_allclose(multiple([0.01, 0.04, 0.03], "bh"), [0.03, 0.04, 0.04])


def test_matches_friedman_and_mean_ranks_of_scipy(scores):
    told = friedman(scores)
    right = stats.friedmanchisquare(*scores.to_numpy().T)
    assert (told.statistic, told.pvalue) == pytest.approx((right.statistic, right.pvalue))
    np.testing.assert_allclose(ranks(scores).sum(), 15)


def test_matches_nemenyi_to_printed_critical_values():
    """For five models and 54 data sets the critical difference is 2.728 sqrt(30 / 324)."""
    k, n = 5, 54
    critical = 2.728 * np.sqrt(k * (k + 1) / (6 * n))
    assert stats.studentized_range.sf(2.728 * np.sqrt(2), k, np.inf) == pytest.approx(0.05,
                                                                                      abs=2e-4)
    table = np.tile(np.arange(5.0), (n, 1))
    gaps = nemenyi(table)
    near = gaps[gaps["statistic"].abs() == 1]
    assert (near["pvalue"] < 0.05).all() == (critical < 1)
    assert len(gaps) == 10


def test_matches_pairs_to_single_tests(scores):
    pairs = pairwise_wilcoxon(scores, list(scores), "holm")
    first = pairs.iloc[0]
    right = stats.wilcoxon(scores["nbc"] - scores["aode"], zero_method="pratt")
    assert first["pvalue"] == pytest.approx(right.pvalue)
    assert wilcoxon([0.1, -0.2, 0.4, 0.3]).pvalue == stats.wilcoxon([0.1, -0.2, 0.4, 0.3]).pvalue
    np.testing.assert_allclose(pairs["adjusted"], multipletests(pairs["pvalue"],
                                                                method="holm")[1])
    y = generator(0).integers(2, size=80)
    said = {name: np.where(generator(at).random(80) < 0.8, y, 1 - y)
            for at, name in enumerate("abc")}
    rows = pairwise_mcnemar(y, said, "bonferroni")
    assert list(zip(rows["first"], rows["second"], strict=True)) == [
        ("a", "b"), ("a", "c"), ("b", "c")]
    np.testing.assert_allclose(rows["adjusted"], np.minimum(1, 3 * rows["pvalue"]))


def test_identity_models_that_never_differ():
    assert wilcoxon(np.zeros(5)).pvalue == 1.0
    assert friedman(np.ones((6, 3))).pvalue == 1.0


@pytest.mark.parametrize("right", [0, 3, 50, 97, 100])
def test_matches_intervals_to_other_libraries(right):
    from statsmodels.stats.proportion import proportion_confint

    for method, name in (("wilson", "wilson"), ("normal", "normal"),
                         ("clopper-pearson", "beta")):
        told = accuracy_interval(right, 100, method=method, level=0.9)
        other = proportion_confint(right, 100, alpha=0.1, method=name)
        assert (told.low, told.high) == pytest.approx(other, abs=1e-9)
    exact = stats.binomtest(right, 100).proportion_ci(method="wilson")
    told = accuracy_interval(right, 100)
    assert (told.low, told.high) == pytest.approx((exact.low, exact.high), abs=1e-9)


def test_matches_the_interval_of_a_mean():
    values = generator(0).normal(size=12)
    told = mean_interval(values, level=0.9)
    right = stats.ttest_1samp(values, 0).confidence_interval(0.9)
    assert (told.low, told.high) == pytest.approx((right.low, right.high))


@pytest.mark.parametrize(("n", "purpose", "word"), [
    (100, "comparison", "5x2cv F"), (100_000, "comparison", "McNemar"),
    (100, "performance", "repeated 10-fold"), (100_000, "performance", "holdout"),
    (100, "selection", "one-standard-error"), (100_000, "selection", "three-way"),
    (30, "selection", "leave-one-out")])
def test_matches_the_table_of_recommendations(n, purpose, word):
    told = recommend(n, purpose)
    assert word in told.methods[0]
    assert told.reasons
    assert str(told).startswith(f"{purpose}: ")


@pytest.mark.parametrize(("call", "words"), [
    (lambda: multiple([0.1, 1.2]), r"pvalues must be one or more numbers in \[0, 1\]"),
    (lambda: multiple([0.1, np.nan]), "pvalues must be one or more numbers"),
    (lambda: multiple([], "holm"), "pvalues must be one or more"),
    (lambda: multiple([0.1], "bonferonni"), "Did you mean 'bonferroni'"),
    (lambda: wilcoxon([]), "diffs must hold at least 1 differences, got 0"),
    (lambda: wilcoxon(np.ones((3, 2))), "diffs must have one axis"),
    (lambda: pairwise_mcnemar([1, 0], [[1, 0], [0, 0]]), "predictions must map names"),
    (lambda: accuracy_interval(2.5, 10), "right must be a whole number"),
    (lambda: mean_interval([1, 2], overlap=-3), "overlap must be finite and not negative"),
    (lambda: mean_interval([1, 2], level=1.5), "level must lie strictly"),
    (lambda: recommend("many"), "n must be a whole number"),
    (lambda: friedman(np.ones((4, 2))), "scores must have at least 2 rows and 3 columns"),
    (lambda: nemenyi([[1, 2], [3, np.inf]]), "scores must be finite"),
    (lambda: pairwise_wilcoxon(np.ones((3, 2)), ["a"]), "names must name 2 models"),
    (lambda: accuracy_interval(11, 10), "right must count at most n rows"),
    (lambda: accuracy_interval(1, 10, level=0), "level must lie strictly"),
    (lambda: recommend(0), "n must be a whole number of at least 1"),
    (lambda: recommend(9, "score"), "purpose must be one of")])
def test_rejects_with_one_sentence(call, words):
    with pytest.raises(ValueError, match=words):
        call()
