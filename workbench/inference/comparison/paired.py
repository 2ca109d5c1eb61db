"""Tests on paired differences of scores: t with and without correction, 5x2cv, sign flips."""

import math
from typing import Any

import numpy as np
from scipy import special

from workbench.core import check
from workbench.inference.comparison.arrays import differences, floats, share, source
from workbench.inference.comparison.outcomes import TestResult

__all__ = ["cv5x2_f", "cv5x2_t", "paired_t", "permutation_test"]

CORRECTIONS = ("nadeau-bengio",)
MOST_FLIPS = 1_000_000    # sign patterns that are all tried
NO_SPREAD = "The differences have no spread, by which the test divides."
BATCH = 1 << 21           # signs drawn at once


def paired_t(diffs: Any, correction: str | None = None,
             test_frac: float | None = None) -> TestResult:
    """Paired t test over splits, ``t = mean / (sd sqrt(1/k + n_test/n_train))``.

    Parameters
    ----------
    diffs : array, shape (k,)
        Score of the first model minus that of the second, one per split or data set.
    correction : {"nadeau-bengio"}, optional
        Adds ``n_test / n_train`` to ``1 / k``, since training sets overlap; None does not, which
        is right for independent data sets and far too bold for repeated splits.
    test_frac : float in (0, 1), optional
        Share of rows that a split tests on, needed by the correction; ``1 / folds`` for k-fold.

    Raises
    ------
    ValueError
        For fewer than two differences, NaN, or a correction without `test_frac`.

    Notes
    -----
    Equal differences give an infinite statistic and p 0, or 0 and 1 if all are zero, with a
    warning.

    Examples
    --------
    >>> plain = paired_t([0.02, 0.01, 0.03, 0.0])
    >>> corrected = paired_t([0.02, 0.01, 0.03, 0.0], "nadeau-bengio", test_frac=0.25)
    >>> round(plain.statistic, 3), round(corrected.statistic, 3)
    (2.324, 1.521)
    """
    found = differences(diffs)
    k = len(found)
    extra = 0.0 if correction is None else _overlap(correction, test_frac)
    mean = found.mean()
    spread = math.sqrt(((found - mean) ** 2).sum() / (k - 1)) * math.sqrt(1 / k + extra)
    name = "paired t" if correction is None else "paired t, Nadeau-Bengio"
    return _student(float(mean), spread, k - 1, name)


def cv5x2_t(diffs: Any) -> TestResult:
    """Dietterich's 5x2cv t: the first difference over the root of the mean variance, df 5.

    Parameters
    ----------
    diffs : array, shape (5, 2)
        Differences of the two halves in each of five replications.

    Examples
    --------
    >>> halves = [[0.02, 0.0], [0.01, 0.03], [0.0, 0.01], [0.02, 0.02], [-0.01, 0.01]]
    >>> round(cv5x2_t(halves).statistic, 3)
    1.754
    """
    found, variances = _halves(diffs)
    return _student(float(found[0, 0]), math.sqrt(variances.mean()), 5, "5x2cv t")


def cv5x2_f(diffs: Any) -> TestResult:
    """Alpaydin's 5x2cv F: all ten squared differences over twice the variances, F(10, 5).

    Parameters
    ----------
    diffs : array, shape (5, 2)

    Examples
    --------
    >>> halves = [[0.02, 0.0], [0.01, 0.03], [0.0, 0.01], [0.02, 0.02], [-0.01, 0.01]]
    >>> round(cv5x2_f(halves).statistic, 3)
    1.923
    """
    found, variances = _halves(diffs)
    squares, below = float((found ** 2).sum()), 2 * float(variances.sum())
    freedom = (10.0, 5.0)
    if below <= (1e-12 * np.abs(found).max()) ** 2:
        return _flat(squares, freedom, "5x2cv F")
    statistic = squares / below
    return TestResult(statistic, float(special.fdtrc(10, 5, statistic)), freedom, "5x2cv F")


def permutation_test(first: Any, second: Any = None, *, draws: int = 9999,
                     rng: np.random.Generator | None = None) -> TestResult:
    """Flip the signs of paired differences and count means as far from zero as the observed one.

    Parameters
    ----------
    first : array, shape (k,)
        Scores of the first model, or differences if `second` is None.
    second : array, shape (k,), optional
    draws : int > 0
        Random sign patterns where there are more than a million.
    rng : numpy.random.Generator, optional
        Needed only then.

    Returns
    -------
    result : TestResult
        The statistic is the mean difference; p is exact up to 19 pairs, and else
        ``(1 + hits) / (1 + draws)``, which is valid for any number of draws.

    Notes
    -----
    Holds if differences are independent and symmetric about zero: those of data sets, not those
    of overlapping training sets.

    Examples
    --------
    >>> permutation_test([0.1, 0.2, 0.3]).pvalue
    0.25
    """
    if second is not None:
        one, other = floats(first=first), floats(second=second)
        check.same_length(first=one, second=other)
        first = one - other
    found = differences(first, least=1)
    check.whole(1, draws=draws)
    observed = abs(float(found.sum()))
    slack = 1e-9 * float(np.abs(found).sum())
    if 2 ** len(found) <= MOST_FLIPS:
        sums = np.array([found[0]])            # the other half of the patterns mirrors these
        for each in found[1:]:
            sums = np.concatenate([sums + each, sums - each])
        pvalue = float(np.mean(np.abs(sums) >= observed - slack))
        return TestResult(float(found.mean()), pvalue, None, "sign flips, all of them")
    rng = source(rng, f"for {len(found)} pairs, whose sign patterns are too many to try all")
    hits, size = 0, max(1, BATCH // len(found))
    for start in range(0, draws, size):
        some = min(size, draws - start)
        signs = 2.0 * rng.integers(2, size=(some, len(found)), dtype=np.int8) - 1.0
        hits += int((np.abs(signs @ found) >= observed - slack).sum())
    return TestResult(float(found.mean()), (1 + hits) / (1 + draws), None,
                      f"sign flips, {draws} at random")


def _overlap(correction: str, test_frac: float | None) -> float:
    check.one_of(CORRECTIONS, correction=correction)
    share(test_frac=test_frac, hint="The correction needs the share of rows that each split "
                                    "tests on: 1 / folds for k-fold.")
    assert test_frac is not None  # noqa: S101 - has been checked
    return test_frac / (1 - test_frac)


def _halves(diffs: Any) -> tuple[np.ndarray, np.ndarray]:
    """Differences of five times two halves, and the variance of each replication."""
    found = floats(diffs=diffs)
    if found.shape != (5, 2):
        raise ValueError(f"diffs must have shape (5, 2), got {found.shape}. Score both halves of "
                         "five random splits in half.")
    if not np.isfinite(found).all():
        check.finite(diffs=found)
    return found, (found[:, 0] - found[:, 1]) ** 2 / 2


def _student(mean: float, spread: float, df: int, name: str) -> TestResult:
    if spread <= 1e-12 * abs(mean) or spread == 0:
        return _flat(mean, float(df), name)
    statistic = mean / spread
    return TestResult(statistic, float(2 * special.stdtr(df, -abs(statistic))), float(df), name)


def _flat(above: float, df: float | tuple[float, float], name: str) -> TestResult:
    if above == 0:
        return TestResult(0.0, 1.0, df, name, (NO_SPREAD,))
    return TestResult(math.copysign(math.inf, above), 0.0, df, name, (NO_SPREAD,))
