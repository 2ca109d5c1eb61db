"""The study of every kind, on simulated data and on files of the user's own."""

import io
import math

import holoviews as hv
import numpy as np
import pandas as pd
import pytest

from workbench.core import ParameterError, Result, generator
from workbench.datasets.simulated_forecasts import simulated_forecasts
from workbench.inference.mixtures.experts import follow_experts
from workbench.studies import universal_mixture as study

NETS = {"n_steps": 100, "snapshots": 8, "n_chains": 2, "data_sets": 2, "width": [4, 8],
        "train_rows": 40}
FIGURES = ["regret", "weights", "posterior", "bound", "width"]


def run(**values):
    return study.run(study.Params(**{"width": [], **values}))


@pytest.fixture(scope="module")
def smoke():
    return study.run(study.Params(**study.SMOKE))


@pytest.fixture(scope="module")
def forecasts(tmp_path_factory):
    table = simulated_forecasts(120, rng=generator(2)).drop(columns=["coin", "base_rate"])
    table.loc[4:9, "noisy"] = np.nan
    path = tmp_path_factory.mktemp("own") / "my {own} forecasts é.csv"
    table.to_csv(path, index=False)
    return str(path)


@pytest.fixture(scope="module")
def classes(tmp_path_factory):
    rng = generator(3)
    x = rng.normal(size=(90, 2))
    table = pd.DataFrame(x, columns=["a", "b"]).assign(
        colour=rng.choice(["r", "g"], 90), kind=np.where(x[:, 0] + 0.5 * rng.normal(size=90) > 0.6,
                                                         "high", np.where(x[:, 1] > 0, "mid",
                                                                          "low")))
    table.loc[3, "a"] = np.nan
    path = tmp_path_factory.mktemp("own") / "classes.csv"
    table.to_csv(path, index=False)
    return str(path)


def test_every_number_has_an_interval_or_a_reason(smoke):
    for name, number in smoke.summary.items():
        assert number.interval is not None or number.why, name
        assert math.isfinite(number.value), name
    assert list(study.figures(Result(smoke.summary, smoke.tables)))[:5] == FIGURES
    assert set(study.figures(smoke)) - set(FIGURES) <= study.OCCASIONAL


def test_matches_gains_to_both_rivals_on_the_same_rows(smoke):
    scores = smoke.tables["scores"].set_index("method")["loss"]
    for rival in ("optimum with the prior", "single optimum"):
        gain = smoke.summary[f"gain of the mixture over the {rival}, width 8"]
        assert gain.value == pytest.approx(scores[rival] - scores["SGLD mixture"])
    assert "log-loss above the entropy, optimum with the prior, width 8" in smoke.summary
    assert any("the fair rival" in note for note in smoke.summary.notes)


def test_matches_published_regret_of_threshold_networks():
    result = run(hidden_units=[2, 16])
    found = result.summary["regret against XOR, 16 hidden units"]
    error = result.tables["regret"]["error"].max()         # 3.9061 by summing over all data
    assert found.value == pytest.approx(3.9061, abs=4 * error)
    assert found.value < result.summary["bound by the soft weight"].value
    table = result.tables["regret"]
    assert (table["regret"] <= table["soft"] + 4 * table["error"]).all()
    assert (table["soft"] <= table["ball"] + 1e-12).all()
    assert result.summary["logarithm of the number of networks"].value > 70
    other = study.figures(result, study.VIEW(target="AND"))["regret"]
    assert "Regret against AND" in str(other.opts.get("plot").kwargs["title"])


def test_matches_a_class_without_the_target():
    result = run(hidden_units=[1], function="XOR")
    assert math.isinf(result.summary["bound by the weight of XOR"].value)
    assert any("No network of 1 hidden units computes XOR" in one for one in result.summary.notes)
    assert list(study.figures(result)) == FIGURES


def test_matches_published_regret_of_a_coin():
    result = run(experiment="bernoulli", n=100)
    assert result.summary["regret against the coin, 100 tosses"].value == pytest.approx(1.6746,
                                                                                       abs=5e-5)
    assert result.summary["bound by the best ball"].value == pytest.approx(2.892, abs=1e-3)
    assert result.summary["effective dimension at the best eps"].value == pytest.approx(1, abs=.1)
    figures = study.figures(result)
    assert list(figures) == [*FIGURES, "dimension"]
    curves = {one.label: one for one in figures["dimension"] if isinstance(one, hv.Curve)}
    parts = result.tables["bound"]
    at = parts["total"].argmin()
    line, weights = (curves[name].dimension_values(1) for name in (
        "half the dimension as slope", "log weight of the ball"))
    assert line[at] == pytest.approx(weights[at]) == pytest.approx(parts["log_weight"].iloc[at])
    assert np.ptp(line) == pytest.approx(
        parts["dimension"].iloc[at] / 2 * np.log(parts["eps"].max() / parts["eps"].min()))
    for n in (1, 2, 3000):
        assert list(study.figures(run(experiment="bernoulli", n=n, prior="Krichevsky-Trofimov",
                                      eps_grid=[0.001, 0.01, 0.1])))[:-1] == FIGURES
    assert any("Coins are followed at temperature 1" in note for note in run(
        experiment="bernoulli", temperature=2.0).summary.notes)


def test_matches_experts_of_an_own_file_to_the_library(forecasts):
    params = study.Params(data=forecasts)
    assert study.is_quick(params)
    result = study.run(params)
    table = pd.read_csv(forecasts)
    own = follow_experts(table.drop(columns="outcome").to_numpy(), table["outcome"].to_numpy(),
                         "probability")
    weights = result.tables["weights"]
    np.testing.assert_allclose(weights["weight"], own.weights[-1])
    best = next(name for name in result.summary if name.startswith("regret against the best"))
    bound = result.summary["the most it can be"].value
    assert result.summary[best].value <= bound + 1e-9
    assert bound == pytest.approx(math.log(6))
    assert (result.tables["regret"]["mixture"] <= bound + 1e-9).all()
    assert any("'noisy' 6" in note for note in result.summary.notes)
    files = study.downloads(result, params)
    steps = pd.read_csv(io.BytesIO(files["forecasts_of_the_mixture.csv"]()))
    assert len(steps) == 120
    np.testing.assert_allclose(steps.filter(like="weight ").sum(axis=1), 1)
    assert list(study.figures(result)) == FIGURES


@pytest.mark.parametrize("more", [{"temperature": 0.5}, {"temperature": 5.0},
                                  {"experts": ["calibrated", "late"]},
                                  {"forecast": "point", "target": "outcome"},
                                  {"forecast": "quantile", "quantile_level": 0.7}])
def test_matches_experts_of_every_kind_to_figures(forecasts, more):
    result = run(data=forecasts, **more)
    assert list(study.figures(result)) == FIGURES
    bound = result.summary["the most it can be"].value
    assert math.isinf(bound) == (more.get("temperature") == 0.5)
    best = next(name for name in result.summary if name.startswith("regret against the best"))
    assert result.summary[best].value <= bound + 1e-9
    scaled = any("scales" in note for note in result.summary.notes)
    assert scaled == (more.get("forecast") in ("point", "quantile"))


def test_matches_classes_of_an_own_file(classes):
    result = run(data=classes, **NETS)
    scores = result.tables["scores"]
    assert set(scores["width"]) == {4, 8}
    assert (scores["low"] <= scores["loss"]).all()
    assert any("other training rows" in note for note in result.summary.notes)
    assert any("target is column 'kind'" in note for note in result.summary.notes)
    assert list(study.figures(result)) == FIGURES                   # three classes: no map
    assert study.is_quick(study.Params(**{"data": classes, **NETS}))
    assert set(study.downloads(result, None)) == {"losses_of_networks.csv"}


@pytest.mark.parametrize("more", [{"schedule": "cyclical"}, {"schedule": "decay"},
                                  {"precondition": "rmsprop"}, {"precondition": "none"},
                                  {"temperature": 0.0}, {"batch_size": 10}])
def test_matches_every_way_of_drawing_networks(more):
    result = run(experiment="sgld", **{**NETS, "width": [4], **more})
    assert result.tables["scores"]["loss"].notna().all()
    figures = study.figures(result)
    assert list(figures) == [*FIGURES, "map"]
    notes = " ".join(result.summary.notes)
    assert ("ensemble of optima" in notes) == ("temperature" in more)
    assert ("Batches add noise" in notes) == ("batch_size" in more)


def test_matches_parameters_to_their_declaration():
    """A parameter of the name of something that every study has would hide it."""
    assert "name" not in study.Params.declared()
    assert set(study.SAMPLING) < set(study.Params.declared())


def test_identity_kept_networks_change_nothing():
    values = {**NETS, "hidden_units": [1], "seed": 11}
    assert not study.is_quick(study.Params(**values))
    first = run(**values)
    assert study.is_quick(study.Params(**values, n=10))
    again = run(**{**values, "hidden_units": [2], "function": "AND"})
    pd.testing.assert_frame_equal(first.tables["scores"], again.tables["scores"])


@pytest.mark.parametrize(("values", "words"), [
    ({"data": "nothing.csv"}, "or a file, got 'nothing.csv', which is neither"),
    ({"experiment": "sgld", "width": []}, r"width must name hidden units .* got \[\]"),
    ({"hidden_units": [65]}, "hidden_units must hold whole numbers from 1 to 64, got 65"),
    ({"width": [0]}, "width must hold whole numbers from 1 to 8192, got 0"),
    ({"eps_grid": [0.0]}, "eps_grid must hold numbers above 0"),
    ({"temperature": 0}, "temperature must be above 0 for an exact mixture"),
    ({"snapshots": 1000}, "snapshots must be at most 0.3 of n_steps"),
    ({"flip": 0.5}, "flip must be a number >= 0.001 and <= 0.499"),
])
def test_rejects_before_reading(values, words):
    with pytest.raises(ParameterError, match=words):
        study.Params(**values)


def test_rejects_a_file_where_none_is_needed_and_names_that_are_not_there(forecasts):
    with pytest.raises(ParameterError, match="experiment must be 'auto', 'experts' or 'sgld'"):
        study.Params(data=forecasts, experiment="bernoulli")
    with pytest.raises(ValueError, match="target must name columns of the data, got 'outcom'"):
        run(data=forecasts, target="outcom", experiment="experts")
    assert study.read_notes(study.Params(data=forecasts))
    assert study.read_notes(study.Params()) == ()


@pytest.mark.slow
def test_matches_the_default_run_of_the_notebook():
    result = study.run(study.Params())
    table = result.tables["scores"].pivot_table(index="method", columns="width", values="loss")
    ours, optimum = table.loc["SGLD mixture"], table.loc["single optimum"]
    assert (ours < 0.5 * optimum).all()
    assert ours[256] < ours[16] + 0.02
    assert result.summary[
        "gain of the mixture over the single optimum, width 256"].interval.low > 0
