"""The study on digits, on the user's own images and on a table of his own."""

import math

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("torch")

import torch

from workbench.core import ParameterError, Result, generator
from workbench.reweighting.under_attack.findings import gain
from workbench.reweighting.under_attack.trials import (
    BASELINE,
    OURS,
    Settings,
    train_methods,
)
from workbench.reweighting.under_attack.worlds import read_images
from workbench.studies import robust_adversarial as study
from workbench.train import MLP, torch_generator

SMALL = {**study.SMOKE, "epochs": 3}


def run(**values):
    return study.run(study.Params(**values))


@pytest.fixture(scope="module")
def smoke():
    return run(**study.SMOKE)


def test_matches_numbers_with_intervals_and_figures(smoke):
    for name, number in smoke.summary.items():
        assert number.interval is not None or number.why, name
        assert math.isfinite(number.value), name
    found = study.figures(Result(smoke.summary, smoke.tables))
    assert list(found) == ["classes", "reach", "course"]
    scores = smoke.tables["scores"].pivot_table(index="seed", columns="method", values="tail")
    told = smoke.summary["weakest 30 % of classes under attack, DONE minus baseline"]
    assert told.value == pytest.approx((scores[OURS] - scores[BASELINE]).mean())
    text = study.downloads(smoke, None)["robust_accuracies.csv"]().decode()
    assert text.startswith("method,seed,attack,n,clean,robust,tail,worst,lost")


def test_matches_a_view_of_another_method(smoke):
    view = study.VIEW(beside="KL weights only")
    drawn = study.figures(smoke, view)["classes"]
    assert "KL weights only beside the baseline" in str(drawn.opts.get("plot").kwargs["title"])


def test_identity_a_large_price_is_the_baseline():
    how = Settings(eps=0.02, attack_steps=1, epochs=3, width=8, temperature=math.inf, looks=0,
                   checked_rows=0, reaches=())
    trials = train_methods(read_images("digits"), (BASELINE, "KL weights only"), how,
                           seeds=(0, 1), most=150)
    for score in ("clean", "robust", "tail"):
        assert gain(trials, "KL weights only", score).value == 0


def test_matches_a_network_of_ones_own():
    made = []

    def make(shape, classes, seed):
        made.append((shape, classes, seed))
        return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Tanh(), MLP(
            64, 4, classes, generator=torch_generator(seed)))
    how = Settings(eps=0.02, attack_steps=1, epochs=2, looks=0, checked_rows=0, reaches=(),
                   temperature=math.inf, make=make)
    trials = train_methods(read_images("digits"), (BASELINE, "KL weights only", OURS), how,
                           seeds=(3, 4), most=150)
    assert made == [((1, 8, 8), 10, seed) for seed in (3, 3, 3, 4, 4, 4)]
    assert gain(trials, "KL weights only", "robust").value == 0
    assert math.isfinite(gain(trials, OURS, "robust").value)


def test_recovers_that_both_parts_help_rare_classes():
    """A short version of the benchmark: the direction, on one seed."""
    how = Settings(attack_steps=5, epochs=30, looks=0, checked_rows=0, reaches=())
    trials = train_methods(read_images("digits"), (BASELINE, OURS), how, seeds=(0,),
                           imbalance="step:5")
    assert gain(trials, OURS, "tail").value > 3


def test_matches_the_users_images(tmp_path):
    rng = generator(0)
    y = np.arange(120) % 3
    x = rng.integers(0, 60, (120, 6, 6)) + 90 * (np.arange(36).reshape(6, 6) % 3 == y[:, None,
                                                                                     None])
    path = tmp_path / "my images é.npz"
    np.savez(path, images=x.astype(np.uint8), labels=y)
    result = run(**{**SMALL, "epochs": 20, "compare": "rivals", "apgd_rows": 12}, data=str(path))
    assert set(result.tables["scores"]["method"]) == {BASELINE, "GAIRAT", "MAIL", OURS}
    assert result.summary["all classes under attack, baseline"].value > 50
    assert any("Rows must survive PGD-20 and APGD" in note for note in result.summary.notes)
    assert set(result.tables["classes"]["class"]) == {"0", "1", "2"}


def test_matches_the_users_table_and_a_file_that_changed(tmp_path):
    rng = generator(1)
    table = pd.DataFrame(rng.normal(size=(90, 3)), columns=["a", "b", "d"])
    path = tmp_path / "own.csv"
    table.assign(kind=np.where(table["a"] > 0, "high", "low")).to_csv(path, index=False)
    options = {**SMALL, "table": str(path), "target": "kind", "epochs": 15}
    first = run(**options)
    assert set(first.tables["classes"]["class"]) == {"high", "low"}
    assert "standard deviations" in first.tables["about"]["value"].to_list()
    assert study.read_notes(study.Params(**options))
    table.assign(kind=np.where(table["b"] + table["d"] ** 2 > 1, "high", "low")).to_csv(
        path, index=False)
    assert not first.tables["scores"].equals(run(**options).tables["scores"])


def test_matches_a_training_that_diverged():
    how = Settings(eps=0.02, attack_steps=1, epochs=3, width=8, looks=2, checked_rows=5,
                   learning_rate=1e30, reaches=())
    trials = train_methods(read_images("digits"), (BASELINE, OURS), how, seeds=(0, 1), most=150)
    assert trials.scores["tail"].isna().all()
    assert gain(trials, OURS, "tail").why == "a training diverged"
    assert trials.classes.empty


@pytest.mark.parametrize(("values", "words"), [
    ({"compare": "part"}, "Did you mean 'parts'"),
    ({"data": "digit"}, "Did you mean 'digits'"),
    ({"table": "no-such-file.csv"}, "table must be .*got 'no-such-file.csv'"),
    ({"imbalance": "steps:5"}, "imbalance must be none, step:K or exp:K"),
    ({"eps": 0.0}, "eps must be a number >= 0.001"),
    ({"eta": 0.0}, "eta must be")])
def test_rejects_what_no_run_could_use(values, words):
    with pytest.raises(ParameterError, match=words):
        study.Params(**values)


def test_rejects_a_table_given_as_images(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("a,y\n1,2\n", encoding="utf-8")
    with pytest.raises(ParameterError, match="Pass it as table for a table"):
        study.Params(data=str(path))


def test_matches_a_large_attack_on_a_table_that_nothing_survives(tmp_path):
    rng = generator(2)
    table = pd.DataFrame(rng.normal(size=(80, 2)), columns=["a", "b"])
    path = tmp_path / "own.csv"
    table.assign(kind=np.where(table["a"] > 0, "high", "low")).to_csv(path, index=False)
    result = run(**{**SMALL, "apgd_rows": 12, "eps": 2.0}, table=str(path))
    assert result.summary["all classes under attack, baseline"].value < 20
    assert any("One row is 8.3 %" in note for note in result.summary.notes)


def test_matches_words_for_a_training_that_diverged(smoke):
    from workbench.core import Estimate
    from workbench.studies.views.attack_words import _verdict

    rows = read_images("digits")
    told = _verdict(Estimate(math.nan, why="a training diverged"), 3, rows)
    assert "train more seeds" not in told
    assert "train more seeds" in _verdict(Estimate(1.0, why="one seed"), 1, rows)


def test_matches_accuracies_between_nothing_and_everything(smoke):
    for name, number in smoke.summary.items():
        if name.endswith("baseline") and "minus" not in name:
            assert 0 <= number.interval.low <= number.value <= number.interval.high <= 100
