"""Figures of training and landscapes: what is drawn, by names and values of elements."""

import holoviews as hv
import numpy as np
import pandas as pd
import pytest

from workbench import plots
from workbench.plots.theme import ROLES, figure_html

EPOCHS = np.arange(6)


@pytest.fixture
def history():
    return pd.DataFrame({"series": np.repeat(["narrow", "wide"], 6), "epoch": np.tile(EPOCHS, 2),
                         "value": [2.0, 1, 0.5, np.nan, np.inf, np.nan, 2, 1, 0.4, 0.2, 0.1, 0]})


@pytest.fixture
def profile():
    return pd.DataFrame({"path": ["trained curve"] * 3 + ["straight line"] * 3,
                         "t": [0.5, 0.0, 1.0, 0.0, 0.5, 1.0], "value": [30.0, 10, 14, 10, 60, 14]})


@pytest.fixture
def density():
    at = np.linspace(-1, 5, 30)
    return pd.DataFrame({"eigenvalue": at, "density": np.maximum(1 - at ** 2, 0)})


@pytest.fixture
def around():
    steps = np.linspace(-1, 1, 5)
    return pd.DataFrame([(a, b, a * a + b) for a in steps for b in steps],
                        columns=["first", "second", "loss"])


def parts(figure, kind):
    return {one.label: one for one in figure.traverse(lambda element: element, [kind])}


def test_matches_curves_that_end_where_a_network_diverged(history):
    figure = plots.training_curves(history, log=True)
    curves = parts(figure, hv.Curve)
    assert curves["narrow"].dimension_values("value").tolist() == [2, 1, 0.5]
    assert curves["wide"].dimension_values("value").tolist() == [2, 1, 0.4, 0.2, 0.1]
    assert len(parts(plots.training_curves(history), hv.Curve)["wide"]) == 6
    banded = history.assign(low=history["value"] - 0.1, high=history["value"] + 0.1)
    assert set(parts(plots.training_curves(banded), hv.Area)) == {"narrow, band", "wide, band"}


def test_matches_the_sign_of_connectivity(profile):
    figure = plots.path_profile(profile)
    assert figure.opts.get("plot").kwargs["title"].startswith("Trained curve: -18 %")
    curves = parts(figure, hv.Curve)
    assert curves["trained curve"].dimension_values("value").tolist() == [10, 30, 14]
    assert curves["no barrier"].dimension_values("value").tolist() == [10, 14]
    style = hv.Store.lookup_options("bokeh", curves["straight line"], "style").kwargs
    assert style["color"] == ROLES["uniform"].colour
    hot = profile.assign(value=[15.0, 40, 38, 40, 50, 38])
    assert "+24" in plots.path_profile(hot).opts.get("plot").kwargs["title"]


def test_matches_density_and_slices(density, around):
    curve = parts(plots.eigenvalue_density(density), hv.Curve)["density"]
    heights = curve.dimension_values("density")
    assert (heights > 0).all()                                        # a logarithmic axis
    assert heights.max() == density["density"].max()
    mesh = plots.loss_slice(around)
    np.testing.assert_allclose(mesh.dimension_values("loss", flat=False)[0], around.loc[
        around["second"] == -1, "loss"])
    line = plots.loss_slice(around[around["second"] == 0].drop(columns="second"))
    assert parts(line, hv.Curve)["loss"].dimension_values("loss").tolist() == [1, 0.25, 0, 0.25, 1]


def test_matches_labels_units_and_no_network(history, profile, density, around):
    for figure in (plots.training_curves(history), plots.path_profile(profile),
                   plots.eigenvalue_density(density), plots.loss_slice(around)):
        for one in figure.traverse(lambda element: element, [hv.Curve, hv.QuadMesh]):
            assert all(axis.label and axis.unit for axis in one.dimensions()[:2])
        assert "src=" not in figure_html(figure)
        assert plots.thumbnail(figure).startswith("<svg xmlns=")


def test_rejects_what_cannot_be_drawn(history, profile, around):
    with pytest.raises(ValueError, match="history must have rows, got 0"):
        plots.training_curves(history.iloc[:0])
    with pytest.raises(ValueError, match="at most 4 series, got 12"):
        plots.training_curves(history.assign(series=range(12)))
    with pytest.raises(ValueError, match="path must be one of"):
        plots.path_profile(profile.assign(path="road"))
    with pytest.raises(ValueError, match="24 rows for 5 x 5 cells"):
        plots.loss_slice(around.iloc[1:])
