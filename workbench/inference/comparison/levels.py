"""Does a test keep its level, and what does it find? False positives and power, by simulation.

Every test is the one that users call; only the worlds are simulated. A Bayesian test decides
where the probability that one model is better, without a region of equivalence, exceeds
``1 - alpha / 2``. Names that begin with ``pairs_`` are families of all pairs of three models: a
false positive is any, and power is that of the pair that differs.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from workbench.core import Measure, check
from workbench.inference.comparison.accuracies import (
    f_test,
    mcnemar,
    proportion_difference,
    q_of,
    table_of,
)
from workbench.inference.comparison.arrays import alpha_between
from workbench.inference.comparison.bayes import bayesian_signed_rank, correlated_t
from workbench.inference.comparison.comparing import TESTS
from workbench.inference.comparison.intervals import accuracy_interval
from workbench.inference.comparison.outcomes import TestResult
from workbench.inference.comparison.paired import cv5x2_f, cv5x2_t, paired_t, permutation_test
from workbench.inference.comparison.several import METHODS, friedman, multiple, nemenyi, wilcoxon
from workbench.inference.comparison.worlds import BASE, correctness, draw_worlds, random_counts

__all__ = ["DATA_SETS", "LABELS", "SIMULATED", "error_rates", "power", "type_one_error"]

CHUNK = 50               # worlds held at once
DATA_SETS = 20           # of a comparison over several
DRAWS = 1000             # of a posterior within a simulation
THIRD = 1 / 3            # of the rows tests, in holdouts


@dataclass(frozen=True, eq=False)
class Seen:
    """What one world shows: scores of splits, and right and wrong on one test set.

    Parameters
    ----------
    holdouts, folds, halves : array, shape (models, splits)
    right : array of bool, shape (models, tested)
    """

    holdouts: np.ndarray
    folds: np.ndarray
    halves: np.ndarray
    right: np.ndarray

    def gap(self, name: str) -> np.ndarray:
        """Differences of the first two models."""
        scores = getattr(self, name)
        return scores[0] - scores[1]


def _table(seen: Seen, i: int = 0, j: int = 1) -> np.ndarray:
    return table_of(seen.right[i], seen.right[j])


def _proportions(seen: Seen) -> TestResult:
    first, second = (float(seen.right[at].mean()) for at in (0, 1))
    return proportion_difference(first, second, seen.right.shape[1])


def _accuracy_f(seen: Seen) -> TestResult:
    return f_test(np.ones(seen.right.shape[1], dtype=bool), *seen.right)


@dataclass(frozen=True, eq=False)
class Family:
    """P values of all pairs, and how they pay for their number."""

    pvalues: np.ndarray
    method: str

    def rejects(self, alpha: float, *, truth: bool) -> bool:
        """Any where all models are equal, else the first pair, the one that differs."""
        if not (self.pvalues <= alpha).any():
            return False                     # adjusted ones are larger still
        adjusted = multiple(self.pvalues, self.method)
        return bool(adjusted[0] <= alpha if truth else (adjusted <= alpha).any())


def _pairs(seen: Seen, method: str) -> Family:
    return Family(np.array([mcnemar(_table(seen, i, j)).pvalue
                            for i, j in ((0, 1), (0, 2), (1, 2))]), method)


ONE: dict[str, Callable[[Seen], Any]] = {
    "5x2f": lambda seen: cv5x2_f(seen.gap("halves").reshape(5, 2)),
    "5x2t": lambda seen: cv5x2_t(seen.gap("halves").reshape(5, 2)),
    "kfold_t": lambda seen: paired_t(seen.gap("folds")),
    "kfold_corrected": lambda seen: paired_t(seen.gap("folds"), "nadeau-bengio", 0.1),
    "resampled_t": lambda seen: paired_t(seen.gap("holdouts")),
    "resampled_corrected": lambda seen: paired_t(seen.gap("holdouts"), "nadeau-bengio", THIRD),
    "mcnemar": lambda seen: mcnemar(_table(seen)),
    "mcnemar_exact": lambda seen: mcnemar(_table(seen), exact=True),
    "mcnemar_midp": lambda seen: mcnemar(_table(seen), midp=True),
    "mcnemar_uncorrected": lambda seen: mcnemar(_table(seen), exact=False, corrected=False),
    "proportions": _proportions,
    "cochran_q": lambda seen: q_of(seen.right.T),
    "f_test": _accuracy_f,
    "bayes_t": lambda seen: correlated_t(seen.gap("folds"), test_frac=0.1),
    **{f"pairs_{method}": partial(_pairs, method=method) for method in METHODS},
}
MANY: dict[str, Callable[[np.ndarray, np.random.Generator], Any]] = {
    "permutation": lambda scores, rng: permutation_test(
        scores[:, 0] - scores[:, 1], draws=999, rng=rng),
    "wilcoxon": lambda scores, _: wilcoxon(scores[:, 0] - scores[:, 1]),
    "bayes_signed_rank": lambda scores, rng: bayesian_signed_rank(
        scores[:, 0] - scores[:, 1], draws=DRAWS, rng=rng),
    "friedman": lambda scores, _: friedman(scores),
    "nemenyi": lambda scores, _: Family(nemenyi(scores)["pvalue"].to_numpy(), "none"),
}
SIMULATED = (*ONE, *MANY)
LABELS = {
    **{name: test.label for name, test in TESTS.items()},
    "mcnemar_exact": "McNemar, exact", "mcnemar_uncorrected": "McNemar, plain",
    "friedman": "Friedman, all", "nemenyi": "Nemenyi, pairs", "pairs_none": "pairs, uncorrected",
    **{f"pairs_{method}": f"pairs, {'BH' if method == 'bh' else method.title()}"
       for method in METHODS if method != "none"},
}


def error_rates(tests: Sequence[str] = SIMULATED, *, replications: int = 1000,
                effect: float = 0.0, n: int = 300, alpha: float = 0.05,
                rng: np.random.Generator) -> pd.DataFrame:
    """How often each test rejects, over simulated worlds.

    Parameters
    ----------
    tests : sequence of str
        Of `SIMULATED`.
    replications : int > 0
    effect : float in [0, 0.25]
        Accuracy that the second model loses; at 0 every rejection is a false positive.
    n : int
        Rows of the table; comparisons over several data sets have 20 with 100 test rows each
        whatever n is.
    alpha : float
        Nominal level.
    rng : numpy.random.Generator

    Returns
    -------
    rates : DataFrame
        Columns test, label, rate, low and high (Wilson's 95 % interval over the worlds), stderr,
        nominal, replications.
    """
    for test in tests:
        check.one_of(SIMULATED, test=test)
    alpha_between(alpha)
    check.whole(1, replications=replications)
    single, several = rng.spawn(2)
    rule = partial(_decides, alpha=alpha, truth=effect > 0)
    hits = _hits([test for test in tests if test in ONE], ONE, rule, (
        (seen,) for seen in _worlds(replications, n, effect, single)))
    hits |= _hits([test for test in tests if test in MANY], MANY, rule, (
        (scores, several) for scores in _score_tables(replications, effect, several)))
    rows = []
    for test in tests:
        count = hits[test]
        rate, told = count / replications, accuracy_interval(count, replications)
        rows.append((test, LABELS[test], rate, told.low, told.high,
                     math.sqrt(rate * (1 - rate) / replications), alpha, replications))
    return pd.DataFrame(rows, columns=["test", "label", "rate", "low", "high", "stderr",
                                       "nominal", "replications"])


def type_one_error(test: str, *, replications: int = 1000, n: int = 300, alpha: float = 0.05,
                   rng: np.random.Generator) -> Measure:
    """Rejection rate of one test where the models are equally good.

    Examples
    --------
    >>> told = type_one_error("5x2f", replications=50, rng=np.random.default_rng(0))
    >>> bool(told.value < 0.2)
    True
    """
    return _measure(error_rates([test], replications=replications, n=n, alpha=alpha, rng=rng))


def power(test: str, effect: float, *, replications: int = 1000, n: int = 300,
          alpha: float = 0.05, rng: np.random.Generator) -> Measure:
    """Rejection rate of one test where the second model is worse by `effect`."""
    return _measure(error_rates([test], replications=replications, effect=effect, n=n,
                                alpha=alpha, rng=rng))


def _measure(rates: pd.DataFrame) -> Measure:
    return Measure(float(rates["rate"].iloc[0]), float(rates["stderr"].iloc[0]), "share of worlds")


def _hits(tests: Sequence[str], calls: Mapping[str, Callable[..., Any]],
          rule: Callable[[Any], bool], worlds: Iterator[tuple[Any, ...]]) -> dict[str, int]:
    """How often each test rejects; worlds are drawn only if there is a test."""
    hits = dict.fromkeys(tests, 0)
    for seen in worlds if tests else ():
        for test in tests:
            hits[test] += rule(calls[test](*seen))
    return hits


def _decides(told: Any, alpha: float, *, truth: bool) -> bool:
    """Whether a test rejects, a family has a rejection, or a posterior is certain enough."""
    if isinstance(told, TestResult):
        return told.rejects(alpha)
    if isinstance(told, Family):
        return told.rejects(alpha, truth=truth)
    return bool(max(told.first, told.second) > 1 - alpha / 2)


def _worlds(replications: int, n: int, effect: float, rng: np.random.Generator) -> Iterator[Seen]:
    """Worlds one by one, computed in chunks that share their random splits."""
    for start in range(0, replications, CHUNK):
        some = draw_worlds(min(CHUNK, replications - start), n, effect, rng=rng)
        counts = {kind: random_counts(n, kind, rng=rng) for kind in ("holdouts", "folds",
                                                                      "halves")}
        stacked = np.concatenate(list(counts.values()))
        right = correctness(some, stacked)
        tested = stacked == 0
        scores = (right & tested).sum(axis=3) / tested.sum(axis=1)
        ends = np.cumsum([len(each) for each in counts.values()])
        for world in range(scores.shape[1]):
            holdouts, folds, halves = np.split(scores[:, world], ends[:-1], axis=1)
            yield Seen(holdouts, folds, halves, right[:, world, 0][:, tested[0]])


def _score_tables(replications: int, effect: float, rng: np.random.Generator
                  ) -> Iterator[np.ndarray]:
    """Scores of three models on independent data sets, shape (data sets, 3)."""
    lost = np.array([0.0, effect, 0.0])
    for _ in range(replications):
        hard = rng.normal(BASE, 0.06, size=(DATA_SETS, 1))
        share = np.clip(hard - lost + rng.normal(0, 0.02, size=(DATA_SETS, 3)), 0.02, 0.98)
        yield rng.binomial(100, share) / 100
