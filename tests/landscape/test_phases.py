"""Oracle: the counts, means and rank correlations that the authors' own files give."""

import math

import numpy as np
import pandas as pd
import pytest

from workbench.datasets import landscape_grid
from workbench.landscape.phases import (
    CARD,
    PHASES,
    Thresholds,
    associations,
    by_phase,
    classify,
    classify_phase,
)


@pytest.fixture(scope="module")
def cells():
    return landscape_grid().cells


@pytest.fixture(scope="module")
def classified(cells):
    return classify(cells, Thresholds())


def test_identity_neutral_thresholds_give_one_phase_for_all(cells):
    found = classify(cells, Thresholds(**CARD.neutral))
    assert set(found["phase"].dropna()) == {"IV-B"}
    assert found["phase"].isna().sum() == cells["similarity"].isna().sum() == 3
    assert {"threshold_loss", "threshold_connectivity", "threshold_similarity"} <= set(found)


def test_matches_the_published_grid(classified):
    table = by_phase(classified, "test_accuracy").set_index("phase")
    assert table["cells"].to_dict() == {"I": 60, "II": 27, "III": 37, "IV-A": 22, "IV-B": 64}
    np.testing.assert_allclose(table["mean"], [68.8, 79.9, 80.5, 82.9, 86.8], atol=0.05)
    best = classified.loc[classified["test_accuracy"].idxmax()]
    assert (best["width"], best["batch_size"], best["phase"]) == (128, 44, "IV-B")
    assert best["test_accuracy"] == pytest.approx(89.91, abs=0.005)


def test_matches_the_published_rank_correlations(cells):
    found = associations(cells, ["trace", "similarity", "loss", "connectivity"], "test_accuracy")
    np.testing.assert_allclose(found["correlation"], [-0.90, 0.89, -0.83, 0.66], atol=0.005)
    assert (found["low"] < found["correlation"]).all()
    assert (found["correlation"] < found["high"]).all()


def test_matches_the_rule_on_both_sides_of_each_border():
    told = {(0.2, -1.1, 0.9): "I", (0.2, -1.0, 0.9): "II", (0.2, 24.0, 0.1): "II",
            (0.1, -1.1, 0.9): "III", (0.1, -1.0, 0.59): "IV-A", (0.1, 0.0, 0.6): "IV-B"}
    assert {measures: classify_phase(*measures) for measures in told} == told
    assert set(told.values()) == set(PHASES)


def test_matches_what_is_missing():
    table = pd.DataFrame({"loss": [math.nan, 1.0, 0.0, 0.0, math.inf],
                          "connectivity": [0.0, math.nan, 0.0, -9.0, 0.0],
                          "similarity": [1.0, 1.0, math.nan, math.nan, math.nan]})
    found = classify(table)
    assert found["phase"].tolist() == [None, None, None, "III", "II"]
    assert [bool(why) for why in found["why"]] == [True, True, True, False, False]


def test_matches_trace_instead_of_the_loss(cells, classified):
    traced = classify(cells, Thresholds(trace=400.0), sharp_by="trace")
    sharp = [phases.isin(["I", "II"]) for phases in (traced["phase"], classified["phase"])]
    assert (sharp[0] == sharp[1]).sum() == 181
    assert (sharp[0] == (cells["trace"] > 400)).all()
    assert (traced["threshold_trace"] == 400).all()
    assert classify_phase(9.0, 0, 0.9, Thresholds(trace=1), sharp_by="trace", trace=0.5) == "IV-B"


def test_identity_order_of_cells_does_not_matter(cells, classified):
    turned = classify(cells.iloc[::-1])
    pd.testing.assert_series_equal(turned["phase"].iloc[::-1], classified["phase"])


@pytest.mark.parametrize(("values", "words"), [
    ({"loss": -0.1}, "loss must be >= 0, got -0.1"),
    ({"connectivity": -1.0}, "connectivity must be >= 0"),
    ({"similarity": 1.5}, r"similarity must lie in \[0, 1\]"),
    ({"similarity": math.nan}, "similarity must be >= 0, got nan"),
    ({"trace": -1.0}, "trace must be >= 0"),
])
def test_rejects_thresholds(values, words):
    with pytest.raises(ValueError, match=words):
        Thresholds(**values)


def test_rejects_tables_that_cannot_be_classified(cells):
    with pytest.raises(ValueError, match="210 rows without connectivity"):
        classify(cells.drop(columns="connectivity"))
    with pytest.raises(ValueError, match="got 0 rows"):
        classify(cells.iloc[:0])
    with pytest.raises(ValueError, match=r"thresholds\.trace must be a number"):
        classify(cells, sharp_by="trace")
    with pytest.raises(ValueError, match="Did you mean 'trace'"):
        classify(cells, sharp_by="traces")
    with pytest.raises(ValueError, match="at least 4 rows"):
        associations(cells.iloc[:3], ["loss"], "test_accuracy")
