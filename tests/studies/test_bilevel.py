"""The study on digits with wrong labels, and on a table of the user's own."""

import io
import math

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("torch")

from workbench.core import ParameterError, Result, generator
from workbench.studies import bilevel as study

SMALL = {"trainings": 2, "n_steps": 40, "alphas": [], "batch_size": 32}


def run(**values):
    return study.run(study.Params(**values))


def csv(result, params, name):
    return pd.read_csv(io.BytesIO(study.downloads(result, params)[name]()))


@pytest.fixture(scope="module")
def smoke():
    return run(**study.SMOKE)


@pytest.fixture(scope="module")
def frame():
    """Source "bad" has turned classes; "far" has other inputs."""
    rng = generator(1)
    x = rng.normal(size=(420, 2))
    source = rng.choice(["good", "bad", "far"], 420)
    label = np.where((x[:, 0] > 0) ^ (source == "bad"), "yes", "no")
    table = pd.DataFrame(x, columns=["a", "b"]).assign(
        colour=rng.choice(["red", "green"], 420), source=source, target=label,
        cost=3 * x[:, 0] * np.where(source == "bad", -1, 1) + rng.normal(size=420),
        words=np.where(label == "yes", "lovely fine day", "awful grey night"))
    trusted = (np.arange(420) < 120) & (source == "good")
    return table.assign(gold=np.where(trusted, "yes", "no"))


@pytest.fixture
def own(frame, tmp_path):
    def write(table=frame, name="my {own} table é.csv"):
        path = tmp_path / name
        (table.to_parquet if name.endswith("parquet") else table.to_csv)(path, index=False)
        return str(path)
    return write


def test_matches_numbers_with_intervals_and_figures(smoke):
    for name, number in smoke.summary.items():
        assert number.interval is not None or number.why, name
        assert math.isfinite(number.value), name
    found = study.figures(Result(smoke.summary, smoke.tables))
    assert list(found) == ["weights", "path", "scores", "gaps", "texts"]
    other = study.figures(smoke, study.VIEW(path_of="100"))
    assert "alpha 100" in str([dim.pprint_label for dim in other["path"].dimensions()])
    assert any("at most" in note for note in smoke.summary.notes)


def test_recovers_that_clean_sources_gain_weight():
    result = run(n_steps=200, trainings=2, alphas=[], alpha=1.0)
    weights = result.tables["weights"]["weight"].to_numpy()
    assert weights[0] > 2 / 5
    assert (weights[3:] < 0.8 / 5).all()
    told = result.summary["rank correlation of weights with less noise; uniform is 0"]
    assert told.value > 0.6
    scores = result.tables["scores_by_seed"].pivot_table(index="seed", columns="name",
                                                         values="score")
    assert result.summary["test accuracy, learnt weights minus uniform"].value == pytest.approx(
        (scores["learnt"] - scores["uniform"]).mean())


def test_identity_without_a_rate_weights_are_uniform():
    params = study.Params(**SMALL, source_rate=0.0)
    result = study.run(params)
    assert result.tables["weights"]["weight"].to_numpy() == pytest.approx(0.2)
    assert result.summary["test accuracy, learnt weights minus uniform"].value == 0
    assert study.is_quick(params)
    assert not study.is_quick(study.Params(seed=99))


def test_matches_a_mixture_to_take_away():
    params = study.Params(**SMALL, n_total=100, with_validation=True, n_validation=30)
    result = study.run(params)
    allocation, mixture = (csv(result, params, name) for name in (
        "allocation.csv", "mixture.csv"))
    assert allocation["rows"].sum() == 100
    counts = mixture["source"].value_counts()
    assert counts["validation rows"] == 30
    assert [counts[name] for name in allocation["source"]] == allocation["rows"].tolist()
    assert not mixture["row"].duplicated().any()
    assert any("test nothing any more" in note for note in result.summary.notes)
    assert len(csv(result, params, "source_weights.csv")) == 2 * 5


@pytest.mark.parametrize(("target", "unit", "name"), [
    ("target", "test accuracy", "t.csv"), ("cost", "explained share of the variance",
                                           "t.parquet")])
def test_recovers_the_bad_source_of_the_users_table(own, frame, target, unit, name):
    table = frame.drop(columns=["words", "cost" if target == "target" else "target"])
    params = study.Params(data=own(table, name), target=target, validation="gold", alpha=1.0,
                          n_steps=150, trainings=2, alphas=[], batch_size=64)
    result = study.run(params)
    weights = result.tables["weights"].set_index("source")["weight"]
    assert list(weights.index) == ["bad", "far", "good"]
    assert weights["bad"] < 0.2
    assert f"{unit}, uniform" in result.summary
    rows = csv(result, params, "mixture.csv")
    sheet = frame.assign(row=np.arange(2, 422)).set_index("row")
    assert (sheet.loc[rows["row"], "source"].to_numpy() == rows["source"].to_numpy()).all()
    assert (sheet.loc[rows["row"], "gold"] == "no").all()
    assert study.read_notes(params)
    assert set(study.figures(result)) == {"weights", "path", "scores", "gaps", "texts"}


def test_matches_a_column_of_text(own, frame):
    table = frame[["words", "target", "source"]]
    result = run(data=own(table), text="words", share=0.3, n_steps=150, trainings=2, alphas=[],
                 batch_size=48)
    assert result.summary["test accuracy, uniform"].value > 0.9


def test_matches_kinds_of_text():
    result = run(**SMALL, text_steps=4, lisa_layers=1)
    assert "text: loss, uniform" in result.summary
    weights = result.tables["text_weights"]
    assert weights["weight"].sum() == pytest.approx(1, abs=1e-5)
    assert set(weights["kind"]) == {"wanted", "another kind", "corrupted"}
    assert study.figures(result)["texts"] is not None


@pytest.mark.parametrize(("change", "options", "said"), [
    (lambda t: t.assign(source="one"), {}, "source must hold at least 2 sources"),
    (lambda t: t.drop(columns="source"), {}, "source must name a column of the data, got ''"),
    (lambda t: t.assign(gold="no"), {"validation": "gold"}, "marks none"),
    (lambda t: t, {"source": "target"}, "target must name another column than source, got"),
    (lambda t: t.assign(gold="maybe"), {"validation": "gold"}, "must hold yes or no"),
    (lambda t: t, {"validation": "golden"}, "Did you mean 'gold'"),
    (lambda t: t.assign(gold=np.where(t.index < 7, "yes", "no")), {"validation": "gold"},
     "at least 20 trusted rows"),
    (lambda t: t.assign(source=np.where(t.index < 3, "rare", t["source"])), {},
     r"at least 5 training rows, but 'rare' has"),
    (lambda t: t.assign(target="yes"), {}, "target must hold 2 to 20 classes"),
    (lambda t: t[["source", "target"]], {}, "must have a feature beside target and source")])
def test_rejects_tables_that_cannot_be_weighed(own, frame, change, options, said):
    path = own(change(frame.reset_index(drop=True)))
    with pytest.raises(ValueError, match=said):
        study.read_notes(study.Params(data=path, target="target", **options))


def test_rejects_parameters_that_fit_nothing():
    with pytest.raises(ParameterError, match="rates must hold shares from 0 to 1, got 2"):
        study.Params(rates=[0.0, 2.0])
    with pytest.raises(ParameterError, match="alphas must hold numbers above 0"):
        study.Params(alphas=[0.0])
    with pytest.raises(ParameterError, match="alphas must hold numbers above 0 and up to 10000"):
        study.Params(alphas=[1e300])
    with pytest.raises(ParameterError, match="which is neither"):
        study.Params(data="nowhere.csv")
    with pytest.raises(ParameterError, match="rates must be"):
        study.Params(rates=[0.5])
