"""Names, dimensions and values of what is drawn of balance and settings."""

import holoviews as hv
import numpy as np
import pandas as pd
import pytest

from workbench.plots.balancing import balance_and_map, weights_and_outcomes
from workbench.plots.settings import Panel, setting_panels

BALANCE = pd.DataFrame({"function": [0, 1, 0], "before": [0.1, -0.5, 0.3],
                        "after": [0.01, -0.01, 0.05], "kind": ["balanced"] * 2 + ["held out"]})
POINTS = pd.DataFrame({"first": [0.0, 1, 2], "second": [0.0, 1, 1], "weight": [np.nan, 2, 2],
                       "kind": ["not observed", "observed", "centre"]})
WEIGHTS = pd.DataFrame({"weight": [0.5, 0.25, 0.25], "value": [1.0, 2.0, 2.0]})
TABLE = pd.DataFrame({"series": ["a", "a", "b"], "at": [0.0, 1.0, 2.0], "value": [1.0, 2.0, 5.0],
                      "low": [0.5, 1.5, np.nan], "high": [1.5, 2.5, np.nan]})


def marks(figure):
    return [one for one in figure if isinstance(one, hv.Scatter)]


def test_matches_imbalance_with_the_worst_on_top_above_the_map():
    first, second = balance_and_map(BALANCE, POINTS)
    before, balanced, held = marks(first)
    assert before.dimension_values("imbalance").tolist() == [-0.5, 0.1, 0.3]
    assert before.dimension_values("place").tolist() == [2, 1, 0]
    assert balanced.dimension_values("imbalance").tolist() == [-0.01, 0.01]
    assert held.dimension_values("imbalance").tolist() == [0.05]
    assert before.kdims[0].unit == "sd"
    ticks = first.opts.get("plot").kwargs["yticks"]
    assert ticks == sorted(ticks)                  # a page drops labels of ticks out of order
    assert {word for _, word in ticks} == {"balanced", "held out"}
    assert len(marks(second)) == 3
    hv.render(hv.Layout([first, second]).cols(1))


def test_matches_weights_relative_to_uniform_and_shares():
    first, second = weights_and_outcomes(WEIGHTS, np.array([1.0, 2, 2, 2]), label="rating",
                                         items="pairs")
    curves = [one for one in first if isinstance(one, hv.Curve)]
    np.testing.assert_allclose(curves[1].dimension_values("weight"), [1.5, 0.75, 0.75])
    assert "3 pairs count like 2.667" in str(
        hv.Store.lookup_options("bokeh", first, "plot").kwargs["title"])
    seen, weighed, drawn = (one.dimension_values("share") for one in marks(second))
    np.testing.assert_allclose(seen, [100 / 3, 200 / 3])
    np.testing.assert_allclose(weighed, [50, 50])
    np.testing.assert_allclose(drawn, [25, 75])
    many = pd.DataFrame({"weight": np.full(100, 0.01), "value": np.linspace(0, 1, 100)})
    _, drawn = weights_and_outcomes(many, None, label="y", items="rows")
    assert [len(one) for one in marks(drawn)] == [20, 20]            # cells of numbers


def test_matches_curves_by_setting_with_a_reference():
    panels = [Panel(TABLE, "one", ("kernels", "number"), ("bias", "%"), reference=(0.0, "none")),
              Panel(TABLE, "two", ("slack", "sd"), ("mean", "all"), log=True)]
    figure = setting_panels(panels, {"a": "ours", "b": "rival"})
    first, second = figure
    assert [one.dimension_values("value").tolist() for one in marks(first)] == [[1, 2], [5]]
    assert [one.dimension_values("at").tolist() for one in marks(second)] == [[1], [2]]
    assert marks(first)[0].kdims[0].label == "kernels"
    assert sum(isinstance(one, hv.Area) for one in first) == 1       # a band where one is known
    ticks = second.opts.get("plot").kwargs["xticks"]
    assert ticks == [(1.0, "1"), (2.0, "2")]                         # each setting has its own
    hv.render(figure)


def test_rejects_nothing_to_draw():
    for draw in (lambda: balance_and_map(BALANCE[:0], POINTS),
                 lambda: weights_and_outcomes(WEIGHTS[:0], None, label="y", items="rows"),
                 lambda: setting_panels([Panel(TABLE[:0], "", ("", ""), ("", ""))], {})):
        with pytest.raises(ValueError, match="must have rows, got 0"):
            draw()
