"""Scores of probabilities, their differences beside a rival, and calibration of the last class."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.stats import beta, t

from workbench.inference.ordinal.tuning import FLOOR, brier

__all__ = ["MEASURES", "calibration_bins", "calibration_error", "differences", "mean_interval",
           "per_row", "score_table"]

MEASURES = {"rare log loss": "nats", "rare Brier": "1", "Brier": "1"}


def per_row(probabilities: np.ndarray, codes: np.ndarray, classes: int) -> dict[str, np.ndarray]:
    """Scores of each row, lower is better; that of all classes only where all are predicted.

    Parameters
    ----------
    probabilities : array, shape (n, k) or (n, 1)
        Of all classes, or of the last one alone.
    codes : array of int, shape (n,)
    classes : int
    """
    rare, own = probabilities[:, -1], (codes == classes - 1).astype(float)
    hit = np.where(own == 1, rare, 1 - rare)
    found = {"rare log loss": -np.log(np.maximum(hit, FLOOR)), "rare Brier": (rare - own) ** 2}
    return found | ({"Brier": brier(probabilities, codes)} if probabilities.shape[1] > 1 else {})


def mean_interval(values: np.ndarray, weight: np.ndarray | None, group: np.ndarray | None,
                  level: float) -> tuple[float, float, float]:
    """Weighted mean with Student's interval; rows of one group may depend on each other.

    Returns
    -------
    mean, low, high : float
        The interval takes rows, or groups, as drawn independently; with one of them it is
        infinite.
    """
    share = np.full(len(values), 1 / len(values)) if weight is None else weight / weight.sum()
    mean = float(share @ values)
    parts = share * (values - mean)
    if group is not None:
        parts = np.bincount(np.unique(group, return_inverse=True)[1], parts)
    count = len(parts)
    if count < 2:
        return mean, -np.inf, np.inf
    spread = float(np.sqrt(count / (count - 1) * parts @ parts))
    half = float(t.ppf(0.5 + level / 2, count - 1)) * spread
    return mean, mean - half, mean + half


def score_table(predicted: Mapping[str, np.ndarray], codes: np.ndarray, classes: int, *,
                weight: np.ndarray | None, group: np.ndarray | None,
                level: float) -> pd.DataFrame:
    """Mean scores of each method with intervals.

    Returns
    -------
    table : DataFrame
        Columns method, measure, value, low, high.
    """
    return pd.DataFrame([
        (method, measure, *mean_interval(values, weight, group, level))
        for method, probabilities in predicted.items()
        for measure, values in per_row(probabilities, codes, classes).items()],
        columns=["method", "measure", "value", "low", "high"])


def differences(predicted: Mapping[str, np.ndarray], codes: np.ndarray,  # noqa: PLR0913
                classes: int, *, ours: str, weight: np.ndarray | None, group: np.ndarray | None,
                level: float) -> pd.DataFrame:
    """Score of `ours` minus that of each rival on the same rows; below zero, ours is better.

    Returns
    -------
    table : DataFrame
        Columns rival, measure, value, low, high.
    """
    own = per_row(predicted[ours], codes, classes)
    rows = []
    for rival in (name for name in predicted if name != ours):
        for measure, values in per_row(predicted[rival], codes, classes).items():
            rows.append((rival, measure, *mean_interval(
                own[measure] - values, weight, group, level)))
    return pd.DataFrame(rows, columns=["rival", "measure", "value", "low", "high"])


def calibration_bins(rare: np.ndarray, hits: np.ndarray, weight: np.ndarray | None,
                     bins: int, level: float) -> pd.DataFrame:
    """Predicted and observed frequency of the last class in bins of equally many rows.

    Parameters
    ----------
    rare : array, shape (n,)
        Predicted probabilities.
    hits : array of bool, shape (n,)
    weight : array, shape (n,), optional
    bins : int
        At most; fewer where predictions repeat.
    level : float
        Of Clopper and Pearson's interval, for the effective number of rows in a bin.

    Returns
    -------
    table : DataFrame
        Columns bin, predicted, observed, low, high, rows.
    """
    amounts = np.ones(len(rare)) if weight is None else weight
    if np.ptp(rare) == 0:                # quantiles that are all the same make no bin
        place = np.zeros(len(rare), int)
    else:
        place = pd.qcut(pd.Series(rare).rank(method="average"), bins, labels=False,
                        duplicates="drop").to_numpy()
    rows = []
    for at in np.unique(place):
        own = place == at
        share = amounts[own] / amounts[own].sum()
        size, seen = 1 / float(share @ share), float(share @ hits[own])
        tail = (1 - level) / 2
        low = float(beta.ppf(tail, seen * size, size - seen * size + 1)) if seen > 0 else 0.0
        high = float(beta.ppf(1 - tail, seen * size + 1, size - seen * size)) if seen < 1 else 1.0
        rows.append((int(at), float(share @ rare[own]), seen, low, high, int(own.sum())))
    return pd.DataFrame(rows, columns=["bin", "predicted", "observed", "low", "high", "rows"])


def calibration_error(bins: pd.DataFrame) -> float:
    """Mean distance between predicted and observed frequency, by the rows of each bin."""
    return float(np.average((bins["predicted"] - bins["observed"]).abs(), weights=bins["rows"]))
