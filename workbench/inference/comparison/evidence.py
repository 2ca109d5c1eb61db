"""What a table says of two models: every test that it allows, and all pairs that pay for it."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.core import check
from workbench.inference.comparison.accuracies import (
    f_test,
    mcnemar,
    proportion_difference,
    q_of,
    table_of,
)
from workbench.inference.comparison.bayes import bayesian_signed_rank, correlated_t
from workbench.inference.comparison.comparing import BOLD, TESTS
from workbench.inference.comparison.outcomes import Posterior, TestResult
from workbench.inference.comparison.paired import cv5x2_f, cv5x2_t, paired_t, permutation_test
from workbench.inference.comparison.several import friedman, multiple, wilcoxon

__all__ = ["ALL", "KINDS", "MORE", "Evidence"]

KINDS = {"holds": "keeps its level", "mild": "with care", "bad": "do not use"}
MORE = {"paired_t": "paired t", "corrected": "corrected t", "friedman": "Friedman, all"}
ALL = ("cochran_q", "f_test", "friedman")     # tests of all models, not of two
MILD = ("kfold_t", "proportions")
APART = "Rows are taken for independent data sets."


@dataclass(frozen=True, eq=False)
class Evidence:
    """Scores and rights of several models, one column each; None where there are none.

    Parameters
    ----------
    right : DataFrame of bool, shape (tested, k), or None
        On one test set.
    halves, folds, holdouts : DataFrame, shape (splits, k), or None
        Scores on splits of one data set.
    overlap : float
        ``n_test / n_train`` of the folds.
    wide : float
        The same of the holdouts.
    sets : DataFrame, shape (data sets, k), or None
        Scores on independent data sets.
    """

    right: pd.DataFrame | None = None
    halves: pd.DataFrame | None = None
    folds: pd.DataFrame | None = None
    holdouts: pd.DataFrame | None = None
    overlap: float = 0.0
    wide: float = 0.0
    sets: pd.DataFrame | None = None

    @property
    def models(self) -> list[str]:
        """Names of the models."""
        for table in (self.right, self.folds, self.sets):
            if table is not None:
                return list(map(str, table.columns))
        return []

    def tests(self, first: str, second: str, *, rng: np.random.Generator) -> pd.DataFrame:
        """Every test of two models that the evidence allows.

        Returns
        -------
        tests : DataFrame
            Columns test, label, statistic, pvalue, kind (of `KINDS`) and caution.
        """
        check.one_of(self.models, first=first, second=second)
        rows = []
        for name, call in self._calls(first, second, rng).items():
            told = call()
            label = TESTS[name].label if name in TESTS else MORE[name]
            caution = " ".join(dict.fromkeys([*told.warnings, *(
                [TESTS[name].caution] if name in TESTS and TESTS[name].caution else [])]))
            if name == "paired_t" and self.sets is None:
                caution = BOLD
            kind = "bad" if caution.startswith("Do not use") or BOLD in caution else (
                "mild" if name in MILD else "holds")
            rows.append((name, label, told.statistic, told.pvalue, kind, caution))
        return pd.DataFrame(rows, columns=["test", "label", "statistic", "pvalue", "kind",
                                           "caution"])

    def posteriors(self, first: str, second: str, rope: float, *, rng: np.random.Generator
                   ) -> list[Posterior]:
        """Bayesian tests of two models."""
        found = []
        if self.folds is not None and len(self.folds) > 1:
            found.append(correlated_t(self._gap("folds", first, second), rope=rope,
                                      test_frac=self.overlap / (1 + self.overlap)))
        if self.sets is not None:
            found.append(bayesian_signed_rank(self._gap("sets", first, second), rope=rope,
                                              draws=20_000, rng=rng))
        return found

    def pairs(self, method: str) -> pd.DataFrame:
        """All pairs of models by the test that suits, with p values that pay for their number.

        Returns
        -------
        pairs : DataFrame
            Columns first, second, test, pvalue, adjusted.
        """
        rows = []
        for first, second in itertools.combinations(self.models, 2):
            if self.right is not None:
                name, told = "McNemar", mcnemar(table_of(self.right[first].to_numpy(),
                                                         self.right[second].to_numpy()))
            elif self.sets is not None:
                name, told = "Wilcoxon", wilcoxon(self._gap("sets", first, second))
            else:
                name, told = MORE["corrected"], self._corrected("folds", first, second)
            rows.append((first, second, name, told.pvalue))
        table = pd.DataFrame(rows, columns=["first", "second", "test", "pvalue"])
        return table.assign(adjusted=multiple(table["pvalue"], method))

    def difference(self, first: str, second: str) -> np.ndarray:
        """Differences of the two models' scores that the evidence rests on."""
        name = next((kind for kind in ("folds", "sets") if getattr(self, kind) is not None), "")
        if name:
            return self._gap(name, first, second)
        assert self.right is not None  # noqa: S101 - evidence holds at least one table
        return np.asarray(self.right[first], dtype=float) - np.asarray(self.right[second])

    def _gap(self, kind: str, first: str, second: str) -> np.ndarray:
        table = getattr(self, kind)
        return np.asarray(table[first] - table[second], dtype=float)

    def _corrected(self, kind: str, first: str, second: str) -> TestResult:
        overlap = self.overlap if kind == "folds" else self.wide
        return paired_t(self._gap(kind, first, second), "nadeau-bengio", overlap / (1 + overlap))

    def _calls(self, first: str, second: str, rng: np.random.Generator
               ) -> dict[str, Callable[[], TestResult]]:
        calls: dict[str, Callable[[], TestResult]] = {}
        if self.halves is not None:
            halves = self._gap("halves", first, second).reshape(5, 2)
            calls |= {"5x2f": lambda: cv5x2_f(halves), "5x2t": lambda: cv5x2_t(halves)}
        if self.folds is not None and self.halves is not None:
            calls |= {"kfold_corrected": lambda: self._corrected("folds", first, second),
                      "kfold_t": lambda: paired_t(self._gap("folds", first, second))}
        elif self.folds is not None:
            calls |= {"corrected": lambda: self._corrected("folds", first, second),
                      "paired_t": lambda: paired_t(self._gap("folds", first, second))}
        if self.holdouts is not None:
            calls |= {"resampled_corrected": lambda: self._corrected("holdouts", first, second),
                      "resampled_t": lambda: paired_t(self._gap("holdouts", first, second))}
        if self.right is not None:
            calls |= self._of_right(self.right, [first, second])
        if self.sets is not None:
            gap = self._gap("sets", first, second)
            calls |= {"wilcoxon": lambda: wilcoxon(gap),
                      "permutation": lambda: permutation_test(gap, rng=rng),
                      "paired_t": lambda: paired_t(gap)}
            if len(self.models) > 2 and len(gap) > 1:
                calls["friedman"] = lambda: friedman(self.sets)
        return calls

    def _of_right(self, right: pd.DataFrame, pair: Sequence[str]
                  ) -> dict[str, Callable[[], TestResult]]:
        table = table_of(right[pair[0]].to_numpy(), right[pair[1]].to_numpy())
        n, shares = len(right), [float(right[name].mean()) for name in pair]
        every = right.to_numpy()
        calls: dict[str, Callable[[], TestResult]] = {
            "mcnemar": lambda: mcnemar(table), "mcnemar_midp": lambda: mcnemar(table, midp=True),
            "proportions": lambda: proportion_difference(shares[0], shares[1], n)}
        if len(self.models) > 2:
            calls |= {"cochran_q": lambda: q_of(every),
                      "f_test": lambda: f_test(np.ones(n, dtype=bool), *every.T)}
        return calls
