"""A number over swept parameters: cells, curves and points by their values."""

import holoviews as hv
import numpy as np
import pandas as pd
import pytest

from workbench.plots.responses import response_curve, response_surface
from workbench.plots.scales import Axis
from workbench.plots.theme import DARK, ON_LIGHT

X, Y, NUMBER = Axis("x", "rate"), Axis("y", "size"), Axis("value", "score", "points")


def grid(**more):
    rows = [(x, y, 10 * x + y) for x in (1.0, 2.0, 8.0) for y in (3.0, 4.0)]
    table = pd.DataFrame(rows, columns=["x", "y", "value"])
    return table.assign(low=table["value"] - 1, high=table["value"] + 1, count=1, **more)


def one(figure, kind):
    return next(one for one in figure if type(one) is kind)


def style(element):
    return hv.Store.lookup_options("bokeh", element, "style").kwargs


def test_matches_a_cell_per_combination_in_the_order_of_values():
    figure = response_surface(grid(address="./s?run=1"), x=X, y=Y, number=NUMBER)
    cells = one(figure, hv.Rectangles).dframe()
    assert cells[["x_low", "y_low", "value"]].to_numpy().tolist() == [
        [-0.5, -0.5, 13.0], [-0.5, 0.5, 14.0], [0.5, -0.5, 23.0], [0.5, 0.5, 24.0],
        [1.5, -0.5, 83.0], [1.5, 0.5, 84.0]]
    assert set(cells["address"]) == {"./s?run=1"}
    plot = figure.opts.get("plot").kwargs
    assert plot["xticks"] == [(0, "1"), (1, "2"), (2, "8")]
    assert plot["title"] == "One run per value"


def test_matches_numbers_written_in_cells_readable_on_any_paper():
    figure = response_surface(grid(), x=X, y=Y, number=NUMBER)
    texts = figure.traverse(lambda element: element, [hv.Labels])
    written = {text for each in texts for text in each.dimension_values("text")}
    assert written == {"13", "14", "23", "24", "83", "84"}
    inks = {style(each)["text_color"] for each in texts}
    assert len(inks) == 2
    written_on = {ink: {text for each in texts for text in each.dimension_values("text")
                        if style(each)["text_color"] == ink} for ink in inks}
    assert written_on[ON_LIGHT] == {"83", "84"}              # the yellow end of the colours
    assert not inks & set(DARK["text"])      # the colours below them do not change either


def test_matches_points_where_runs_form_no_grid():
    rng = np.random.default_rng(5)
    table = pd.DataFrame({"x": rng.uniform(1, 2, 40), "y": rng.uniform(1, 2, 40)})
    table = table.assign(value=table["x"] + 2 * table["y"], low=0.0, high=1.0, count=1)
    figure = response_surface(table, x=X, y=Y, number=NUMBER)
    assert len(one(figure, hv.Points)) == 40
    between = one(figure, hv.QuadMesh)
    x, y = (between.dimension_values(at) for at in (0, 1))
    heights = between.dimension_values(2)
    known = np.isfinite(heights)
    # A plane is interpolated exactly, and nowhere outside the points.
    np.testing.assert_allclose(heights[known], (x + 2 * y)[known], atol=1e-9)
    assert 0.3 < known.mean() < 1.0
    scales = [hv.Store.lookup_options("bokeh", each, "plot").kwargs["clim"]
              for each in (between, one(figure, hv.Points))]
    assert scales == [(table["value"].min(), table["value"].max())] * 2


def test_matches_a_curve_through_means_with_their_spread():
    table = pd.DataFrame({"x": [3.0, 1.0], "value": [5.0, 2.0], "low": [4.0, np.nan],
                          "high": [6.0, np.nan], "count": [3, 2]})
    figure = response_curve(table, x=X, number=NUMBER)
    assert one(figure, hv.Curve).dframe().to_numpy().tolist() == [[1.0, 2.0], [3.0, 5.0]]
    spread = one(figure, hv.Segments).dframe()
    assert spread[["value", "top"]].to_numpy().tolist() == [[4.0, 6.0]]
    assert figure.opts.get("plot").kwargs["title"] == "Means of 2 to 3 runs"


@pytest.mark.parametrize(("values", "log"), [([1.0, 10.0, 100.0], True), ([0.0, 50.0], False)])
def test_matches_decades_to_a_logarithmic_axis(values, log):
    table = pd.DataFrame({"x": values, "value": 1.0, "low": 0.0, "high": 2.0, "count": 1})
    assert response_curve(table, x=X, number=NUMBER).opts.get("plot").kwargs["logx"] is log


def test_matches_names_in_their_order_without_a_line_between_them():
    table = pd.DataFrame({"x": ["normal", "student"], "value": [1.0, 2.0], "low": np.nan,
                          "high": np.nan, "count": 1})
    figure = response_curve(table, x=X, number=NUMBER)
    assert not figure.traverse(lambda element: element, [hv.Curve])
    assert figure.opts.get("plot").kwargs["xticks"] == [(0, "normal"), (1, "student")]


def test_rejects_cells_without_rows():
    with pytest.raises(ValueError, match="cells must have rows, got 0"):
        response_surface(grid().iloc[:0], x=X, y=Y, number=NUMBER)
