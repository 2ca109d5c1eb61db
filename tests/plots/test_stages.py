"""Names, dimensions and values of what is drawn of stages and transitions."""

import holoviews as hv
import numpy as np
import pandas as pd
import pytest

from workbench.plots.stages import error_boxes, rare_calibration, rare_scatter, stage_lines
from workbench.plots.transitions import transition_map, transition_paths

PATHS = pd.DataFrame({"lambda": [0.1, 0.1, 0.01, 0.01], "boundary": ["a | b", "b | c"] * 2,
                      "value": [0.0, 0.0, 0.5, 0.7]})
SCORES = pd.DataFrame({"lambda": [0.1, 0.01], "score": [0.6, 0.5], "error": [0.02, 0.01],
                       "crossings": [0, 3], "fused": [4, 1], "chosen": [False, True]})
WEIGHTS = pd.DataFrame({"feature": ["x", "x", "y", "y"], "boundary": ["a | b", "b | c"] * 2,
                        "value": [0.1, 0.1, -0.5, 0.2]})
SPREAD = pd.DataFrame({"method": ["PRESTO"] * 2, "stage": ["a", "b"], "q5": 0.1, "q25": 0.2,
                       "q50": 0.3, "q75": 0.4, "q95": 0.5})
BINS = pd.DataFrame({"method": "PRESTO", "predicted": [0.01, 0.02], "observed": [0.0, 0.03],
                     "low": [0.0, 0.01], "high": [0.02, 0.05], "rows": 50})


def elements(figure, kind):
    return figure.traverse(lambda one: one, [kind])


def test_matches_paths_above_the_tuning_score():
    figure = transition_paths(PATHS, SCORES, feature="x", measure="Brier score", shown=0.1)
    first, second = figure
    curve = next(one for one in first if one.label == "b | c")
    assert curve.dimension_values("lambda").tolist() == [0.01, 0.1]
    assert curve.dimension_values("value").tolist() == [0.7, 0.0]
    assert "a | b" in {text.strip("\u00a0") for one in elements(first, hv.Labels)
                       for text in one.dimension_values("told")}
    lines = [one.dimension_values("lambda")[0] for one in second
             if isinstance(one, hv.Curve) and len(set(one.dimension_values("lambda"))) == 1]
    assert lines == [0.1, 0.01]
    written = max(one.dimension_values("score").max() for one in elements(second, hv.Labels))
    assert all(one.dimension_values("score").min() > written for one in second
               if isinstance(one, hv.Curve))             # no line runs through the legend
    hv.render(figure)


def test_matches_weights_with_the_strongest_on_top():
    figure = transition_map(WEIGHTS, title="lambda")
    assert figure.dimension_values("feature").tolist() == ["x", "x", "y", "y"]
    assert figure.dimension_values("value").tolist() == [0.1, 0.1, -0.5, 0.2]
    assert hv.Store.lookup_options("bokeh", figure, "plot").kwargs["clim"] == (-0.5, 0.5)
    hv.render(figure)


def test_matches_boxes_to_quartiles():
    ratios = pd.DataFrame({"method": ["PRESTO"] * 5 + ["multinomial"] * 5,
                           "replication": [*range(5)] * 2,
                           "ratio": [0.2, 0.3, 0.4, 0.5, 0.6, 1, 1, 1, 1, 2]})
    figure = error_boxes(ratios, beside="logistic regression")
    boxes = elements(figure, hv.Rectangles)
    np.testing.assert_allclose(boxes[1].data.iloc[0, [0, 2]].astype(float), [0.3, 0.5])
    assert next(iter(figure)).label == "logistic regression"
    hv.render(figure)


def test_matches_calibration_in_percent():
    figure = rare_calibration(BINS, SPREAD)
    first, second = figure
    marks = elements(first, hv.Scatter)[0]
    assert marks.dimension_values("observed").tolist() == [0.0, 3.0]
    assert elements(second, hv.Scatter)[0].dimension_values("q50").tolist() == [30.0, 30.0]
    assert elements(second, hv.Segments)[0].kdims[0].label == "predicted probability"
    drawn = hv.render(first)
    assert drawn.yaxis[0].ticker.ticks[0] == 0            # no share is below 0
    hv.render(figure)


def test_matches_rows_in_log_odds_and_stages_in_percent():
    rows = pd.DataFrame({"row": [2, 3], "stage": ["a", "c"], "rare": [False, True],
                         "ours": [0.5, 0.0], "rival": [0.2, 1.0]})
    figure = rare_scatter(rows, ours="PRESTO", rival="logistic regression")
    rare = next(one for one in figure if one.label == "rare stage")
    assert rare.dimension_values("y").tolist() == [-14.0]
    assert rare.dimension_values("row").tolist() == [3]
    hv.render(figure)
    table = pd.DataFrame({"method": ["PRESTO", "truth"] * 2, "stage": ["b", "b", "a", "a"],
                          "probability": [0.1, 0.2, 0.9, 0.8]})
    lines = stage_lines(table, title="one")
    ours = next(one for one in lines if one.label == "PRESTO")
    assert ours.dimension_values("percent").tolist() == [10.0, 90.0]
    hv.render(lines)


@pytest.mark.parametrize(("draw", "words"), [
    (lambda: transition_paths(PATHS[:0], SCORES, feature="x", measure="m", shown=1.0), "paths"),
    (lambda: transition_map(WEIGHTS[:0], title=""), "weights must have rows"),
    (lambda: error_boxes(pd.DataFrame(), beside="x"), "ratios must have rows"),
    (lambda: rare_calibration(BINS[:0], SPREAD), "bins and spread must have rows"),
    (lambda: rare_scatter(pd.DataFrame(), ours="", rival=""), "rows must have rows"),
    (lambda: stage_lines(pd.DataFrame(), title=""), "probabilities must have rows"),
])
def test_rejects_nothing_to_draw(draw, words):
    with pytest.raises(ValueError, match=words):
        draw()
