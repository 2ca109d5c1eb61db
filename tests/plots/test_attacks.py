"""Bars of accuracy by class: what is drawn, and what is refused."""

import pandas as pd
import pytest

from workbench.plots import class_bars

TABLE = pd.DataFrame({
    "class": ["7", "7", "2", "2"], "place": [0, 0, 1, 1], "tail": [True, True, False, False],
    "method": ["a", "b"] * 2, "clean": [50.0, 60.0, 90.0, 95.0],
    "robust": [10.0, 20.0, 70.0, 75.0], "low": [5.0, 15.0, 60.0, 70.0],
    "high": [15.0, 25.0, 80.0, 80.0]})


def test_matches_bars_marks_and_the_border():
    figure = class_bars(TABLE, {"a": "uniform", "b": "ours"}, title="By class")
    kinds = {}
    for element in figure:
        kinds.setdefault(type(element).__name__, []).append(element)
    assert {name: len(some) for name, some in kinds.items()} == {
        "Rectangles": 2, "Segments": 2, "Scatter": 2, "Curve": 1}
    assert kinds["Rectangles"][1]["top"].tolist() == [20.0, 75.0]
    assert kinds["Scatter"][0]["value"].tolist() == [50.0, 90.0]
    assert kinds["Curve"][0]["at"].tolist() == [0.5, 0.5]
    assert kinds["Scatter"][0].vdims[0].unit == "%"


def test_rejects_nothing_to_draw():
    with pytest.raises(ValueError, match="table must have rows"):
        class_bars(TABLE.iloc[:0], {"a": "ours"}, title="None")


def test_matches_names_that_have_room():
    many = pd.concat([TABLE.iloc[[0]].assign(**{"class": f"a long name {k}", "place": k})
                      for k in range(60)], ignore_index=True)
    told = class_bars(many, {"a": "ours"}, title="Many").opts.get("plot").kwargs
    assert len(told["xticks"]) <= 24
    assert told["xrotation"] == 45
    few = class_bars(TABLE, {"a": "ours"}, title="Few").opts.get("plot").kwargs
    assert few["xticks"] == [(0, "7"), (1, "2")]
    assert few["xrotation"] == 0
