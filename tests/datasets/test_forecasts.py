"""Tables of experts and of classes: what is inferred, told and refused."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workbench.core import generator
from workbench.datasets.class_table import load_class_table
from workbench.datasets.forecast_columns import looks_like_forecasts
from workbench.datasets.forecasts import forecasts_of, load_forecasts
from workbench.datasets.mixture_tables import MixtureTable
from workbench.datasets.moons import flip_entropy, moons
from workbench.datasets.simulated_forecasts import simulated_forecasts

PLAIN = pd.DataFrame({"day": ["2024-01-03", "2024-01-01", "2024-01-02"], "rained": [1, 0, 1],
                      "a": [0.9, 0.2, 0.7], "b": [0.5, 0.5, 0.6]})


@pytest.fixture
def file(tmp_path):
    def written(table, name="my {own} é.csv"):
        table.to_csv(tmp_path / name, index=False)
        return str(tmp_path / name)
    return written


def test_matches_inferred_columns(file):
    found = load_forecasts(file(PLAIN), time="day")
    assert found.kind == "probability"
    assert list(found.predictions) == ["a", "b"]
    assert found.predictions.index.tolist() == [3, 4, 2]             # rows of the file, by day
    assert found.outcome.tolist() == [0, 1, 1]
    assert any("outcome is column 'rained'" in note for note in found.notes)
    named = load_forecasts(file(PLAIN), outcome="rained", experts=["b", "a"])
    assert list(named.predictions) == ["b", "a"]
    assert any("order of the file" in note for note in named.notes)


def test_matches_words_numbers_gaps_and_texts(file):
    table = PLAIN.assign(rained=["yes", "no", "yes"], a=["0,9", "", "0,7"], note=["x", "y", "z"])
    path = file(table)
    table.to_csv(path, sep=";", index=False)
    found = load_forecasts(path, time="day")
    assert found.outcome.tolist() == [0, 1, 1]
    assert found.predictions["a"].isna().tolist() == [True, False, False]
    told = " ".join(found.notes)
    assert "those of 'yes' in column 'rained'" in told
    assert "Missing forecasts" in told
    assert "'note'" in told


def test_matches_points_quantiles_and_scores(file):
    rng = generator(0)
    table = pd.DataFrame({"y": rng.normal(size=9), "m1": rng.normal(size=9),
                          "m2": rng.normal(size=9)})
    assert load_forecasts(file(table)).kind == "point"
    assert load_forecasts(file(table), kind="quantile").kind == "quantile"
    scores = load_forecasts(file(table[["m1", "m2"]]), kind="log_score")
    assert scores.outcome is None
    table.loc[2, "y"] = np.nan
    assert "1 row without an outcome was left out." in load_forecasts(file(table)).notes
    binary = PLAIN.assign(rained=[1.0, np.nan, 0.0], c=[0.1, 0.2, 0.3])
    assert load_forecasts(file(binary)).outcome.tolist() == [1, 0]       # 1.0 in the file


@pytest.mark.parametrize(("change", "options", "words"), [
    ({}, {"outcome": "rain"}, "target must name columns of the data, got 'rain'. Did you mean"),
    ({}, {"experts": ["a", "c"]}, "experts must name columns of the data, got 'c'"),
    ({"a": [90, 20, 70]}, {"experts": ["a", "b"]}, "Divide percentages by 100"),
    ({"a": ["x", "y", "z"]}, {"experts": ["a", "b"]}, "column 'a' must hold numbers"),
    ({"a": ["x", "y", "z"]}, {}, "at least 2 columns of forecasts, got 'b'"),
    ({"rained": [0.1, 0.2, 0.3]}, {"kind": "probability", "outcome": "rained"},
     "two values beside probabilities"),
    ({"rained": [np.nan, np.nan, 1]}, {"outcome": "rained"}, "at least 2 rows with an outcome"),
    ({"rained": [3, 4, 5]}, {}, "target must name the column of what happened"),
    ({}, {"kind": "chance"}, "forecast must be one of"),
])
def test_rejects_tables_of_experts(file, change, options, words):
    with pytest.raises(ValueError, match=words):
        load_forecasts(file(PLAIN.assign(**change)), **options)


def test_matches_what_a_table_holds(file):
    simulated = simulated_forecasts(50, rng=generator(0))
    assert looks_like_forecasts(simulated)
    assert forecasts_of(simulated).predictions.shape == (50, 8)
    assert MixtureTable(file(simulated)).kind == "experts"
    rng = generator(1)
    classes = pd.DataFrame({"size": rng.normal(size=60), "colour": rng.choice(["r", "g"], 60),
                            "diagnosis": rng.choice(["ill", "well"], 60)})
    assert not looks_like_forecasts(classes)
    own = MixtureTable(file(classes, "classes.csv"))
    assert own.kind == "sgld"
    assert own.classes.classes == ("ill", "well")
    assert own.notes("sgld")
    with pytest.raises(ValueError, match=r"For a table of forecasts pass experiment='experts'"):
        MixtureTable(own.data, target="size").notes("sgld")
    assert MixtureTable("", seed=3).forecasts.kind == "probability"
    assert MixtureTable("").notes("experts") == ()


def test_matches_forecasts_of_another_country(file):
    simulated = simulated_forecasts(50, rng=generator(0))
    german = simulated.round(3).assign(
        Datum=pd.date_range("2023-01-01", periods=50).strftime("%d.%m.%Y"),
        stunde=np.arange(50)).to_csv(index=False, sep=";", decimal=",")
    path = Path(file(simulated, "wetter.csv"))
    path.write_text(german)
    assert MixtureTable(str(path)).kind == "sgld"               # hours are no shares
    assert MixtureTable(str(path), time="stunde").kind == "experts"
    found = load_forecasts(str(path), time="stunde")
    assert "Datum" not in found.predictions
    assert any("'Datum' is no expert: it holds dates" in note for note in found.notes)
    points = load_forecasts(str(path), time="stunde", kind="point", outcome="coin",
                            experts=[])
    assert "Datum" not in points.predictions
    words = german.replace("\n1;", "\nja;").replace("\n0;", "\nnein;")
    path.write_text(words)
    yes = load_forecasts(str(path), time="stunde")
    np.testing.assert_array_equal(yes.outcome, found.outcome)
    assert not any("lower on average" in note for note in yes.notes)
    path.write_text(words.replace("ja;", "alpha;").replace("nein;", "beta;"))
    assert any("forecasts are lower on average where 'beta' happened" in note
               for note in load_forecasts(str(path), time="stunde").notes)


def test_matches_classes_of_all_kinds(file):
    rng = generator(2)
    table = pd.DataFrame({"x": rng.normal(size=80), "grade": rng.integers(1, 4, 80),
                          "kind": rng.choice(["a", "b"], 80)})
    table.loc[:2, "grade"] = 9
    table.loc[3, "grade"] = np.nan
    table.loc[5, "x"] = np.nan
    found = load_class_table(file(table), target="grade")
    assert found.classes == ("1", "2", "3")
    assert len(found.y) == 76
    told = " ".join(found.notes)
    assert "1 row without a class was left out" in told
    assert "fewer than 5 rows were left out: '9'" in told
    assert "Missing cells of features" in told
    assert load_class_table(file(table)).target == "kind"
    assert load_class_table(file(table.assign(kind=rng.random(80) < 0.5))).classes == (
        "False", "True")


@pytest.mark.parametrize(("table", "options", "words"), [
    ({"x": np.arange(50.0), "y": np.zeros(50)}, {}, "at least 2 classes of 5 rows each"),
    ({"x": np.arange(50.0) ** 2, "y": np.arange(50.0)}, {"target": "y"}, "at most 20 classes"),
    ({"x": np.arange(20.0) ** 2, "y": [0, 1] * 10}, {}, "at least 40 rows with a class"),
    ({"x": np.ones(50), "y": [0, 1] * 25}, {}, "a feature beside the target"),
    ({"x": np.arange(50.0), "y": [0, 1] * 25}, {"target": "z"}, "target must name a column"),
])
def test_rejects_tables_of_classes(file, table, options, words):
    with pytest.raises(ValueError, match=words):
        load_class_table(file(pd.DataFrame(table)), **options)


def test_matches_moons_to_their_noise():
    x, y = moons(20_000, flip=0.2, noise=0.0, rng=generator(0))
    upper = (x[:, 1] + 0.25 > 0) & (np.abs(np.hypot(x[:, 0] + 0.5, x[:, 1] + 0.25) - 1) < 1e-9)
    assert np.mean(y[upper] == 1) == pytest.approx(0.2, abs=0.02)
    assert flip_entropy(0.0) == 0
    assert flip_entropy(0.5) == pytest.approx(np.log(2))
    for options, words in (({"flip": 0.5}, "flip must lie"), ({"noise": -1}, "noise must be")):
        with pytest.raises(ValueError, match=words):
            moons(5, rng=generator(0), **options)
    with pytest.raises(ValueError, match="flip must lie in"):
        flip_entropy(2)
