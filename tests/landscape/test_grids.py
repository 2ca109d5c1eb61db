"""Oracle: networks of a tiny grid taken out and measured one by one with plain PyTorch."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch.nn import functional

from workbench.datasets import load_images
from workbench.landscape.averaging import average_model, reestimate_moments
from workbench.landscape.connectivity import mode_connectivity
from workbench.landscape.curves import CurveTraining
from workbench.landscape.grid_measures import measure_grid, save_grid
from workbench.landscape.grids import Grid, noisy_labels, train_grid
from workbench.landscape.load_measures import Probing
from workbench.landscape.matching import align
from workbench.landscape.permutation_axes import symmetries

QUICK = Probing(probes=3, curvature_rows=40, transfer_size=32,
                curves=CurveTraining(epochs=2, learning_rate=0.05))


@pytest.fixture(scope="module")
def images():
    return load_images("digits", train_size=256, rng=np.random.default_rng(0))


@pytest.fixture(scope="module")
def trained(images):
    return train_grid(Grid(loads=(3, 6), temperatures=(16, 64), epochs=4, seeds=3), images)


@pytest.fixture(scope="module")
def measured(trained):
    return measure_grid(trained, QUICK, workers=2)


def accuracy(model, images):
    with torch.no_grad():
        found = model(torch.from_numpy(images.test_inputs)).argmax(1).numpy()
    return 100 * (found == images.test_labels).mean()


def test_matches_networks_measured_alone(trained, measured, images):
    for k in (0, 4, 11):
        model = trained.trained.model(k)
        with torch.no_grad():
            loss = functional.cross_entropy(model(torch.from_numpy(images.train_inputs)),
                                            torch.from_numpy(images.train_labels))
        assert measured.models.loc[k, "loss"] == pytest.approx(loss.item(), rel=1e-5)
        assert measured.models.loc[k, "test_accuracy"] == pytest.approx(accuracy(model, images))
    assert (measured.models["status"] == "trained").all()
    assert measured.models["pruned_accuracy"].between(0, 100).all()
    assert measured.models["transfer_gain"].between(-100, 100).all()


def test_matches_averages_of_pairs_made_one_by_one(trained, measured, images):
    assert len(measured.pairs) == 4 * 3
    for row in measured.pairs.iloc[[0, 7]].itertuples():
        both = [trained.trained.model(int(k)) for k in (row.first, row.second)]
        mean = np.mean([accuracy(model, images) for model in both])
        assert row.gain == pytest.approx(accuracy(average_model(both), images) - mean)
        aligned = align(both, symmetries(both[0]))
        both[1].load_state_dict({name: one[1] for name, one in aligned.items()})
        assert row.gain_aligned == pytest.approx(accuracy(average_model(both), images) - mean)


def test_matches_connectivity_of_the_curves(measured):
    curves = measured.curves.pivot_table(index="pair", columns="t", values="train_error")
    np.testing.assert_allclose(mode_connectivity(curves.to_numpy()),
                               measured.pairs["connectivity"])


def test_matches_cells_as_means(measured):
    cell = measured.cells.set_index(["width", "batch_size"]).loc[(6, 16)]
    models = measured.models.query("width == 6 and batch_size == 16")
    pairs = measured.pairs.query("width == 6 and batch_size == 16")
    assert (cell["models"], cell["diverged"], len(pairs)) == (3, 0, 3)
    assert cell["trace"] == pytest.approx(models["trace"].mean())
    assert cell["similarity"] == pytest.approx(pairs["similarity"].mean())
    assert 1 <= cell["soup_members"] <= 3


def test_identity_workers_and_other_loads_change_nothing(trained, measured, images):
    again = measure_grid(trained, QUICK)
    pd.testing.assert_frame_equal(again.cells, measured.cells)
    alone = train_grid(Grid(loads=(6,), temperatures=(64,), epochs=4, seeds=3), images)
    losses = measure_grid(alone, QUICK).models["loss"].to_numpy()
    np.testing.assert_allclose(losses, measured.models.query(
        "width == 6 and batch_size == 64")["loss"], rtol=1e-4)


def test_matches_divergence_told_and_never_a_number(images):
    grid = Grid(loads=(4,), temperatures=(0.05, 1e30), temperature="learning_rate", seeds=2,
                epochs=2)
    found = measure_grid(train_grid(grid, images), QUICK)
    assert found.models["status"].tolist() == ["trained"] * 2 + ["diverged"] * 2
    broken = found.cells.set_index("learning_rate").loc[1e30]
    assert broken["diverged"] == 2
    numbers = ["loss", "trace", "connectivity", "similarity", "gain", "soup_gain"]
    assert broken[numbers].isna().all()
    assert found.cells.set_index("learning_rate").loc[0.05, ["loss", "gain"]].notna().all()


def test_identity_one_seed_has_no_pairs(images):
    grid = Grid(loads=(4,), temperatures=(64,), seeds=1, epochs=1)
    found = measure_grid(train_grid(grid, images), QUICK)
    assert len(found.pairs) == len(found.curves) == 0
    assert found.cells["connectivity"].isna().all()
    assert found.cells["loss"].notna().all()


@pytest.mark.parametrize("load", ["train_size", "label_noise"])
def test_matches_rows_and_labels_of_each_load(images, load):
    values = {"train_size": (64, 128), "label_noise": (0.0, 0.25)}[load]
    grid = Grid(load=load, loads=values, temperatures=(32,), seeds=2, epochs=1,
                settings={"width": 5})
    trained = train_grid(grid, images)
    found = measure_grid(trained, QUICK)
    x, y = trained.rows(values[1])
    with torch.no_grad():
        loss = functional.cross_entropy(trained.trained.model(2)(x), y).item()
    assert found.models.loc[2, "loss"] == pytest.approx(loss, rel=1e-5)
    assert len(y) == (128 if load == "train_size" else 256)
    wrong = (y.numpy() != images.train_labels[:len(y)]).mean()
    assert wrong == (0 if load == "train_size" else 0.25)


def test_matches_moments_estimated_anew_for_averages(images):
    grid = Grid(family="convnet", loads=(3,), temperatures=(64,), seeds=2, epochs=1)
    trained = train_grid(grid, images)
    found = measure_grid(trained, QUICK)
    both, x = [trained.trained.model(k) for k in range(2)], torch.from_numpy(images.train_inputs)
    for model in both:
        reestimate_moments(model, x.split(128))
    mean = np.mean([accuracy(model, images) for model in both])
    middle = average_model(both, recalibrate=lambda model: reestimate_moments(model, x.split(128)))
    assert found.pairs["gain"].item() == pytest.approx(accuracy(middle, images) - mean)


def test_identity_a_saved_grid_comes_back(trained, measured, tmp_path):
    saved = save_grid(tmp_path / "zoo", trained, measured)
    table = saved.table()
    pd.testing.assert_frame_equal(table.drop(columns="model")[list(measured.models)],
                                  measured.models, check_dtype=False)
    wide = table.query("width == 6 and seed == 2")["model"].iloc[0]
    expected = trained.trained.model(wide).state_dict()
    found = saved.model(wide).state_dict()
    assert all(torch.equal(found[name], tensor) for name, tensor in expected.items())
    assert "over width and batch_size" in saved.card
    assert trained.images.sha256 in saved.card


def test_recovers_the_share_of_wrong_labels(images):
    for share in (0.0, 0.1, 1.0):
        wrong = noisy_labels(images, share, 3) != images.train_labels
        assert wrong.sum() == round(share * len(wrong))


@pytest.mark.parametrize(("call", "words"), [
    (lambda _: Grid(load="widht"), "Did you mean 'width'"),
    (lambda _: Grid(loads=(2, 2)), "each value once"),
    (lambda _: Grid(settings={"rate": 1}), "settings must be one of"),
    (lambda images: train_grid(Grid(load="train_size", loads=(9999,)), images),
     r"train_size must lie in \[1, 256\]"),
    (lambda _: Grid(load="label_noise", loads=(2,)), r"loads must hold shares in \[0, 1\]"),
    (lambda _: Grid(loads=(4.5,)), "whole numbers >= 1 where the axis is width, got 4.5"),
    (lambda images: noisy_labels(images, 2.0, 0), r"label_noise must lie in \[0, 1\]"),
    (lambda _: Probing(sparsity=2), "sparsity must lie"),
    (lambda _: Probing(transfer_size=-1), "transfer_size must be >= 0"),
])
def test_rejects_grids_that_nobody_could_train(images, call, words):
    with pytest.raises(ValueError, match=words):
        call(images)
