"""The study on simulated worlds, on a table of the user's own, and with a weighter of his own."""

import math
import re

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("torch")

from workbench.core import ParameterError, Result, generator
from workbench.reweighting import register, registry
from workbench.studies import loss_based as study

SMALL = {"worlds": 3, "n_steps": 60, "text_steps": 0}
TABLE = {"trainings": 2, "epochs": 3}


def run(**values):
    return study.run(study.Params(**values))


@pytest.fixture(scope="module")
def smoke():
    return run(**study.SMOKE)


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    rng = generator(1)
    x = rng.normal(size=(120, 2))
    table = pd.DataFrame(x, columns=["a", "b"]).assign(
        colour=rng.choice(["red", "green"], 120), cost=3 * x[:, 0] + rng.normal(size=120),
        kind=np.where(x[:, 1] > 0, "high", "low"))
    table.loc[4, "a"] = np.nan
    path = tmp_path_factory.mktemp("own") / "my {own} table é.csv"
    table.to_csv(path, index=False)
    return str(path)


def test_matches_numbers_with_intervals_and_figures(smoke):
    for name, number in smoke.summary.items():
        assert number.interval is not None or number.why, name
        assert math.isfinite(number.value), name
    found = study.figures(Result(smoke.summary, smoke.tables))
    assert list(found) == ["weights", "training", "domains", "bound"]
    assert any("not what they do on your data" in note for note in smoke.summary.notes)


def test_recovers_that_weights_win_without_outliers():
    result = run(**{**SMALL, "n_steps": 200, "worlds": 5})
    ratio = result.summary["test loss after 200 steps, linupper over uniform"]
    assert ratio.interval.high < 0.5
    same = run(**{**SMALL, "weighter": "uniform"})
    assert same.summary["test loss after 60 steps, uniform over uniform"].value == 1


def test_identity_large_temperature_is_uniform():
    result = run(**SMALL, temperature=100, schedule="constant")
    assert result.summary["test loss after 60 steps, linupper over uniform"].value == (
        pytest.approx(1, abs=0.02))


def test_matches_a_view_of_another_batch(smoke):
    view = study.VIEW(step="0", batch_of="quadratic")
    title = study.figures(smoke, view)["weights"]
    drawn = str([element.opts.get("plot").kwargs.get("title") for element in title])
    assert "Batch at step 0, quadratic" in drawn


def test_matches_text_by_domain():
    result = run(worlds=2, n_steps=20, text_steps=4, trainings=2)
    scores = result.tables["text_scores"]
    wide = scores.pivot_table(index="seed", columns=["weighter", "name"], values="loss")
    gaps = (wide["uniform"] - wide["linupper"]).mean(axis=1)
    told = result.summary["text: mean loss of uniform minus this"]
    assert told.value == pytest.approx(gaps.mean())
    shares = result.tables["text_shares"].groupby("at")["value"].sum()
    assert shares.to_numpy() == pytest.approx(100, rel=1e-4)
    assert any("no gain is to be expected" in note for note in result.summary.notes)
    assert study.figures(result)["domains"] is not None


@pytest.mark.parametrize(("target", "unit"), [("cost", "variances of the target"),
                                              ("kind", "nats")])
def test_matches_the_users_table(own, target, unit):
    result = run(data=own, target=target, **TABLE)
    gain = result.summary["test loss of uniform minus linupper"]
    assert gain.unit == unit
    scores = result.tables["scores"].pivot_table(index="seed", columns="weighter", values="loss")
    assert gain.value == pytest.approx((scores["uniform"] - scores["linupper"]).mean())
    rows = result.tables["rows"]
    assert rows["row"].tolist() == list(range(2, 122))
    assert rows["weight, uniform"].dropna().to_numpy() == pytest.approx(1, rel=1e-5)
    assert set(study.figures(result)) == {"weights", "training", "domains"}
    text = study.downloads(result, None)["row_weights.csv"]().decode()
    assert text.startswith('row,target,"weight, ')
    assert study.read_notes(study.Params(data=own, target=target))


def test_matches_a_weighter_of_the_user(own, monkeypatch):
    monkeypatch.setattr(registry, "OWN", {})

    class UpperHalf:
        """Ten lines of a user."""

        scope = "step"

        def __call__(self, losses):
            chosen = (losses >= losses.median()).to(losses)
            return chosen / chosen.sum()
    with pytest.raises(ParameterError, match="weighter must be one of 'linupper'"):
        study.Params(weighter="upper_half")
    register("upper_half", UpperHalf)
    assert "upper_half" in study.Params.declared()["weighter"].objects
    result = run(**SMALL, weighter="upper_half")
    assert "test loss after 60 steps, upper_half over uniform" in result.summary
    table = run(data=own, target="cost", weighter="upper_half", **TABLE)
    assert "weight, upper_half" in table.tables["rows"]
    assert table.tables["rows"]["weight, upper_half"].max() > 1.2


@pytest.mark.parametrize(("values", "words"), [
    ({"weighter": "linuper"}, "Did you mean 'linupper'"),
    ({"weighter": "/tmp/evil.py"}, "weighter must be one of"),
    ({"weighter": "os:system"}, "weighter must be one of"),
    ({"data": "no-such-file.csv"}, "got 'no-such-file.csv', which is neither"),
    ({"temperature": 0.0}, "temperature must be a number >= 0.05")])
def test_rejects_what_no_run_could_use(values, words):
    with pytest.raises(ParameterError, match=words):
        study.Params(**values)


@pytest.mark.parametrize(("values", "words"), [
    ({"target": "cots"}, "target must name a column|Did you mean 'cost'"),
    ({"target": "colour", "task": "number"}, "number")])
def test_rejects_tables_that_do_not_fit(own, values, words):
    with pytest.raises(ValueError, match=words):
        run(data=own, **values, **TABLE)
    with pytest.raises(ValueError, match="task must be 'number' or 'auto' for the shipped"):
        run(data="yacht", task="class", **TABLE)


def test_matches_another_task_and_a_file_that_changed(tmp_path):
    path, rng = tmp_path / "two.csv", generator(3)
    table = pd.DataFrame(rng.normal(size=(80, 2)), columns=["a", "b"])
    table.assign(z=(table["a"] > 0).astype(int)).to_csv(path, index=False)

    def told(**more):
        number = run(data=str(path), **TABLE, **more).summary["test loss, uniform"]
        return number.value, number.unit
    nats, variances = told(task="class"), told(task="number")
    assert [nats[1], variances[1]] == ["nats", "variances of the target"]
    assert nats[0] != variances[0]                     # not the trainings of the other task
    table.assign(z=table["b"]).to_csv(path, index=False)
    changed = told(task="number")
    study.FILES, study.TRAINED = type(study.FILES)(4), type(study.TRAINED)(8)
    assert changed == told(task="number") != variances


def test_matches_a_weighter_that_was_registered_again(monkeypatch):
    monkeypatch.setattr(registry, "OWN", {})
    found = []
    for power in (0, 2):
        class Powers:
            """The same name, another idea."""

            of = power

            def __call__(self, losses):
                amounts = (losses + 1e-9) ** self.of
                return amounts / amounts.sum()
        register("powers", Powers)
        found.append(run(**SMALL, weighter="powers").summary[
            "test loss after 60 steps, powers over uniform"].value)
    assert found[0] == pytest.approx(1, abs=1e-9)
    assert abs(found[1] - 1) > 0.1


@pytest.mark.parametrize(("values", "words"), [
    ({}, "may count 2.65 times uniform.* temperature of 1.45"),           # 64 rows
    ({"alpha": 2.0}, "may count 6.72 times uniform.* temperature of 2.9"),
    ({"alpha": 2.0, "delta": 10.0, "temperature": 0.05}, "may count 64 times uniform")])
def test_matches_the_caution_of_the_scores_that_were_used(values, words):
    notes = " ".join(run(**SMALL, **values).summary.notes)
    assert re.search(words, notes), notes


def test_identity_no_caution_where_no_row_counts_twice():
    for values in ({"weighter": "uniform"}, {"alpha": 0.5}, {"temperature": 1.45}):
        assert "times uniform" not in " ".join(run(**SMALL, **values).summary.notes)


def test_matches_a_verdict_that_is_unknown_where_a_training_diverged():
    from workbench.reweighting.trials import Trials
    from workbench.studies.views.loss_words import table_headline
    scores = pd.DataFrame({"weighter": ["uniform", "uniform", "linupper", "linupper"],
                           "seed": [0, 1, 0, 1], "name": "test", "loss": [1.0, 1.0, 0.5, np.nan]})
    trials = Trials(scores, scores, pd.DataFrame({"linupper": [1.0, 1.0]}), scores)
    table = type("Table", (), {"classes": (), "notes": ()})
    result = table_headline(study.Params(), table, trials, {})
    assert "is unknown, since a training diverged" in result.summary.notes[0]
