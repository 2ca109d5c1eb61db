"""Stages of the study: what is fitted on which rows, and what is left out."""

import numpy as np
import pandas as pd
import pytest
import torch

from workbench.inference.quantile_aggregation import QuantileAggregator
from workbench.inference.quantiles import experiment
from workbench.inference.quantiles.levels import even_levels
from workbench.inference.quantiles.parts import split
from workbench.inference.quantiles.promise import calibrated
from workbench.train.threads import one_thread

LEVELS = even_levels(5)


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"size": rng.normal(size=200), "colour": rng.choice(["red", "blue"], 200)})
    return X, X["size"].to_numpy() + rng.normal(size=200)


def predictions(table, names=("qrf", "linear"), **options):
    X, y = table
    return experiment.base_predictions(X, y, split(len(y), rng=np.random.default_rng(1)), names,
                                       LEVELS, folds=4, seed=0, **options)


@pytest.fixture(scope="module")
def base(table):
    return predictions(table)


@pytest.fixture(scope="module")
def made(base):
    return experiment.aggregate(QuantileAggregator(LEVELS, local=False, solver="lp", penalty=0,
                                                   resolution="medium"), base)


def test_matches_predictions_of_rows_that_no_model_saw(base):
    """A forest misses held-out training rows as often as test rows, its own less often."""
    missed = {part: base.y[part] < base.Z[part][:, 0, 0] for part in ("train", "test")}
    share, sizes = 1 / 6, [len(rows) for rows in missed.values()]
    error = np.sqrt(share * (1 - share) * sum(1 / n for n in sizes))
    assert abs(missed["train"].mean() - missed["test"].mean()) < 4 * error
    own = base.models["qrf"].fit(base.X["train"], base.y["train"]).predict_quantiles(
        base.X["train"])[:, 0]
    assert (base.y["train"] < own).mean() < missed["train"].mean()


def test_identity_outcomes_of_other_parts_are_never_read(table, base):
    """Base models and encoder of the training part stay, whatever the rest of the table holds."""
    X, y = table
    parts = split(len(y), rng=np.random.default_rng(1))
    changed = y.copy()
    changed[np.concatenate([parts.calibration, parts.test])] += 1000
    again = predictions((X, changed))
    for part in base.Z:
        np.testing.assert_array_equal(again.Z[part], base.Z[part])


def test_matches_weights_and_order_of_the_aggregate(base, made):
    n = len(base.y["test"])
    assert made.weights.shape == (n, 2, 5)
    np.testing.assert_allclose(made.weights.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(np.sort(made.loose, axis=1), made.quantiles["test"])
    mixed = np.einsum("nkq,nkq->nq", made.weights, base.Z["test"])
    np.testing.assert_allclose(made.loose, mixed, atol=1e-6)


def test_matches_split_calibration_by_hand(base, made):
    """Interpolate to alpha 0.3, move each interval by its order statistic, sort."""
    found = calibrated("symmetric", base, made, 0.3)
    levels = np.sort([*LEVELS, 0.15, 0.85])
    np.testing.assert_allclose(found.levels, levels)
    assert found.levels[list(found.ends(0.3))].tolist() == pytest.approx([0.15, 0.85])
    known, new = (np.array([np.interp(levels, LEVELS, row) for row in made.quantiles[part]])
                  for part in ("calibration", "test"))
    y = base.y["calibration"]
    for low in range(3):
        scores = np.sort(np.maximum(known[:, low] - y, y - known[:, 6 - low]))
        rank = int(np.ceil((1 - 2 * levels[low]) * (len(y) + 1) - 1e-9))
        new[:, [low, 6 - low]] += scores[rank - 1] * np.array([-1, 1])
    np.testing.assert_allclose(found.after, np.sort(new, axis=1))


def test_identity_no_calibration_changes_nothing(base, made):
    found = calibrated("none", base, made, 0.3)
    assert found.before is found.after
    assert not found.changed


def test_matches_models_left_out_to_a_note(table, monkeypatch):
    def make(name, *options):
        if name == "lgbm":
            raise ImportError("no library. Run `apt install libgomp1`.")
        return original(name, *options)

    original = experiment.make
    monkeypatch.setattr(experiment, "make", make)
    base = predictions(table, ("lgbm", "linear"))
    assert base.names == ["linear"]
    assert base.notes == ("Model 'lgbm' was left out: no library. Run `apt install libgomp1`.",)
    with pytest.raises(ValueError, match="base_models must hold a model that can be loaded"):
        predictions(table, ("lgbm",))


def test_matches_tuned_options_to_a_note(table):
    base = predictions(table, ("linear",), tune=True)
    assert base.notes[0].startswith("Model 'linear' was tuned by the validation part: penalty=")


def test_identity_threads_are_as_before():
    before = torch.get_num_threads()
    with one_thread(), one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before


def test_matches_groups_without_ends_to_one_note(base, made):
    labels = [np.where(np.arange(len(base.y[part])) < 2, "rare", np.where(
        np.arange(len(base.y[part])) < 4, "scarce", "usual")) for part in ("calibration", "test")]
    notes = calibrated("mondrian", base, made, 0.2, groups=(labels[0], labels[1])).notes
    assert sum("too few calibration rows for" in note for note in notes) == 1
    assert "'rare' (2), 'scarce' (2)" in notes[0]
    assert len(notes) == 2
