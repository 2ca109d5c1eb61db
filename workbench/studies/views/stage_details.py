"""A closer look at one row: the probability of each of its stages, by each method."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from workbench import plots
from workbench.core import Result
from workbench.core.details import Chosen
from workbench.inference.ordinal.probability import class_probabilities, crossing_rows
from workbench.studies.views.stages import boundaries_of, place_of, words

__all__ = ["details"]

MOST_FEATURES = 30


def details(result: Result, chosen: Chosen) -> Mapping[str, Any]:
    """Probabilities of the chosen row by PRESTO, at the lambda that is shown, and by rivals."""
    rows = result.tables["rows"]
    found = np.flatnonzero(rows["row"].astype(str) == str(chosen.get("row")))
    if chosen.get("row") is None or not len(found):
        return {}
    at, labels = int(found[0]), words(result)["labels"].split("\n")
    place = place_of(result, chosen.view)
    eta = boundaries_of(result, place)[at]
    lam = float(result.tables["lambdas"]["lambda"].iloc[place])
    table = _probabilities(rows.iloc[at], class_probabilities(eta), labels)
    told = (f"Row {rows['row'].iloc[at]} is of stage {rows['stage'].iloc[at]!r}. PRESTO at lambda "
            f"{lam:.3g}; all methods have seen this row.")
    if crossing_rows(eta):
        told += " Boundaries cross here: a stage between them has probability 0."
    wide = table.pivot_table(index="stage", columns="method", values="probability", sort=False)
    percent = (100 * wide).map("{:.3f} %".format, na_action="ignore").fillna("")
    parts: dict[str, Any] = {
        "row": told,
        "stages": plots.stage_lines(table, title=f"Stages of row {rows['row'].iloc[at]}"),
        "Probabilities": percent.rename_axis(columns=None).reset_index()}
    values = result.tables["features"].iloc[at]
    parts["Its features"] = pd.DataFrame({
        "feature": values.index, "value": values.to_numpy(float)}).head(MOST_FEATURES)
    return parts


def _probabilities(row: pd.Series, own: np.ndarray, labels: list[str]) -> pd.DataFrame:
    """Columns method, stage, probability; the order of stages is theirs."""
    found = [("PRESTO", label, float(value)) for label, value in zip(labels, own, strict=True)]
    for method in plots.STAGE_METHODS:
        found += [(method, label, float(row[f"{method}: {label}"])) for label in labels
                  if f"{method}: {label}" in row]
    table = pd.DataFrame(found, columns=["method", "stage", "probability"])
    return table.assign(stage=pd.Categorical(table["stage"], labels)).sort_values(
        "stage", kind="stable").astype({"stage": str})
