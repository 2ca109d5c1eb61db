"""Figures of several runs over and beside each other: whose layers, which colours, equal axes."""

import holoviews as hv
import numpy as np
import pandas as pd
import pytest

from workbench import plots
from workbench.plots.besides import beside
from workbench.plots.overlays import RUN_ROLES, overlaid, same
from workbench.plots.theme import ROLES, dimension, frame

X, Y = dimension("x", "time", "days"), dimension("y", "score", "points")


def made(shift, *, truth=0.0, y=Y, more=(), **options):
    """A study's figure: truth, band and curve of its method, points, the uniform baseline."""
    t = np.arange(5.0)
    layers = [
        hv.Area((t, t + shift - 1, t + shift + 1), X, [y, "high"], label="band").opts(
            **ROLES["ours"].band()),
        hv.Scatter((t, t + truth), X, y, label="seen").opts(**ROLES["truth"].points()),
        hv.Curve((t, 0 * t + shift), X, y, label="uniform weights").opts(
            **ROLES["uniform"].curve()),
        hv.Curve((t, t + shift), X, y, label="trend").opts(**ROLES["ours"].curve()), *more]
    return hv.Overlay(layers).opts(hv.opts.Overlay(title=f"shift {shift}", **frame(**options)))


def style(element):
    return hv.Store.lookup_options("bokeh", element, "style").kwargs


def plot(figure):
    return hv.Store.lookup_options("bokeh", figure, "plot").kwargs


def test_matches_runs_in_their_colours_and_what_is_shared_once_in_grey():
    figure = overlaid({"a=1": made(0.0), "a=2": made(3.0)}, title="Trend")
    told = [(type(one).__name__, one.label, style(one)["color"]) for one in figure]
    first, second = (role.colour for role in RUN_ROLES[:2])
    grey = ROLES["uniform"].colour
    assert told == [
        ("Scatter", "seen", grey), ("Curve", "uniform weights", grey),
        ("Curve", "uniform weights", grey), ("Area", "a=1", first), ("Curve", "a=1", first),
        ("Area", "a=2", second), ("Curve", "a=2", second)]
    dashes = [style(one)["line_dash"] for one in figure if type(one) is hv.Curve
              and one.label.startswith("a=")]
    assert dashes == [role.dash for role in RUN_ROLES[:2]]
    assert plot(figure)["title"] == "Trend"
    assert "a=2" in plots.figure_json(figure)


def test_matches_axes_that_show_all_of_every_run():
    low, high = plot(overlaid({"a": made(0.0), "b": made(30.0)}, title=""))["ylim"]
    assert low <= -1.0
    assert high >= 4 + 30 + 1
    figures = beside([made(0.0), made(30.0)])
    assert [plot(one)["ylim"] for one in figures] == [(low, high)] * 2
    assert plot(figures[0])["xlim"] == plot(figures[1])["xlim"]
    limits = [plot(one)["xlim"] for one in beside([made(0, xlim=(0, 2)), made(1, xlim=(1, 9))])]
    assert limits == [(0, 9)] * 2            # what a figure sets by hand is kept for all


@pytest.mark.parametrize(("first", "second"), [
    (made(0.0), made(1.0, y=dimension("y", "score", "per cent"))),
    (made(0.0), made(1.0, logx=True)),
    (made(0.0, yticks=[(0, "a"), (1, "b")]), made(1.0, yticks=[(0, "b"), (1, "a")]))])
def test_rejects_axes_that_mean_different_things(first, second):
    assert overlaid({"one": first, "two": second}, title="") is None
    apart = beside([first, second])
    assert "ylim" not in plot(apart[0])


def test_rejects_maps_several_colours_and_more_runs_than_colours():
    def cells(value):
        return hv.Rectangles([(0, 0, 1, 1, value)], ["x", "y", "right", "top"], "value").opts(
            color="value", clim=(0, value))

    maps = [hv.Overlay([cells(value)]) for value in (1.0, 5.0)]
    assert overlaid(dict(enumerate(maps)), title="") is None
    assert [plot(one.traverse(lambda e: e, [hv.Rectangles])[0])["clim"]
            for one in beside(maps)] == [(0.0, 5.0)] * 2
    rivals = [made(shift, more=[hv.Scatter([(1.0, shift)], X, Y, label=name).opts(
        **ROLES[name].points()) for name in ("rival", "variant")]) for shift in (0.0, 1.0)]
    assert overlaid({"a": rivals[0], "b": rivals[1]}, title="") is None
    assert overlaid({f"{at}": made(at) for at in range(5)}, title="") is None


def test_matches_rows_with_names_where_runs_lie_side_by_side():
    def rows(value):
        points = hv.Scatter([(value, 0.0), (value, 1.0)], X, dimension("place", "group")).opts(
            **ROLES["ours"].points())
        return hv.Overlay([points]).opts(hv.opts.Overlay(yticks=[(0, "old"), (1, "young")]))

    figure = overlaid({"a": rows(1.0), "b": rows(2.0)}, title="")
    first, second = (one.dimension_values("place") for one in figure)
    assert (first > second).all()
    assert np.abs(first - [0, 1]).max() < 0.5


def test_identity_figures_of_equal_data_are_the_same():
    assert same([made(1.0), made(1.0)])
    assert not same([made(1.0), made(1.0), made(2.0)])
    assert overlaid({"a": made(1.0), "b": made(1.0)}, title="") is None


def test_matches_figures_of_a_saved_study_left_as_they_were():
    figures = [made(0.0), made(1.0)]
    overlaid({"a": figures[0], "b": figures[1]}, title="over")
    assert [one.label for one in figures[0]] == ["band", "seen", "uniform weights", "trend"]
    assert plot(figures[0])["title"] == "shift 0.0"


def test_matches_a_run_to_the_role_of_its_place_in_the_comparison():
    figure = overlaid({"a": made(0.0), "c": made(3.0)}, title="", roles=(0, 2))
    assert {style(one)["color"] for one in figure if one.label == "c"} == {RUN_ROLES[2].colour}


def test_matches_rows_of_a_forest_to_their_names_from_the_top():
    rows = pd.DataFrame({"name": ["first", "last"], "kind": "one", "value": [1.0, 2.0],
                         "low": [0.0, 1.0], "high": [2.0, 3.0]})
    figure = plots.forest(rows, title="", x=("score", "points"), y=("name", ""),
                          roles={"one": "ours"})
    names = dict(plot(figure)["yticks"])
    marks = next(one for one in figure if type(one) is hv.Scatter).dframe()
    assert [names[place] for place in marks["place"]] == ["first", "last"]
    assert marks["place"].tolist() == [1.0, 0.0]
    assert plot(figure)["xlabel"] == "score (points)"           # not that of the intervals' ends
