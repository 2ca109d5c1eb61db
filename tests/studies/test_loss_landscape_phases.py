"""The study on the published grid, on a small grid of its own, and on the user's images."""

import numpy as np
import pandas as pd
import pytest

from workbench.core import ParameterError, Result
from workbench.core.details import Chosen
from workbench.core.recent import Recent
from workbench.landscape.axes import axis_faults
from workbench.plots.theme import figure_html
from workbench.studies import loss_landscape_phases as study

FAST = study.SMOKE


@pytest.fixture(scope="module")
def published():
    return study.run(study.Params(grid="published"))


@pytest.fixture(scope="module")
def own():
    return study.run(study.Params(**FAST))


def test_every_number_has_an_interval_or_a_reason(published, own):
    for result in (published, own):
        for name, number in result.summary.items():
            assert number.interval is not None or number.why, name
    assert all(np.isfinite(number.value) for number in published.summary.values())


def test_matches_the_published_phases(published):
    table = published.tables["phases"].set_index("phase")
    assert table["cells"].tolist() == [60, 27, 37, 22, 64]
    assert published.summary["test accuracy in phase IV-B"].value == pytest.approx(86.81, abs=0.01)
    assert "Cells: I 60, II 27, III 37, IV-A 22, IV-B 64." in published.summary.notes[0]
    assert "loss 0.1 nat, connectivity 1 percentage points" in published.summary.notes[0]


def test_matches_tables_of_an_own_grid(own):
    assert {name: len(table) for name, table in own.tables.items()} == {
        "models": 8, "pairs": 4, "curves": 20, "history": 40, "cells": 4, "phases": 5, "gains": 8,
        "about": 7}
    cells, gains = own.tables["cells"], own.tables["gains"]
    plain = gains[gains["kind"] == "two averaged"]
    assert (plain["gain"] * plain["cells"]).sum() == pytest.approx(cells["gain"].sum())
    assert (cells["threshold_connectivity"] == 2).all()
    assert any("1024 of 1797" in note for note in own.summary.notes)


@pytest.mark.parametrize("which", ["published", "own"])
def test_matches_the_figures_of_the_notebook(which, request):
    found = study.figures(request.getfixturevalue(which))
    assert list(found) == ["map", "measures", "outcome", "gains"]


def test_identity_thresholds_change_no_measure(own):
    params = study.Params(**FAST, tau_loss=0.0, tau_connectivity=0.0)
    assert study.is_quick(params)
    again = study.run(params)
    assert set(again.tables["cells"]["phase"]) <= {"I", "II"}
    for name in ("models", "pairs"):
        pd.testing.assert_frame_equal(again.tables[name], own.tables[name])
    assert not study.is_quick(study.Params(**FAST | {"epochs": 6}))


def test_identity_published_grid_ignores_how_networks_are_trained(published):
    again = study.run(study.Params(**FAST, grid="published"))
    pd.testing.assert_frame_equal(again.tables["cells"], published.tables["cells"])


def test_matches_the_users_images_and_divergence(tmp_path):
    rng = np.random.default_rng(0)
    labels = np.repeat(["cat", "dog"], 60)
    images = rng.normal(size=(120, 4, 4)) + 2 * (labels == "dog")[:, None, None]
    path = tmp_path / "my {own} images é.npz"
    np.savez(path, images=images, labels=labels)
    result = study.run(study.Params(
        data=str(path), load="train_size", loads=[20, 80], temperature="learning_rate",
        temperatures=[0.05, 1e30], seeds=2, epochs=2, curve_epochs=1, probes=3, batch_size=10))
    cells = result.tables["cells"].set_index(["train_size", "learning_rate"])
    assert cells.loc[(80, 1e30), "diverged"] == 2
    assert cells.loc[(80, 1e30), "phase"] is None
    assert cells.loc[(80, 0.05), "test_accuracy"] > 50
    assert any("Networks that diverged and have no numbers: 4" in note
               for note in result.summary.notes)
    assert any("0 cat, 1 dog" in note for note in result.summary.notes)
    assert set(study.figures(result)) == {"map", "measures", "outcome", "gains"}


@pytest.mark.parametrize(("rates", "drawn"), [([1e30], 0), ([1e30, 0.05], 3)])
def test_matches_a_grid_of_which_networks_diverged(rates, drawn):
    result = study.run(study.Params(**FAST | {
        "loads": [4], "temperature": "learning_rate", "temperatures": rates}))
    found = study.figures(result)
    shown = [name for name in ("measures", "outcome", "gains") if "No cell" not in str(
        found[name].opts.get("plot").kwargs.get("title"))]
    assert len(shown) == drawn
    assert all(figure_html(figure) for figure in found.values())
    assert result.tables["cells"]["diverged"].max() == 2
    unknown = result.summary["test accuracy in phase IV-B"]
    assert str(unknown) == "unknown (no cell)"


@pytest.mark.parametrize("preset", ["full", "gpu"])
def test_identity_a_preset_brings_its_axes(preset):
    params = study.Params(preset=preset, load="label_noise", temperature="learning_rate")
    chosen = study._chosen(params)
    for axis, values in (("load", "loads"), ("temperature", "temperatures")):
        assert not axis_faults(values, chosen[axis], chosen[values])
    assert study._about(params)["value"].tolist()[:2] == ["width", "batch_size"]


@pytest.mark.parametrize("load", ["width", "train_size", "label_noise"])
def test_identity_default_axes_fit_each_other(load):
    rows = {"train_size": min(study.AXES["train_size"])}.get(load, 1024)
    assert max(study.AXES["batch_size"]) <= rows


@pytest.mark.parametrize("name", study.PRESETS)
def test_matches_presets_to_the_parameters(name):
    values = study.PRESETS[name]
    assert study.Params(preset=name)
    assert study.Params(**values | {"loads": values.get("loads", [])})


@pytest.mark.parametrize(("values", "words"), [
    ({"data": "digit"}, "Did you mean 'digits'"),
    ({"loads": [2, 2]}, "loads must hold each value once"),
    ({"loads": [4.5]}, "loads must hold whole numbers >= 1 where the axis is width, got 4.5"),
    ({"loads": [-4]}, "loads must hold whole numbers >= 1"),
    ({"load": "label_noise", "loads": [0.1, 10]}, r"loads must hold shares in \[0, 1\]"),
    ({"temperatures": [0]}, "temperatures must hold whole numbers >= 1"),
    ({"temperature": "learning_rate", "temperatures": [0.0]}, "must hold numbers > 0"),
    ({"temperature": "weight_decay", "temperatures": [-1]}, "must hold numbers >= 0"),
    ({"sharp_by": "trace"}, "tau_trace must be a number"),
    ({"tau_similarity": 1.5}, "tau_similarity must be"),
    ({"preset": "gpus"}, "Did you mean 'gpu'"),
])
def test_rejects_what_no_run_could_use(values, words):
    with pytest.raises(ParameterError, match=words):
        study.Params(**values)


def test_matches_a_cell_to_its_networks(own):
    names = study.named_cells(own)["cell"]
    assert names.iloc[3] == "width 16, batch size 256"
    told = study.details(own, Chosen({"cell": names.iloc[3]}, study.VIEW(path_epochs=3)))
    curves = {curve.label: curve for curve in told["training"].traverse(
        lambda one: one, ["Curve"])}
    history, models = own.tables["history"], own.tables["models"]
    for seed in (0, 1):
        k = models.index[(models["width"] == 16) & (models["batch_size"] == 256)
                         & (models["seed"] == seed)][0]
        np.testing.assert_allclose(curves[f"seed {seed}"].dimension_values("value"),
                                   history.loc[history["model"] == k, "loss"])
    pairs = own.tables["pairs"]
    row = pairs[(pairs["width"] == 16) & (pairs["batch_size"] == 256)].iloc[0]
    assert told["numbers"]["distance"].value == pytest.approx(row["distance"], rel=1e-4)
    assert "larger is worse" in told["numbers"].notes[0]
    assert told["cell"]["loss"].value == own.tables["cells"]["loss"].iloc[3]


def test_matches_networks_that_can_be_compared(own):
    cell = {"cell": "width 4, batch size 32"}
    assert study.SELECT["first"].options(own, cell) == [
        "width 4, batch size 32, seed 0", "width 4, batch size 32, seed 1"]
    others = study.SELECT["second"].options(own, cell)
    assert others == ["width 4, batch size 32, seed 1", "width 4, batch size 256, seed 0",
                      "width 4, batch size 256, seed 1"]
    told = study.details(own, Chosen(cell | {"second": others[2]}))
    assert told["between"].endswith("to width 4, batch size 256, seed 1.")


def test_matches_what_is_missing_in_words(own, published):
    cell = study.named_cells(published)["cell"].iloc[0]
    assert "grid = own" in study.details(published, Chosen({"cell": cell}))["missing"]
    assert study.downloads(published, None) == {}
    old = Result(own.summary, {name: table for name, table in own.tables.items()
                               if name != "history"})
    told = study.details(old, Chosen({"cell": "width 4, batch size 32"}))
    assert "Run the study again" in told["missing"]
    assert list(told) == ["cell", "missing"]


def test_identity_a_remembered_run_needs_no_training(own, monkeypatch):
    monkeypatch.setattr(study, "MEASURED", Recent(4))
    params = study.Params(**FAST)
    assert not study.is_quick(params)
    study.remember(params, own)
    monkeypatch.setattr(study, "_measured", None)
    again = study.run(study.Params(**FAST, tau_loss=0.0))
    assert set(again.tables["cells"]["phase"]) <= {"I", "II"}
    pd.testing.assert_frame_equal(study.run(params).tables["cells"], own.tables["cells"])
