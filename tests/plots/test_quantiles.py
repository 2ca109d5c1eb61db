"""Figures of quantiles: what is drawn, by names and values of elements."""

import holoviews as hv
import numpy as np
import pandas as pd
import pytest

from workbench import plots
from workbench.plots.selection import Picked
from workbench.plots.theme import ROLES, figure_html

LEVELS = np.array([0.1, 0.5, 0.9])
STAGES = ("uncalibrated", "calibrated")


@pytest.fixture
def rows():
    middle = np.array([3.0, 1.0, 2.0])
    return pd.DataFrame({
        "row": [7, 8, 9], "x": [0.1, 0.2, 0.3], "y": [3.5, 5.0, 2.0], "median": middle,
        "low": middle - 1, "high": [4.0, 2.0, np.inf], "inner_low": middle - 0.5,
        "inner_high": middle + 0.5, "low_end": "a 90 %, b 10 %", "high_end": "b 60 %, a 40 %"})


@pytest.fixture
def tables():
    stages = [stage for stage in STAGES for _ in range(3)]
    return {
        "weights": pd.DataFrame({"model": ["a", "b"] * 3, "level": np.repeat(LEVELS, 2),
                                 "weight": [2.0, 0.0, 1.5, 0.5, 1.75, 0.25]}),
        "along": pd.DataFrame({"x": [1.0, 2.0] * 2, "model": ["a", "a", "b", "b"],
                               "weight": [1.5, 2.0, 0.5, 0.0]}),
        "scores": pd.DataFrame({
            "method": ["this aggregate", "median", "a"], "ratio": [0.5, 0.9, 1.2],
            "kind": ["this aggregate", "other aggregate", "one model"],
            "low": [0.4, 0.8, 1.0], "high": [0.6, 1.0, 1.4]}),
        "levels": pd.DataFrame({"stage": stages, "level": [*LEVELS] * 2, "frequency": 0.5,
                                "low": 0.4, "high": 0.6}),
        "widths": pd.DataFrame({"stage": STAGES, "promised": 0.8, "coverage": [0.6, 0.8],
                                "width": [1.0, np.inf], "endless": [0.0, 1.0]}),
        "groups": pd.DataFrame({"stage": [*STAGES] * 2, "group": ["north", "north", "south",
                                                                  "south"],
                                "n": 20, "coverage": [0.5, 0.8, 0.8, 0.9],
                                "low": [0.3, 0.6, 0.6, 0.7], "high": [0.7, 0.9, 0.9, 1.0],
                                "width": 1.0})}


@pytest.fixture
def figures(rows, tables):
    return {
        "fan": plots.fan_chart(rows, label="cost", unit="euro"),
        "lines": plots.fan_chart(rows, label="cost", unit="euro", along="age"),
        "weights": plots.model_weight_map(tables["weights"], tables["along"], feature="age"),
        "scores": plots.relative_scores(tables["scores"]),
        "reliability": plots.reliability(tables["levels"], tables["widths"], unit="euro"),
        "coverage": plots.coverage_by_group(tables["groups"], promise=0.8, feature="region")}


def parts(figure, kind, label=""):
    return [element for element in figure.traverse(lambda e: e, [kind])
            if label in element.label]


@pytest.mark.parametrize("name", ["fan", "lines", "weights", "scores", "reliability", "coverage"])
def test_matches_labels_units_and_no_network(figures, name):
    for element in figures[name].traverse(lambda e: e, [hv.Curve, hv.Scatter]):
        x, y = element.dimensions()[:2]
        assert x.label
        assert y.label
        assert x.unit
        assert y.unit
    html = figure_html(figures[name])
    assert "src=" not in html
    assert plots.thumbnail(figures[name]).startswith("<svg xmlns=")


def test_matches_fan_in_the_order_of_medians(figures):
    curve = parts(figures["fan"], hv.Curve, "median")[0]
    np.testing.assert_array_equal(curve.dimension_values("y"), [1, 2, 3])
    outside = parts(figures["fan"], hv.Scatter, "outcome outside")[0]
    assert outside.dimension_values("row").tolist() == [8]
    assert outside.dimension_values("x").tolist() == [1]
    assert hv.Store.lookup_options("bokeh", outside, "style").kwargs["marker"] == "diamond"


def test_matches_hover_to_the_models_of_a_row(figures):
    marks = next(mark for mark in parts(figures["fan"], hv.Scatter, "outcome"))
    assert marks.dimension_values("low_end").tolist() == ["a 90 %, b 10 %"] * 2
    columns = parts(figures["fan"], hv.Rectangles)[0]
    for told in (columns, parts(figures["lines"], hv.Scatter, "outcome")[0]):
        tool = hv.Store.lookup_options("bokeh", told, "plot").kwargs["tools"][0]
        assert "<b>low end</b> @low_end" in tool.tooltips
        assert tool.limit == 1                      # a pile of tooltips is cut off


@pytest.mark.parametrize(("x", "y", "row"), [(1.2, 0.1, 8), (2.4, 4.0, 9), (3.0, -0.1, 7)])
def test_matches_a_place_in_the_fan_to_its_row(figures, x, y, row):
    found = Picked(figures["fan"], "row", lambda _: None)
    assert found.at(x, y, (3.0, 5.0)) == row
    assert set(found.values) == {7, 8, 9}


def test_matches_lines_along_a_feature_to_their_rows(figures):
    found = Picked(figures["lines"], "row", lambda _: None)
    assert found.at(0.2, 1.0, (0.2, 5.0)) == 8           # its median
    assert found.at(0.2, 3.0, (0.2, 5.0)) is None


def test_matches_the_share_inside_of_all_rows(rows):
    many = pd.concat([rows.iloc[:1]] * 500 + [rows.iloc[1:2]] * 500, ignore_index=True)
    figure = plots.fan_chart(many, label="cost", unit="euro")
    plot = figure.opts.get("plot").kwargs
    assert plot["title"] == "50 % of outcomes inside"
    assert figure.get_dimension("x").label.startswith("334 of 1000 test rows")
    weighed = plots.fan_chart(many.assign(weight=[3] * 500 + [1] * 500), label="cost", unit="e")
    assert weighed.opts.get("plot").kwargs["title"] == "75 % of outcomes inside"


def test_matches_far_outcomes_at_the_edge(rows):
    figure = plots.fan_chart(rows.assign(y=[3.5, 5.0, -1e6]), label="cost", unit="euro")
    bottom, top = figure.opts.get("plot").kwargs["ylim"]
    assert -1 < bottom < top < 6
    outside = parts(figure, hv.Scatter, "outcome outside")[0]
    assert outside.dimension_values("y").tolist() == [5.0, bottom]
    assert outside.dimension_values("outcome").tolist() == ["5", "-1e+06"]


def test_matches_infinite_ends_at_the_edge(figures):
    for name, kind in (("fan", hv.Area), ("lines", hv.Segments)):
        outer = parts(figures[name], kind, "80 % interval")[0]
        top = figures[name].opts.get("plot").kwargs["ylim"][1]
        drawn = outer.dimension_values(2 if kind is hv.Area else 3)
        assert np.isfinite(drawn).all()
        assert drawn.max() == top


def test_matches_weights_relative_to_uniform(figures):
    cells = parts(figures["weights"], hv.Rectangles)[0].dframe()
    assert cells.loc[cells["weight"] == 2, "doublings"].tolist() == [1]
    assert cells.loc[cells["weight"] == 0, "doublings"].tolist() == [-3]        # the end of colour
    assert cells["level_low"].min() == pytest.approx(0.0, abs=1e-9)
    shown = hv.render(figures["weights"], backend="bokeh")
    # Mean weights 1.75 and 0.25: (2)^2 / (1.75^2 + 0.25^2) = 1.28.
    assert "2 models count like 1.28 equal ones" in str(
        [child[0].title.text for child in shown.children])
    assert parts(figures["weights"], hv.Curve, "uniform")[0].dimension_values(1).tolist() == [1, 1]


def test_matches_scores_with_the_best_on_top(figures):
    ours = parts(figures["scores"], hv.Scatter, "this aggregate")[0]
    assert ours.dimension_values("place").tolist() == [2]
    assert parts(figures["scores"], hv.Curve, "equal average")


def test_matches_alarm_for_a_group_off_the_promise(figures):
    alarms = parts(figures["coverage"], hv.Scatter, "off the promise")
    assert [mark.dimension_values("group").tolist() for mark in alarms] == [["north"]]
    style = hv.Store.lookup_options("bokeh", alarms[0], "style").kwargs
    assert style["color"] == ROLES["alarm"].colour


def test_matches_no_curve_for_infinite_widths(figures):
    assert [curve.label for curve in parts(figures["reliability"], hv.Curve)
            if "width" in curve] == ["uncalibrated"]
    told = [text for labels in parts(figures["reliability"], hv.Labels)
            for text in labels.dimension_values("told")]
    assert any("calibrated" in text for text in told)


def test_rejects_what_cannot_be_drawn(tables):
    nothing = pd.DataFrame()
    with pytest.raises(ValueError, match="rows must have rows, got 0"):
        plots.fan_chart(nothing, label="a", unit="b")
    with pytest.raises(ValueError, match="weights and along must have rows, got 0 and 4"):
        plots.model_weight_map(nothing, tables["along"], feature="x")
    with pytest.raises(ValueError, match="scores must have rows, got 0"):
        plots.relative_scores(nothing)
    with pytest.raises(ValueError, match="widths must have rows, got 0"):
        plots.reliability(tables["levels"], nothing, unit="b")
    with pytest.raises(ValueError, match="groups must have rows, got 0"):
        plots.coverage_by_group(nothing, promise=0.8, feature="x")


def test_matches_rows_without_a_place_on_the_axis(rows):
    gaps = rows.assign(x=[np.nan, 2.0, 3.0])
    figure = plots.fan_chart(gaps, label="cost", unit="euro", along="age")
    marks = parts(figure, hv.Scatter, "median")[0]
    assert len(marks) == 2
    assert marks.kdims[0].label == "age, 2 of 3 test rows"
    with pytest.raises(ValueError, match="rows must have an x along 'age', got none in 3 rows"):
        plots.fan_chart(rows.assign(x=np.nan), label="cost", unit="euro", along="age")


def test_matches_infinite_ratios_at_the_edge(tables):
    scores = tables["scores"].assign(ratio=[np.inf, 1.0, 1.0], low=[np.inf, 1.0, 1.0],
                                     high=[np.inf, 1.0, 1.0])
    figure = plots.relative_scores(scores)
    assert np.isfinite(parts(figure, hv.Scatter, "this aggregate")[0].range("ratio")).all()
    assert figure_html(figure)
