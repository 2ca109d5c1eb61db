"""One test of two models by its name: on estimators, on scores from elsewhere, on predictions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from workbench.core import check
from workbench.inference.comparison.accuracies import (
    f_test,
    mcnemar,
    mcnemar_table,
    proportion_difference,
    q_of,
)
from workbench.inference.comparison.arrays import differences, floats, rightness, source
from workbench.inference.comparison.bayes import bayesian_signed_rank, correlated_t
from workbench.inference.comparison.fitting import (
    is_accuracy,
    options_of,
    predict_splits,
    ready,
    score_splits,
)
from workbench.inference.comparison.outcomes import Posterior, TestResult
from workbench.inference.comparison.paired import cv5x2_f, cv5x2_t, paired_t, permutation_test
from workbench.inference.comparison.several import wilcoxon
from workbench.inference.comparison.splits import Splits, folds, halves, holdouts

__all__ = ["PREDICTION_TESTS", "SCORE_TESTS", "TESTS", "Comparison", "compare_models",
           "compare_predictions", "compare_scores"]

Outcome: TypeAlias = TestResult | Posterior


@dataclass(frozen=True)
class Comparison:
    """What a test needs and is called.

    Parameters
    ----------
    label : str
    splits : str
        ``halves``, ``folds``, ``holdouts``, ``holdout`` or ``datasets``.
    caution : str
        What is wrong with it, if something is.
    """

    label: str
    splits: str
    caution: str = ""


BOLD = ("Do not use: scores of holdouts that share rows are counted as independent, which makes "
        "false positives common.")
MILD = "Training parts of folds overlap, so that this test is a little too bold."
APART = ("On one shared test set the two accuracies depend on each other, which this test "
         "ignores; McNemar's does not.")
ROWS = "Folds share training rows; sign flips count them as independent."

TESTS = {
    "5x2f": Comparison("5x2cv F", "halves"),
    "5x2t": Comparison("5x2cv t", "halves"),
    "kfold_t": Comparison("k-fold t", "folds", MILD),
    "kfold_corrected": Comparison("corrected k-fold", "folds"),
    "resampled_t": Comparison("t over holdouts", "holdouts", BOLD),
    "resampled_corrected": Comparison("corrected holdouts", "holdouts"),
    "mcnemar": Comparison("McNemar", "holdout"),
    "mcnemar_midp": Comparison("McNemar, mid-p", "holdout"),
    "proportions": Comparison("two proportions", "holdout", APART),
    "cochran_q": Comparison("Cochran's Q, all", "holdout"),
    "f_test": Comparison("F, all models", "holdout"),
    "permutation": Comparison("sign flips", "datasets"),
    "wilcoxon": Comparison("Wilcoxon", "datasets"),
    "bayes_t": Comparison("Bayes correlated t", "folds"),
    "bayes_signed_rank": Comparison("Bayes signed rank", "datasets"),
}
PREDICTION_TESTS = tuple(name for name, test in TESTS.items() if test.splits == "holdout")
SCORE_TESTS = ("paired_t", "corrected", "permutation", "wilcoxon", "bayes_t",
               "bayes_signed_rank")


def compare_models(first: Any, second: Any, X: Any, y: Any, test: str = "5x2f", *,
                   rng: np.random.Generator, **options: Any) -> Outcome:
    """Compare two estimators on one table by one test, both on the same splits.

    Parameters
    ----------
    first, second : scikit-learn estimators
    X : array or DataFrame, shape (n, p)
    y : array, shape (n,)
    test : str
        One of `TESTS`.
    rng : numpy.random.Generator
        Of the splits, and of estimators without a seed.
    **options
        ``scoring``; ``k`` (10) and ``repeats`` (1) of folds; ``n_splits`` (30) and ``test_frac``
        (0.3) of holdouts; ``rope`` (0.01) of the Bayesian tests.

    Returns
    -------
    result : TestResult or Posterior
        Of the first minus the second, so that a positive statistic speaks for the first.

    Raises
    ------
    ValueError
        Naming the test or option that is not known, or what the data break.
    """
    check.one_of(TESTS, test=test)
    kind = TESTS[test]
    if kind.splits == "datasets":
        raise ValueError(f"test must be one for a single data set, got {test!r}, which compares "
                         "scores over several. Score both models on each data set and pass the "
                         "scores to compare_scores().")
    X, y = ready(X, y)
    options_of(_Plan, options)
    plan = _Plan(**options)
    source(rng, "of the splits")
    splits = plan.splits(kind.splits, y, rng)
    seed = int(rng.integers(2**31))
    if kind.splits == "holdout":
        for model in (first, second):
            is_accuracy(model, "accuracy")         # right and wrong are of classes only
        rows = splits.pairs[0][1]
        one, other = (predict_splits(model, X, y, splits, rng=np.random.default_rng(seed))[0]
                      for model in (first, second))
        return compare_predictions(np.asarray(y)[rows], one, other, test)
    one, other = (score_splits(model, X, y, splits, scoring=plan.scoring,
                               rng=np.random.default_rng(seed)).scores
                  for model in (first, second))
    diffs = one - other
    paired: dict[str, Callable[[], Outcome]] = {
        "5x2f": lambda: cv5x2_f(diffs.reshape(5, 2)),
        "5x2t": lambda: cv5x2_t(diffs.reshape(5, 2)),
        "bayes_t": lambda: correlated_t(diffs, rope=plan.rope, test_frac=splits.test_frac),
    }
    if test in paired:
        return paired[test]()
    corrected = test.endswith("corrected")
    found = paired_t(diffs, "nadeau-bengio" if corrected else None,
                     splits.test_frac if corrected else None)
    return TestResult(found.statistic, found.pvalue, found.df, kind.label,
                      (*found.warnings, *([kind.caution] if kind.caution else [])))


def compare_predictions(y: Any, first: Any, second: Any, test: str = "mcnemar") -> TestResult:
    """Compare two models by what they predict on one test set, wherever they come from.

    Parameters
    ----------
    y, first, second : array, shape (n,)
    test : str
        One of `PREDICTION_TESTS`.
    """
    check.one_of(PREDICTION_TESTS, test=test)
    right = rightness(y, (first, second))
    calls: Mapping[str, Callable[[], TestResult]] = {
        "mcnemar": lambda: mcnemar(mcnemar_table(y, first, second)),
        "mcnemar_midp": lambda: mcnemar(mcnemar_table(y, first, second), midp=True),
        "proportions": lambda: proportion_difference(
            float(right[:, 0].mean()), float(right[:, 1].mean()), len(right)),
        "cochran_q": lambda: q_of(right),
        "f_test": lambda: f_test(y, first, second),
    }
    return calls[test]()


def compare_scores(first: Any, second: Any, test: str = "corrected", *,
                   rng: np.random.Generator | None = None, test_frac: float | None = None,
                   rope: float = 0.01) -> Outcome:
    """Compare two models by scores from elsewhere, one pair per row.

    Parameters
    ----------
    first, second : array, shape (k,)
        Scores on the same folds, splits, seeds or data sets.
    test : str
        One of `SCORE_TESTS`; ``permutation``, ``wilcoxon`` and ``bayes_signed_rank`` are for data
        sets, ``corrected`` and ``bayes_t`` for splits of one.
    rng : numpy.random.Generator, optional
        Needed by ``bayes_signed_rank``, and by ``permutation`` of more than 19 rows.
    test_frac : float, optional
        Share of rows that each split tested on; ``1 / folds`` for k-fold.
    rope : float
    """
    check.one_of(SCORE_TESTS, test=test)
    one, other = np.atleast_1d(floats(first=first)), np.atleast_1d(floats(second=second))
    check.same_length(first=one, second=other)
    diffs = differences(one - other)
    if test in ("corrected", "bayes_t") and test_frac is None:
        raise ValueError(f"test_frac must be given for {test!r}, which accounts for shared rows, "
                         "got None. Pass 1 / folds for k-fold.")
    if test == "bayes_signed_rank":
        source(rng, "for 'bayes_signed_rank', which draws from a posterior")
    calls: Mapping[str, Callable[[], Outcome]] = {
        "paired_t": lambda: paired_t(diffs),
        "corrected": lambda: paired_t(diffs, "nadeau-bengio", test_frac),
        "permutation": lambda: permutation_test(diffs, rng=rng),
        "wilcoxon": lambda: wilcoxon(diffs),
        "bayes_t": lambda: correlated_t(diffs, rope=rope, test_frac=float(test_frac or 0)),
        "bayes_signed_rank": lambda: bayesian_signed_rank(
            diffs, rope=rope, rng=rng or np.random.default_rng(0)),
    }
    return calls[test]()


@dataclass(frozen=True)
class _Plan:
    """Options of the splits."""

    scoring: Any = None
    k: int = 10
    repeats: int = 1
    n_splits: int = 30
    test_frac: float = 0.3
    rope: float = 0.01

    def splits(self, kind: str, y: Any, rng: np.random.Generator) -> Splits:
        if kind == "halves":
            return halves(y, rng=rng)
        if kind == "folds":
            return folds(y, self.k, repeats=self.repeats, rng=rng)
        return holdouts(y, 1 if kind == "holdout" else self.n_splits, test_frac=self.test_frac,
                        rng=rng)
