"""Names, dimensions and values of what is drawn of mixtures."""

import holoviews as hv
import numpy as np
import pandas as pd
import pytest

from workbench import plots

TABLE = pd.DataFrame({"n": [3, 1, 2], "a": [3.0, 1.0, np.inf], "b": [0.3, 0.0, 0.2],
                      "error": [0.1, 0.1, 0.1]})
SCORES = pd.DataFrame({"width": [16, 4] * 2, "method": ["ours"] * 2 + ["theirs"] * 2,
                       "loss": [0.1, 0.2, 0.3, 0.4], "low": 0.05, "high": 0.5})


def curves_of(figure):
    return {one.label: one for one in figure if isinstance(one, hv.Curve)}


def test_matches_curves_in_order_without_what_is_infinite():
    figure = plots.bound_curves(TABLE, {"a": ("regret", "ours"), "b": ("bound", "rival")},
                                x=("n", "samples", "log scale"), y=("total", "nats"), title="t",
                                logy=True, marks=True, error="error")
    found = curves_of(figure)
    assert found["regret"].dimension_values("place").tolist() == [1.0, 3.0]
    assert found["bound"].dimension_values("value").tolist() == [0.2, 0.3]
    assert found["regret"].vdims[0].unit == "nats"
    band = next(one for one in figure if isinstance(one, hv.Area))
    assert band.dimension_values("value").tolist() == pytest.approx([0.8, 2.8])
    hv.render(figure)


def test_matches_areas_that_fill_the_whole():
    weights = pd.DataFrame({"step": [0, 0, 1, 1], "hypothesis": ["a", "b"] * 2,
                            "weight": [0.4, 0.6, 0.1, 0.9]})
    figure = plots.posterior_areas(weights)
    areas = {one.label: one for one in figure}
    assert areas["a"].dimension_values("top").tolist() == [0.4, 0.1]
    assert areas["b"].dimension_values("weight").tolist() == [0.4, 0.1]
    np.testing.assert_allclose(areas["b"].dimension_values("top"), 1)
    hv.render(figure)


def test_matches_relative_weights_with_the_heaviest_on_top():
    rows = pd.DataFrame({"name": ["x", "y"] * 2, "kind": ["new"] * 2 + ["old"] * 2,
                         "relative": [0.5, 1.5, 1.0, 0.0]})
    figure = plots.relative_weights(rows, roles={"new": "ours", "old": "variant"}, title="t",
                                    items=("things", "heaviest on top"))
    marks = {one.label: one for one in figure if isinstance(one, hv.Scatter)}
    assert dict(zip(marks["new"].dimension_values("place"), marks["new"].dimension_values("value"),
                    strict=True)) == {0.0: 0.5, 1.0: 1.5}
    assert marks["old"].dimension_values("value").min() > 0          # on the floor of the axis
    hv.render(figure)


def test_matches_losses_by_width_and_one_width():
    roles = {"ours": "ours", "theirs": "rival", "nobody": "variant"}
    figure = plots.method_losses(SCORES, roles, label="loss", unit="nats", title="t")
    assert curves_of(figure)["theirs"].dimension_values("loss").tolist() == [0.4, 0.3]
    assert "nobody" not in curves_of(figure)
    hv.render(figure)
    hv.render(plots.method_losses(SCORES[SCORES["width"] == 4], roles, label="loss", unit="nats",
                                  title="t"))


def test_matches_confidence_and_map():
    bins = pd.DataFrame({"method": ["m"] * 2, "said": [0.8, 0.2], "happened": [0.7, 0.3],
                         "low": [0.6, 0.2], "high": [0.8, 0.4], "rows": [9, 9]})
    figure = plots.confidence(bins, {"m": "ours"}, said="said", happened="happened")
    assert curves_of(figure)["m"].dimension_values("said").tolist() == [0.2, 0.8]
    hv.render(figure)
    cells = pd.DataFrame({"first": [0, 1, 0, 1], "second": [0, 0, 2, 2],
                          "share": [0.1, 0.2, 0.3, 0.4]})
    image = plots.probability_map(cells)
    assert image.dimension_values("share", flat=False).tolist() == [[0.1, 0.2], [0.3, 0.4]]
    hv.render(image)


def test_rejects_nothing_to_draw():
    with pytest.raises(ValueError, match="table must have rows"):
        plots.bound_curves(TABLE[:0], {}, x=("n", "", ""), y=("", ""), title="")
    with pytest.raises(ValueError, match="weights must have rows"):
        plots.posterior_areas(pd.DataFrame(columns=["step", "hypothesis", "weight"]))
    many = pd.DataFrame({"step": 0, "hypothesis": list("abcde"), "weight": 0.2})
    with pytest.raises(ValueError, match="at most 4 hypotheses, got 5"):
        plots.posterior_areas(many)
    with pytest.raises(ValueError, match="rows must have rows"):
        plots.relative_weights(many[:0], roles={"x": "ours"}, title="", items=("", ""))
    with pytest.raises(ValueError, match="scores must have rows"):
        plots.method_losses(SCORES[:0], {}, label="", unit="", title="")
    with pytest.raises(ValueError, match="bins must have rows"):
        plots.confidence(SCORES[:0], {}, said="", happened="")
    with pytest.raises(ValueError, match="cells must have rows"):
        plots.probability_map(SCORES[:0])
