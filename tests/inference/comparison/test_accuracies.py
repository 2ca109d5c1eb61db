"""Oracles: statsmodels, scipy's binomial test, and numbers that the article prints."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import cochrans_q
from statsmodels.stats.contingency_tables import mcnemar as right_mcnemar
from statsmodels.stats.proportion import test_proportions_2indep as two_proportions

from workbench.core import generator
from workbench.inference.model_comparison import (
    cochran_q,
    f_test,
    mcnemar,
    mcnemar_table,
    mcnemar_tables,
    proportion_difference,
)


def example():
    """Three models with accuracies 84, 92 and 92 of 100, as the article's example has."""
    rows = [(1, 1, 1)] * 80 + [(0, 1, 1)] * 9 + [(1, 1, 0), (1, 0, 1)] + [
        (1, 0, 0), (0, 1, 0), (0, 0, 1)] * 2 + [(0, 0, 0)] * 3
    return np.ones(100, dtype=int), np.array(rows).T


@pytest.fixture
def random():
    rng = generator(0)
    y = rng.integers(3, size=200)
    return y, [np.where(rng.random(200) < share, y, (y + 1) % 3) for share in (0.8, 0.75, 0.7)]


def test_matches_printed_numbers():
    told = mcnemar([[9945, 25], [15, 15]])
    assert (told.statistic, told.pvalue) == pytest.approx((2.025, 0.1547), abs=5e-5)
    assert mcnemar([[9959, 11], [1, 29]]).pvalue == pytest.approx(0.00634765625, rel=1e-12)
    y, models = example()
    assert [model.sum() for model in models] == [84, 92, 92]
    q, f = cochran_q(y, *models), f_test(y, *models)
    assert (q.statistic, q.pvalue) == pytest.approx((7.529, 0.023), abs=5e-4)
    assert (f.statistic, f.pvalue) == pytest.approx((3.873, 0.022), abs=6e-4)


@pytest.mark.parametrize("table", [[[10, 3], [9, 2]], [[5, 30], [18, 7]], [[0, 1], [0, 0]]])
def test_matches_statsmodels(table):
    exact = mcnemar(table, exact=True)
    b, c = table[0][1], table[1][0]
    assert exact.pvalue == pytest.approx(right_mcnemar(table, exact=True).pvalue)
    assert exact.pvalue == pytest.approx(stats.binomtest(b, b + c).pvalue)
    plain = mcnemar(table, exact=False, corrected=False)
    assert plain.pvalue == pytest.approx(right_mcnemar(table, exact=False,
                                                       correction=False).pvalue)
    corrected = mcnemar(table, exact=False)
    right = right_mcnemar(table, exact=False, correction=True)
    assert (corrected.statistic, corrected.pvalue) == pytest.approx(
        (right.statistic, right.pvalue))


def test_identity_equal_disagreements_say_nothing():
    """Other programs give a statistic of 1 / (b + c) here."""
    told = mcnemar([[1, 30], [30, 1]])
    assert (told.statistic, told.pvalue) == (0.0, 1.0)
    assert mcnemar([[3, 0], [0, 2]]).pvalue == 1.0
    assert mcnemar([[1, 5], [5, 1]], midp=True).pvalue == 1.0


def test_matches_midp_by_hand_and_the_choice_of_exactness():
    told = mcnemar([[1, 9], [2, 1]], midp=True)
    assert told.pvalue == pytest.approx(2 * stats.binom.cdf(1, 11, 0.5)
                                        + stats.binom.pmf(2, 11, 0.5))
    assert mcnemar([[1, 12], [12, 1]]).name == "McNemar, exact"
    assert mcnemar([[1, 12], [13, 1]]).name == "McNemar, corrected"


def test_matches_cochran_of_statsmodels_and_of_two_models(random):
    y, models = random
    right = np.array([model == y for model in models]).T
    told = cochran_q(y, *models)
    assert (told.statistic, told.pvalue) == pytest.approx(
        (cochrans_q(right).statistic, cochrans_q(right).pvalue))
    two = mcnemar(mcnemar_table(y, *models[:2]), exact=False, corrected=False)
    assert cochran_q(y, *models[:2]).statistic == pytest.approx(two.statistic)


def test_matches_the_f_test_to_an_analysis_of_variance(random):
    """Sums of squares add up; F is that of models in a two-way layout without repeats."""
    y, models = random
    right = np.array([model == y for model in models]).T.astype(float)
    n, L = right.shape
    total = ((right - right.mean()) ** 2).sum()
    between = n * ((right.mean(axis=0) - right.mean()) ** 2).sum()
    rows = L * ((right.mean(axis=1) - right.mean()) ** 2).sum()
    told = f_test(y, *models)
    assert told.statistic == pytest.approx(
        (between / (L - 1)) / ((total - between - rows) / ((L - 1) * (n - 1))))
    assert told.df == (2, 2 * 199)
    assert f_test(y, *models, df="looney").df == (2, 400)
    assert f_test(y, *models, df="looney").statistic == told.statistic


def test_identity_the_order_of_rows_changes_nothing(random):
    y, models = random
    order = generator(1).permutation(len(y))
    for test in (cochran_q, f_test):
        assert test(y[order], *(model[order] for model in models)) == test(y, *models)
    tables = mcnemar_tables(y, dict(zip("abc", models, strict=True)))
    np.testing.assert_array_equal(mcnemar_table(y[order], *(m[order] for m in models[:2])),
                                  tables["a", "b"])


def test_matches_the_f_test_where_models_disagree_on_every_row():
    """One model always right, one always wrong: no residual, and a difference beyond doubt."""
    told = f_test([1] * 6, [1] * 6, [0] * 6)
    assert (told.statistic, told.pvalue) == (np.inf, 0.0)
    assert "no spread" in told.warnings[0]
    assert f_test([1] * 6, [1] * 6, [1] * 6).pvalue == 1.0
    assert cochran_q([1] * 6, [1] * 6, [0] * 6).pvalue < 0.05


def test_matches_two_proportions_of_statsmodels():
    told = proportion_difference(0.84, 0.92, 100, 150)
    right = two_proportions(84, 100, 138, 150, method="wald")
    assert (told.statistic, told.pvalue) == pytest.approx((right.statistic, right.pvalue))
    assert told.warnings[0].startswith("Valid for two independent test sets only")
    assert proportion_difference(1.0, 1.0, 9).pvalue == 1.0
    assert proportion_difference(1.0, 0.0, 9).statistic == np.inf


@pytest.mark.parametrize(("call", "words"), [
    (lambda: mcnemar([[1, 2, 3]]), r"table must have shape \(2, 2\)"),
    (lambda: mcnemar([[1, -2], [3, 4]]), "table must hold counts"),
    (lambda: mcnemar([[1, 2.5], [3, 4]]), "table must hold counts"),
    (lambda: mcnemar([[1, np.nan], [3, 4]]), "table must hold counts"),
    (lambda: mcnemar([["a", 1], [2, 3]]), "table must hold numbers"),
    (lambda: cochran_q([1, 0], [1, 0]), "predictions must be of at least 2 models, got 1"),
    (lambda: cochran_q([1, 0], [1, 0], [1]), "predictions must have the shape of y"),
    (lambda: f_test([1.0, np.nan], [1, 0], [1, 0]), "y must have no missing label, got 1 of 2"),
    (lambda: f_test(["a", "b"], ["a", None], ["a", "b"]), "predictions of model 1 must have no"),
    (lambda: cochran_q([], [], []), "y must hold at least one label"),
    (lambda: proportion_difference(84, 92, 100), r"first must be an accuracy in \[0, 1\]"),
    (lambda: proportion_difference(0.8, 0.9, 0), "n must be a whole number of at least 1"),
    (lambda: f_test([1, 0], [1, 0], [0, 0], df="n"), "df must be one of"),
    (lambda: mcnemar([[1, 2], [3, 4]], exact="yes"), "exact must be True, False or 'auto'"),
    (lambda: mcnemar_table(["1", "0"], [1, 0], ["1", "0"]), "text never equals a number"),
    (lambda: mcnemar_tables([1, 0], [[1, 0], [0, 0]]), "predictions must map names of models"),
    (lambda: cochran_q(np.array(["2020-01-01", "NaT"], dtype="M8[D]"), [1, 2], [1, 2]),
     "y must have no missing label, got 1 of 2"),
    (lambda: proportion_difference("0.8", 0.9, 9), "first must be an accuracy"),
    (lambda: proportion_difference(0.8, 0.9, 9, 1.5), "n_second must be a whole number")])
def test_rejects_with_one_sentence(call, words):
    with pytest.raises(ValueError, match=words):
        call()
