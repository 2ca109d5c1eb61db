"""More than two models, and many p values: Friedman, Nemenyi, pairs, and what they must pay."""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from workbench.core import check
from workbench.inference.comparison.accuracies import mcnemar, table_of
from workbench.inference.comparison.arrays import (
    alpha_between,
    differences,
    floats,
    named,
    rightness,
    score_table,
)
from workbench.inference.comparison.outcomes import TestResult

__all__ = ["METHODS", "friedman", "multiple", "nemenyi", "pairwise_mcnemar", "pairwise_wilcoxon",
           "ranks", "wilcoxon"]

METHODS = {"none": "", "bonferroni": "bonferroni", "sidak": "sidak", "holm": "holm",
           "hochberg": "simes-hochberg", "hommel": "hommel", "bh": "fdr_bh"}


def multiple(pvalues: Any, method: str = "holm") -> np.ndarray:
    """Adjust p values for their number, by statsmodels.

    Parameters
    ----------
    pvalues : array, shape (m,)
        In [0, 1].
    method : str
        One of `METHODS`: all but ``bh`` hold the chance of any false positive, ``bh`` the share
        of false ones among the positives; ``none`` leaves them as they are.

    Returns
    -------
    adjusted : array, shape (m,)
        In the order given, each at least its p value.

    Examples
    --------
    >>> multiple([0.01, 0.04, 0.03], "holm")
    array([0.03, 0.06, 0.06])
    """
    check.one_of(METHODS, method=method)
    given = np.atleast_1d(floats(pvalues=pvalues))
    if given.ndim != 1 or not len(given) or not ((given >= 0) & (given <= 1)).all():
        raise ValueError(f"pvalues must be one or more numbers in [0, 1], got {given.tolist()}. "
                         "Leave out the tests that gave none.")
    if method == "none":
        return given.copy()
    from statsmodels.stats.multitest import multipletests

    with np.errstate(divide="ignore"):       # of a p value of 1, which stays 1
        return np.asarray(multipletests(given, method=METHODS[method])[1], dtype=float)


def friedman(scores: Any) -> TestResult:
    """Friedman's test of several models over independent data sets.

    Parameters
    ----------
    scores : array, shape (n, k)
        One row per data set, one column per model, at least three.
    """
    found = score_table(scores, models=3)
    from scipy.stats import friedmanchisquare

    if (found == found[:, :1]).all():
        return TestResult(0.0, 1.0, found.shape[1] - 1.0, "Friedman",
                          ("All models have one score on each row.",))
    told = friedmanchisquare(*found.T)
    few = () if len(found) >= 10 else (
        f"Only {len(found)} data sets: chi-squared is a rough guide below 10.",)
    return TestResult(float(told.statistic), float(told.pvalue), found.shape[1] - 1.0, "Friedman",
                      few)


def ranks(scores: Any) -> np.ndarray:
    """Mean rank of each model over the rows, 1 for the largest score, shape (k,)."""
    from scipy.stats import rankdata

    return np.asarray(rankdata(-score_table(scores), axis=1).mean(axis=0))


def nemenyi(scores: Any, names: Sequence[str] | None = None) -> pd.DataFrame:
    """All pairs after Friedman's test, by differences of mean ranks.

    Parameters
    ----------
    scores : array, shape (n, k)
    names : sequence of str, optional

    Returns
    -------
    pairs : DataFrame
        Columns first, second, statistic (difference of mean ranks) and pvalue, which already
        pays for the number of pairs.
    """
    found = score_table(scores)
    n, k = found.shape
    from scipy.stats import studentized_range

    mean, error = ranks(found), math.sqrt(k * (k + 1) / (6 * n))
    told = _pairs(names, k)
    gaps = np.array([mean[i] - mean[j] for i, j, _, _ in told])
    pvalues = studentized_range.sf(np.abs(gaps) / error * math.sqrt(2), k, np.inf)
    return pd.DataFrame({"first": [first for *_, first, _ in told],
                         "second": [second for *_, second in told],
                         "statistic": gaps, "pvalue": pvalues})


def pairwise_mcnemar(y: Any, predictions: Mapping[str, Any], method: str = "holm"
                     ) -> pd.DataFrame:
    """McNemar's test of every pair, with p values that pay for their number.

    Parameters
    ----------
    y : array, shape (n,)
    predictions : mapping of name to array, shape (n,)
    method : str
        One of `METHODS`.

    Returns
    -------
    pairs : DataFrame
        Columns first, second, statistic, pvalue, adjusted.
    """
    right = rightness(y, list(named(predictions=predictions).values()))
    return _adjusted(_pairs(list(predictions), right.shape[1]), lambda i, j: mcnemar(
        table_of(right[:, i], right[:, j])), method)


def wilcoxon(diffs: Any) -> TestResult:
    """Wilcoxon's signed-rank test by scipy; zeros take ranks and are left out then (Pratt)."""
    from scipy.stats import wilcoxon as signed_rank

    found = differences(diffs, least=1)
    if not found.any():
        return TestResult(0.0, 1.0, None, "Wilcoxon signed rank", ("The models never differ.",))
    told = signed_rank(found, zero_method="pratt" if (found == 0).any() else "wilcox")
    return TestResult(float(told.statistic), float(told.pvalue), None, "Wilcoxon signed rank")


def pairwise_wilcoxon(scores: Any, names: Sequence[str] | None = None, method: str = "holm"
                      ) -> pd.DataFrame:
    """Wilcoxon's test of every pair of models over data sets; columns as `pairwise_mcnemar`."""
    found = score_table(scores)
    return _adjusted(_pairs(names, found.shape[1]),
                     lambda i, j: wilcoxon(found[:, i] - found[:, j]), method)


def _pairs(names: Sequence[str] | None, k: int) -> list[tuple[int, int, str, str]]:
    told = [f"model {at + 1}" for at in range(k)] if names is None else list(map(str, names))
    if len(told) != k:
        raise ValueError(f"names must name {k} models, got {len(told)}. Name every column once.")
    return [(i, j, told[i], told[j]) for i, j in itertools.combinations(range(k), 2)]


def _adjusted(pairs: list[tuple[int, int, str, str]], test: Callable[[int, int], TestResult],
              method: str) -> pd.DataFrame:
    results = [(first, second, test(i, j)) for i, j, first, second in pairs]
    rows = [(first, second, told.statistic, told.pvalue) for first, second, told in results]
    table = pd.DataFrame(rows, columns=["first", "second", "statistic", "pvalue"])
    return table.assign(adjusted=multiple(table["pvalue"], method))


def rejected(pvalues: Any, method: str = "holm", alpha: float = 0.05) -> np.ndarray:
    """Whether each hypothesis falls after adjustment, shape (m,)."""
    alpha_between(alpha)
    return multiple(pvalues, method) <= alpha
