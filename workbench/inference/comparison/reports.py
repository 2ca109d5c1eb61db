"""Tables of a comparison: estimates, replicates, scores, disagreements, learning curves."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from workbench.inference.comparison.evidence import Evidence
from workbench.inference.comparison.experiment import FewSplits, Scored
from workbench.inference.comparison.intervals import (
    accuracy_interval,
    mean_interval,
    quantile_interval,
)

__all__ = ["disagreement", "estimates_of_fits", "estimates_of_rights", "estimates_of_scores",
           "evidence_of_fits", "replicates_of_fits", "resampled_means", "strip"]

TOLD = {"same": "resubstitution", "holdout": "holdout", "holdouts": "repeated holdout",
        "folds": "k-fold", "each": "leave one out", "halves": "5x2 halves",
        "nested": "nested, tuned", "three-way holdout": "three-way, tuned"}
ORDER = ("folds", "holdouts", "halves", "each", "holdout", "nested", "three-way holdout", "same")
COLUMNS = ["method", "model", "value", "low", "high", "why"]
REPLICATES = 1000


def evidence_of_fits(scored: Mapping[str, Scored], y: np.ndarray, splits: FewSplits) -> Evidence:
    """What fitted models show: scores of splits, and right and wrong on the holdout."""
    def table(kind: str) -> pd.DataFrame:
        return pd.DataFrame({name: model.scores[kind].scores for name, model in scored.items()})

    truth = y[splits["holdout"].pairs[0][1]]
    right = None if y.dtype.kind == "f" else pd.DataFrame(
        {name: model.said == truth for name, model in scored.items()})
    return Evidence(right, table("halves"), table("folds"), table("holdouts"),
                    splits["folds"].overlap, splits["holdouts"].overlap)


def estimates_of_fits(scored: Mapping[str, Scored]) -> pd.DataFrame:
    """Every score of every model with its interval, or why it has none."""
    rows: list[tuple[Any, ...]] = []
    for name, model in scored.items():
        for kind in ORDER:
            if kind in model.scores:
                told = model.scores[kind].estimate()
                rows.append((TOLD[kind], name, told.value, *told.ends, told.why))
        for method, bag in model.bags.items():
            interval = bag.conf_int() if len(bag.replicates) > 1 else None
            ends = (interval.low, interval.high) if interval else (np.nan, np.nan)
            rows.append((f"bootstrap {method}", name, bag.estimate, *ends, ""))
    return pd.DataFrame(rows, columns=COLUMNS)


def estimates_of_rights(right: pd.DataFrame) -> pd.DataFrame:
    """Accuracy of each model on one test set with three intervals of 95 %."""
    rows = []
    for name in right:
        count, n = int(right[name].sum()), len(right)
        for method in ("wilson", "clopper-pearson", "normal"):
            told = accuracy_interval(count, n, method=method)
            rows.append((f"accuracy, {method}", str(name), count / n, told.low, told.high, ""))
    return pd.DataFrame(rows, columns=COLUMNS)


def estimates_of_scores(scores: pd.DataFrame, overlap: float, rng: np.random.Generator
                        ) -> pd.DataFrame:
    """Mean of each model's scores with 95 %: Student's, and for data sets the bootstrap's."""
    rows = []
    for name in scores:
        own = scores[name].to_numpy(float)
        told = mean_interval(own, overlap=overlap)
        rows.append(("mean, Student" if not overlap else "mean, Nadeau-Bengio", str(name),
                     own.mean(), told.low, told.high, ""))
        if not overlap:
            drawn = quantile_interval(resampled_means(own, rng))
            rows.append(("mean, bootstrap", str(name), own.mean(), drawn.low, drawn.high, ""))
    return pd.DataFrame(rows, columns=COLUMNS)


def replicates_of_fits(scored: Mapping[str, Scored], method: str) -> pd.DataFrame:
    """Replicates of the bootstrap: columns model, value."""
    return pd.concat([pd.DataFrame({"model": name, "value": model.bags[method].replicates})
                      for name, model in scored.items() if method in model.bags] or [
        pd.DataFrame(columns=["model", "value"])], ignore_index=True)


def resampled_means(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Means over resamples of the rows, shape (1000,): ``counts @ values / n``."""
    n = len(values)
    counts = rng.multinomial(n, np.full(n, 1 / n), size=REPLICATES)
    return np.asarray(counts @ values / n)


def strip(evidence: Evidence) -> pd.DataFrame:
    """Scores of folds or data sets: columns model, place, value; empty for one test set."""
    table = evidence.folds if evidence.folds is not None else evidence.sets
    if table is None:
        return pd.DataFrame(columns=["model", "place", "value"])
    return pd.concat([pd.DataFrame({"model": str(name), "place": range(1, len(table) + 1),
                                    "value": table[name].to_numpy(float)}) for name in table],
                     ignore_index=True)


def disagreement(evidence: Evidence, first: str, second: str, rope: float) -> pd.DataFrame:
    """Rows by which model is right; or splits and data sets by which is better.

    Returns
    -------
    counts : DataFrame
        Columns first, second and rows.
    """
    if evidence.right is not None:
        one, other = (evidence.right[name].to_numpy() for name in (first, second))
        return pd.DataFrame([("right" if a else "wrong", "right" if b else "wrong",
                              int(((one == a) & (other == b)).sum()))
                             for a in (True, False) for b in (True, False)],
                            columns=["first", "second", "rows"])
    gap = evidence.difference(first, second)
    return pd.DataFrame([("better", "worse", int((gap > rope).sum())),
                         ("alike", "alike", int((np.abs(gap) <= rope).sum())),
                         ("worse", "better", int((gap < -rope).sum()))],
                        columns=["first", "second", "rows"])
