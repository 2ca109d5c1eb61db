"""What a result of aggregated quantiles says in words: its headline and what figures need."""

import json
from typing import Any

import pandas as pd

from workbench.core import Summary
from workbench.datasets import Regression
from workbench.inference.quantiles import cautions
from workbench.inference.quantiles.findings import MEDIAN, Findings
from workbench.inference.quantiles.parts import Parts

__all__ = ["about", "features_of", "headline"]

MOST_FEATURES = 40


def about(params: Any, table: Regression, findings: Findings) -> pd.DataFrame:
    """Words of the figures."""
    told = {"target": table.target, "alpha": repr(params.alpha), "fan along": params.along,
            "along": findings.along_name, "group": params.group or MEDIAN,
            "notes": json.dumps(findings.base.notes)}
    return pd.DataFrame({"key": list(told), "value": list(told.values())})


def features_of(table: Regression, parts: Parts) -> pd.DataFrame:
    """Numeric features of the test rows, the first of them where there are many."""
    numbers = table.features.select_dtypes("number").iloc[parts.test, :MOST_FEATURES]
    return numbers.reset_index(drop=True).rename(columns=str)


def headline(params: Any, table: Regression, parts: Parts, findings: Findings) -> Summary:
    """Numbers, and what a reader must know before trusting them."""
    notes = [f"The parts: {parts}."]
    if params.conformal == "none":
        notes.append("No calibration: coverage is what the models happen to give.")
    if params.time:
        notes.append("Rows are in the order of time, but the intervals of these numbers take them "
                     "as independent." + " Calibration assumes that the test rows behave like "
                     "those before them." * (params.conformal not in ("none", "adaptive")))
    notes += cautions.of_extremes(table.y, table.features.index)
    if params.conformal != "none":
        notes += cautions.of_promise(
            findings.covered, 1 - params.alpha,
            [findings.base.size(part) for part in ("calibration", "test")],
            follow=bool(params.time) and params.conformal != "adaptive")
    return Summary(findings.numbers(), (*notes, *findings.notes(), *table.notes))
