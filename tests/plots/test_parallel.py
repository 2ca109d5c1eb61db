"""Parallel coordinates: lines, gaps, brushes and links, by values of elements."""

import holoviews as hv
import numpy as np
import pandas as pd
import pytest

from workbench.plots import figure_json
from workbench.plots.brushes import AxesBrushed, Brush, within
from workbench.plots.parallel import MOST_LINES, parallel_coordinates
from workbench.plots.scales import Axis, Scale

AXES = [Axis("x", "x"), Axis("kind", "kind"), Axis("score", "score", "points", "low", "high")]


@pytest.fixture
def points():
    return pd.DataFrame({
        "x": [0.0, 10.0, 5.0], "kind": ["a", "b", "a"], "score": [1.0, 3.0, 2.0],
        "low": [0.5, np.nan, 1.5], "high": [1.5, np.nan, 2.5],
        "address": ["./s?run=1", "./s?run=2", "./s?run=3"]})


def parts(figure, label):
    return [element for element in figure if element.label == label]


def drawn_lines(figure):
    """What the browser gets: pieces of each line from axis to axis, and what is told of them."""
    plot = hv.renderer("bokeh").get_plot(figure).state
    source = next(each.data_source for each in plot.renderers if "colour" in
                  each.data_source.data)
    data = source.data
    pieces = zip(*(map(float, data[name]) for name in ("colour", "axis", "place", "right", "top")),
                 strict=True)
    return sorted(pieces), data


def test_matches_a_line_per_run_from_axis_to_axis(points):
    lines, told = drawn_lines(parallel_coordinates(points, AXES, colour="score"))
    assert lines == [(1.0, 0.0, 0.0, 1.0, 0.0), (1.0, 1.0, 0.0, 2.0, 0.0),
                     (2.0, 0.0, 0.5, 1.0, 0.0), (2.0, 1.0, 0.0, 2.0, 0.5),
                     (3.0, 0.0, 1.0, 1.0, 1.0), (3.0, 1.0, 1.0, 2.0, 1.0)]
    assert any(set(map(str, values)) == set(points["address"])
               for name, values in told.items() if name.startswith("told_"))


def test_matches_a_gap_where_a_run_has_no_number(points):
    points.loc[0, "score"] = np.nan
    lines, _ = drawn_lines(parallel_coordinates(points, AXES, colour="x"))
    assert [piece for piece in lines if piece[0] == 0.0] == [(0.0, 0.0, 0.0, 1.0, 0.0)]


def test_matches_whiskers_of_those_runs_that_have_intervals(points):
    figure = parallel_coordinates(points, AXES, colour="score")
    [whiskers] = parts(figure, "intervals")
    assert len(whiskers) == 2
    assert sorted(whiskers.dimension_values("top")) == [0.25, 0.75]
    assert figure.opts.get("plot").kwargs["title"] == "3 runs"


@pytest.mark.parametrize(("brush", "kept"), [
    (Brush("x", 5.0, 10.0), [False, True, True]), (Brush("kind", "a", "a"), [True, False, True]),
    (Brush("score", 0.0, 1.0), [True, False, False]), (Brush("nothing", 0.0, 1.0), [True] * 3),
    (Brush("kind", "z", "z"), [True] * 3), (Brush("kind", 0.0, 1.0), [True] * 3)])
def test_matches_runs_within_a_brush(points, brush, kept):
    assert within(points, [brush]).tolist() == kept


def test_matches_whiskers_that_reach_below_a_logarithmic_axis():
    points = pd.DataFrame({"x": [0.0, 1.0], "score": [1.0, 100.0], "low": [-1.0, 10.0],
                           "high": [10.0, 1e4]})
    [whiskers] = parts(parallel_coordinates(points, [AXES[0], AXES[2]], colour="score"),
                       "intervals")
    assert whiskers.dframe()[["place", "top"]].to_numpy().tolist() == [[0.0, 0.5], [0.5, 1.0]]


@pytest.mark.parametrize(("low", "high", "kept"), [
    (0.0, 10.0, [True, True, False]), (-2.0, 0.0, [False] * 3), (500.0, 1e9, [False] * 3)])
def test_matches_a_brush_that_begins_below_a_logarithmic_axis(low, high, kept):
    points = pd.DataFrame({"x": [1.0, 10.0, 100.0]})
    assert within(points, [Brush("x", low, high)]).tolist() == kept


def test_matches_faint_lines_outside_brushes(points):
    figure = parallel_coordinates(points, AXES, colour="score", brushes=[Brush("x", 5.0, 10.0)])
    assert [len(parts(figure, label)[0]) for label in ("runs", "outside")] == [4, 2]
    assert figure.opts.get("plot").kwargs["title"] == "2 of 3 runs"
    [boxes] = parts(figure, "brushes")
    ends = boxes.dframe()[["axis", "right", "place", "top"]].to_numpy()[0]
    assert ends == pytest.approx([0.0, 0.0, 0.5, 1.0], abs=0.1)


def test_matches_the_axis_and_part_of_a_box_that_is_drawn(points):
    told = []
    figure = parallel_coordinates(points, AXES, colour="score")
    brushed = AxesBrushed(figure, ["x", "kind", "score"], lambda *what: told.append(what))
    brushed.heard({"box": [-0.2, 0.4, 0.3, 2.0]})
    brushed.heard({"box": [1.7, -1.0, 2.2, 0.6]})
    brushed.heard({"box": [0.0, 1.2, 0.1, 1.5]})             # beyond the axis: nothing
    assert told == [("x", 0.4, 1.0), ("score", 0.0, 0.6)]
    assert "BoxSelectTool" in figure_json(figure)
    scale = Scale.of(points["kind"])
    assert Brush.drawn("kind", scale, 0.7, 1.0) == Brush("kind", "b", "b")
    assert Brush.drawn("x", Scale.of(points["x"]), 0.25, 2.0) == Brush("x", 2.5, 10.0)


def test_matches_a_thousand_runs_thinned_evenly_over_the_colour():
    rng = np.random.default_rng(3)
    many = pd.DataFrame({"x": rng.normal(size=1000), "score": np.arange(1000.0)})
    figure = parallel_coordinates(many, [Axis("x", "x"), Axis("score", "score")], colour="score")
    lines, told = drawn_lines_of(figure)
    assert lines == MOST_LINES
    assert np.diff(np.sort(told)).max() <= 2.0
    assert figure.opts.get("plot").kwargs["title"] == "1000 runs, 600 of them drawn"


def drawn_lines_of(figure):
    [lines] = parts(figure, "runs")
    return len(lines), lines.dimension_values("colour")


def test_rejects_no_runs_and_a_single_axis(points):
    for table, axes in ((points.iloc[:0], AXES), (points, AXES[:1])):
        with pytest.raises(ValueError, match="points must have rows and axes at least two"):
            parallel_coordinates(table, axes, colour="score")
