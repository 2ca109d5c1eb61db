"""Shipped tables with an ordered outcome, and what is taken from them."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workbench.datasets.files import Opened
from workbench.datasets.shipped import open_table

__all__ = ["DEFAULTS", "ORDINAL_TABLES", "opened_table"]

ORDINAL_TABLES = {
    "soup": "1847 tastings of soup by 185 people: how sure they are that it is the reference",
    "prediabetes": "3059 people: no diabetes, pre-diabetes or diabetes before an age",
}
STAGES = ("NoDiabetes", "PreDiabetes", "Diabetes")
# Numbers that name categories, as the source treats them.
CATEGORIES = {"soup": ("DAY", "EASY"), "prediabetes": ()}
DEFAULTS: dict[str, dict[str, Any]] = {
    "soup": {"outcome": "SURENESS", "order": tuple("654321"), "group": "RESP", "features": (
        "PROD", "DAY", "SOUPTYPE", "SOUPFREQ", "COLD", "EASY", "GENDER", "AGEGROUP", "LOCATION")},
    "prediabetes": {"outcome": "stage", "order": STAGES, "features": (
        "Age", "Sex", "IMD_Decile", "BMI", "HbA1C")},
}


def opened_table(data: str | Path, age_cutoff: int) -> Opened:
    """Cells of a shipped table, with its outcome, or of the user's own file."""
    opened = open_table(data, {name: f"{name}/{name}.csv" for name in ORDINAL_TABLES})
    name = str(data).strip()
    if name not in ORDINAL_TABLES:
        return opened
    frame = opened.frame.astype(dict.fromkeys(CATEGORIES[name], str))
    for column in CATEGORIES[name]:
        frame[column] = "level " + frame[column]         # text that no reader takes for a number
    if name == "prediabetes":
        early = frame["Age_PreDiabetes"] < age_cutoff
        late = frame["Age_Diabetes"] < age_cutoff
        frame["stage"] = np.array(STAGES, dtype=object)[np.where(late, 2, np.where(early, 1, 0))]
    return Opened(pd.DataFrame(frame), opened.name, opened.origin, opened.sha256, typed=True)
