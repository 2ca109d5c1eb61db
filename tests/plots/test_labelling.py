"""Names, dimensions and values of what is drawn of labels."""

import holoviews as hv
import numpy as np
import pandas as pd
import pytest

from workbench.plots.labelling import bias_and_coverage, errors_by_labels

CURVES = pd.DataFrame({"method": ["DSL"] * 2 + ["gold only"] * 2, "labels": [200, 100, 100, 200],
                       "se": [0.1, 0.2, 0.4, 0.3]})
POINTS = pd.DataFrame({"name": ["now", "planned"], "labels": [100.0, 200.0], "se": [0.2, 0.08]})
WORLDS = pd.DataFrame({"accuracy": [0.9, 0.7] * 2, "method": ["DSL"] * 2 + ["surrogate only"] * 2,
                       "bias": [0.0, 0.01, -0.1, -0.3], "bias_error": 0.01,
                       "coverage": [0.95, 0.94, 0.5, 0.0], "coverage_error": 0.02})


def test_matches_curves_in_order_and_points():
    figure = errors_by_labels(CURVES, POINTS, label="x")
    curves = {one.label: one for one in figure if isinstance(one, hv.Curve)}
    assert list(curves) == ["DSL", "gold only"]
    assert curves["DSL"].dimension_values("se").tolist() == [0.2, 0.1]
    points = {one.label: one for one in figure if isinstance(one, hv.Scatter)}
    assert points["planned"].dimension_values("se").tolist() == [0.08]
    assert curves["DSL"].vdims[0].label == "standard error of x"
    assert curves["DSL"].kdims[0].unit == "documents"
    hv.render(figure)


def test_matches_bias_above_coverage_in_percent():
    figure = bias_and_coverage(WORLDS, term="x1", level=0.9)
    first, second = figure
    ours = next(one for one in second if one.label == "DSL")
    assert ours.dimension_values("accuracy").tolist() == [70.0, 90.0]
    np.testing.assert_allclose(ours.dimension_values("coverage"), [94.0, 95.0])
    promise = next(iter(second))
    assert promise.dimension_values("coverage").tolist() == [90.0, 90.0]
    assert next(iter(first)).dimension_values("bias").tolist() == [0.0, 0.0]
    hv.render(figure)


def test_rejects_nothing_to_draw():
    with pytest.raises(ValueError, match="curves must have rows, got 0"):
        errors_by_labels(CURVES[:0], POINTS, label="x")
    with pytest.raises(ValueError, match="table must have rows, got 0"):
        bias_and_coverage(WORLDS[:0], term="x1")
