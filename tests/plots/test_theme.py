"""The palette is measured; figures carry labels, units and a second cue besides colour.

Colour-vision deficiencies are simulated with the matrices of Machado, Oliveira and Fernandes (IEEE
TVCG 15, 2009, severity 1), differences are CIE76 in CIELAB (D65).
"""

import itertools

import holoviews as hv
import numpy as np
import pandas as pd
import pytest

from workbench import plots
from workbench.plots.theme import ROLES, figure_html

DEFICIENCIES = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                   [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                     [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
                   [0.004733, 0.691367, 0.303900]],
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def lab(colour, matrix):
    rgb = np.array([int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = TO_XYZ @ np.clip(matrix @ linear, 0, 1) / [0.9505, 1.0, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("name", DEFICIENCIES)
def test_matches_the_promise_that_colours_stay_apart(name):
    seen = {role: lab(style.colour, np.array(DEFICIENCIES[name]))
            for role, style in ROLES.items()}
    closest = min(np.linalg.norm(seen[a] - seen[b])
                  for a, b in itertools.combinations(ROLES, 2))
    assert closest >= 18


def test_roles_have_a_second_cue():
    cues = [(role.dash, role.marker, role.width) for role in ROLES.values()]
    assert len(set(cues)) == len(cues)


@pytest.fixture
def figures():
    dates = pd.date_range("2024-01-01", periods=30, freq="W")
    line = np.linspace(5, 4, 30)
    bands = pd.DataFrame({"date": dates, "mean": line, "low": line - 0.2, "high": line + 0.2,
                          "predictive_low": line - 1, "predictive_high": line + 1})
    points = pd.DataFrame({"date": dates, "score": line + 0.1, "source": "a",
                           "weight": np.where(np.arange(30) == 3, 0.1, 1.03)})
    draws = np.random.default_rng(0).normal(-1, 0.3, 2000)
    return {
        "trend": plots.trend_bands(bands, points, baseline=bands, unit="points"),
        "posterior": plots.posterior(draws, label="slope", unit="points / day", prior=3 * draws,
                                     uniform=draws + 0.1),
        "weights": plots.weight_profile(np.repeat([0.3, 0.1], [1, 7])),
    }


@pytest.mark.parametrize("name", ["trend", "posterior", "weights"])
def test_axes_have_labels_and_units(figures, name):
    for element in figures[name].traverse(lambda e: e, [hv.Curve, hv.Scatter]):
        x, y = element.dimensions()[:2]
        assert x.label != x.name or x.name == "date"
        assert y.unit


def test_a_score_that_counts_little_is_drawn_as_an_alarm(figures):
    alarms = [e for e in figures["trend"] if "below 1/3" in e.label]
    assert len(alarms) == 1
    assert len(alarms[0]) == 1
    assert hv.Store.lookup_options("bokeh", alarms[0], "style").kwargs["marker"] == "diamond"


def test_posterior_says_the_share_below_zero(figures):
    plot = hv.render(figures["posterior"], backend="bokeh")
    assert plot.title.text.endswith("% of the posterior is below zero")
    below = (np.sum(np.random.default_rng(0).normal(-1, 0.3, 2000) < 0) + 0.5) / 2001
    assert float(plot.title.text.split()[0]) == pytest.approx(100 * below, abs=0.005)


def test_weight_profile_states_the_effective_size(figures):
    plot = hv.render(figures["weights"], backend="bokeh")
    assert plot.title.text == "8 scores count like 6.25 equal ones"     # 1 / (.09 + 7 * .01)
    ours = next(e for e in figures["weights"] if e.label == "this method")
    np.testing.assert_allclose(ours.dimension_values("weight"), [2.4] + [0.8] * 7)


@pytest.mark.parametrize("name", ["trend", "posterior", "weights"])
def test_html_and_thumbnail_ask_the_network_for_nothing(figures, name):
    html, svg = figure_html(figures[name]), plots.thumbnail(figures[name])
    assert "src=" not in html
    assert svg.startswith("<svg xmlns=")
    assert "href" not in svg
    assert "script" not in svg
    assert svg.count("<poly") + svg.count("<circle") >= 2


def test_identity_equal_weights_lie_on_the_grey_line():
    figure = plots.weight_profile(np.full(50, 0.02))
    for element in figure:
        np.testing.assert_allclose(element.dimension_values("weight"), 1.0)


@pytest.mark.parametrize(("call", "words"), [
    (lambda: plots.weight_profile(np.array([0.5, 0.6])), "sum to 1"),
    (lambda: plots.posterior(np.ones(9), label="a", unit="b"), "draws must differ"),
    (lambda: plots.posterior(np.array([1, np.nan]), label="a", unit="b"), "draws must be finite"),
    (lambda: plots.trend_bands(pd.DataFrame(), pd.DataFrame()), "must have rows, got 0"),
])
def test_rejects_what_cannot_be_drawn(call, words):
    with pytest.raises(ValueError, match=words):
        call()
