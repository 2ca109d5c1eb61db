"""Oracle: the file read by the csv module; figures of the survey that anyone can look up."""

import csv

import numpy as np
import pandas as pd
import pytest

from workbench.core import places
from workbench.datasets import TABLES, load_table, presidents_approval


def test_matches_the_file_quarter_by_quarter():
    path = places.raw_data() / "us-presidents-approval" / "presidents.csv"
    rows = list(csv.DictReader(path.read_text().splitlines()))
    approval = presidents_approval()
    assert len(approval) == len(rows) == 120
    middle = {"1": 2, "2": 5, "3": 8, "4": 11}
    for row, (date, score) in zip(rows, approval[["date", "score"]].itertuples(index=False),
                                  strict=True):
        assert date == pd.Timestamp(int(row["year"]), middle[row["quarter"]], 1)
        told = row["approval_pct"]
        assert np.isnan(score) if told == "NA" else score == float(told)


def test_matches_the_known_extremes_of_the_survey():
    scores = presidents_approval().set_index("date")["score"]
    assert scores.max() == 87
    assert scores.idxmax() == pd.Timestamp(1945, 5, 1)
    assert scores.min() == 23
    assert scores.idxmin() == pd.Timestamp(1951, 11, 1)
    assert scores.isna().sum() == 6


@pytest.mark.parametrize("name", sorted(TABLES))
def test_matches_every_table_has_dates_scores_and_sources(name):
    table = load_table(name)
    assert {"date", "score", "source"} <= set(table.columns)
    assert table["date"].is_monotonic_increasing
    assert table["score"].notna().sum() > 100
    assert "[" in TABLES[name], "the description names the unit"


def test_rejects_unknown_table():
    with pytest.raises(ValueError, match=r"Did you mean 'fomc-statements'"):
        load_table("fomc-statement")
