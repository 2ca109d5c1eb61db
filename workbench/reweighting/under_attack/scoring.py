"""Scores of a network under attack, in percent."""

import math
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from workbench.reweighting.under_attack.worlds import Rows
    from workbench.train import RobustReport

__all__ = ["TAIL", "by_class", "look_of", "scores_of"]

TAIL = 0.3              # share of classes, the weakest


def look_of(report: "RobustReport") -> dict[str, float]:
    """Robust accuracy of all classes and of the weakest."""
    return {"robust": 100 * report.balanced, "tail": 100 * report.tail(TAIL)}


def scores_of(report: "RobustReport | None") -> dict[str, float]:
    """Accuracies of a network, NaN for one that diverged; see `Trials`."""
    if report is None:
        return dict.fromkeys(("clean", "robust", "tail", "worst", "lost"), math.nan)
    first = next(iter(report.survived.values()))
    return {"clean": 100 * report.balanced_clean, "robust": 100 * report.balanced,
            "tail": 100 * report.tail(TAIL),
            "worst": 100 * float(report.per_class["robust"].iloc[0]),
            "lost": 100 * (float(first.mean()) - report.robust)}


def by_class(report: "RobustReport", rows: "Rows") -> pd.DataFrame:
    """Accuracies of each class."""
    table = report.per_class
    return pd.DataFrame({"class": [rows.classes[k] for k in table["class"]], "n": table["n"],
                         "clean": 100 * table["clean"], "robust": 100 * table["robust"]})
