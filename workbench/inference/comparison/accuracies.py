"""Tests on right and wrong predictions: McNemar, proportions, Cochran's Q, Looney's F."""

import itertools
import math
from typing import Any, Literal

import numpy as np
from scipy import special

from workbench.core import check
from workbench.inference.comparison.arrays import floats, is_real, named, rightness
from workbench.inference.comparison.outcomes import TestResult

__all__ = ["cochran_q", "f_test", "mcnemar", "mcnemar_table", "mcnemar_tables",
           "proportion_difference", "q_of", "table_of"]

FEW = 25                 # disagreements below which the exact test is the default
SHARED = ("Valid for two independent test sets only: on one shared test set the two accuracies "
          "depend on each other. Use McNemar's test there.")


def mcnemar_table(y: Any, first: Any, second: Any) -> np.ndarray:
    """Count rows by which of two models is right.

    Parameters
    ----------
    y, first, second : array, shape (n,)
        Labels, and those that each model predicts.

    Returns
    -------
    table : array of int, shape (2, 2)
        ``[[both right, only the first], [only the second, both wrong]]``.

    Examples
    --------
    >>> mcnemar_table([1, 1, 0, 0], [1, 1, 0, 1], [1, 0, 1, 1])
    array([[1, 2],
           [0, 1]])
    """
    right = rightness(y, (first, second))
    return table_of(right[:, 0], right[:, 1])


def mcnemar_tables(y: Any, predictions: dict[str, Any]) -> dict[tuple[str, str], np.ndarray]:
    """Table of every pair of models; predictions by name, each of shape (n,)."""
    right = rightness(y, list(named(predictions=predictions).values()))
    return {(a, b): table_of(right[:, i], right[:, j]) for (i, a), (j, b) in
            itertools.combinations(enumerate(predictions), 2)}


def table_of(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Counts of rows by whether each model is right, both of shape (n,)."""
    both = int(np.count_nonzero(first & second))
    one, other = int(np.count_nonzero(first)), int(np.count_nonzero(second))
    return np.array([[both, one - both], [other - both, len(first) - one - other + both]])


def mcnemar(table: Any, *, exact: bool | Literal["auto"] = "auto", corrected: bool = True,
            midp: bool = False) -> TestResult:
    """McNemar's test of two models on one test set.

    Parameters
    ----------
    table : array, shape (2, 2)
        As from `mcnemar_table`: only the disagreements b and c, off the diagonal, count.
    exact : bool or "auto"
        Binomial probability instead of chi-squared; "auto" below 25 disagreements.
    corrected : bool
        ``max(0, |b - c| - 1)^2 / (b + c)`` instead of ``(b - c)^2 / (b + c)``.
    midp : bool
        Count half of the observed table in the exact test, which is less cautious.

    Raises
    ------
    ValueError
        If the table is not 2 x 2, or an entry is negative or no whole number.

    Examples
    --------
    >>> round(mcnemar([[9945, 25], [15, 15]]).pvalue, 4)
    0.1547
    >>> round(mcnemar([[9959, 11], [1, 29]]).pvalue, 6)
    0.006348
    """
    if exact != "auto" and not isinstance(exact, bool):
        raise ValueError(f"exact must be True, False or 'auto', got {exact!r}. Pass 'auto', which "
                         "is exact where disagreements are few.")
    b, c = _disagreements(table)
    n = b + c
    if midp or exact is True or (exact == "auto" and n < FEW):
        return _binomial(b, c, midp=midp)
    name = "McNemar, corrected" if corrected else "McNemar"
    if n == 0:
        return TestResult(0.0, 1.0, 1.0, name, ("The models never disagree.",))
    gap = max(0.0, abs(b - c) - 1.0) if corrected else float(abs(b - c))
    statistic = gap * gap / n
    return TestResult(statistic, float(special.chdtrc(1, statistic)), 1.0, name)


def proportion_difference(first: float, second: float, n: int,
                          n_second: int | None = None) -> TestResult:
    """Two-sided z test of two accuracies from independent test sets.

    Parameters
    ----------
    first, second : float in [0, 1]
        Accuracies.
    n, n_second : int > 0
        Rows of each test set; None for as many.

    Examples
    --------
    >>> round(proportion_difference(0.84, 0.92, 100).statistic, 3)
    -1.754
    """
    other = n if n_second is None else n_second
    check.whole(1, n=n, n_second=other)
    for name, share in (("first", first), ("second", second)):
        if not (is_real(share) and 0 <= share <= 1):
            raise ValueError(f"{name} must be an accuracy in [0, 1], got {share!r}. Divide the "
                             "right predictions by the rows.")
    gap = first - second
    error = math.sqrt(first * (1 - first) / n + second * (1 - second) / other)
    if error == 0:
        flat = (SHARED, "Both accuracies are 0 or 1, so that the normal error is zero.")
        return TestResult(math.copysign(math.inf, gap) if gap else 0.0, 0.0 if gap else 1.0,
                          None, "difference of proportions", flat)
    return TestResult(gap / error, float(2 * special.ndtr(-abs(gap / error))), None,
                      "difference of proportions", (SHARED,))


def cochran_q(y: Any, *predictions: Any) -> TestResult:
    """Cochran's Q of whether two or more models have one accuracy on one test set.

    Parameters
    ----------
    y : array, shape (n,)
    *predictions : array, shape (n,)
        One per model.
    """
    return q_of(rightness(y, predictions))


def q_of(right: np.ndarray) -> TestResult:
    """Cochran's Q of right and wrong, shape (n, k)."""
    L = right.shape[1]
    models, rows = right.sum(axis=0), right.sum(axis=1)
    total = int(models.sum())
    below = L * total - int(rows @ rows)
    if below == 0:
        return TestResult(0.0, 1.0, L - 1.0, "Cochran's Q", ("The models never disagree.",))
    statistic = (L - 1) * (L * int(models @ models) - total ** 2) / below
    return TestResult(float(statistic), float(special.chdtrc(L - 1, statistic)), L - 1.0,
                      "Cochran's Q")


def f_test(y: Any, *predictions: Any, df: Literal["looney", "residual"] = "residual"
           ) -> TestResult:
    """Looney's F test of the accuracies of two or more models on one test set.

    Parameters
    ----------
    y : array, shape (n,)
    *predictions : array, shape (n,)
        One per model.
    df : {"residual", "looney"}
        Second degrees of freedom of the p value: ``(k - 1)(n - 1)``, or ``(k - 1) n`` as some
        programs have it.
    """
    check.one_of(("residual", "looney"), df=df)
    right = rightness(y, predictions)
    n, L = right.shape
    models, rows = right.mean(axis=0), right.sum(axis=1)
    mean = float(models.mean())
    between = n * float(models @ models) - n * L * mean ** 2
    objects = float(rows @ rows) / L - n * L * mean ** 2
    left = n * L * mean * (1 - mean) - between - objects
    freedom = (L - 1.0, (L - 1.0) * (n - 1 if df == "residual" else n))
    if left <= 1e-9 * n or n < 2:
        return _flat_f(apart=between > 1e-9 * n and n > 1, freedom=freedom)
    statistic = (between / (L - 1)) / (left / ((L - 1) * (n - 1)))
    return TestResult(statistic, float(special.fdtrc(*freedom, statistic)), freedom, "F test")


def _flat_f(*, apart: bool, freedom: tuple[float, float]) -> TestResult:
    """F without a residual: models disagree on every row alike, or on none."""
    if apart:
        return TestResult(math.inf, 0.0, freedom, "F test", (
            "The models disagree on all rows alike, so that the test rests on no spread.",))
    return TestResult(0.0, 1.0, freedom, "F test", (
        "The models never disagree, or there is one row only.",))


def _disagreements(table: Any) -> tuple[int, int]:
    found = floats(table=table)
    if found.shape != (2, 2):
        raise ValueError(f"table must have shape (2, 2), got {found.shape}. Make it with "
                         "mcnemar_table().")
    cells = found.ravel().tolist()
    if not all(0 <= cell < math.inf and cell == int(cell) for cell in cells):
        raise ValueError(f"table must hold counts, whole numbers >= 0, got {cells}. Count rows "
                         "with mcnemar_table().")
    return int(cells[1]), int(cells[2])


def _binomial(b: int, c: int, *, midp: bool) -> TestResult:
    n, least = b + c, min(b, c)
    name = "McNemar, mid-p" if midp else "McNemar, exact"
    if n == 0:
        return TestResult(0.0, 1.0, None, name, ("The models never disagree.",))
    pvalue = min(1.0, 2 * float(special.bdtr(least, n, 0.5)))
    if midp:
        here = math.exp(special.gammaln(n + 1) - special.gammaln(least + 1)
                        - special.gammaln(n - least + 1) - n * math.log(2))
        pvalue = 1.0 if b == c else 2 * float(special.bdtr(least, n, 0.5)) - here
    return TestResult(float(least), pvalue, None, name)
