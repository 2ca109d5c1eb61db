"""Trainings under attack as numbers: means over seeds with intervals, and paired differences."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from workbench.core import Estimate
from workbench.reweighting.seeds import mean_over_seeds
from workbench.reweighting.under_attack.trials import BASELINE, Trials

__all__ = ["LEVEL", "course_table", "curve_table", "gain", "mean_score", "weakest_classes"]

LEVEL = 0.9
PERCENT, POINTS = "%", "points"
POSSIBLE = (0.0, 100.0)


def mean_score(trials: Trials, method: str, score: str, *, attack: str = "PGD-20") -> Estimate:
    """Mean of an accuracy over seeds, with Student's interval, cut to 0 to 100 [percent]."""
    return mean_over_seeds(_scores(trials, method, score, attack), level=LEVEL, unit=PERCENT,
                           within=POSSIBLE)


def gain(trials: Trials, method: str, score: str, *, over: str = BASELINE,
         attack: str = "PGD-20") -> Estimate:
    """Mean of an accuracy minus that of another method, paired by seed [percentage points]."""
    gaps = _scores(trials, method, score, attack) - _scores(trials, over, score, attack)
    return mean_over_seeds(gaps, level=LEVEL, unit=POINTS)


def course_table(trials: Trials, score: str) -> pd.DataFrame:
    """Series, at (epoch), value, low, high of `robust`, `tail` or `effective`."""
    return _means(trials.course, "epoch", score)


def curve_table(trials: Trials) -> pd.DataFrame:
    """Series, at (eps), value, low, high of robust accuracy."""
    return _means(trials.curve, "eps", "robust")


def weakest_classes(trials: Trials, methods: Sequence[str], *, share: float = 0.3
                    ) -> pd.DataFrame:
    """Means over seeds of each class and method, weakest first by the first of the methods.

    Returns
    -------
    table : DataFrame
        class, place (0 for the weakest), tail (whether among the weakest), method, clean,
        robust, low, high (the range of `robust` over seeds).
    """
    some = trials.classes[trials.classes["method"].isin(list(methods))]
    table = some.groupby(["method", "class"], sort=False).agg(
        clean=("clean", "mean"), robust=("robust", "mean"), low=("robust", "min"),
        high=("robust", "max")).reset_index()
    first = table[table["method"] == methods[0]].sort_values(["robust", "clean"])
    places = {name: place for place, name in enumerate(first["class"])}
    table["place"] = table["class"].map(places)
    table["tail"] = table["place"] < max(1, round(share * len(places)))
    return table.dropna(subset=["place"]).sort_values(["place", "method"], ignore_index=True)


def _scores(trials: Trials, method: str, score: str, attack: str) -> np.ndarray:
    some = trials.scores[(trials.scores["method"] == method) & (trials.scores["attack"] == attack)]
    return some.sort_values("seed")[score].to_numpy(float)


def _means(table: pd.DataFrame, at: str, value: str) -> pd.DataFrame:
    rows = list[dict[str, Any]]()
    for (method, place), some in table.groupby(["method", at], sort=False):
        found = mean_over_seeds(some[value].to_numpy(float), level=LEVEL, within=POSSIBLE)
        low, high = (np.nan, np.nan) if found.interval is None else found.ends
        rows.append({"series": method, "at": place, "value": found.value, "low": low,
                     "high": high})
    return pd.DataFrame(rows, columns=["series", "at", "value", "low", "high"])
