"""Names, dimensions and values of what is drawn of reuse."""

import holoviews as hv
import numpy as np
import pandas as pd
import pytest

from workbench.plots import (
    bounds_by_rows,
    errors_by_reuse,
    leaderboard,
    learned_weights,
    scores_by_features,
)

CURVES = pd.DataFrame([(method, part, k, 0.5 + k / 100, 0.4, 0.8)
                       for method in ("plain", "thresholdout")
                       for part in ("train", "answer", "fresh") for k in (10, 0)],
                      columns=["method", "part", "k", "value", "low", "high"])
ERRORS = pd.DataFrame({"mechanism": ["plain", "plain", "thresholdout", "thresholdout"],
                       "queries": [10, 100] * 2, "rms": [0.1, 0.2, 0.01, np.nan],
                       "low": [0.05, 0.1, 0.0, np.nan], "high": [0.2, 0.3, 0.02, np.nan]})
BOUNDS = pd.DataFrame({"mechanism": ["split", "split"], "n": [1000, 10**6], "tau": [0.3, 0.01]})
MOVES = pd.DataFrame({"submission": [1, 2], "column": ["a", "b c"], "told": [0.6, np.nan],
                      "fresh": [0.5, 0.49], "remaining": [1.0, 0.0]})
POINTS = pd.DataFrame({"rank": [1, 2, 3], "truth": [2.0, 1.0, 0.0], "weight": [1.5, 1.0, 0.5]})

CROSSING = pd.DataFrame({"queries": [200, 20_000], "weights": [0.08, 0.08],
                         "noise": [0.03, 0.2], "updates": [20, 600]})


def curves(figure):
    return {one.label: one for one in figure if type(one) is hv.Curve}


def test_matches_scores_in_percent_and_order():
    above, below = scores_by_features(CURVES, label="accuracy")
    assert (above.opts.get().kwargs["title"], below.opts.get().kwargs["title"]) == (
        "The plain holdout", "Thresholdout")
    own = curves(below)["holdout's answer"]
    assert own.dimension_values("k").tolist() == [0, 10]
    np.testing.assert_allclose(own.dimension_values("value"), [50, 60])
    assert own.vdims[0].label == "accuracy"
    assert own.vdims[0].unit == "%"
    hv.render(scores_by_features(CURVES, label="accuracy"))


def test_matches_errors_that_end_with_the_budget():
    figure = errors_by_reuse(ERRORS, names=["plain", "thresholdout", "split"])
    assert list(curves(figure)) == ["plain holdout", "Thresholdout"]
    np.testing.assert_allclose(curves(figure)["plain holdout"].dimension_values("rms"), [10, 20])
    assert curves(figure)["Thresholdout"].dimension_values("queries").tolist() == [10]
    hv.render(figure)


def test_matches_bounds_and_the_own_point():
    figure = bounds_by_rows(BOUNDS, (2000, 4.9, "as set here"), queries=50)
    own = next(one for one in figure if isinstance(one, hv.Scatter))
    assert own.dimension_values("tau").tolist() == [100.0]
    np.testing.assert_allclose(curves(figure)["fresh rows for each"].dimension_values("tau"),
                               [30.0, 1.0])
    assert "50 queries" in figure.opts.get().kwargs["title"]
    hv.render(figure)
    few = bounds_by_rows(BOUNDS, (40, 4.9, "as set here"), queries=50)
    assert few.opts.get().kwargs["xlim"] == (32.0, 10**6)
    none = bounds_by_rows(BOUNDS, (2000, float("inf"), "plain"), queries=50)
    assert not [one for one in none if isinstance(one, hv.Scatter)]


def test_matches_a_leaderboard_above_its_budget():
    styles = {"told": ("told", "ours"), "fresh": ("fresh rows", "truth")}
    board, budget = leaderboard(MOVES, styles=styles)
    told = next(one for one in board if isinstance(one, hv.Scatter) and one.label == "told")
    assert told.dimension_values("score").tolist() == [60.0]
    assert told.dimension_values("column").tolist() == ["a"]
    left = next(iter(budget))
    assert left.dimension_values("remaining").tolist() == [1.0, 0.0]
    endless = leaderboard(MOVES.assign(remaining=np.nan), styles=styles)
    assert "no end" in list(endless)[1].opts.get().kwargs["title"]
    hv.render(endless)


def test_matches_weights_relative_to_uniform_with_their_size():
    figure = learned_weights(POINTS, CROSSING, truth="the truth", effective=2.5)
    above, below = figure
    assert "3 points like 2.5 equal ones" in above.opts.get().kwargs["title"]
    assert curves(above)["the truth"].dimension_values("weight").tolist() == [2.0, 1.0, 2.0**-6]
    assert curves(above)["uniform"].dimension_values("weight").tolist() == [1.0, 1.0]
    assert curves(below)["noise for all queries"].dimension_values("error").tolist() == [3, 20]
    assert curves(below)["multiplicative weights"].dimension_values("queries").tolist() == [
        200, 20_000]
    hv.render(figure)


@pytest.mark.parametrize("draw", [
    lambda: scores_by_features(CURVES[:0], label="x"), lambda: errors_by_reuse(
        ERRORS[3:], names=["thresholdout"]), lambda: leaderboard(MOVES[:0], styles={}),
    lambda: learned_weights(POINTS, CROSSING[:0], truth="x", effective=1.0)])
def test_rejects_nothing_to_draw(draw):
    with pytest.raises(ValueError, match="must have"):
        draw()
