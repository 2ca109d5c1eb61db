"""Tables of what was found: the path, scores, calibration, and rows to look at."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.core import generator
from workbench.inference.ordinal.experiment import Fitted, Question
from workbench.inference.ordinal.rows import moments
from workbench.inference.ordinal.scores import calibration_bins, differences, score_table

__all__ = ["Findings"]

MOST_ROWS = 1200         # that are kept to be looked at
BINS = 8
ENDS = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True, eq=False)
class Findings:
    """What one run has.

    Parameters
    ----------
    question : Question
    labels : tuple of str
        Of the stages.
    fit : Fitted
    rivals : mapping of method to array, shape (n, k) or (n, 1)
        Probabilities by models of all rows.
    predicted : mapping of method to array, shape (n, k) or (n, 1)
        Those of held-out rows.
    level : float
        Probability content of intervals.
    truth : array, shape (n, k), or None
        True probabilities.
    """

    question: Question
    labels: tuple[str, ...]
    fit: Fitted
    rivals: Mapping[str, np.ndarray]
    predicted: Mapping[str, np.ndarray]
    level: float
    truth: np.ndarray | None = None

    def tables(self, seed: int) -> dict[str, pd.DataFrame]:
        """All tables, tidy."""
        rows = self._rows(seed)
        return {"path": self.path(), "lambdas": self.lambdas(), "scores": self.scores(),
                "differences": self.differences(), "calibration": self.calibration(),
                "spread": self.spread(), "rows": self._looked_at(rows),
                "features": pd.DataFrame(self.question.X[rows], columns=list(
                    self.question.names))}

    def path(self) -> pd.DataFrame:
        """Coefficients per standard deviation: a row per lambda and boundary.

        Columns place, lambda, boundary, intercept (of the features as they are), then one per
        feature.
        """
        path, scale = self.fit.path, self.scale
        count, m = path.intercepts.shape
        told = pd.DataFrame({
            "place": np.repeat(np.arange(count), m), "lambda": np.repeat(path.lambdas, m),
            "boundary": np.tile(self.boundaries(), count), "intercept": path.intercepts.ravel()})
        values = (path.coefs * scale).reshape(count * m, -1)
        return pd.concat([told, pd.DataFrame(values, columns=list(self.question.names))], axis=1)

    def boundaries(self) -> list[str]:
        """Names of the transitions."""
        return [f"{low} | {high}" for low, high in itertools.pairwise(self.labels)]

    def lambdas(self) -> pd.DataFrame:
        """Score, crossings and what is fused, by lambda."""
        fit, path = self.fit, self.fit.path
        return pd.DataFrame({
            "place": np.arange(len(path.lambdas)), "lambda": path.lambdas, "score": fit.scores,
            "error": fit.errors, "crossings": fit.crossings,
            "zero": (path.increments[:, 0] == 0).sum(axis=1),
            "fused": (path.increments[:, 1:] == 0).sum(axis=(1, 2)),
            "chosen": np.arange(len(path.lambdas)) == fit.best})

    def scores(self) -> pd.DataFrame:
        """Mean scores of held-out rows, with intervals."""
        predicted, codes, weight, group = self._held()
        return score_table(predicted, codes, self.question.classes, weight=weight, group=group,
                           level=self.level)

    def differences(self) -> pd.DataFrame:
        """Scores of PRESTO minus those of each rival on the same held-out rows."""
        predicted, codes, weight, group = self._held()
        return differences(predicted, codes, self.question.classes, ours="PRESTO", weight=weight,
                           group=group, level=self.level)

    def calibration(self) -> pd.DataFrame:
        """Frequency of the last stage by predicted probability, of held-out rows."""
        predicted, codes, weight, _ = self._held()
        hits = codes == self.question.classes - 1
        return pd.concat([calibration_bins(predicted[method][:, -1], hits, weight, BINS,
                                           self.level).assign(method=method)
                          for method in ("PRESTO", "proportional odds", "logistic regression")],
                         ignore_index=True)

    def spread(self) -> pd.DataFrame:
        """Quantiles over held-out rows of the probability of each stage."""
        predicted, _, weight, _ = self._held()
        rows = []
        for method in ("PRESTO", "proportional odds"):
            for label, values in zip(self.labels, predicted[method].T, strict=True):
                rows.append((method, label, *_quantiles(values, weight)))
        return pd.DataFrame(rows, columns=["method", "stage", *(f"q{100 * end:g}"
                                                                for end in ENDS)])

    @property
    def scale(self) -> np.ndarray:
        """Standard deviation of each column, 1 for a constant one, shape (q,)."""
        weight = self.question.weight
        spread = moments(self.question.X, None if weight is None else weight / weight.sum())[1]
        return np.where(spread > 0, spread, 1.0)

    def _held(self) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray | None,
                             np.ndarray | None]:
        own = self.question.held
        weight, group = self.question.weight, self.question.group
        return ({name: values[own] for name, values in self.predicted.items()},
                self.question.codes[own], None if weight is None else weight[own],
                None if group is None else group[own])

    def _rows(self, seed: int) -> np.ndarray:
        """Rows to look at: those of the last stage first, then others by chance."""
        rng, codes = generator(seed), self.question.codes
        rare = np.flatnonzero(codes == self.question.classes - 1)
        rare = rng.permutation(rare)[:MOST_ROWS // 3]
        others = rng.permutation(np.flatnonzero(codes != self.question.classes - 1))
        return np.sort(np.concatenate([rare, others[:MOST_ROWS - len(rare)]]))

    def _looked_at(self, rows: np.ndarray) -> pd.DataFrame:
        """Stage and rivals' probabilities of the rows that are kept."""
        found: dict[str, Sequence[object] | np.ndarray] = {
            "row": self.question.frame.index[rows].to_numpy(),
            "stage": np.array(self.labels, dtype=object)[self.question.codes[rows]]}
        for method, values in self.rivals.items():
            for label, column in zip(self.labels[::-1], values.T[::-1], strict=False):
                found[f"{method}: {label}"] = column[rows]
        if self.truth is not None:
            for label, column in zip(self.labels, self.truth.T, strict=True):
                found[f"truth: {label}"] = column[rows]
        return pd.DataFrame(found)


def _quantiles(values: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
    if weight is None:
        return np.quantile(values, ENDS)
    order = np.argsort(values)
    below = np.cumsum(weight[order]) - weight[order] / 2
    return np.interp(np.array(ENDS) * weight.sum(), below, values[order])
