"""Numbers carry their interval or a reason; records survive JSON."""

import json
import math

import numpy as np
import pytest
from scipy.stats import norm

from workbench.core import Estimate, Interval, Measure, Summary, credible
from workbench.core.check import same_length, simplex


def test_rejects_a_bare_number():
    with pytest.raises(ValueError, match="why must say what keeps"):
        Estimate(1.0)
    with pytest.raises(TypeError, match="must be an Estimate, got 3"):
        Summary({"n": 3})


@pytest.mark.parametrize(("low", "high", "level"), [(2, 1, 0.9), (math.nan, 1, 0.9), (0, 1, 1.0)])
def test_rejects_impossible_intervals(low, high, level):
    with pytest.raises(ValueError, match="must"):
        Interval(low, high, level)


@pytest.mark.parametrize("estimate", [
    Estimate(1.5, Interval(1, 2, 0.8), "points"),
    Estimate(1.5, Interval(-math.inf, 2)),
    Estimate(0.97, why="itself a probability"),
])
def test_identity_a_record_survives_json(estimate):
    text = json.dumps(estimate.record(), allow_nan=False)
    assert Estimate.from_record(json.loads(text)) == estimate


def test_matches_quantiles_of_the_draws():
    draws = np.random.default_rng(0).normal(size=(4, 50_000))
    found = credible(draws, 0.9, "points")
    error = 4 * np.sqrt(0.05 * 0.95 / draws.size) / norm.pdf(norm.ppf(0.95))
    assert abs(found.interval.high - norm.ppf(0.95)) < error
    assert abs(found.interval.low + norm.ppf(0.95)) < error


def test_matches_the_normal_interval_of_a_measure():
    ends = Measure(2.0, 0.5, "loss").estimate(0.95).ends
    np.testing.assert_allclose(ends, [2 - 0.5 * 1.959964, 2 + 0.5 * 1.959964], rtol=1e-6)


def test_matches_words_where_there_is_no_number():
    assert str(Estimate(math.nan, None, "%", "only 0 cells")) == "unknown (only 0 cells)"


def test_notes_and_names_are_escaped_in_notebooks():
    shown = Summary({"<b>": Estimate(1, why="<i>")}, ("<script>",))._repr_html_()
    assert "<script>" not in shown
    assert "&lt;b&gt;" in shown
    assert "&lt;i&gt;" in shown


def test_rejects_uneven_rows_and_weights_off_the_simplex():
    with pytest.raises(ValueError, match="a has 2, b has 3"):
        same_length(a=[1, 2], b=[1, 2, 3])
    for weights in (np.array([0.5, 0.6]), np.array([1.5, -0.5]), np.array([math.nan, 1]),
                    np.array([])):
        with pytest.raises(ValueError, match="weights must be non-negative and sum to 1"):
            simplex(weights)
