"""Figures of phases: what is drawn, by names and values of elements."""

import re

import holoviews as hv
import numpy as np
import pandas as pd
import pytest

from workbench import plots
from workbench.plots.theme import ROLES, figure_html

SHADES = [plots.Shade("trace", "trace", "nats", "log"),
          plots.Shade("connectivity", "connectivity", "points", "diverging"),
          plots.Shade("similarity", "similarity", "CKA")]


@pytest.fixture
def cells():
    return pd.DataFrame({
        "width": [2, 2, 8, 8, 64, 64], "batch_size": [16, 1024] * 3,
        "phase": ["I", "II", "III", "IV-A", "IV-B", None],
        "trace": [900.0, 50, 30, -4, 2, np.nan], "connectivity": [-8.0, 2, -4, 0, 0.5, np.nan],
        "similarity": [0.2, 0.3, 0.4, 0.5, 0.9, np.nan], "accuracy": [30.0, 50, 80, 85, 90, 91]})


def parts(figure, kind):
    return figure.traverse(lambda element: element, [kind])


def options(element, group="style"):
    return hv.Store.lookup_options("bokeh", element, group).kwargs


def test_matches_one_cell_per_row_in_its_colour_and_letters(cells):
    figure = plots.phase_map(cells, told=("accuracy",))
    boxes = {box.label: box for box in parts(figure, hv.Rectangles)}
    assert list(boxes) == ["I", "II", "III", "A  IV-A", "B  IV-B", "?  not told"]
    letters = [text for labels in parts(figure, hv.Labels)
               for text in labels.dimension_values("letters")]
    assert letters == ["I", "II", "III", "A", "B", "?"]
    last = boxes["B  IV-B"].dframe()
    assert last[["x_low", "x_high", "y_low", "y_high"]].to_numpy().tolist() == [[1.5, 2.5, -0.5,
                                                                               0.5]]
    assert last[["width", "batch_size", "accuracy"]].to_numpy().tolist() == [[64, 16, 90]]
    assert options(boxes["I"])["color"] == plots.PHASE_STYLES["I"].colour
    assert figure.opts.get("plot").kwargs["xticks"] == [(0, "2"), (1, "8"), (2, "64")]


def test_identity_colours_of_phases_are_those_of_the_measured_palette():
    styles = plots.PHASE_STYLES.values()
    assert {style.colour for style in styles} < {role.colour for role in ROLES.values()}
    for cue in ("colour", "letters", "marker"):
        assert len({getattr(style, cue) for style in styles}) == 5


def test_matches_scales_of_the_measures(cells):
    maps = parts(plots.measure_maps(cells, SHADES), hv.Rectangles)
    assert [options(one, "plot").get("cnorm") for one in maps] == ["log", "linear", "linear"]
    assert [len(one) for one in maps] == [4, 5, 5]            # a negative trace has no logarithm
    assert options(maps[1], "plot")["clim"] == (-8, 8)
    assert options(maps[1])["cmap"] == "PuOr"
    assert options(maps[2], "plot")["clim"] == (0.2, 0.9)


def test_matches_points_and_gains_by_phase(cells):
    figure = plots.measure_scatter(cells, "trace", "accuracy", x=("trace", "nats"),
                                   y=("accuracy", "%"), log=True)
    points = {one.label: one for one in parts(figure, hv.Scatter)}
    assert set(points) == {"I", "II", "III", "IV-B"}
    assert points["III"].dframe().to_numpy().tolist() == [[30, 80]]
    gains = pd.DataFrame({"phase": ["IV-B", "I"] * 2, "kind": ["plain"] * 2 + ["aligned"] * 2,
                          "gain": [-5.0, -40, 1, -20], "low": [-6.0, -50, np.nan, -22],
                          "high": [-4.0, -30, np.nan, -18]})
    figure = plots.phase_gains(gains)
    assert figure.opts.get("plot").kwargs["xticks"] == [(0, "I"), (1, "IV-B")]
    drawn = {one.label: one.dframe() for one in parts(figure, hv.Scatter)}
    assert drawn["aligned"]["gain"].tolist() == [1, -20]
    assert drawn["plain"]["place"].tolist() == [0.92, -0.08]


@pytest.mark.parametrize("name", ["map", "measures", "scatter"])
def test_matches_labels_units_and_no_network(cells, name):
    figure = {"map": lambda: plots.phase_map(cells),
              "measures": lambda: plots.measure_maps(cells, SHADES),
              "scatter": lambda: plots.measure_scatter(
                  cells, "trace", "accuracy", x=("trace", "nats"), y=("accuracy", "%"))}[name]()
    for element in parts(figure, hv.Rectangles) + parts(figure, hv.Scatter):
        assert all(axis.label and axis.unit for axis in element.dimensions()[:2])
    assert "src=" not in figure_html(figure)
    assert plots.thumbnail(figure).startswith("<svg xmlns=")


def test_matches_a_thumbnail_with_a_box_for_each_cell(cells):
    svg = plots.thumbnail(plots.phase_map(cells))
    assert svg.count("<polygon") == len(cells)
    drawn = set(re.findall(r'fill="(#\w+)"', svg))
    assert len(drawn) > 1
    unknown = "#ffffff"
    assert drawn <= {unknown, *(style.colour for style in plots.PHASE_STYLES.values())}


def test_rejects_what_cannot_be_drawn(cells):
    with pytest.raises(ValueError, match="cells must have rows, got 0"):
        plots.phase_map(cells.iloc[:0])
    with pytest.raises(ValueError, match="width must be finite"):
        plots.phase_map(cells.assign(width=np.nan))
    with pytest.raises(ValueError, match="at least one, got none"):
        plots.measure_maps(cells, [])
    with pytest.raises(ValueError, match="trace must be known in at least one cell"):
        plots.measure_maps(cells.assign(trace=-1.0), SHADES)
    with pytest.raises(ValueError, match="Did you mean 'log'"):
        plots.Shade("a", "b", "c", "logs")
    with pytest.raises(ValueError, match="got 0 of 6"):
        plots.measure_scatter(cells.assign(phase=None), "trace", "accuracy", x=("a", "b"),
                              y=("c", "d"))
    with pytest.raises(ValueError, match="one to four kinds, got 0"):
        plots.phase_gains(pd.DataFrame(columns=["phase", "kind", "gain", "low", "high"]))
