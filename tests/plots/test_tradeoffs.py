"""Paths between two accuracies and clouds of kinds: what is drawn, also where it is empty."""

import holoviews as hv
import numpy as np
import pandas as pd
import pytest

from workbench import plots

ROLES = {"plain": "uniform", "ours": "ours", "absent": "rival"}
AXES = (("rare", "%"), ("common", "%"))


def path(series, numbers):
    return pd.DataFrame({"series": series, "told": [f"{series} {n}" for n in numbers],
                         "x": numbers, "y": [100.0 - n for n in numbers], "x_low": np.nan,
                         "x_high": np.nan, "y_low": 0.0, "y_high": 110.0})


def test_matches_paths_in_their_own_order_and_the_kinds_of_all_roles():
    table = pd.concat([path("ours", [30.0, 10.0, 20.0]), path("plain", [5.0])])
    panel = plots.Panel(pd.DataFrame({"series": "ours", "at": [1.0, 2.0], "value": [1.0, 2.0]}),
                        "below", ("weight", "1"), ("error", "%"))
    figure = plots.tradeoff_paths({"Clean": table, "Robust": table}, roles=ROLES, axes=AXES,
                             more=[(panel, {"ours": "ours"})])
    pictures = list(figure)
    assert len(pictures) == 3
    curves = [layer for layer in pictures[0] if isinstance(layer, hv.Curve)]
    assert [len(curve) for curve in curves] == [1, 3, 0]
    assert curves[1].dimension_values("x", expanded=False).tolist() == [30.0, 10.0, 20.0]
    assert len(list(pictures[0])) == len(list(pictures[1]))
    options = pictures[0].opts.get("plot").kwargs
    assert options["title"] == "Clean"
    assert options["ylim"][1] > 110
    assert options["xlim"][0] < 5


def test_matches_clouds_of_all_kinds():
    table = pd.DataFrame({"x": [0.0, 1.0], "y": [2.0, 3.0], "kind": ["a", "b"], "told": ["", ""]})
    kinds = {"a": "uniform", "b": "ours", "c": "rival"}
    picture, = list(plots.clouds({"Cloud": table}, kinds=kinds, axes=AXES))
    points = [len(layer) for layer in picture if isinstance(layer, hv.Scatter)]
    assert points == [1, 1, 0]


@pytest.mark.parametrize(("names", "shown", "slant"), [
    (["a", "b"], ["a", "b"], 0),
    (["a name that is far too long", "b"], ["a name that i…", "b"], 0),
    ([f"class {n}" for n in range(20)], [f"class {n}" for n in range(20)], 30)])
def test_matches_names_of_settings_on_the_axis(names, shown, slant):
    table = pd.DataFrame({"series": "ours", "at": np.arange(1.0, len(names) + 1), "value": 1.0})
    picture = plots.setting_panels([plots.Panel(
        table, "", ("class", "largest first"), ("rows", "1"),
        names=dict(enumerate(names, start=1)))], {"ours": "ours"})
    options = next(iter(picture)).opts.get("plot").kwargs
    assert options["xticks"] == list(enumerate(shown, start=1))
    assert options["xrotation"] == slant


def test_rejects_nothing_to_draw():
    with pytest.raises(ValueError, match="points must have rows, got"):
        plots.tradeoff_paths({"Clean": path("ours", [])}, roles=ROLES, axes=AXES)
